"""The record of who did what to which conversation."""

from sqlalchemy.ext.asyncio import AsyncSession

from desk.database import Database
from desk.models import AuditEntry


def note(
    session: AsyncSession,
    user_id: int | None,
    action: str,
    conversation_id: int | None = None,
    detail: str = "",
) -> None:
    """Add an audit row to a unit of work. `detail` never holds what a customer wrote."""
    session.add(AuditEntry(user_id=user_id, action=action, conversation_id=conversation_id, detail=detail[:255]))


async def record(
    database: Database,
    user_id: int | None,
    action: str,
    conversation_id: int | None = None,
    detail: str = "",
) -> None:
    """Add an audit row by itself."""
    async with database.session() as session, session.begin():
        note(session, user_id, action, conversation_id, detail)
