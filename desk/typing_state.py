"""Who is writing just now. It is a hint for a few seconds: kept in memory, lost with a restart, never stored."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

SHOWN_SECONDS = 6.0
MOST = 10_000  # conversations that are remembered


@dataclass
class TypingState:
    """The last keystrokes by conversation and side: "customer", or "agent" with the name that the customer sees."""

    clock: Callable[[], float] = time.monotonic
    _last: dict[tuple[int, str], tuple[float, str]] = field(default_factory=dict)

    def note(self, conversation_id: int, side: str, name: str = "") -> bool:
        """Somebody writes; whether that is news."""
        news = not self.who(conversation_id, side)
        if len(self._last) >= MOST:
            self._last = {key: entry for key, entry in self._last.items() if self.clock() - entry[0] < SHOWN_SECONDS}
        self._last[conversation_id, side] = (self.clock(), name or side)
        return news

    def stop(self, conversation_id: int, side: str) -> bool:
        """They stopped, or sent it; whether that is news."""
        news = bool(self.who(conversation_id, side))
        self._last.pop((conversation_id, side), None)
        return news

    def who(self, conversation_id: int, side: str) -> str:
        """The name of who writes on this side; empty if nobody does."""
        at, name = self._last.get((conversation_id, side), (0.0, ""))
        return name if name and self.clock() - at < SHOWN_SECONDS else ""
