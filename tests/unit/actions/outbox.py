"""Messages that tasks send beside the conversation, kept for the tests to read."""

import re

from actions.backends import Channel, Identity, Recipient, Unavailable
from actions.backends.contacts import masked


class Outbox:
    """Stands for the notifications backend; what is in `broken` cannot be sent on."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, str]] = []
        self.broken: set[str] = set()

    def channels(self) -> frozenset[Channel]:
        """See `Notifications.channels`."""
        return frozenset({"email", "sms"})

    def send(self, identity: Identity, to: Recipient, subject: str, body: str) -> str:
        """See `Notifications.send`."""
        if to.channel in self.broken:
            raise Unavailable("no answer")
        self.sent.append((to.address, subject, body))
        return masked(to)

    @property
    def code(self) -> str:
        """The one-time code that was sent last."""
        return [found for _, _, body in self.sent for found in re.findall(r"\b\d{6}\b", body)][-1]

    @property
    def wrong(self) -> str:
        """Six digits that are not that code."""
        return "111111" if self.code != "111111" else "222222"
