"""How fast one sender may write, and that one sender's messages are handled one after another."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from enum import Enum
from weakref import WeakValueDictionary

MAX_SENDERS = 10_000


class Pace(Enum):
    """What to do with a message."""

    HANDLE = "handle"
    WARN = "warn"  # the first one too many: refuse it and say so
    DROP = "drop"  # the next ones too many: refuse them without a word


class RateLimit:
    """At most `messages` in any `seconds`, for each sender."""

    def __init__(self, messages: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
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


class Turns:
    """One lock for each sender, first come, first served."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def of(self, sender: str) -> asyncio.Lock:
        """The sender's lock; it lives as long as someone holds or awaits it."""
        lock = self._locks.get(sender)
        if lock is None:
            lock = self._locks[sender] = asyncio.Lock()
        return lock
