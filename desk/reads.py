"""What a user has not read yet."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from desk.database import Database
from desk.models import Conversation, now
from desk.reads_models import Read


async def mark(database: Database, user_id: int, conversation_id: int) -> None:
    """The user has the conversation on the screen now."""
    for _ in range(2):
        try:
            async with database.session() as session, session.begin():
                read = await session.get(Read, (user_id, conversation_id))
                if read:
                    read.at = now()
                else:
                    session.add(Read(user_id=user_id, conversation_id=conversation_id, at=now()))
            return
        except IntegrityError:
            continue  # another of the user's pages has just written the row


async def unread(database: Database, user_id: int, conversations: Sequence[Conversation]) -> set[int]:
    """Of these, the ids of those that are the user's and to which the customer wrote since they last had them open."""
    mine = {row.id: row.customer_at for row in conversations if row.assigned_to == user_id and row.customer_at}
    async with database.session() as session:
        rows = await session.execute(
            select(Read.conversation_id, Read.at).where(Read.user_id == user_id, Read.conversation_id.in_(mine))
        )
        seen = {conversation_id: at for conversation_id, at in rows.all()}
    return {key for key, at in mine.items() if key not in seen or at > seen[key]}
