"""Who is there: the status that people set, what they can do, and when their browser was last heard of."""

import logging
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError, OperationalError

from desk.database import Database
from desk.lifecycle import Refused
from desk.models import Conversation, User, now
from desk.presence_models import Presence, UserQueue, UserSkill

logger = logging.getLogger(__name__)

AVAILABLE, BUSY, AWAY = "available", "busy", "away"
STATUSES = {AVAILABLE: "Available", BUSY: "Busy", AWAY: "Away"}
DEFAULT_CAPACITY, MAX_CAPACITY = 3, 50
# A page that is open is heard of every quarter of a minute.
PRESENT_FOR = timedelta(seconds=60)
TOUCH_SECONDS = 10
TALKERS = ("agent", "supervisor")


@dataclass(frozen=True)
class Status:
    """A user as the assignment sees them; `load` is how many conversations they have."""

    user: User
    status: str = AVAILABLE
    capacity: int = DEFAULT_CAPACITY
    last_seen: datetime | None = None
    load: int = 0
    last_take: datetime | None = None
    skills: frozenset[str] = field(default_factory=frozenset)
    queues: frozenset[str] = field(default_factory=frozenset)

    @property
    def is_present(self) -> bool:
        """Whether a page of theirs is open and they take conversations."""
        return self.status == AVAILABLE and self.last_seen is not None and now() - self.last_seen <= PRESENT_FOR

    def can_take(self, queue: str, skills: Collection[str]) -> bool:
        """Whether the conversation is for them; without queues or skills of their own they take all."""
        return (not self.queues or queue in self.queues) and (not self.skills or set(skills) <= self.skills)


async def status_of(database: Database, user_id: int) -> Status:
    """A user's status; the defaults if they have never set one. Raises Refused for an unknown user."""
    found = await statuses(database, user_id)
    if not found:
        raise Refused("There is no such user.")
    return found[0]


async def statuses(database: Database, user_id: int | None = None) -> Sequence[Status]:
    """Everybody who may talk to customers, by name; or the one user."""
    load = (
        select(Conversation.assigned_to, func.count().label("load"), func.max(Conversation.assigned_at).label("at"))
        .where(Conversation.assigned_to.is_not(None))
        .group_by(Conversation.assigned_to)
        .subquery()
    )
    query = (
        select(User, Presence, load.c.load, load.c.at)
        .outerjoin(Presence, Presence.user_id == User.id)
        .outerjoin(load, load.c.assigned_to == User.id)
        .order_by(User.display_name, User.id)
    )
    query = query.where(User.role.in_(TALKERS)) if user_id is None else query.where(User.id == user_id)
    async with database.session() as session:
        rows = (await session.execute(query)).all()
        skills = (await session.execute(select(UserSkill.user_id, UserSkill.skill))).all()
        queues = (await session.execute(select(UserQueue.user_id, UserQueue.queue))).all()
    return [
        Status(
            user=user,
            status=presence.status if presence else AVAILABLE,
            capacity=presence.capacity if presence else DEFAULT_CAPACITY,
            last_seen=presence.last_seen if presence else None,
            load=count or 0,
            last_take=at,
            skills=frozenset(skill for owner, skill in skills if owner == user.id),
            queues=frozenset(queue for owner, queue in queues if owner == user.id),
        )
        for user, presence, count, at in rows
    ]


async def set_status(database: Database, user_id: int, status: str, seen: bool = True) -> None:
    """Say whether the user takes conversations: available, busy or away. Raises Refused.

    `seen`: the user says so; otherwise the desk does, about somebody of whom it has not heard.
    """
    if status not in STATUSES:
        raise Refused("Choose available, busy or away.")
    await _write(database, user_id, status=status, **({"last_seen": now()} if seen else {}))


async def set_capacity(database: Database, user_id: int, capacity: int) -> None:
    """How many conversations the user has at once at most. Raises Refused."""
    if not 1 <= capacity <= MAX_CAPACITY:
        raise Refused(f"Choose between 1 and {MAX_CAPACITY} conversations at once.")
    await _write(database, user_id, capacity=capacity)


async def set_skills(database: Database, user_id: int, skills: Collection[str], queues: Collection[str]) -> None:
    """Replace what the user can do and the queues that they work on; nothing means everything."""
    async with database.session() as session, session.begin():
        await session.execute(delete(UserSkill).where(UserSkill.user_id == user_id))
        await session.execute(delete(UserQueue).where(UserQueue.user_id == user_id))
        session.add_all(UserSkill(user_id=user_id, skill=name) for name in _names(skills))
        session.add_all(UserQueue(user_id=user_id, queue=name) for name in _names(queues))


class Sightings:
    """Notes that users are there, at most once in ten seconds for each, so that it costs next to nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._last: dict[int, float] = {}

    async def seen(self, user_id: int) -> None:
        """A page of this user was just heard of."""
        clock = time.monotonic()
        if clock - self._last.get(user_id, -TOUCH_SECONDS) >= TOUCH_SECONDS:
            self._last[user_id] = clock
            try:
                await _write(self._database, user_id, last_seen=now())
            except OperationalError:
                logger.warning("A user's presence could not be stored: the database is busy")


async def _write(database: Database, user_id: int, **values: object) -> None:
    """Change the user's row, or make it; the second time around if another request has just made it."""
    for _ in range(2):
        try:
            async with database.session() as session, session.begin():
                if await session.get(Presence, user_id):
                    await session.execute(update(Presence).where(Presence.user_id == user_id).values(**values))
                else:
                    session.add(Presence(user_id=user_id, **values))
            return
        except IntegrityError:
            continue


def _names(given: Collection[str]) -> list[str]:
    return sorted({name.strip().lower()[:64] for name in given if name.strip()})
