"""The web chat: Rasa's socket.io channel, where the conversation is what the signed token says."""

from __future__ import annotations

import inspect
import logging
import os
import time
from typing import Any
from urllib.parse import urlsplit

from rasa.core.channels.channel import InputChannel, UserMessage
from rasa.core.channels.socketio import SocketBlueprint, SocketIOInput, SocketIOOutput
from rasa.shared.exceptions import RasaException
from sanic import Blueprint, response
from sanic.request import Request
from sanic.response import HTTPResponse
from socketio import AsyncServer
from socketio.exceptions import ConnectionRefusedError as Refused

from assistant.channels import signing
from assistant.channels.guard import Guarded, OnNewMessage
from assistant.channels.partial import PartialReplies, PartialReply

logger = logging.getLogger(__name__)

MAX_FRAME_BYTES = 250_000
LOOPBACK = ("localhost", "127.0.0.1")


class OriginsMissing(RasaException):
    """Nothing says which pages may use the web chat."""


class WebChatOutput(SocketIOOutput):
    """Sends each message of the bot or of an agent to everyone in the customer's room, as one bubble."""

    def __init__(self, sio: AsyncServer, bot_message_evt: str, reply: PartialReply | None = None) -> None:
        """`reply` is what the customer has been shown of the reply to the message that this channel answers."""
        super().__init__(sio, bot_message_evt)
        self._reply = reply

    @classmethod
    def name(cls) -> str:
        """The input channel's name."""
        return "webchat"

    @property
    def speaking(self) -> bool:
        """Whether the customer sees a reply grow, although no message has been sent yet."""
        return bool(self._reply and self._reply.sentences)

    async def send_response(self, recipient_id: str, message: dict[str, Any]) -> None:
        """Emits `bot_uttered` with text, quick_replies, author, agent_name, sources and reply_id.

        `reply_id` names the partial reply that the message takes the place of.
        """
        # An action's metadata comes nested, an appended event's comes flat.
        metadata = message.get("metadata") or message
        buttons = message.get("buttons") or message.get("quick_replies") or []
        bubble = {
            "text": (message.get("text") or "").strip(),
            "quick_replies": [{"title": b["title"], "payload": b.get("payload", b["title"])} for b in buttons],
            "author": message.get("author") or "bot",
            "agent_name": message.get("agent_name"),
            "sources": metadata.get("sources") or [],
            "reply_id": metadata.get("reply_id"),
        }
        extras = {key: message[key] for key in ("image", "custom") if message.get(key)}
        if bubble["text"] or buttons or extras:
            await self._send_message(recipient_id, {**bubble, **extras})


class _SocketChannel(SocketIOInput):
    """Rasa's channel with events of our own."""

    def __init__(self, origins: list[str], actions_token: str = "") -> None:
        super().__init__(session_persistence=True)
        self._origins = origins
        self._actions_token = actions_token

    def get_output_channel(self) -> SocketIOOutput | None:
        return WebChatOutput(self.sio, self.bot_message_evt) if self.sio else None

    def blueprint(self, on_new_message: OnNewMessage) -> Blueprint:
        # An empty list of origins would turn the check off.
        self.sio = sio = AsyncServer(
            async_mode="sanic", cors_allowed_origins=self._origins, max_http_buffer_size=MAX_FRAME_BYTES
        )
        blueprint = SocketBlueprint(sio, self.socketio_path, "webchat", __name__)
        self._replies = PartialReplies(sio.emit)
        if self._actions_token:
            self._replies.add_route(blueprint, self._actions_token)

        @blueprint.route("/", methods=["GET"])
        async def health(_: Request) -> HTTPResponse:
            return response.json({"status": "ok"})

        @sio.on("connect")
        async def connect(sid: str, _environ: dict[str, Any], auth: Any = None) -> None:
            await self._connect(sid, auth)

        @sio.on("session_request")
        async def session_request(sid: str, _data: Any = None) -> None:
            session = await sio.get_session(sid)
            await sio.emit("session_confirm", session["conversation"], room=sid)
            await self._replies.catch_up(session["conversation"], sid)

        @sio.on(self.user_message_evt)
        async def user_uttered(sid: str, data: Any = None) -> None:
            await self._receive(sid, data, on_new_message)

        return blueprint

    async def _connect(self, sid: str, auth: Any) -> None:
        try:
            token = signing.read_token(auth.get("token") if isinstance(auth, dict) else None)
        except signing.TokenRefused as error:
            raise Refused(str(error)) from error
        await self.sio.save_session(sid, {"conversation": token.conversation, "expires_at": token.expires_at})
        joined = self.sio.enter_room(sid, token.conversation)
        # A coroutine since python-socketio 5.10.
        if inspect.isawaitable(joined):
            await joined

    async def _receive(self, sid: str, data: Any, on_new_message: OnNewMessage) -> None:
        session = await self.sio.get_session(sid)
        if session["expires_at"] < time.time():
            # The page renews its token and connects again.
            await self.sio.emit("session_expired", room=sid)
            await self.sio.disconnect(sid)
            return
        content = data if isinstance(data, dict) else {}
        text, payload = content.get("message"), content.get("payload")
        if not isinstance(text, str | None) or not isinstance(payload, str | None):
            logger.error("A message of %s was ignored: it is not text.", session["conversation"])
            text = payload = None
        message = UserMessage(
            text or "",
            sender_id=session["conversation"],
            input_channel=self.name(),
            metadata={"payload": payload},
        )
        async with self._replies.turn(message) as reply:
            message.output_channel = WebChatOutput(self.sio, self.bot_message_evt, reply)
            await on_new_message(message)


class WebChatInput(Guarded, _SocketChannel):
    """The guarded web chat."""

    @classmethod
    def name(cls) -> str:
        """Also the output channel's name, so that `output_channel=latest` finds the customer's room."""
        return "webchat"

    @classmethod
    def from_credentials(cls, credentials: dict[str, Any] | None) -> InputChannel:
        """Reads `desk_url`, whose page is always allowed, and `allowed_origins`, a list of others.

        With `actions_token`, by default ACTIONS_TOKEN, the action server may show replies sentence by sentence.

        Raises:
            OriginsMissing: neither they nor DESK_URL name a page.
        """
        credentials = credentials or {}
        desk_url = credentials.get("desk_url") or os.environ.get("DESK_URL")
        origins = [*_origins_of(desk_url), *(credentials.get("allowed_origins") or [])]
        if not origins:
            raise OriginsMissing("DESK_URL is not set: start Tandem with `make run`, or load var/env first.")
        signing.secret()
        return cls(origins, credentials.get("actions_token") or os.environ.get("ACTIONS_TOKEN", ""))


def _origins_of(url: str | None) -> list[str]:
    """The origin of a page; a page on this machine may be opened under both of its names."""
    parts = urlsplit(url or "")
    if not parts.scheme or not parts.hostname:
        return []
    names = LOOPBACK if parts.hostname in LOOPBACK else (parts.hostname,)
    port = f":{parts.port}" if parts.port else ""
    return [f"{parts.scheme}://{name}{port}" for name in names]
