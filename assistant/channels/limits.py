"""How much one sender and one network address may send, with the settings of a channel's `limits:` block."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import Enum
from typing import Any

from rasa.shared.exceptions import RasaException

from assistant.channels.attachments import KINDS

MAX_SENDERS = 10_000


class LimitsWrong(RasaException):
    """The `limits:` block of a channel cannot be used."""


@dataclass(frozen=True)
class Limits:
    """What one channel takes; `limits:` in its block of credentials.yml can set each field.

    characters: of one message. messages in seconds: of one sender. address_messages in address_seconds: of one network
    address. address_conversations in address_conversation_seconds: new conversations of one address. attachments: the
    kinds that are noted for the desk; the customer is told about all others.
    """

    characters: int = 1_000
    messages: int = 20
    seconds: int = 10
    address_messages: int = 120
    address_seconds: int = 60
    address_conversations: int = 60
    address_conversation_seconds: int = 600
    attachments: tuple[str, ...] = ()

    @classmethod
    def read(cls, settings: Any) -> Limits:
        """The limits of a `limits:` block; None is the defaults.

        Raises:
            LimitsWrong: a setting is unknown, no whole number from 1 to its maximum, or no kind of attachment.
        """
        if settings is None:
            return cls()
        if not isinstance(settings, dict):
            raise LimitsWrong("`limits` must be settings like `messages: 20`, one a line.")
        values = {str(name): _checked(str(name), value) for name, value in settings.items()}
        return cls(**values)


# Above these a limit is none any more, or a window outlives what the process remembers.
_MOST = {"characters": 4_000, "messages": 1_000, "address_messages": 100_000, "address_conversations": 100_000}
_LONGEST = 3_600  # seconds


def _checked(name: str, value: Any) -> Any:
    known = [field.name for field in fields(Limits)]
    if name not in known:
        raise LimitsWrong(f"`limits` has no setting `{name}`: it knows {', '.join(known)}.")
    if name == "attachments":
        if not isinstance(value, list) or not all(isinstance(kind, str) and kind in KINDS for kind in value):
            raise LimitsWrong(f"`limits: attachments` must be a list of these kinds: {', '.join(KINDS)}.")
        return tuple(value)
    most = _MOST.get(name, _LONGEST)
    if type(value) is not int or not 1 <= value <= most:
        raise LimitsWrong(f"`limits: {name}` must be a whole number from 1 to {most}.")
    return value


class Pace(Enum):
    """What to do with a message."""

    HANDLE = "handle"
    WARN = "warn"  # the first one too many: refuse it and say so
    DROP = "drop"  # the next ones too many: refuse them without a word


class RateLimit:
    """At most `messages` in any `seconds`, for each sender: a sliding window."""

    def __init__(self, messages: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Remembers the last MAX_SENDERS senders."""
        self._messages = messages
        self._seconds = seconds
        self._clock = clock
        self._handled: OrderedDict[str, deque[float]] = OrderedDict()
        self._warned: set[str] = set()

    def check(self, sender: str) -> Pace:
        """Counts a message and says what to do with it; refused messages do not count."""
        now = self._clock()
        times = self._handled.setdefault(sender, deque())
        self._handled.move_to_end(sender)
        while times and times[0] <= now - self._seconds:
            times.popleft()
        if len(times) < self._messages:
            times.append(now)
            self._warned.discard(sender)
            self._forget_oldest()
            return Pace.HANDLE
        if sender in self._warned:
            return Pace.DROP
        self._warned.add(sender)
        return Pace.WARN

    def _forget_oldest(self) -> None:
        if len(self._handled) > MAX_SENDERS:
            sender, _ = self._handled.popitem(last=False)
            self._warned.discard(sender)


class Addresses:
    """The limits of a network address: messages, and conversations that have not been seen before."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        """Remembers the last MAX_SENDERS conversations."""
        self._messages = RateLimit(limits.address_messages, limits.address_seconds, clock)
        self._new = RateLimit(limits.address_conversations, limits.address_conversation_seconds, clock)
        self._known: OrderedDict[str, None] = OrderedDict()

    def may_write(self, address: str, conversation: str) -> bool:
        """Whether the address may send this message; counts it."""
        network = network_of(address)
        if not network:
            return True
        known = conversation in self._known
        if not known and self._new.check(network) is not Pace.HANDLE:
            return False
        self._known[conversation] = None
        self._known.move_to_end(conversation)
        if len(self._known) > MAX_SENDERS:
            self._known.popitem(last=False)
        return self._messages.check(network) is Pace.HANDLE


def network_of(address: str) -> str:
    """Whom an address stands for: one IPv4 address, or the /64 network that one IPv6 customer has for themselves.

    Empty for no address, and for this machine: that is a proxy's address, behind which are all customers.
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    found = getattr(found, "ipv4_mapped", None) or found
    if found.is_loopback:
        return ""
    return str(found) if found.version == 4 else str(ipaddress.ip_network((found, 64), strict=False))
