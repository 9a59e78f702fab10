"""Empties conversations: by person, or by age. What is left of one is a row without any words, for the audit log."""

import hashlib
import hmac
import re
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Delete,
    String,
    Update,
    cast,
    delete,
    func,
    make_url,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from desk import audit
from desk.chat_models import ChatSession
from desk.conversations import EMPTIED
from desk.copilot_models import SuggestionUse
from desk.database import Database
from desk.lifecycle import CLOSED
from desk.models import AuditEntry, Base, Conversation, Message, WrapUp, now
from desk.notes_models import Note
from desk.quality_models import TransferQuality
from desk.reads_models import Read
from desk.tasks_models import Task
from desk.transcript_models import TurnDetail

PATIENCE = 30.0  # seconds that a running desk may take to let go of its database
STORE = "desk.db"
GONE = "[erased]"
ROUNDS = 3  # a running desk may just be storing events that the assistant has erased meanwhile

# Where somebody else's conversation may name the person.
_WRITTEN: tuple[tuple[type[Base], str], ...] = (
    (Message, "text"),
    (Note, "text"),
    (WrapUp, "note"),
    (Task, "text"),
    (SuggestionUse, "suggestion"),
    (SuggestionUse, "sent_text"),
    (Conversation, "last_text"),
    (Conversation, "handoff"),
    (TurnDetail, "value"),
)


class Busy(Exception):
    """The database is held by another process, so that deleted data is still in its file."""


@dataclass
class Report:
    """Lines of {store, kind, erased, kept, why}, and in `left` a sentence for each thing that is still to do."""

    lines: list[dict[str, Any]] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def add(self, kind: str, erased: int = 0, kept: int = 0, why: str = "") -> None:
        """Add rows to the line of a kind."""
        if not erased and not kept:
            return
        line = next((line for line in self.lines if line["kind"] == kind), None)
        if line is None:
            line = {"store": STORE, "kind": kind, "erased": 0, "kept": 0, "why": why}
            self.lines.append(line)
        line["erased"] += erased
        line["kept"] += kept

    def as_json(self) -> dict[str, Any]:
        """The report as JSON."""
        return asdict(self)


async def erase(
    database: Database, secret: str, conversations: Sequence[str], names: Sequence[str], values: Sequence[str]
) -> Report:
    """Empty a person's conversations, and take `values` (addresses, numbers) out of what agents wrote elsewhere.

    `names` are what the person is known by; the audit log keeps a keyed hash of each.
    """
    report = Report()
    for _ in range(ROUNDS):
        async with database.session() as session, session.begin():
            await session.execute(text("PRAGMA secure_delete=ON")) if _is_sqlite(database) else None
            before = len(report.lines)
            found = await _empty(session, secret, Conversation.sender_id.in_(conversations), report)
            if not found and len(report.lines) == before:
                break
    async with database.session() as session, session.begin():
        await _take_out(session, values, report)
        if report.lines:
            for name in names:
                audit.note(session, None, "erase", detail=_keyed(secret, name)[:32])
    return report


async def forget_old(database: Database, secret: str, days: int, audit_days: int, dry_run: bool) -> Report:
    """Empty the conversations in which nothing has happened for `days`, and delete audit rows of `audit_days`."""
    report = Report()
    async with database.session() as session, session.begin() as transaction:
        old = Conversation.last_activity < now() - timedelta(days=days)
        await _empty(session, secret, old & Conversation.sender_id.not_like(f"{EMPTIED}%"), report)
        count = await _run(session, delete(AuditEntry).where(AuditEntry.at < now() - timedelta(days=audit_days)))
        report.add("audit", count)
        if dry_run:
            await transaction.rollback()
    return report


