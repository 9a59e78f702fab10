"""Who has a conversation, kept by compare-and-swap in the database: of two who want it exactly one gets it.

What the next click depends on is written at once. The same facts come back through the event stream, maybe earlier:
so a write happens only if the conversation is still the user's, or where the stream has already brought it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, and_, or_, update

from desk import audit, notes
from desk.conversations import find
from desk.database import Database
from desk.lifecycle import BOT, CLOSED, QUEUE, Refused, after
from desk.live import Hub
from desk.models import Conversation, User, WrapUp, now
from desk.presence_models import Take


@dataclass(frozen=True)
class Custody:
    """Claims and releases over a store, told to the open pages."""

    database: Database
    hub: Hub

    async def get(self, conversation_id: int) -> Conversation:
        """The conversation; raises Refused if there is none."""
        conversation = await find(self.database, conversation_id)
        if conversation is None:
            raise Refused("There is no such conversation.")
        return conversation

    async def owned(self, user: User, conversation_id: int, trigger: str) -> Conversation:
        """The conversation, if this user has it and may do that now; raises Refused."""
        conversation = await self.get(conversation_id)
        if conversation.assigned_to not in (None, user.id):
            raise Refused(f"{holder(conversation)} has this conversation now.")
        if conversation.assigned_to is None:
            raise Refused("Take the conversation over first.")
        after(conversation.phase, trigger)
        return conversation

    async def swap(self, conversation_id: int, seen: int | None, where: ColumnElement[bool], **values: object) -> bool:
        """Write the values if `seen` still has the conversation and `where` holds; whether it was so."""
        is_seen = Conversation.assigned_to.is_(None) if seen is None else Conversation.assigned_to == seen
        async with self.database.session() as session, session.begin():
            result = await session.execute(
                update(Conversation).where(Conversation.id == conversation_id, is_seen, where).values(**values)
            )
        assert isinstance(result, CursorResult)
        return result.rowcount == 1

    async def unclaim(self, conversation: Conversation, user_id: int) -> None:
        """The assistant does not know of the claim: give the conversation back to whom it had before."""
        await self.swap(
            conversation.id,
            user_id,
            Conversation.phase == conversation.phase,
            assigned_to=conversation.assigned_to,
            assigned_at=conversation.assigned_at,
            offered_at=conversation.offered_at,
        )
        self.hub.publish([conversation.id])

    async def commit(
        self,
        user: User | None,
        action: str,
        conversation: Conversation,
        values: dict[str, Any] | None = None,
        *,
        detail: str = "",
        holder_id: int | None = None,
        already: ColumnElement[bool] | None = None,
        note: tuple[str, str] | None = None,
        add: Take | WrapUp | None = None,
    ) -> None:
        """Write the values, a note (kind, text), another row and the audit row together, and tell the open pages.

        The values are written only while `holder_id` (else the user) has the conversation, or where `already` says that
        the event stream has brought it there.
        """
        mine = Conversation.assigned_to == (holder_id or (user.id if user else None))
        async with self.database.session() as session, session.begin():
            if values:
                await session.execute(
                    update(Conversation)
                    .where(Conversation.id == conversation.id, mine if already is None else or_(mine, already))
                    .values(**values)
                )
            if note and note[1].strip():
                notes.put(session, conversation.id, user.id if user else None, *note)
            if add is not None:
                session.add(add)
            audit.note(session, user.id if user else None, action, conversation.id, detail)
        self.hub.publish([conversation.id])


def holder(conversation: Conversation) -> str:
    """Whom to name as the one who has it."""
    return conversation.assignee.display_name if conversation.assignee else "Somebody else"


def arrived(phase: str) -> ColumnElement[bool]:
    """The stream has brought the conversation to this phase, and nobody has taken it since."""
    return and_(Conversation.phase == phase, Conversation.assigned_to.is_(None))


def unheard_since(at: datetime) -> ColumnElement[bool]:
    """The customer has not written since."""
    return or_(Conversation.customer_at.is_(None), Conversation.customer_at <= at)


def freed(conversation: Conversation, phase: str, at: datetime) -> dict[str, Any]:
    """The values of a conversation that no agent has any more: in phase bot, queue or closed."""
    later = max(at, conversation.owner_at or at)
    return {
        "phase": phase,
        "owner": QUEUE if phase == QUEUE else BOT,
        "owner_at": later,
        "assigned_to": None,
        "assigned_at": None,
        "offered_at": None,
        "wrap_up_at": None,
        "agent_at": None,
        "waiting_since": later if phase == QUEUE else None,
        "closed_at": at if phase == CLOSED else None,
        "sla_due": None,
        "flag": "",
    }


def taken(conversation: Conversation) -> dict[str, Any]:
    """The values of a conversation that an agent has got just now."""
    return {
        "phase": after(conversation.phase, "take"),
        "owner": "agent",
        "owner_at": max(now(), conversation.owner_at or now()),
        "waiting_since": None,
        "sla_due": None,
        "wrap_up_at": None,
        "agent_at": None,
        "closed_at": None,
        "disposition": None,
        "flag": "",
    }
