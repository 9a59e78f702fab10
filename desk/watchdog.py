"""Finds conversations that nobody owns or answers, and does something about each: looks every few seconds.

Everything it looks at is stored, so that it finds after a restart what it would have found before. Each finding leaves
an audit row; what people should see is the conversation's `flag` or a note.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, literal, or_, select

from desk import tasks
from desk.assistant import AssistantError, owner_event
from desk.conversations import is_unanswered
from desk.custody import freed
from desk.handling import MAX_NOTE, Handling
from desk.lifecycle import AGENT, BOT, CLOSED, OWNERS, QUEUE, WRAP_UP, Refused
from desk.models import Conversation, now
from desk.presence import AWAY, set_status, status_of
from desk.routing import promised, raised
from desk.settings import Timings

logger = logging.getLogger(__name__)

STILL_WAITING = "EXTERNAL_still_waiting"
LATE, UNANSWERED, RETURNED = "late", "unanswered", "returned"
FLAGS = {LATE: "Waits longer than promised", UNANSWERED: "Customer waits for an answer", RETURNED: "Agent has gone"}
LIMIT = 100
# A conversation is compared with its tracker when the stream has had time to bring everything, twice before it is
# believed to differ, and again after ten minutes.
QUIET = timedelta(seconds=30)
COMPARED_FOR = timedelta(minutes=10)
RECENT = timedelta(hours=24)
TRACKERS_A_SWEEP = 20
CLAIM_LASTS = timedelta(seconds=60)


@dataclass
class Watchdog:
    """Sweeps over the store; `sweep` returns how many findings there were."""

    handling: Handling
    timings: Timings
    started: datetime = field(default_factory=now)
    _compared: dict[int, datetime] = field(default_factory=dict)
    _suspects: set[int] = field(default_factory=set)

    async def run(self) -> None:
        """Sweep for ever."""
        while True:
            await asyncio.sleep(self.timings.watchdog)
            try:
                await self.sweep()
            except Exception:
                logger.exception("The watchdog stumbled and looks again")

    async def sweep(self) -> int:
        """One look at everything. What the assistant cannot be told now is tried again at the next sweep."""
        found = 0
        for condition, act in (
            (self._ignored_offer(), self._retract),
            (self._broken_claim(), self._unclaim),
            (Conversation.phase == QUEUE, self._late),
            (self._unanswered(), self._flag_unanswered),
            (Conversation.phase == AGENT, self._gone),
            (self._long_wrap_up(), self._finish),
            (self._comparable(), self._compare),
        ):
            for conversation in await self._select(condition):
                try:
                    found += await act(conversation)
                except (AssistantError, Refused) as error:
                    logger.warning("Watchdog: conversation %s: %s", conversation.id, error)
        overdue = await tasks.mark_overdue(self.handling.database)
        if overdue:
            self.handling.hub.publish(overdue)
        return found + len(overdue)

    async def _select(self, condition: ColumnElement[bool]) -> Sequence[Conversation]:
        query = select(Conversation).where(condition).order_by(Conversation.last_activity, Conversation.id)
        async with self.handling.database.session() as session:
            return (await session.scalars(query.limit(LIMIT))).all()

    # An offer that its agent has not opened: somebody who does not react is away.

    def _ignored_offer(self) -> ColumnElement[bool]:
        return and_(Conversation.phase == QUEUE, Conversation.offered_at < self._ago(self.timings.push))

    async def _retract(self, conversation: Conversation) -> bool:
        if not await self._drop(conversation, Conversation.offered_at == conversation.offered_at, "offer_ignored"):
            return False
        if conversation.assigned_to is not None:
            await set_status(self.handling.database, conversation.assigned_to, AWAY, seen=False)
        return True

    # A claim whose taking was never completed, because the desk stopped in between.

    def _broken_claim(self) -> ColumnElement[bool]:
        """Not right after a start: the stream may still bring that the taking was completed."""
        return and_(
            Conversation.phase.in_((BOT, QUEUE, CLOSED)),
            Conversation.assigned_to.is_not(None),
            Conversation.offered_at.is_(None),
            Conversation.assigned_at < now() - CLAIM_LASTS,
            literal(now() - self.started > CLAIM_LASTS),
        )

    async def _unclaim(self, conversation: Conversation) -> bool:
        return await self._drop(conversation, Conversation.assigned_at == conversation.assigned_at, "claim_dropped")

    async def _drop(self, conversation: Conversation, where: ColumnElement[bool], action: str) -> bool:
        free: dict[str, Any] = {"assigned_to": None, "assigned_at": None, "offered_at": None}
        dropped = await self.handling.custody.swap(conversation.id, conversation.assigned_to, where, **free)
        if dropped:
            await self.handling.custody.commit(None, action, conversation)
        return dropped

    # A customer in the queue who waits longer than they were told.

    async def _late(self, conversation: Conversation) -> bool:
        """Reminders get rarer the longer it takes."""
        since = conversation.waiting_since or conversation.last_activity
        due = conversation.sla_due or promised(conversation.priority, since)
        if conversation.promised_at and conversation.promised_at > since:
            due = conversation.promised_at
        pause = max(timedelta(seconds=self.timings.remind), (now() - since) / 2)
        if due > now() or (conversation.reminded_at and conversation.reminded_at > now() - pause):
            return False
        if conversation.flag != LATE:
            values = {"flag": LATE, "priority": raised(conversation.priority)}
            await self._commit(conversation, "late", values)
        await self.handling.assistant.trigger(conversation.sender_id, STILL_WAITING)
        await self._commit(conversation, "still_waiting", {"reminded_at": now()})
        return True

    # A customer who waits for their agent's answer.

    def _unanswered(self) -> ColumnElement[bool]:
        before = self._ago(self.timings.answer)
        return and_(
            is_unanswered(),
            Conversation.customer_at < before,
            Conversation.assigned_at < before,
            Conversation.flag == "",
        )

    async def _flag_unanswered(self, conversation: Conversation) -> bool:
        await self._commit(conversation, "unanswered", {"flag": UNANSWERED})
        return True

    # An agent whose browser has not been heard of: a laptop that was closed.

    async def _gone(self, conversation: Conversation) -> bool:
        agent = conversation.assignee
        if agent is None:
            return False
        seen = (await status_of(self.handling.database, agent.id)).last_seen
        if max(seen or self.started, conversation.assigned_at or self.started, self.started) > self._ago(
            self.timings.gone
        ):
            return False
        text = (
            f"I'm sorry, {agent.first_name} has been cut off. One of our colleagues will go on from here as soon as "
            "they're free. Everything that you wrote is kept."
        )
        await self.handling.requeue(conversation, text, "agent gone", RETURNED)
        await set_status(self.handling.database, agent.id, AWAY, seen=False)
        return True

    # A wrap-up that its agent has forgotten.

    def _long_wrap_up(self) -> ColumnElement[bool]:
        return and_(Conversation.phase == WRAP_UP, Conversation.wrap_up_at < self._ago(self.timings.wrap_up))

    async def _finish(self, conversation: Conversation) -> bool:
        if conversation.assignee is None:
            return False
        await self._commit(conversation, "auto_close", {})
        note = f"Closed by itself after {round(self.timings.wrap_up / 60)} minutes. {_summary(conversation)}".strip()
        await self.handling.close(conversation.assignee, conversation.id, "other", note[:MAX_NOTE])
        return True

    # A tracker that names another owner than the desk, as after a restart that lost an event.

    def _comparable(self) -> ColumnElement[bool]:
        quiet = now() - QUIET
        return and_(
            or_(
                Conversation.phase.in_((QUEUE, AGENT, WRAP_UP)),
                Conversation.last_activity > now() - RECENT,
            ),
            Conversation.last_activity < quiet,
            or_(Conversation.owner_at.is_(None), Conversation.owner_at < quiet),
            or_(Conversation.assigned_at.is_(None), Conversation.assigned_at < quiet),
            Conversation.id.not_in(self._lately_compared()),
        )

    def _lately_compared(self) -> list[int]:
        self._compared = {key: at for key, at in self._compared.items() if at > now() - COMPARED_FOR}
        return list(self._compared)

    async def _compare(self, conversation: Conversation) -> bool:
        expected = OWNERS[conversation.phase]
        actual = await self.handling.assistant.owner(conversation.sender_id)
        if actual == expected or conversation.id not in self._suspects:
            if actual == expected:
                self._suspects.discard(conversation.id)
                self._compared[conversation.id] = now()
            else:
                self._suspects.add(conversation.id)
            return False
        self._suspects.discard(conversation.id)
        async with self.handling.custody.alone(conversation.id):
            if not await self._has_moved(conversation):
                await self._reconcile(conversation, actual)
        self._compared[conversation.id] = now()
        return True

    async def _has_moved(self, seen: Conversation) -> bool:
        found = await self.handling.custody.get(seen.id)
        return (found.phase, found.assigned_to) != (seen.phase, seen.assigned_to)

    async def _reconcile(self, conversation: Conversation, actual: str) -> None:
        """An agent's claim is the desk's to keep; whether the assistant talks is the tracker's; nobody's is queued."""
        if conversation.phase in (AGENT, WRAP_UP) and conversation.assignee:
            owner, name = "agent", conversation.assignee.name
        elif actual == "bot":
            await self._commit(conversation, "owner_followed", freed(conversation, BOT, now()))
            return
        else:
            owner, name = "queue", ""
        await self.handling.assistant.append(conversation.sender_id, [owner_event(owner, name)])
        await self._commit(conversation, "owner_restored", {}, f"{actual} to {owner}")

    async def _commit(self, conversation: Conversation, action: str, values: dict[str, Any], detail: str = "") -> None:
        """Write only what is still so: somebody may have acted meanwhile."""
        same = and_(Conversation.phase == conversation.phase, Conversation.owner == conversation.owner)
        await self.handling.custody.commit(None, action, conversation, values, detail=detail, already=same)

    def _ago(self, seconds: float) -> datetime:
        return now() - timedelta(seconds=seconds)


def _summary(conversation: Conversation) -> str:
    """What the packet says in words."""
    packet = conversation.handoff or {}
    summary = packet.get("summary")
    if isinstance(summary, list):
        lines = [str(line.get("text") or "") for line in summary if isinstance(line, dict)]
        return " ".join(line for line in lines if line)
    return str(summary or packet.get("issue") or "")
