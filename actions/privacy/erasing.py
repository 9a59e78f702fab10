"""Erases a person from the action server's stores. Doing it again erases what has come since, and nothing else."""

import re
import sqlite3
from collections.abc import Sequence
from typing import Any

from sqlalchemy import CursorResult, Update, delete, false, func, or_, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import Delete

from actions import clock, settings
from actions.attempts import key_of
from actions.backends.models import (
    AppointmentRow,
    ArrangementRow,
    AssuranceRow,
    AttemptRow,
    AuditRow,
    CodeRow,
    ContactChangeRow,
    CustomerRow,
    InvoiceRow,
    LeaseRow,
    LockRow,
    NoteRow,
    NotificationRow,
    OrderRow,
    PaymentRow,
    PlaceRow,
    RatingRow,
    RequestRow,
    ReturnRow,
    RunRow,
    TicketRow,
)
from actions.backends.protocols import Unavailable
from actions.backends.session import transaction
from actions.knowledge import gaps
from actions.logs import conversation_ref
from actions.policy import records
from actions.privacy.files import Busy, change_usage, forget_drafts, scrub, sqlite_file
from actions.privacy.person import ACCOUNT, Person, keyed_hash, pseudonym
from actions.privacy.report import Report

ERASED = "privacy.erase"
BY_LAW = "accounts must be kept for six years (Companies Act 2006, VAT Act 1994): under a pseudonym, without name"
ACCOUNTS: dict[str, type[OrderRow | InvoiceRow | PaymentRow | ArrangementRow]] = {
    "orders": OrderRow,
    "invoices": InvoiceRow,
    "payments": PaymentRow,
    "payment arrangements": ArrangementRow,
}
_REFERENCE = re.compile(r"[A-Z]{2}\d{5,8}")


def erase(person: Person) -> Report:
    """Erase the person everywhere here. What fails stands in the report's `left`."""
    report = Report()
    for what, part in (
        ("backend.db", _backend),
        ("knowledge.db", _gaps),
        ("llm-usage.jsonl", _usage),
        ("drafts", _drafts),
        ("policy.db", _decisions),
    ):
        try:
            part(person, report)
        except (Unavailable, SQLAlchemyError, sqlite3.Error, OSError, ValueError) as error:
            report.left.append(
                f"{what} was not erased ({type(error).__name__}): make it reachable, then run this again."
            )
    files = [sqlite_file(settings.backend_url()), settings.var_dir() / "knowledge.db"]
    for path in files:
        try:
            if path:
                scrub(path)
        except (Busy, sqlite3.Error) as error:
            report.left.append(str(error))
    if settings.booking() == "caldav":
        report.left.append("Visits stand in your calendar, too: delete the person's events there by hand.")
    return report


def _backend(person: Person, report: Report) -> None:
    with transaction() as session:
        bind = session.get_bind()
        if bind.dialect.name == "sqlite":
            session.connection().exec_driver_sql("PRAGMA secure_delete=ON")
        rows = session.scalars(select(CustomerRow).where(CustomerRow.account_number.in_(person.accounts))).all()
        ids = [row.id for row in rows]
        before = len(report.lines)
        _delete_rows(session, person, ids, report)
        _keep_accounts(session, rows, report)
        _cover_ratings(session, person, report)
        _cover_audit(session, person, report)
        if len(report.lines) > before:
            hashes = [keyed_hash(name) for name in person.accounts or person.conversations]
            for subject in hashes or [keyed_hash("|".join(person.values))]:
                row = AuditRow(at=clock.utc_now(), conversation_id="", action=ERASED, subject=subject[:32])
                row.level, row.outcome = 0, "allowed"
                session.add(row)


def _delete_rows(session: Session, person: Person, ids: Sequence[int], report: Report) -> None:
    """Rows that nobody needs once the person is gone."""
    theirs = person.conversations
    subjects = [f"{start}{account}" for account in person.accounts for start in ACCOUNT]
    owners = [*person.accounts, *(f"conversation:{conversation}" for conversation in theirs)]
    appointments = select(AppointmentRow.id).where(AppointmentRow.customer_id.in_(ids))
    is_lease = or_(false(), *(LeaseRow.key.contains(account) for account in person.accounts))
    open_work = select(func.count()).where(TicketRow.status == "open", _of(TicketRow, ids, theirs))
    count = session.scalar(open_work) or 0
    what: list[tuple[str, Delete, str]] = [
        ("tickets", delete(TicketRow).where(_of(TicketRow, ids, theirs)), f"{count} were open" if count else ""),
        ("notes of agents", delete(NoteRow).where(_of(NoteRow, ids, theirs)), ""),
        ("visits: places", delete(PlaceRow).where(PlaceRow.appointment_id.in_(appointments)), "free for others"),
        ("visits", delete(AppointmentRow).where(AppointmentRow.customer_id.in_(ids)), ""),
        ("changes of contacts", delete(ContactChangeRow).where(ContactChangeRow.customer_id.in_(ids)), ""),
        ("notifications", delete(NotificationRow).where(NotificationRow.conversation_id.in_(theirs)), ""),
        (
            "one-time codes",
            delete(CodeRow).where(
                or_(CodeRow.conversation_id.in_(theirs), CodeRow.account_number.in_(person.accounts))
            ),
            "",
        ),
        (
            "verification sessions",
            delete(AssuranceRow).where(
                or_(AssuranceRow.conversation_id.in_(theirs), AssuranceRow.subject.in_(subjects))
            ),
            "",
        ),
        (
            "verification attempts",
            delete(AttemptRow).where(or_(AttemptRow.conversation_id.in_(theirs), AttemptRow.subject.in_(subjects))),
            "",
        ),
        ("verification locks", delete(LockRow).where(LockRow.key.in_([*subjects, *map(key_of, theirs)])), ""),
        ("answers to requests", delete(RequestRow).where(RequestRow.owner.in_(owners)), ""),
        ("agents' actions", delete(RunRow).where(RunRow.conversation_id.in_(theirs)), ""),
        ("leases", delete(LeaseRow).where(is_lease), ""),
    ]
    for kind, statement, why in what:
        report.add("backend.db", kind, erased=_run(session, statement), why=why)


