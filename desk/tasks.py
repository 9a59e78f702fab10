"""What the desk still owes customers: call-backs, promises, follow-ups and tickets, each with a due date."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, or_, select, true, update
from sqlalchemy.exc import IntegrityError

from desk import audit
from desk.database import Database
from desk.lifecycle import Refused
from desk.models import User, now
from desk.presence_models import UserQueue
from desk.tasks_models import Task

KINDS = {"callback": "Call back", "promise": "Promise", "follow_up": "Follow-up", "ticket": "Ticket"}
MAX_TEXT = 2000
LIMIT = 200


async def add(
    database: Database,
    conversation_id: int,
    kind: str,
    text: str,
    due: datetime,
    *,
    queue: str = "",
    assigned_to: int | None = None,
    phone: str = "",
    created_by: int | None = None,
    request: str | None = None,
) -> Task:
    """Add a task; the same `request` again gives the task that it made. Raises Refused."""
    if kind not in KINDS:
        raise Refused("There is no such kind of task.")
    if not text.strip():
        raise Refused("Write what is to be done.")
    if due.tzinfo is None:
        raise Refused("The due time needs its time zone.")
    task = Task(
        conversation_id=conversation_id,
        kind=kind,
        text=text.strip()[:MAX_TEXT],
        due=due,
        queue=queue[:64],
        assigned_to=assigned_to,
        phone=phone[:32],
        created_by=created_by,
        request=request,
    )
    if request and (known := await by_request(database, request)):
        return known
    try:
        async with database.session() as session, session.begin():
            session.add(task)
            audit.note(session, created_by, f"add_{kind}", conversation_id)
    except IntegrityError:
        known = await by_request(database, request) if request else None
        if known is None:
            raise Refused("There is no such conversation or colleague.") from None
        return known
    return task


async def by_request(database: Database, request: str) -> Task | None:
    """The task that this request made."""
    async with database.session() as session:
        return await session.scalar(select(Task).where(Task.request == request))


async def list_open(database: Database, user: User) -> Sequence[Task]:
    """What this user is to do, the most urgent first: their own and, on their queues, what nobody has yet.

    Supervisors see everybody's. Those without queues of their own work on all.
    """
    query = select(Task).where(Task.done_at.is_(None)).order_by(Task.due, Task.id).limit(LIMIT)
    async with database.session() as session:
        if not user.is_supervisor:
            queues = (await session.scalars(select(UserQueue.queue).where(UserQueue.user_id == user.id))).all()
            ours = or_(Task.queue == "", Task.queue.in_(queues)) if queues else true()
            query = query.where(or_(Task.assigned_to == user.id, and_(Task.assigned_to.is_(None), ours)))
        return (await session.scalars(query)).unique().all()


async def of_conversation(database: Database, conversation_id: int) -> Sequence[Task]:
    """All tasks of a conversation, also those that are done."""
    query = select(Task).where(Task.conversation_id == conversation_id).order_by(Task.due, Task.id).limit(LIMIT)
    async with database.session() as session:
        return (await session.scalars(query)).unique().all()


async def done(database: Database, user: User, task_id: int) -> None:
    """The task is done. Raises Refused if it is another agent's."""
    async with database.session() as session, session.begin():
        task = await session.get(Task, task_id)
        if task is None:
            raise Refused("There is no such task.")
        if task.assigned_to not in (None, user.id) and not user.is_supervisor:
            raise Refused("This is a colleague's task.")
        if task.done_at is None:
            task.done_at = now()
            audit.note(session, user.id, "task_done", task.conversation_id, task.reference)


async def mark_overdue(database: Database) -> list[int]:
    """Mark the tasks whose time has passed, each once; returns the conversations that they belong to."""
    at = now()
    late = (Task.done_at.is_(None), Task.overdue_at.is_(None), Task.due < at)
    async with database.session() as session, session.begin():
        tasks = (await session.scalars(select(Task).where(*late).limit(LIMIT))).unique().all()
        if tasks:
            await session.execute(update(Task).where(Task.id.in_([task.id for task in tasks])).values(overdue_at=at))
        for task in tasks:
            audit.note(session, None, "task_overdue", task.conversation_id, task.reference)
    return [task.conversation_id for task in tasks]
