"""What colleagues tell each other beside a conversation. The customer never sees any of it."""

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from desk.database import Database
from desk.models import now
from desk.notes_models import Note

KINDS = ("note", "whisper", "transfer", "system")
MAX_TEXT = 2000
LIMIT = 200


def put(session: AsyncSession, conversation_id: int, user_id: int | None, kind: str, text: str) -> Note:
    """Add a note to a unit of work; `user_id` is None for what the desk itself writes."""
    assert kind in KINDS
    note = Note(conversation_id=conversation_id, user_id=user_id, kind=kind, text=text.strip()[:MAX_TEXT])
    session.add(note)
    return note


async def add(database: Database, conversation_id: int, user_id: int | None, kind: str, text: str) -> Note:
    """Add a note by itself."""
    async with database.session() as session, session.begin():
        return put(session, conversation_id, user_id, kind, text)


async def notes_of(database: Database, conversation_id: int) -> list[Note]:
    """The newest notes of a conversation, the oldest of them first."""
    newest = (
        select(Note)
        .where(Note.conversation_id == conversation_id)
        .order_by(Note.at.desc(), Note.id.desc())
        .limit(LIMIT)
    )
    async with database.session() as session:
        return list(reversed((await session.scalars(newest)).all()))


async def mark_seen(database: Database, conversation_id: int, reader_id: int) -> None:
    """The conversation's agent has read what others wrote to them."""
    async with database.session() as session, session.begin():
        await session.execute(
            update(Note)
            .where(Note.conversation_id == conversation_id, Note.seen_at.is_(None), Note.user_id.is_not(reader_id))
            .values(seen_at=now())
        )