async def _empty(session: AsyncSession, secret: str, which: ColumnElement[bool], report: Report) -> int:
    """Empty the conversations; how many there were."""
    rows = (await session.scalars(select(Conversation).where(which))).unique().all()
    for row in rows:
        mine = [kind for kind in (Message, TurnDetail, Note, SuggestionUse, Task, Read)]
        names = ("messages", "details of turns", "notes and whispers", "suggestions", "tasks and call-backs", "reads")
        for kind, name in zip(mine, names, strict=True):
            report.add(name, await _run(session, delete(kind).where(kind.conversation_id == row.id)))  # type: ignore[attr-defined]
        noted = update(WrapUp).where(WrapUp.conversation_id == row.id, WrapUp.note != "").values(note="")
        report.add("wrap-ups", await _run(session, noted), why="the words; how it ended is kept")
        report.add("handoff packets", int(row.handoff is not None))
        opened = delete(ChatSession).where(ChatSession.conversation == row.sender_id)
        report.add("chat sessions", await _run(session, opened))
        await _count_kept(session, row.id, report)
        report.add("conversations", 1, why="a row without words and with a keyed hash for an id is left")
        row.sender_id = f"{EMPTIED}{_keyed(secret, row.sender_id)[:16]}-{row.id}"
        row.handoff, row.last_text, row.language, row.flag, row.skills = None, "", None, "", []
        row.assigned_to = row.assigned_at = row.offered_at = row.waiting_since = row.sla_due = None
        row.phase, row.owner, row.closed_at = CLOSED, "bot", row.closed_at or now()
    return len(rows)


async def _count_kept(session: AsyncSession, conversation_id: int, report: Report) -> None:
    for kind, name, why in (
        (AuditEntry, "audit", "who looked at what must stay provable; no row holds what anybody wrote"),
        (TransferQuality, "quality of transfers", "figures alone"),
    ):
        mine = select(func.count()).where(kind.conversation_id == conversation_id)
        report.add(name, kept=await session.scalar(mine) or 0, why=why)


async def _take_out(session: AsyncSession, values: Sequence[str], report: Report) -> None:
    for value in values:
        for kind, name in _WRITTEN:
            holds = cast(getattr(kind, name), String).icontains(value, autoescape=True)
            rows = (await session.scalars(select(kind).where(holds))).unique().all()
            pattern = re.compile(re.escape(value), re.IGNORECASE)
            for row in rows:
                setattr(row, name, _without(getattr(row, name), pattern))
            report.add("mentions in other conversations", len(rows), why=f"replaced by {GONE}")


def _without(value: Any, pattern: re.Pattern[str]) -> Any:
    """A text or any JSON without what the pattern finds."""
    if isinstance(value, str):
        return pattern.sub(GONE, value)
    if isinstance(value, list):
        return [_without(part, pattern) for part in value]
    if isinstance(value, dict):
        return {name: _without(part, pattern) for name, part in value.items()}
    return value


async def _run(session: AsyncSession, statement: Update | Delete) -> int:
    result = await session.execute(statement.execution_options(synchronize_session=False))
    assert isinstance(result, CursorResult)
    return int(result.rowcount)


def _keyed(secret: str, what: str) -> str:
    return hmac.new(secret.encode(), f"erased|{what}".encode(), hashlib.sha256).hexdigest()


def _is_sqlite(database: Database) -> bool:
    return database.engine.dialect.name == "sqlite"


def scrub(url: str) -> None:
    """Rewrite an SQLite file, while the desk runs, so that nothing is left in it of what was deleted. Raises Busy."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database or not Path(parsed.database).is_file():
        return
    until = time.monotonic() + PATIENCE
    try:
        with closing(sqlite3.connect(parsed.database, timeout=PATIENCE, isolation_level=None)) as connection:
            connection.execute("PRAGMA secure_delete=ON")
            connection.execute("VACUUM")
            # A reader keeps the log of changes (-wal), and with it old pages, from being emptied.
            while connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                if time.monotonic() > until:
                    raise Busy("desk.db is read all the time: run this again in a quieter moment.")
                time.sleep(0.1)
    except sqlite3.OperationalError as error:
        raise Busy(f"desk.db could not be rewritten ({error}): run this again in a quieter moment.") from None
