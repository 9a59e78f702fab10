"""The web chat: Rasa's socket.io channel, where the conversation is what the signed token says.

The events are those of Rasa's widgets: `session_request`, `session_confirm`, `user_uttered`, `bot_uttered`. A client
shows its token in the handshake (`auth.token`, or the header `Authorization: Bearer`), or in `session_request` or
`user_uttered` as `token` or `customData.token`. The `session_id` that such a client names is not looked at.
"""

from __future__ import annotations

import logging
import os
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

from assistant.channels import internal, protocol, signing
from assistant.channels.guard import Guarded, OnNewMessage
from assistant.channels.partial import PartialReplies, PartialReply
from assistant.channels.sessions import Session, Sessions
from assistant.channels.tokens import EXPIRED, TokenRefused
from assistant.channels.workers import OneWorker, RedisWorkers

logger = logging.getLogger(__name__)

MAX_FRAME_BYTES = 250_000
MAX_REVOKED_SECONDS = 86_400
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
    """Rasa's channel with events and routes of our own."""

    def __init__(
        self, origins: list[str], actions_token: str = "", token: str = "", redis_url: str = "", proxies: int = 0
    ) -> None:
        super().__init__(session_persistence=True)
        self._origins = origins
        self._actions_token = actions_token
        self._token = token
        self._redis_url = redis_url
        self._proxies = proxies

    def get_output_channel(self) -> SocketIOOutput | None:
        return WebChatOutput(self.sio, self.bot_message_evt) if self.sio else None

    def blueprint(self, on_new_message: OnNewMessage) -> Blueprint:
        workers = RedisWorkers(self._redis_url) if self._redis_url else OneWorker()
        # An empty list of origins would turn the check off.
        self.sio = sio = AsyncServer(
            async_mode="sanic",
            client_manager=workers,
            cors_allowed_origins=self._origins,
            max_http_buffer_size=MAX_FRAME_BYTES,
        )
        self._sessions = sessions = Sessions(sio, workers)
        self._replies = PartialReplies(workers)
        blueprint = SocketBlueprint(sio, self.socketio_path, "webchat", __name__)
        self._add_routes(blueprint)

        @blueprint.listener("before_server_start")
        async def start(*_: Any) -> None:
            await workers.start()

        @blueprint.listener("before_server_stop")
        async def stop(*_: Any) -> None:
            await workers.stop()

        @sio.on("connect")
        async def connect(sid: str, environ: dict[str, Any], auth: Any = None) -> None:
            await sessions.begin(sid, protocol.client_address(environ["sanic.request"], self._proxies))
            token = protocol.handshake_token(environ, auth)
            if token is not None:
                try:
                    await sessions.admit(sid, token)
                except TokenRefused as error:
                    raise Refused(str(error)) from error

        @sio.on("disconnect")
        async def disconnect(sid: str, *_: Any) -> None:
            sessions.ended(sid)

        @sio.on("session_request")
        async def session_request(sid: str, data: Any = None) -> None:
            session = await self._speaker(sid, data)
            if session:
                await sio.emit("session_confirm", session.conversation, room=sid)
                await self._replies.catch_up(session.conversation, sid)

        @sio.on("session_renew")
        async def session_renew(sid: str, data: Any = None) -> None:
            await self._speaker(sid, data)

        @sio.on(self.user_message_evt)
        async def user_uttered(sid: str, data: Any = None) -> None:
            session = await self._speaker(sid, data)
            if session:
                await self._receive(session, data, on_new_message)

        return blueprint

    def _add_routes(self, blueprint: Blueprint) -> None:
        @blueprint.route("/", methods=["GET"])
        async def health(_: Request) -> HTTPResponse:
            return response.json({"status": "ok"})

        async def revoke(body: dict[str, Any]) -> HTTPResponse:
            conversation, seconds = body.get("conversation"), body.get("seconds")
            if not isinstance(conversation, str) or not conversation or type(seconds) is not int:
                return internal.error(400, 'The body must be JSON: {"conversation": "…", "seconds": 900}.')
            await self._sessions.revoke(conversation, min(max(seconds, 1), MAX_REVOKED_SECONDS))
            return response.empty()

        if self._token:
            internal.add_route(blueprint, "/revoke", self._token, revoke)
        if self._actions_token:
            self._replies.add_route(blueprint, self._actions_token)

    async def _speaker(self, sid: str, data: Any) -> Session | None:
        """The connection's session, after the token that came with the event; without one that holds it is closed."""
        token, accepted = protocol.event_token(data), True
        if token is not None:
            try:
                await self._sessions.admit(sid, token)
            except TokenRefused as error:
                # An expired token does no harm where a later one was shown: widgets repeat their first one.
                accepted = str(error) == EXPIRED
        session = await self._sessions.of(sid)
        if accepted and await self._sessions.may_speak(session):
            return session
        await self._sessions.refuse(sid)
        return None

    async def _receive(self, session: Session, data: Any, on_new_message: OnNewMessage) -> None:
        content = data if isinstance(data, dict) else {}
        text, payload = content.get("message"), content.get("payload")
        if not isinstance(text, str | None) or not isinstance(payload, str | None):
            logger.error("A message of %s was ignored: it is not text.", session.conversation)
            text = payload = None
        message = UserMessage(
            text or "",
            sender_id=session.conversation,
            input_channel=self.name(),
            metadata=protocol.guard_metadata(content, payload, session.address),
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
        """Reads `desk_url`, whose page is always allowed, and `allowed_origins`, a list of others beside CHAT_ORIGINS.

        With `actions_token`, by default ACTIONS_TOKEN, the action server may show replies sentence by sentence. With
        `token`, by default RASA_TOKEN, the desk may revoke sessions. `redis_url` connects several server processes;
        `proxies` is how many reverse proxies' X-Forwarded-For is believed.

        Raises:
            OriginsMissing: neither they nor DESK_URL name a page.
        """
        credentials = credentials or {}
        desk_url = credentials.get("desk_url") or os.environ.get("DESK_URL")
        shared = [part.strip() for part in os.environ.get("CHAT_ORIGINS", "").split(",") if part.strip()]
        origins = [*_origins_of(desk_url), *(credentials.get("allowed_origins") or []), *shared]
        if not origins:
            raise OriginsMissing("DESK_URL is not set: start Tandem with `make run`, or load var/env first.")
        signing.secret()
        return cls(
            origins,
            credentials.get("actions_token") or os.environ.get("ACTIONS_TOKEN", ""),
            credentials.get("token") or os.environ.get("RASA_TOKEN", ""),
            credentials.get("redis_url") or "",
            int(credentials.get("proxies") or 0),
        )


def _origins_of(url: str | None) -> list[str]:
    """The origin of a page; a page on this machine may be opened under both of its names."""
    parts = urlsplit(url or "")
    if not parts.scheme or not parts.hostname:
        return []
    names = LOOPBACK if parts.hostname in LOOPBACK else (parts.hostname,)
    port = f":{parts.port}" if parts.port else ""
    return [f"{parts.scheme}://{name}{port}" for name in names]
