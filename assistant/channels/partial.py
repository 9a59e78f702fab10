"""Replies that grow on the customer's page: the action server posts each sentence while the turn still runs.

Rasa delivers what an action says only when the action has ended. Until then the page shows the sentences that have
passed the checks. The ordinary message takes their place, and whatever nothing took the place of is withdrawn at the
end of the turn. Sentences live in this process only: the tracker, the history and the desk never hold them.
"""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from rasa.core.channels.channel import UserMessage
from sanic import Blueprint, response
from sanic.exceptions import InvalidUsage
from sanic.request import Request
from sanic.response import HTTPResponse

from assistant.channels import text

EVENT = "bot_partial"
MAX_BODY_BYTES = 8_000
MAX_CHARACTERS = 1000  # of one sentence
MAX_SENTENCES = 20
BODY_WANTED = (
    'The body must be JSON: {"sender": "…", "id": "…", "seq": 0, "text": "a sentence"}, '
    f"with up to {MAX_CHARACTERS:,} characters in the sentence."
)

Emit = Callable[..., Awaitable[None]]


@dataclass
class PartialReply:
    """What the customer has been shown of a reply; `id` is that of the message it answers."""

    id: str
    conversation: str
    sentences: list[str] = field(default_factory=list)
    done: bool = False

    def event(self) -> dict[str, Any]:
        """What a page needs: all sentences so far, so that one that comes late or misses some has everything.

        `done` tells that the turn is over, and with it what was shown in part.
        """
        return {"id": self.id, "sentences": [] if self.done else list(self.sentences), "done": self.done}


class PartialReplies:
    """The replies to the messages whose turns run at the moment; `emit` is the socket server's."""

    def __init__(self, emit: Emit) -> None:
        """Start with none."""
        self._emit = emit
        self._running: dict[str, PartialReply] = {}

    @asynccontextmanager
    async def turn(self, message: UserMessage) -> AsyncIterator[PartialReply]:
        """While the context lasts the reply to `message` can be shown in parts; the end withdraws them."""
        reply = self._running[message.message_id] = PartialReply(message.message_id, message.sender_id)
        try:
            yield reply
        finally:
            del self._running[reply.id]
            reply.done = True
            await self._show(reply, reply.conversation)

    async def catch_up(self, conversation: str, page: str) -> None:
        """Tell a page that has just connected which turns run, with what the other pages have been shown."""
        for reply in list(self._running.values()):
            if reply.conversation == conversation:
                await self._show(reply, page)

    async def add(self, conversation: str, reply_id: str, seq: int, sentence: str) -> bool:
        """Show one more sentence; False when no such turn runs, or an earlier sentence is missing."""
        reply = self._running.get(reply_id)
        if reply is None or reply.conversation != conversation or seq > len(reply.sentences):
            return False
        if seq == len(reply.sentences) < MAX_SENTENCES:
            reply.sentences.append(sentence)
            await self._show(reply, conversation)
        return True

    async def _show(self, reply: PartialReply, room: str) -> None:
        await self._emit(EVENT, reply.event(), room=room)

    def add_route(self, blueprint: Blueprint, token: str) -> None:
        """POST …/partial with {"sender", "id", "seq", "text"} and `Authorization: Bearer <token>`.

        Answers 204, or 404 when no turn of this conversation answers the message `id`.
        """
        expected = f"Bearer {token}".encode()

        # As a stream, so that neither the token nor the size is looked at only after the body was read.
        @blueprint.route("/partial", methods=["POST"], stream=True)
        async def partial(request: Request) -> HTTPResponse:
            request.stream.request_max_size = MAX_BODY_BYTES
            given = request.headers.get("Authorization", "").encode("utf-8", "replace")
            if not hmac.compare_digest(given, expected):
                return _error(401, "This address is for the action server: send `Authorization: Bearer <token>`.")
            await request.receive_body()  # raises PayloadTooLarge, which Sanic answers with 413
            content = _read(request)
            if content is None:
                return _error(400, BODY_WANTED)
            if not await self.add(**content):
                return _error(404, "No turn of this conversation is running that could show this sentence.")
            return response.empty()


def _read(request: Request) -> dict[str, Any] | None:
    try:
        body = request.json
    except InvalidUsage:
        return None
    if not isinstance(body, dict):
        return None
    sender, reply_id, seq, sentence = (body.get(key) for key in ("sender", "id", "seq", "text"))
    if not all(isinstance(value, str) for value in (sender, reply_id, sentence)) or type(seq) is not int or seq < 0:
        return None
    sentence = text.clean(sentence)
    if not sentence or len(sentence) > MAX_CHARACTERS:
        return None
    return {"conversation": sender, "reply_id": reply_id, "seq": seq, "sentence": sentence}


def _error(status: int, sentence: str) -> HTTPResponse:
    return response.json({"error": sentence}, status=status)
