"""Queries over the desk's store: the inbox and transcripts."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, select

from desk.database import Database
from desk.models import Conversation, Message, User, WrapUp
from desk.presence_models import UserQueue
from desk.routing import GENERAL

VIEWS = {"queue": "Queue", "mine": "Mine", "all": "All"}
INBOX_LIMIT = 100
TRANSCRIPT_LIMIT = 500


@dataclass(frozen=True)
class Inbox:
    """One list of the inbox and the sizes of the two that need somebody."""

    view: str
    conversations: Sequence[Conversation]
    counts: dict[str, int]


def _rows(view: str, user: User) -> Select[Conversation]:
    rows = select(Conversation)
    if view == "queue":
        waiting = rows.where(Conversation.owner == "queue", Conversation.assigned_to.is_(None))
        return waiting.order_by(Conversation.waiting_since, Conversation.id)
    if view == "mine":
        rows = rows.where(Conversation.assigned_to == user.id)
    return rows.order_by(Conversation.last_activity.desc(), Conversation.id.desc())


async def inbox(database: Database, view: str, user: User) -> Inbox:
    """The conversations of a view: the queue by longest waiting, the others by last activity."""
    async with database.session() as session:
        conversations = (await session.scalars(_rows(view, user).limit(INBOX_LIMIT))).all()
        counts = {}
        for name in ("queue", "mine"):
            query = select(func.count()).select_from(_rows(name, user).order_by(None).subquery())
            counts[name] = await session.scalar(query) or 0
    return Inbox(view, conversations, counts)


async def find(database: Database, conversation_id: int) -> Conversation | None:
    """A conversation by the desk's own number."""
    async with database.session() as session:
        return await session.get(Conversation, conversation_id)


async def find_by_sender(database: Database, sender_id: str) -> Conversation | None:
    """A conversation by the assistant's id."""
    async with database.session() as session:
        return await session.scalar(select(Conversation).where(Conversation.sender_id == sender_id))


async def transcript(database: Database, conversation_id: int, after: int = 0) -> list[Message]:
    """The newest messages in the order in which they were said; `after`: only those stored after that message id."""
    newest = (
        select(Message)
        .where(Message.conversation_id == conversation_id, Message.id > after)
        .order_by(Message.at.desc(), Message.id.desc())
        .limit(TRANSCRIPT_LIMIT)
    )
    async with database.session() as session:
        return list(reversed((await session.scalars(newest)).all()))


async def last_wrap_up(database: Database, conversation_id: int) -> WrapUp | None:
    """How the conversation was closed the last time."""
    async with database.session() as session:
        return await session.scalar(
            select(WrapUp).where(WrapUp.conversation_id == conversation_id).order_by(WrapUp.id.desc()).limit(1)
        )


async def find_message(database: Database, conversation_id: int, message_id: int) -> Message | None:
    """A message of this conversation by its number."""
    async with database.session() as session:
        message = await session.get(Message, message_id)
    return message if message and message.conversation_id == conversation_id else None


async def known_queues(database: Database) -> list[str]:
    """The queues that conversations came from and that agents work on, by name."""
    async with database.session() as session:
        used = await session.scalars(select(Conversation.queue).distinct())
        worked = await session.scalars(select(UserQueue.queue).distinct())
        return sorted({*used, *worked, GENERAL} - {""})


async def colleagues(database: Database, user: User) -> list[User]:
    """Who else talks to customers, by name."""
    async with database.session() as session:
        found = await session.scalars(
            select(User).where(User.role.in_(("agent", "supervisor")), User.id != user.id).order_by(User.display_name)
        )
        return list(found)
