"""Messages that arrive twice: a platform that delivers again, and a customer who clicks twice."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from assistant.channels.limits import MAX_SENDERS
from assistant.channels.output import TurnOutput

REMEMBERED_FOR = 600  # seconds: platforms give up delivering again earlier
DOUBLE_CLICK = 2.0  # seconds


class Deliveries:
    """The platforms' own ids of the messages of the last minutes."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Remembers the last MAX_SENDERS ids."""
        self._clock = clock
        self._seen: OrderedDict[tuple[str, str], float] = OrderedDict()

    def is_new(self, conversation: str, message_id: str) -> bool:
        """Whether this id comes for the first time in this conversation; a message without an id always does."""
        if not message_id:
            return True
        now = self._clock()
        while self._seen and (
            len(self._seen) >= MAX_SENDERS or next(iter(self._seen.values())) <= now - REMEMBERED_FOR
        ):
            self._seen.popitem(last=False)
        if (conversation, message_id) in self._seen:
            return False
        self._seen[conversation, message_id] = now
        return True


@dataclass
class _Latest:
    text: str
    since: float
    output: TurnOutput


class Clicks:
    """The latest message of each sender whose turn still runs."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with none."""
        self._clock = clock
        self._latest: dict[str, _Latest] = {}

    @contextmanager
    def click(self, sender: str, text: str, output: TurnOutput) -> Iterator[bool]:
        """Whether a message is to be handled: not when it repeats the one whose turn runs and has said nothing yet.

        Until something was said the customer has seen no second question, so a second "yes" can answer none. Once the
        turn has spoken, or another message came between, the same words are meant.
        """
        latest, now = self._latest.get(sender), self._clock()
        if latest and latest.text == text and now - latest.since <= DOUBLE_CLICK and not latest.output.has_spoken:
            yield False
            return
        mine = self._latest[sender] = _Latest(text, now, output)
        try:
            yield True
        finally:
            if self._latest.get(sender) is mine:
                del self._latest[sender]
