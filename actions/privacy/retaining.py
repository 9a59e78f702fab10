"""Deletes what is older than policy.yml wants it kept. A dry run counts and changes nothing."""

import sqlite3
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from actions import clock, settings
from actions.backends.models import (
    AssuranceRow,
    AttemptRow,
    AuditRow,
    CodeRow,
    ContactChangeRow,
    LockRow,
    NoteRow,
    NotificationRow,
    RatingRow,
    RequestRow,
    RunRow,
    TicketRow,
)
from actions.backends.protocols import Unavailable
from actions.backends.session import transaction
from actions.knowledge import gaps
from actions.policy import records
from actions.policy.retention import Retention
from actions.privacy.files import Busy, change_usage, scrub, sqlite_file
from actions.privacy.report import Report


def apply(kept: Retention, dry_run: bool = False) -> Report:
    """Delete what is too old. What fails stands in the report's `left`."""
    report = Report()
    for what, part in (
        ("backend.db", _backend),
        ("policy.db", _decisions),
        ("knowledge.db", _gaps),
        ("llm-usage.jsonl", _usage),
    ):
        try:
            part(kept, dry_run, report)
        except (Unavailable, SQLAlchemyError, sqlite3.Error, OSError) as error:
            report.left.append(f"{what} was left as it is ({type(error).__name__}): make it reachable, then run again.")
    if dry_run or not report.lines:
        return report
    for path in (
        sqlite_file(settings.backend_url()),
        sqlite_file(settings.policy_url()),
        settings.var_dir() / "knowledge.db",
    ):
        try:
            if path:
                scrub(path)
        except (Busy, sqlite3.Error) as error:
            report.left.append(str(error))
    return report


def _before(days: int) -> datetime:
    return clock.utc_now() - timedelta(days=days)


class _Undo(Exception):
    """Takes back what a dry run has deleted to count it."""


def _backend(kept: Retention, dry_run: bool, report: Report) -> None:
    try:
        with transaction() as session:
            if session.get_bind().dialect.name == "sqlite":
                session.connection().exec_driver_sql("PRAGMA secure_delete=ON")
            _rows(session, kept, report)
            if dry_run:
                raise _Undo
    except _Undo:
        pass


def _rows(session: Session, kept: Retention, report: Report) -> None:
    old_ticket = TicketRow.opened_at < _before(kept.tickets)
    still_open = session.scalar(select(func.count()).where(old_ticket, TicketRow.status == "open")) or 0
    codes, requests = _before(kept.one_time_codes), _before(kept.notifications)
    statements: list[tuple[str, Any]] = [
        ("notes of agents", delete(NoteRow).where(NoteRow.at < _before(kept.tickets))),
        ("changes of contacts", delete(ContactChangeRow).where(ContactChangeRow.at < _before(kept.tickets))),
        ("notifications", delete(NotificationRow).where(NotificationRow.at < requests)),
        ("answers to requests", delete(RequestRow).where(RequestRow.at < requests)),
        ("agents' actions", delete(RunRow).where(RunRow.at < requests)),
        ("one-time codes", delete(CodeRow).where(CodeRow.expires_at < codes)),
        ("verification sessions", delete(AssuranceRow).where(AssuranceRow.expires_at < codes)),
        ("verification attempts", delete(AttemptRow).where(AttemptRow.at < codes)),
        ("verification locks", delete(LockRow).where(LockRow.until < codes)),
        (
            "comments on conversations",
            update(RatingRow)
            .where(RatingRow.at < _before(kept.conversations), RatingRow.comment != "")
            .values(comment=""),
        ),
        ("audit", delete(AuditRow).where(AuditRow.at < _before(kept.audit))),
    ]
    closed = session.execute(delete(TicketRow).where(old_ticket, TicketRow.status != "open"))
    report.add("backend.db", "tickets", _count(closed), still_open, "still open" if still_open else "")
    for kind, statement in statements:
        report.add("backend.db", kind, _count(session.execute(statement.execution_options(synchronize_session=False))))


def _count(result: Any) -> int:
    return int(result.rowcount)


def _decisions(kept: Retention, dry_run: bool, report: Report) -> None:
    """The table is append-only for everybody else: its triggers are taken off for this one transaction."""
    before = _before(kept.policy_decisions).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    report.add("policy.db", "policy decisions", records.forget_older(before, dry_run))


def _gaps(kept: Retention, dry_run: bool, report: Report) -> None:
    count = gaps.forget_older(_before(kept.unanswered_questions), dry_run)
    report.add("knowledge.db", "unanswered questions", count)


def _usage(kept: Retention, dry_run: bool, report: Report) -> None:
    before = _before(kept.model_usage).isoformat(timespec="seconds")

    def keep(line: dict[str, Any]) -> dict[str, Any] | None:
        return line if str(line.get("at", "")) >= before else None

    report.add("llm-usage.jsonl", "model usage", change_usage(keep, dry_run))
