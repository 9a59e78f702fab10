"""What the desk holds about a person, with values in the place of tokens, as JSON that a person can read."""

from collections.abc import Sequence
from typing import Any, TypeVar

from sqlalchemy import select

from desk.database import Database
from desk.models import Conversation, Message, WrapUp
from desk.notes_models import Note
from desk.sight import Sight
from desk.tasks_models import Task
from desk.vault import Vault

T = TypeVar("T", Message, Note, Task, WrapUp)
WHO = {"customer": "you", "bot": "assistant", "agent": "agent", "system": "notice"}


async def export(database: Database, vault: Vault, conversations: Sequence[str]) -> dict[str, Any]:
    """The conversations with their messages, notes, call-backs and wrap-ups, the oldest first."""
    wanted = select(Conversation).where(Conversation.sender_id.in_(conversations)).order_by(Conversation.last_activity)
    async with database.session() as session:
        rows = (await session.scalars(wanted)).unique().all()
    return {"conversations": [await _conversation(database, Sight(vault), row) for row in rows]}


async def _conversation(database: Database, sight: Sight, row: Conversation) -> dict[str, Any]:
    messages = await _of(database, Message, row, Message.at)
    notes, tasks = await _of(database, Note, row, Note.at), await _of(database, Task, row, Task.due)
    wrap_ups = await _of(database, WrapUp, row, WrapUp.at)
    await sight.show(row.sender_id, [row, *messages, *notes, *tasks, *wrap_ups])
    return {
        "conversation": row.sender_id,
        "channel": row.channel or "",
        "last activity": row.last_activity.isoformat(),
        "messages": [{"at": m.at.isoformat(), "from": WHO.get(m.who, m.who), "text": m.text} for m in messages],
        "handover": row.handoff,
        "notes": [{"at": note.at.isoformat(), "kind": note.kind, "text": note.text} for note in notes],
        "call-backs and tasks": [
            {"due": task.due.isoformat(), "kind": task.kind, "text": task.text, "phone": task.phone} for task in tasks
        ],
        "wrap-ups": [{"at": each.at.isoformat(), "ended": each.disposition, "note": each.note} for each in wrap_ups],
    }


async def _of(database: Database, kind: type[T], row: Conversation, order: Any) -> Sequence[T]:
    """The rows of a kind that belong to the conversation."""
    async with database.session() as session:
        mine = select(kind).where(kind.conversation_id == row.id).order_by(order)
        return (await session.scalars(mine)).unique().all()
