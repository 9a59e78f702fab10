"""Who gets the next conversation, by queue, skill, priority and promised time.

Pull: an agent asks for the next one. Push: the desk offers what waits to those who are free, the least busy first; it
is theirs when they open it, and goes back to the queue if they don't. Either way the claim is one compare-and-swap.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import select

from desk.conversations import queue_order
from desk.custody import arrived
from desk.handling import Handling
from desk.lifecycle import QUEUE, Refused
from desk.models import Conversation, User, now
from desk.presence import TALKERS, Status, status_of, statuses
from desk.routing import GENERAL

logger = logging.getLogger(__name__)

PULL, PUSH = "pull", "push"
LIMIT = 200
# Changes of one turn come in a burst; one look at the queue is enough for them.
MERGE_SECONDS = 0.1
LOOK_SECONDS = 5.0
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Assignment:
    """Gives waiting conversations to agents."""

    handling: Handling
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def take_next(self, user: User) -> int:
        """The user takes the best conversation that waits for somebody like them; returns its id.

        Raises Refused if there is none or the user has enough, and AssistantError.
        """
        if user.role not in TALKERS:
            raise Refused("Your role can read conversations, but not take them.")
        status = await status_of(self.handling.database, user.id)
        if status.load >= status.capacity:
            raise Refused(f"You have {status.load} conversations, which is your limit: finish one first.")
        for conversation in await self._waiting():
            if not status.can_take(conversation.queue or GENERAL, conversation.skills):
                continue
            try:
                await self.handling.take(user, conversation.id, None)
            except Refused:
                continue  # somebody was quicker
            return conversation.id
        raise Refused("Nobody is waiting for you.")

    async def drain(self) -> int:
        """Offer what waits to the agents who are there and free; returns how many were offered."""
        offered = 0
        async with self._one_at_a_time:
            waiting = await self._waiting()
            if not waiting:
                return 0
            people = [one for one in await statuses(self.handling.database) if one.user.role == "agent"]
            load = {one.user.id: one.load for one in people}
            for conversation in waiting:
                chosen = _least_busy(people, load, conversation)
                if chosen and await self._offer(conversation, chosen):
                    load[chosen.user.id] += 1
                    offered += 1
        return offered

    async def run(self) -> None:
        """Drain the queue at each change, for ever."""
        async with self.handling.hub.subscribe() as subscription:
            while not subscription.closed:
                try:
                    await self.drain()
                except Exception:
                    logger.exception("The queue could not be handed out and is looked at again")
                await subscription.changes(LOOK_SECONDS)
                await asyncio.sleep(MERGE_SECONDS)

    async def _waiting(self) -> Sequence[Conversation]:
        query = select(Conversation).where(arrived(QUEUE)).order_by(*queue_order()).limit(LIMIT)
        async with self.handling.database.session() as session:
            return (await session.scalars(query)).all()

    async def _offer(self, conversation: Conversation, chosen: Status) -> bool:
        custody, at = self.handling.custody, now()
        if not await custody.swap(
            conversation.id,
            None,
            Conversation.phase == QUEUE,
            assigned_to=chosen.user.id,
            assigned_at=at,
            offered_at=at,
        ):
            return False
        await custody.commit(None, "offer", conversation, detail=f"to {chosen.user.name}")
        return True


def _least_busy(people: Sequence[Status], load: dict[int, int], conversation: Conversation) -> Status | None:
    """Of those who are there, free and able: who has the smallest share of their capacity, then who waited longest."""
    able = [
        one
        for one in people
        if one.is_present
        and load[one.user.id] < one.capacity
        and one.can_take(conversation.queue or GENERAL, conversation.skills)
    ]
    return min(
        able,
        key=lambda one: (load[one.user.id] / one.capacity, one.last_take or _NEVER, one.user.id),
        default=None,
    )
