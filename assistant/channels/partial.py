"""Replies that grow on the customer's page: the action server posts each sentence while the turn still runs.

Rasa delivers what an action says only when the action has ended. Until then the page shows the sentences that have
passed the checks. The ordinary message takes their place, and whatever nothing took the place of is withdrawn at the
end of the turn. Sentences live only in the process that runs the turn: the tracker, the history and the desk never hold
them. With several processes a sentence may be posted to another one, which passes it on.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from rasa.core.channels.channel import UserMessage
from sanic import Blueprint, response
from sanic.response import HTTPResponse

from assistant.channels import internal, text
from assistant.channels.workers import OneWorker, RedisWorkers

EVENT = "bot_partial"
MAX_CHARACTERS = 1000  # of one sentence
MAX_SENTENCES = 20
BODY_WANTED = (
    'The body must be JSON: {"sender": "…", "id": "…", "seq": 0, "text": "a sentence"}, '
    f"with up to {MAX_CHARACTERS:,} characters in the sentence."
)


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
    """The replies to the messages whose turns run in this process at the moment."""

    def __init__(self, workers: OneWorker | RedisWorkers) -> None:
        """`workers` delivers the events, and knows the other processes."""
        self._workers = workers
        self._running: dict[str, PartialReply] = {}
        workers.hear("partial", self.add)
        workers.hear("catch_up", self._catch_up)

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
        await self._catch_up(conversation, page)
        await self._workers.tell("catch_up", conversation=conversation, page=page)

    async def _catch_up(self, conversation: str, page: str) -> None:
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
        await self._workers.emit(EVENT, reply.event(), namespace="/", room=room)

    def add_route(self, blueprint: Blueprint, token: str) -> None:
        """POST …/partial with {"sender", "id", "seq", "text"} and `Authorization: Bearer <token>`.

        Answers 204, or 404 when no turn of this conversation answers the message `id`.
        """

        async def partial(body: dict[str, Any]) -> HTTPResponse:
            content = _read(body)
            if content is None:
                return internal.error(400, BODY_WANTED)
            if not (await self.add(**content) or await self._pass_on(content)):
                return internal.error(404, "No turn of this conversation is running that could show this sentence.")
            return response.empty()

        internal.add_route(blueprint, "/partial", token, partial)

    async def _pass_on(self, content: dict[str, Any]) -> bool:
        """To the process that runs the turn, if it can be another; nobody knows whether one does."""
        return content["reply_id"] not in self._running and await self._workers.tell("partial", **content)


def _read(body: dict[str, Any]) -> dict[str, Any] | None:
    sender, reply_id, seq, sentence = (body.get(key) for key in ("sender", "id", "seq", "text"))
    if not all(isinstance(value, str) for value in (sender, reply_id, sentence)) or type(seq) is not int or seq < 0:
        return None
    sentence = text.clean(sentence)
    if not sentence or len(sentence) > MAX_CHARACTERS:
        return None
    return {"conversation": sender, "reply_id": reply_id, "seq": seq, "sentence": sentence}
