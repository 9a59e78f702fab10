"""Tells open pages which conversations changed."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager


class Subscription:
    """One open page's view of the changes. Changes that pile up are merged, so a slow page costs no memory."""

    def __init__(self, watched: int | None = None) -> None:
        """`watched` is the conversation that the page shows."""
        self.watched = watched
        self._changed: set[int] = set()
        self._typing = False
        self._wake = asyncio.Event()
        self.closed = False

    def notify(self, conversation_ids: Iterable[int]) -> None:
        """Add changes and wake the reader."""
        self._changed.update(conversation_ids)
        self._wake.set()

    def notify_typing(self) -> None:
        """Somebody began or stopped writing in the watched conversation."""
        self._typing = True
        self._wake.set()

    def typing_changed(self) -> bool:
        """Whether somebody began or stopped writing since the last call."""
        changed, self._typing = self._typing, False
        return changed

    def close(self) -> None:
        """Wake the reader for the last time."""
        self.closed = True
        self._wake.set()

    async def changes(self, timeout: float) -> set[int]:
        """The conversations that changed since the last call; empty after `timeout` seconds without any."""
        try:
            await asyncio.wait_for(self._wake.wait(), timeout)
        except TimeoutError:
            return set()
        self._wake.clear()
        changed, self._changed = self._changed, set()
        return changed


class Hub:
    """Passes changes on to every subscription of this process."""

    def __init__(self) -> None:
        self._subscriptions: set[Subscription] = set()

    @asynccontextmanager
    async def subscribe(self, watched: int | None = None) -> AsyncIterator[Subscription]:
        """A subscription for as long as the context is open; `watched` is the conversation that the page shows."""
        subscription = Subscription(watched)
        self._subscriptions.add(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)

    def publish(self, conversation_ids: Iterable[int]) -> None:
        """Say that these conversations changed."""
        changed = set(conversation_ids)
        for subscription in self._subscriptions:
            subscription.notify(changed)

    def publish_typing(self, conversation_id: int) -> None:
        """Say to the pages that show this conversation that somebody began or stopped writing."""
        for subscription in self._subscriptions:
            if subscription.watched == conversation_id:
                subscription.notify_typing()

    def close(self) -> None:
        """End all subscriptions, so that the server can stop at once."""
        for subscription in self._subscriptions:
            subscription.close()
