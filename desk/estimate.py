"""How long a customer will wait in a queue, from how long the last ones did."""

import math
from dataclasses import dataclass
from statistics import median

from sqlalchemy import select

from desk.conversations import queue_order
from desk.database import Database
from desk.lifecycle import QUEUE
from desk.models import Conversation
from desk.presence import statuses
from desk.presence_models import Take

TAKES = 20
LIMIT = 1000


@dataclass(frozen=True)
class Estimate:
    """A queue as a customer meets it. `wait_minutes` is None if nobody can say; `open`: somebody works on it now."""

    waiting: int
    position: int
    wait_minutes: int | None
    agents: int
    open: bool


async def estimate(database: Database, queue: str, sender_id: str = "") -> Estimate:
    """The estimate for a conversation in this queue, or for one that would join it now.

    The median of the last waits, times the place in the queue, shared by the agents who are there.
    """
    here = select(Conversation.sender_id).where(Conversation.phase == QUEUE, Conversation.queue == queue)
    last = select(Take.waited_seconds).where(Take.queue == queue).order_by(Take.id.desc()).limit(TAKES)
    async with database.session() as session:
        line = (await session.scalars(here.order_by(*queue_order()).limit(LIMIT))).all()
        waits = (await session.scalars(last)).all()
    agents = sum(one.is_present and one.can_take(queue, ()) for one in await statuses(database))
    position = line.index(sender_id) + 1 if sender_id in line else len(line) + 1
    minutes = max(1, math.ceil(median(waits) / 60 * position / agents)) if waits and agents else None
    return Estimate(len(line), position, minutes, agents, agents > 0)
