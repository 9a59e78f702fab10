"""Secrets in customers' messages: removed before Rasa sees them, and told about once of each kind."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

from rasa.core.agent import Agent
from rasa.shared.core.constants import REQUESTED_SLOT

from assistant.channels.limits import MAX_SENDERS
from assistant.privacy import redactor, slots


class Secrets:
    """Takes cards, passwords and codes out of texts, and remembers who was told about which kind."""

    def __init__(self) -> None:
        """Nobody has been told."""
        self._told: OrderedDict[tuple[str, str], None] = OrderedDict()

    async def remove(self, agent: Agent | None, conversation: str, typed: str) -> str:
        """The text without secrets; a one-time code stays where the conversation has just asked for it."""
        # Only what reads like a code is worth a look at the conversation.
        asked = redactor.may_hold_code(typed) and await _asks_for_code(agent, conversation)
        return redactor.redact(typed, code_asked=asked)

    def notices(self, conversation: str, typed: str, redacted: str) -> Iterator[str]:
        """What to tell the customer about what was removed."""
        for kind in redactor.kinds_removed(typed, redacted):
            if (conversation, kind) in self._told:
                continue
            self._told[conversation, kind] = None
            if len(self._told) > MAX_SENDERS:
                self._told.popitem(last=False)
            yield redactor.notice(kind)


async def _asks_for_code(agent: Agent | None, conversation: str) -> bool:
    tracker = await agent.tracker_store.retrieve(conversation) if agent else None
    return tracker is not None and tracker.get_slot(REQUESTED_SLOT) in slots.SECRET
