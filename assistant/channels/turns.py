"""How many turns run at once in this process: the others wait in their order, and beyond a bound they are refused."""

from __future__ import annotations

import asyncio
import math
import os
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from enum import Enum
from functools import cache
from weakref import WeakValueDictionary

from rasa.shared.exceptions import RasaException

# Each can be set by an environment variable: TANDEM_TURNS, TANDEM_TURNS_WAITING, TANDEM_TURNS_WAITING_SECONDS.
RUNNING = 32
WAITING = 100
LONGEST_WAIT = 60  # seconds, as far as it can be foreseen
TELL_FROM = 10.0  # seconds of waiting: below, an answer is not late
WAITING_OF_SENDER = 5  # of one sender, so that nobody takes all places
_FIRST_GUESS = 1.0  # seconds that a turn takes, until some have been measured
_WEIGHT = 0.1  # of the latest turn in the running mean of their times


class SettingWrong(RasaException):
    """An environment variable of this module cannot be used."""


class Place(Enum):
    """What happens to a message that has just come."""

    NOW = "now"  # its turn runs, or will before anybody minds
    LATER = "later"  # it is kept, and the customer is told so
    SENDER_FULL = "sender full"  # refused: this sender has enough waiting
    FULL = "full"  # refused: everybody has


class Turns:
    """Turns of one sender run one after another, first come, first served; those of all senders up to a number."""

    def __init__(
        self,
        running: int = RUNNING,
        waiting: int = WAITING,
        longest_wait: float = LONGEST_WAIT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`longest_wait` in seconds."""
        self._most_running, self._most_waiting, self._longest_wait = running, waiting, longest_wait
        self._clock = clock
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._of_sender: Counter[str] = Counter()
        self._queue: deque[asyncio.Future[None]] = deque()
        self._running = 0
        self._inside = 0
        self._mean = _FIRST_GUESS
        self._counts = Counter(done=0, refused=0, told_to_wait=0, most_waiting=0)

    @contextmanager
    def place(self, sender: str) -> Iterator[Place]:
        """What happens to a message that comes now; while the context lasts it counts as waiting or running."""
        place = self._place(sender)
        if place in (Place.FULL, Place.SENDER_FULL):
            self._counts["refused"] += 1
            yield place
            return
        self._inside += 1
        self._of_sender[sender] += 1
        self._counts["told_to_wait"] += place is Place.LATER
        self._counts["most_waiting"] = max(self._counts["most_waiting"], self._waiting())
        try:
            yield place
        finally:
            self._inside -= 1
            self._of_sender[sender] -= 1
            if not self._of_sender[sender]:
                del self._of_sender[sender]

    def _place(self, sender: str) -> Place:
        if self._of_sender.get(sender, 0) > WAITING_OF_SENDER:
            return Place.SENDER_FULL
        if self._waiting() >= self._most_waiting or self.wait() > self._longest_wait:
            return Place.FULL
        return Place.LATER if self.wait() >= TELL_FROM else Place.NOW

    def _waiting(self) -> int:
        return self._inside - self._running

    def wait(self) -> float:
        """The seconds that a turn which comes now is likely to wait, by the mean of the last turns' times."""
        if self._running < self._most_running:
            return 0.0
        return math.ceil((len(self._queue) + 1) / self._most_running) * self._mean

    @asynccontextmanager
    async def room(self, sender: str) -> AsyncIterator[None]:
        """Inside place(): waits until the sender's earlier turns are over and there is room, and holds the room."""
        # The sender's lock comes first: who waits for themselves takes no room from others.
        async with self._lock_of(sender):
            await self._take_room()
            started = self._clock()
            try:
                yield
            finally:
                self._mean += _WEIGHT * (self._clock() - started - self._mean)
                self._counts["done"] += 1
                self._give_room()

    def counts(self) -> dict[str, float]:
        """Figures for a health check; `mean_seconds` is of the last turns, the other totals are since the start."""
        now = {"running": self._running, "waiting": self._waiting(), "mean_seconds": round(self._mean, 3)}
        return {**now, **self._counts}

    def _lock_of(self, sender: str) -> asyncio.Lock:
        """The sender's lock; it lives as long as someone holds or awaits it."""
        lock = self._locks.get(sender)
        if lock is None:
            lock = self._locks[sender] = asyncio.Lock()
        return lock

    async def _take_room(self) -> None:
        if self._running < self._most_running and not self._queue:
            self._running += 1
            return
        room = asyncio.get_running_loop().create_future()
        self._queue.append(room)
        try:
            await room
        except asyncio.CancelledError:
            if room in self._queue:
                self._queue.remove(room)
            elif not room.cancelled():
                self._give_room()
            raise

    def _give_room(self) -> None:
        """Hands the room to who has waited longest, so that nobody who comes later is quicker."""
        while self._queue:
            room = self._queue.popleft()
            if not room.done():
                room.set_result(None)
                return
        self._running -= 1


@cache
def of_process() -> Turns:
    """The turns of all channels of this process.

    Raises:
        SettingWrong: an environment variable is no number in its range.
    """
    return Turns(
        _setting("TANDEM_TURNS", RUNNING),
        _setting("TANDEM_TURNS_WAITING", WAITING),
        _setting("TANDEM_TURNS_WAITING_SECONDS", LONGEST_WAIT),
    )


def _setting(name: str, default: int) -> int:
    value = os.environ.get(name) or str(default)
    if not value.isdecimal() or not 1 <= int(value) <= 10_000:
        raise SettingWrong(f"{name} must be a whole number from 1 to 10000.")
    return int(value)
