"""What the action server's stores hold about a person, as JSON that a person can read."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from actions.backends.models import (
    AppointmentRow,
    ArrangementRow,
    AuditRow,
    Base,
    ContactChangeRow,
    CustomerRow,
    InvoiceRow,
    NoteRow,
    NotificationRow,
    OrderRow,
    PaymentRow,
    RatingRow,
    ReturnRow,
    RunRow,
    TicketRow,
)
from actions.backends.session import transaction
from actions.logs import conversation_ref
from actions.metering import read as read_usage
from actions.metering import usage_file
from actions.policy import records
from actions.privacy.person import Person

# What is of no use to the person: our own numbers, hashes of texts, who of the staff it was.
_OURS = {"id", "customer_id", "text_sha256", "actor", "author", "request", "session"}


def export(person: Person) -> dict[str, Any]:
    """Everything by kind. Raises Unavailable, SQLAlchemyError, OSError."""
    with transaction() as session:
        found = _backend(session, person)
    return found | {"decisions of the policy": _decisions(person), "use of language models": _usage(person)}


def _backend(session: Session, person: Person) -> dict[str, Any]:
    customers = session.scalars(select(CustomerRow).where(CustomerRow.account_number.in_(person.accounts))).all()
    ids, theirs = [row.id for row in customers], person.conversations

    def rows(kind: type[Base], *where: Any) -> list[dict[str, Any]]:
        return [_plain(row) for row in session.scalars(select(kind).where(*where))]

    orders = session.scalars(select(OrderRow.id).where(OrderRow.customer_id.in_(ids))).all()
    return {
        "contacts": [_plain(row) for row in customers],
        "changes of contacts": rows(ContactChangeRow, ContactChangeRow.customer_id.in_(ids)),
        "orders": rows(OrderRow, OrderRow.customer_id.in_(ids)),
        "returns": rows(ReturnRow, ReturnRow.order_id.in_(orders)),
        "invoices": _with_parts(session.scalars(select(InvoiceRow).where(InvoiceRow.customer_id.in_(ids))), "lines"),
        "payments": rows(PaymentRow, PaymentRow.customer_id.in_(ids)),
        "payment arrangements": _with_parts(
            session.scalars(select(ArrangementRow).where(ArrangementRow.customer_id.in_(ids))), "instalments"
        ),
        "visits": rows(AppointmentRow, AppointmentRow.customer_id.in_(ids)),
        "tickets": rows(TicketRow, or_(TicketRow.customer_id.in_(ids), TicketRow.conversation_id.in_(theirs))),
        "notes": rows(NoteRow, or_(NoteRow.customer_id.in_(ids), NoteRow.conversation_id.in_(theirs))),
        "ratings": rows(RatingRow, RatingRow.conversation_id.in_(theirs)),
        "messages that were sent": rows(NotificationRow, NotificationRow.conversation_id.in_(theirs)),
        "what agents did": rows(RunRow, RunRow.conversation_id.in_(theirs)),
        "accesses": rows(
            AuditRow, or_(AuditRow.conversation_id.in_(theirs), AuditRow.account_number.in_(person.accounts))
        ),
    }


def _with_parts(found: Iterable[Any], parts: str) -> list[dict[str, Any]]:
    return [{**_plain(row), parts: [_plain(part) for part in getattr(row, parts)]} for row in found]


def _plain(row: Any) -> dict[str, Any]:
    """The row's columns; moments as ISO 8601, amounts in pounds."""
    values = {column.key: getattr(row, column.key) for column in row.__mapper__.columns}
    return {_named(name): _value(name, value) for name, value in values.items() if name not in _OURS}


def _named(name: str) -> str:
    return name.removesuffix("_pence") if name != "pence" else "amount"


def _value(name: str, value: Any) -> Any:
    if name.endswith("pence") and isinstance(value, int):
        return f"£{value / 100:.2f}"
    return value.isoformat() if isinstance(value, (date, datetime)) else value


def _decisions(person: Person) -> list[dict[str, Any]]:
    return [
        {name: value for name, value in row.items() if name not in _OURS}
        for conversation in person.conversations
        for row in records.read(conversation=conversation)
    ]


def _usage(person: Person) -> Sequence[dict[str, Any]]:
    references = {conversation_ref(conversation) for conversation in person.conversations}
    path = usage_file()
    return [line for line in read_usage(path) if line.get("conversation") in references] if path.is_file() else []
