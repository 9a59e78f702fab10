"""Prints messages to the action server's output, so that whoever tries Tandem can read them there."""

from ..contacts import masked
from ..protocols import Channel, Identity, Recipient
from .record import record

_NAMES: dict[Channel, str] = {"email": "e-mail", "sms": "text message"}


def line(to: Recipient, subject: str, body: str) -> str:
    """A message in one line: `[notification] e-mail to p•••@example.com: Your code: It is 123456.`"""
    text = " ".join(body.split())
    return f"[notification] {_NAMES[to.channel]} to {masked(to)}: {' '.join(subject.split())}: {text}"


class ConsoleNotifications:
    """Implements `Notifications`."""

    def channels(self) -> frozenset[Channel]:
        """See `Notifications.channels`."""
        return frozenset(_NAMES)

    def send(self, identity: Identity, to: Recipient, subject: str, body: str) -> str:
        """See `Notifications.send`."""
        print(line(to, subject, body), flush=True)
        return record(identity, to, subject)
