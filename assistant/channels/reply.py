"""A message of the bot or of an agent as the messaging platforms show it, and its way there."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, Protocol

from rasa.core.channels.channel import OutputChannel

from assistant.channels.addressbook import AddressUnknown, address_book
from assistant.channels.platform_api import PATIENCE, DeliveryFailed

logger = logging.getLogger(__name__)

AGENTS_PATIENCE = 8.0  # seconds: the desk waits for twelve

# The desk puts a space into empty lines, where Rasa's own channels would split the text.
_BLANK_LINE = re.compile(r"\n[ \t]+(?=\n)")


@dataclass(frozen=True)
class Reply:
    """What is to be shown. `agent` is the name of the person who wrote it, `buttons` have a title and a payload each.

    The text ends with a line that names the `sources` (titles), if there are any.
    """

    text: str
    buttons: tuple[tuple[str, str], ...] = ()
    sources: tuple[str, ...] = ()
    agent: str | None = None
    image: str | None = None

    @classmethod
    def of(cls, message: dict[str, Any]) -> Reply:
        """Reads a message as Rasa hands it to an output channel."""
        # An action's metadata comes nested, an appended event's comes flat.
        metadata = message.get("metadata") or message
        buttons = message.get("buttons") or message.get("quick_replies") or []
        return cls(
            text=_BLANK_LINE.sub("\n", (message.get("text") or "").strip()),
            buttons=tuple((str(b["title"]), str(b.get("payload") or b["title"])) for b in buttons if b.get("title")),
            sources=tuple(str(s["title"]) for s in metadata.get("sources") or [] if s.get("title")),
            agent=(message.get("agent_name") or "Agent") if message.get("author") == "agent" else None,
            image=message.get("image"),
        )

    @property
    def signed_text(self) -> str:
        """The text with the name of the person who wrote it in front."""
        return f"{self.agent}: {self.text}" if self.agent else self.text


class Platform(Protocol):
    """What can show a reply at an address."""

    def name(self) -> str:
        """The channel's name."""

    def post(self, address: str, conversation: str, reply: Reply, patience: float) -> Awaitable[None]:
        """Shows it, within `patience` seconds. Raises DeliveryFailed."""


class PlatformOutput(OutputChannel):
    """Sends messages to a conversation's address, which is known during a turn and looked up later."""

    def __init__(self, platform: Platform, address: str | None = None) -> None:
        """`address` is where the message that is being answered came from."""
        self._platform = platform
        self._address = address

    def name(self) -> str:  # type: ignore[override]
        """The input channel's name."""
        return self._platform.name()

    async def send_response(self, recipient_id: str, message: dict[str, Any]) -> None:
        """Shows the message.

        Raises:
            DeliveryFailed, AddressUnknown: an agent's message cannot be delivered. Rasa then does not store it, and
                the desk tells the agent. The bot's and the system's are logged: what the turn has done must be kept.
        """
        reply = Reply.of(message)
        if not (reply.text or reply.buttons or reply.image):
            return
        try:
            address = self._address or address_book().address_of(recipient_id)
            await self._platform.post(address, recipient_id, reply, AGENTS_PATIENCE if reply.agent else PATIENCE)
        except (DeliveryFailed, AddressUnknown) as error:
            logger.error("A message to %s could not be delivered: %s.", recipient_id, str(error).rstrip("."))
            if reply.agent:
                raise
