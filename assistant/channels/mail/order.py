"""What concerns one conversation happens one after another."""

from __future__ import annotations

import asyncio
from weakref import WeakValueDictionary


class OneByOne:
    """One lock for each conversation, first come, first served."""

    def __init__(self) -> None:
        """Start with none."""
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def of(self, conversation: str) -> asyncio.Lock:
        """The conversation's lock; it lives as long as someone holds or awaits it."""
        lock = self._locks.get(conversation)
        if lock is None:
            lock = self._locks[conversation] = asyncio.Lock()
        return lock
