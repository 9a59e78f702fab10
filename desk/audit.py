"""The record of who did what to which conversation."""

import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from desk.database import Database
from desk.models import AuditEntry, User

PAGE_SIZE = 50
EXPORT_BATCH = 500
COLUMNS = ("time", "user", "action", "conversation", "detail")


@dataclass(frozen=True)
class Filter:
    """Which rows to show; what is empty does not count."""

    user_id: int | None = None
    action: str = ""
    conversation_id: int | None = None
    day: date | None = None


@dataclass(frozen=True)
class Entry:
    """One row of the log, with the user's name."""

    id: int
    at: datetime
    user: str
    action: str
    conversation_id: int | None
    detail: str


@dataclass(frozen=True)
class Page:
    """Some rows, the newest first; `total` counts all that the filter lets through."""

    entries: Sequence[Entry]
    number: int
    total: int

    @property
    def last(self) -> int:
        """The number of the last page, from 1."""
        return max(1, -(-self.total // PAGE_SIZE))


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


async def entries(database: Database, wanted: Filter, number: int = 1) -> Page:
    """A page of the log; a number beyond the last gives the last."""
    rows = _rows(wanted)
    async with database.session() as session:
        total = await session.scalar(select(func.count()).select_from(rows.subquery())) or 0
        number = min(max(1, number), max(1, -(-total // PAGE_SIZE)))
        newest = rows.order_by(AuditEntry.id.desc()).limit(PAGE_SIZE).offset((number - 1) * PAGE_SIZE)
        found = [Entry(**row) for row in (await session.execute(newest)).mappings()]
    return Page(found, number, total)


async def actions(database: Database) -> list[str]:
    """The kinds of action that the log holds."""
    async with database.session() as session:
        return list(await session.scalars(select(AuditEntry.action).distinct().order_by(AuditEntry.action)))


async def as_csv(database: Database, wanted: Filter) -> AsyncIterator[str]:
    """The filtered log as CSV, the newest row first, a few hundred rows at a time."""
    yield _csv([COLUMNS])
    before: int | None = None
    while True:
        rows = _rows(wanted).order_by(AuditEntry.id.desc()).limit(EXPORT_BATCH)
        if before is not None:
            rows = rows.where(AuditEntry.id < before)
        async with database.session() as session:
            found = [Entry(**row) for row in (await session.execute(rows)).mappings()]
        if not found:
            return
        before = found[-1].id
        yield _csv(
            [entry.at.strftime("%Y-%m-%dT%H:%M:%SZ"), entry.user, entry.action, entry.conversation_id, entry.detail]
            for entry in found
        )


def _rows(wanted: Filter) -> Select[int, datetime, str, str, int | None, str]:
    rows = select(
        AuditEntry.id,
        AuditEntry.at,
        func.coalesce(User.name, "").label("user"),
        AuditEntry.action,
        AuditEntry.conversation_id,
        AuditEntry.detail,
    ).outerjoin(User, User.id == AuditEntry.user_id)
    if wanted.user_id is not None:
        rows = rows.where(AuditEntry.user_id == wanted.user_id)
    if wanted.action:
        rows = rows.where(AuditEntry.action == wanted.action)
    if wanted.conversation_id is not None:
        rows = rows.where(AuditEntry.conversation_id == wanted.conversation_id)
    if wanted.day:
        start = datetime.combine(wanted.day, time(), UTC)
        rows = rows.where(AuditEntry.at >= start, AuditEntry.at < start + timedelta(days=1))
    return rows


def _csv(rows: Iterable[Iterable[object]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: object) -> str:
    """The value as text that no spreadsheet takes for a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else text
