"""Queries over the desk's store: the inbox and transcripts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, or_, select

from desk import tasks
from desk.database import Database
from desk.lifecycle import AGENT, PHASES, QUEUE
from desk.models import Conversation, Message, User, WrapUp
from desk.presence_models import UserQueue
from desk.routing import GENERAL
from desk.tasks_models import Task

VIEWS = {"queue": "Queue", "mine": "Mine", "longest": "Waiting longest", "tasks": "Tasks", "all": "All"}
FLAGGED = "flagged"
EMPTIED = "erased-"  # how the id of a conversation begins of which only the row is left (desk/privacy)
INBOX_LIMIT = 100
TRANSCRIPT_LIMIT = 500
MAX_QUERY = 200

_IS_WAITING = and_(Conversation.phase == QUEUE, Conversation.assigned_to.is_(None))


@dataclass(frozen=True)
class Inbox:
    """One list of the inbox; `counts` are the sizes of those that need somebody, `queues` who waits in each queue.

    `channels` and `languages` are the values that a filter can have. Counts know no filters.
    """

    view: str
    conversations: Sequence[Conversation]
    counts: dict[str, int]
    tasks: Sequence[Task] = ()
    queues: dict[str, int] = field(default_factory=dict)
    channels: Sequence[str] = ()
    languages: Sequence[str] = ()
    page: int = 1
    more: bool = False


async def inbox(
    database: Database,
    view: str,
    user: User,
    *,
    queue: str = "",
    q: str = "",
    tokens: Sequence[str] = (),
    channel: str = "",
    language: str = "",
    state: str = "",
    page: int = 1,
) -> Inbox:
    """A view and its filters; `q` is looked for in the messages, the issue and the id, `state` is a phase or flagged.
    `tokens` are the beginnings of what the vault puts in the place of `q`, if that is personal data.

    The queue is sorted by priority and promised time, `longest` by how long the customer waits for a person's next
    word, the others by last activity. A page holds INBOX_LIMIT conversations.
    """
    open_tasks = await tasks.list_open(database, user)
    async with database.session() as session:
        rows = _filtered(_rows(view, user), queue, [q, *tokens], channel, language, state)
        rows = rows.limit(INBOX_LIMIT + 1).offset((page - 1) * INBOX_LIMIT)
        found = (await session.scalars(rows)).all() if view != "tasks" else []
        counts = {}
        for name in ("queue", "mine", "longest"):
            query = select(func.count()).select_from(_rows(name, user).order_by(None).subquery())
            counts[name] = await session.scalar(query) or 0
        waiting = (
            select(Conversation.queue, func.count()).where(_IS_WAITING).group_by(Conversation.queue).order_by("queue")
        )
        queues = {name: count for name, count in (await session.execute(waiting)).all()}
        channels = (await session.scalars(_values(Conversation.channel))).all()
        languages = (await session.scalars(_values(Conversation.language))).all()
    shown = [task for task in open_tasks if not queue or task.queue == queue] if view == "tasks" else []
    counts["tasks"] = len(open_tasks)
    more = len(found) > INBOX_LIMIT
    return Inbox(view, found[:INBOX_LIMIT], counts, shown, queues, channels, languages, page, more)


def _rows(view: str, user: User) -> Select[Conversation]:
    rows = select(Conversation).where(Conversation.sender_id.not_like(f"{EMPTIED}%"))
    if view == "queue":
        return rows.where(_IS_WAITING).order_by(*queue_order())
    if view == "longest":
        since = case((Conversation.phase == QUEUE, Conversation.waiting_since), else_=Conversation.customer_at)
        return rows.where(or_(_IS_WAITING, is_unanswered())).order_by(since, Conversation.id)
    if view == "mine":
        rows = rows.where(Conversation.assigned_to == user.id)
    return rows.order_by(Conversation.last_activity.desc(), Conversation.id.desc())


def is_unanswered() -> ColumnElement[bool]:
    """The customer wrote after their agent's last reply."""
    return and_(
        Conversation.phase == AGENT,
        Conversation.customer_at.is_not(None),
        or_(Conversation.agent_at.is_(None), Conversation.customer_at > Conversation.agent_at),
    )


def queue_order() -> tuple[Any, ...]:
    """Who is next: by priority, then by promised time, then by who came first."""
    return (
        Conversation.priority,
        Conversation.sla_due.is_(None),
        Conversation.sla_due,
        Conversation.waiting_since,
        Conversation.id,
    )


def _filtered(
    rows: Select[Conversation], queue: str, sought: Sequence[str], channel: str, language: str, state: str
) -> Select[Conversation]:
    if queue:
        rows = rows.where(Conversation.queue == queue)
    if channel:
        rows = rows.where(Conversation.channel == channel)
    if language:
        rows = rows.where(Conversation.language == language)
    if state in PHASES:
        rows = rows.where(Conversation.phase == state)
    elif state == FLAGGED:
        rows = rows.where(Conversation.flag != "")
    if wanted := [text for part in sought if (text := part.strip()[:MAX_QUERY])]:
        rows = rows.where(or_(*(_holds(text) for text in wanted)))
    return rows


def _holds(text: str) -> ColumnElement[bool]:
    """The text stands in a message, in the issue or in the id."""
    said = exists().where(Message.conversation_id == Conversation.id, Message.text.icontains(text, autoescape=True))
    return or_(
        Conversation.last_text.icontains(text, autoescape=True),
        Conversation.handoff["issue"].as_string().icontains(text, autoescape=True),
        Conversation.sender_id.icontains(text, autoescape=True),
        said,
    )


def _values(column: Any) -> Select[Any]:
    return select(column).where(column.is_not(None)).distinct().order_by(column).limit(50)


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
