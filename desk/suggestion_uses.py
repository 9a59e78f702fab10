"""Keeps what the copilot suggested beside what the agent sent in the end."""

from typing import Any

from sqlalchemy import select

from desk.copilot_models import SuggestionUse
from desk.database import Database
from desk.models import now


async def inserted(
    database: Database, conversation_id: int, user_id: int, kind: str, text: str, sources: list[dict[str, Any]]
) -> None:
    """A suggestion went into the reply box."""
    async with database.session() as session, session.begin():
        session.add(
            SuggestionUse(
                conversation_id=conversation_id, user_id=user_id, kind=kind[:20], suggestion=text, sources=sources
            )
        )


async def sent(database: Database, conversation_id: int, user_id: int, text: str) -> None:
    """A reply went out: it is what became of the suggestions that were inserted since the last one."""
    waiting = select(SuggestionUse).where(
        SuggestionUse.conversation_id == conversation_id,
        SuggestionUse.user_id == user_id,
        SuggestionUse.sent_at.is_(None),
    )
    async with database.session() as session, session.begin():
        for use in await session.scalars(waiting):
            use.sent_text, use.sent_at = text, now()
            use.edited = _plain(use.suggestion) != _plain(text)


def _plain(text: str) -> str:
    return " ".join(text.split())
