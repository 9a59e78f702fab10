"""A circuit breaker: the pattern of Michael Nygard's “Release It!” with its three states.

Closed: calls go through, and failures in a row are counted. Open: calls fail at once, so that nobody waits for what is
down. Half-open: one trial is made, and its result closes the circuit or opens it again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import Enum

FAILURES = 3  # in a row, each within WITHIN of the one before
WITHIN = 60.0  # seconds
TRIAL_EVERY = 5.0  # seconds while it is open


class State(Enum):
    """Of a circuit."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Circuit:
    """The state machine; it knows nothing of what is called."""

    def __init__(self, failures: int = FAILURES, clock: Callable[[], float] = time.monotonic) -> None:
        """Closed; opens after so many failures in a row."""
        self.state = State.CLOSED
        self.opened = 0  # times since the start
        self._most = failures
        self._clock = clock
        self._failures = 0
        self._last = 0.0

    @property
    def is_closed(self) -> bool:
        """Whether calls go through."""
        return self.state is State.CLOSED

    def failed(self) -> bool:
        """Counts a call that reached nobody; whether that opened the circuit."""
        now = self._clock()
        self._failures = self._failures + 1 if now - self._last <= WITHIN else 1
        self._last = now
        if self.state is State.CLOSED and self._failures < self._most:
            return False
        opens = self.state is State.CLOSED
        self.opened += opens
        self.state = State.OPEN
        return opens

    def worked(self) -> None:
        """Counts a call that was answered."""
        self._failures = 0
        self.state = State.CLOSED

    def trial(self) -> bool:
        """Whether a trial may be made now, which failed() or worked() ends: the circuit is open, and none is under way."""
        if self.state is not State.OPEN:
            return False
        self.state = State.HALF_OPEN
        return True
