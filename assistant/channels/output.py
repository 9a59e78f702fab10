"""The output channel as the guard sees it."""

from __future__ import annotations

import logging
from typing import Any

from rasa.core.channels.channel import OutputChannel

from assistant.channels import signing

logger = logging.getLogger(__name__)


class GuardedOutput(OutputChannel):
    """Signs the button payloads on their way out; a message that cannot be delivered raises, so that agents learn."""

    def __init__(self, channel: OutputChannel) -> None:
        """Wraps the connector's own output channel."""
        self._channel = channel

    def name(self) -> str:  # type: ignore[override]
        """The connector's name: responses for one channel only are chosen by it."""
        return self._channel.name()

    async def send_response(self, recipient_id: str, message: dict[str, Any]) -> None:
        """Delivers a message."""
        signed = {**message}
        for key in ("buttons", "quick_replies"):
            if message.get(key):
                signed[key] = [_with_signature(button, recipient_id) for button in message[key]]
        await self._channel.send_response(recipient_id, signed)


class TurnOutput(GuardedOutput):
    """The output of one turn: remembers whether anything was said, and goes on when it cannot be delivered.

    An exception would end the turn, and Rasa would not store what the customer wrote and what was done for them.
    """

    def __init__(self, channel: OutputChannel) -> None:
        """Nothing has been said yet."""
        super().__init__(channel)
        self.silent = True
        self.delivered = 0
        self.failed = 0

    @property
    def speaking(self) -> bool:
        """Whether the customer sees a reply grow that has not been sent yet."""
        return bool(getattr(self._channel, "speaking", False))

    @property
    def has_spoken(self) -> bool:
        """Whether the customer has seen a word of the answer."""
        return not self.silent or self.speaking

    async def send_response(self, recipient_id: str, message: dict[str, Any]) -> None:
        """Delivers a message of the turn."""
        self.silent = False
        await self.notify(recipient_id, message)

    async def notify(self, recipient_id: str, message: dict[str, Any]) -> None:
        """Delivers a message of the guard's own, which is no answer to what the customer asked. Never raises."""
        try:
            await super().send_response(recipient_id, message)
            self.delivered += 1
        except Exception as error:
            self.failed += 1
            # The error's own text can hold the message and the customer's address.
            logger.error("A message of %s could not be delivered: %s.", recipient_id, type(error).__name__)


def _with_signature(button: dict[str, Any], conversation: str) -> dict[str, Any]:
    payload = button.get("payload")
    if not isinstance(payload, str) or not payload.startswith("/"):
        return button
    return {**button, "payload": signing.sign(payload, conversation)}
