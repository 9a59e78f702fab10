"""The output channel as a guarded turn sees it."""

from __future__ import annotations

from typing import Any

from rasa.core.channels.channel import OutputChannel

from assistant.channels import signing


class GuardedOutput(OutputChannel):
    """Signs the button payloads on their way out and remembers whether anything was said."""

    def __init__(self, channel: OutputChannel) -> None:
        """Wraps the connector's own output channel."""
        self._channel = channel
        self.silent = True

    def name(self) -> str:  # type: ignore[override]
        """The connector's name: responses for one channel only are chosen by it."""
        return self._channel.name()

    @property
    def speaking(self) -> bool:
        """Whether the customer sees a reply grow that has not been sent yet."""
        return bool(getattr(self._channel, "speaking", False))

    async def send_response(self, recipient_id: str, message: dict[str, Any]) -> None:
        """Delivers a message of the turn."""
        self.silent = False
        await self.notify(recipient_id, message)

    async def notify(self, recipient_id: str, message: dict[str, Any]) -> None:
        """Delivers a message of the guard's own, which is no answer to what the customer asked."""
        signed = {**message}
        for key in ("buttons", "quick_replies"):
            if message.get(key):
                signed[key] = [_with_signature(button, recipient_id) for button in message[key]]
        await self._channel.send_response(recipient_id, signed)


def _with_signature(button: dict[str, Any], conversation: str) -> dict[str, Any]:
    payload = button.get("payload")
    if not isinstance(payload, str) or not payload.startswith("/"):
        return button
    return {**button, "payload": signing.sign(payload, conversation)}