def _of(row: type[TicketRow] | type[NoteRow], ids: Sequence[int], conversations: Sequence[str]) -> Any:
    return or_(row.customer_id.in_(ids), row.conversation_id.in_(conversations))


def _keep_accounts(session: Session, rows: Sequence[CustomerRow], report: Report) -> None:
    """The law wants invoices and orders kept: they stay with a customer who has no name any more."""
    for row in rows:
        orders = select(OrderRow.id).where(OrderRow.customer_id == row.id)
        session.execute(update(ReturnRow).where(ReturnRow.order_id.in_(orders)).values(reason=""))
        session.execute(
            update(OrderRow)
            .where(OrderRow.customer_id == row.id)
            .values(delivery_postcode="", deliver_to="", tracking_number=None)
        )
        for kind, table in ACCOUNTS.items():
            kept = session.scalar(select(func.count()).where(table.customer_id == row.id)) or 0
            report.add("backend.db", kind, kept=kept, why=BY_LAW)
        report.add("backend.db", "contacts", erased=1, why="name, addresses, telephone, e-mail, consent")
        row.account_number = pseudonym(row.account_number)
        row.name = row.postcode = row.address_lines = row.town = row.email = row.phone = ""
        row.marketing = False


def _cover_ratings(session: Session, person: Person, report: Report) -> None:
    for conversation in person.conversations:
        mine = update(RatingRow).where(RatingRow.conversation_id == conversation)
        count = _run(session, mine.values(comment="", conversation_id=pseudonym(conversation, "erased")))
        report.add("backend.db", "ratings", kept=count, why="the number alone; comment and conversation are erased")


def _cover_audit(session: Session, person: Person, report: Report) -> None:
    """The record of accesses stays, as the law on accountability wants it, and names nobody."""
    why = "who had access must stay provable (UK GDPR, article 5(2)): under a pseudonym"
    mine = or_(
        AuditRow.conversation_id.in_(person.conversations),
        AuditRow.account_number.in_(person.accounts),
        *(AuditRow.subject.contains(account) for account in person.accounts),  # tries of others at the account
    )
    rows = session.scalars(select(AuditRow).where(mine)).all()
    for row in rows:
        if row.conversation_id in person.conversations:
            row.conversation_id = pseudonym(row.conversation_id, "erased")
        if row.account_number in person.accounts:
            row.account_number = pseudonym(row.account_number)
        if row.subject and (row.subject in person.accounts or not _REFERENCE.fullmatch(row.subject)):
            row.subject = None
    report.add("backend.db", "audit", kept=len(rows), why=why)


def _run(session: Session, statement: Update | Delete) -> int:
    result = session.execute(statement.execution_options(synchronize_session=False))
    assert isinstance(result, CursorResult)
    return int(result.rowcount)


def _gaps(person: Person, report: Report) -> None:
    """Questions without an answer are redacted before they are kept; those that the person asked go all the same."""
    count = gaps.forget_asked_by(
        [conversation_ref(c) for c in person.conversations], [*person.accounts, *person.values, *person.names]
    )
    report.add("knowledge.db", "unanswered questions", erased=count)


def _usage(person: Person, report: Report) -> None:
    references = {conversation_ref(conversation) for conversation in person.conversations}
    count = change_usage(lambda line: {**line, "conversation": ""} if line.get("conversation") in references else line)
    report.add("llm-usage.jsonl", "model usage", kept=count, why="tokens and cost alone; the conversation is erased")


def _drafts(person: Person, report: Report) -> None:
    report.add("drafts", "drafted articles", erased=forget_drafts(person.conversations))


def _decisions(person: Person, report: Report) -> None:
    count = sum(1 for conversation in person.conversations for _ in records.read(conversation=conversation))
    why = "rule, outcome and hashes only: no text, no name and no id of the conversation"
    report.add("policy.db", "policy decisions", kept=count, why=why)
