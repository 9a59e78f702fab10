"""Who a person is: their accounts, and the conversations that are theirs."""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from actions.backends.models import (
    AssuranceRow,
    AttemptRow,
    AuditRow,
    CodeRow,
    CustomerRow,
    NoteRow,
    OrderRow,
    TicketRow,
)
from actions.backends.session import transaction
from actions.settings import secret

ACCOUNT = ("account:", "step-up:", "code:")  # how a subject of the verification begins that names an account


class Unclear(Exception):
    """The person cannot be told from others; the text says what to give instead."""


@dataclass
class Person:
    """`accounts` are customer numbers, `conversations` ids; `values` (e-mail, telephone) lead to further conversations,
    `names` may be other people's too."""

    accounts: list[str] = field(default_factory=list)
    conversations: list[str] = field(default_factory=list)
    values: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)


def find(given: str) -> Person:
    """The person of a customer number, an e-mail address or a conversation id.

    A conversation names its customer when exactly one account was verified in it; an id of which nothing is known
    here is a conversation without an account. Raises Unclear, Unavailable.
    """
    text = given.strip()
    if not text:
        raise Unclear("Say whom: give a customer number, an e-mail address or the id of a conversation.")
    with transaction() as session:
        row, own = _customer(session, text), set[str]()
        if row is None and "@" not in text:
            own = {text}
            verified = _accounts_in(session, text)
            if len(verified) > 1:
                raise Unclear(
                    f"{len(verified)} accounts were verified in this conversation: give the customer number instead."
                )
            row = _customer(session, verified[0]) if verified else None
        if row is None:
            return Person(conversations=sorted(own), values=[text] if "@" in text else [])
        values = [value for value in (row.email, row.phone) if value]
        return Person([row.account_number], sorted(own | _conversations(session, row)), values, [row.name])


def pseudonym(what: str, kind: str = "ERASED") -> str:
    """What stands in the place of an account or a conversation that was erased: always the same, for nobody to undo."""
    return f"{kind}-{keyed_hash(what)[:12]}"


def keyed_hash(what: str) -> str:
    """64 hex digits that only this installation can compute."""
    return hmac.new(secret().encode(), f"erased|{what}".encode(), hashlib.sha256).hexdigest()


def _customer(session: Session, text: str) -> CustomerRow | None:
    """The customer with this number or address; Unclear when an address belongs to several."""
    same = or_(
        CustomerRow.account_number == text.upper().replace(" ", ""), func.lower(CustomerRow.email) == text.lower()
    )
    rows = session.scalars(select(CustomerRow).where(same)).all()
    if len(rows) > 1:
        numbers = " and ".join(row.account_number for row in rows)
        raise Unclear(f"This address belongs to {numbers}: give the customer number instead.")
    return rows[0] if rows else None


def _accounts_in(session: Session, conversation: str) -> list[str]:
    """The accounts that were verified in a conversation."""
    allowed = select(AuditRow.account_number).where(
        AuditRow.conversation_id == conversation, AuditRow.account_number.is_not(None), AuditRow.outcome == "allowed"
    )
    subjects = session.scalars(select(AssuranceRow.subject).where(AssuranceRow.conversation_id == conversation))
    named = {subject.partition(":")[2] for subject in subjects if subject.startswith(ACCOUNT)}
    known = select(CustomerRow.account_number).where(
        CustomerRow.account_number.in_({*named, *(number for number in session.scalars(allowed) if number)})
    )
    return list(session.scalars(known))


def _conversations(session: Session, row: CustomerRow) -> set[str]:
    """Where the account was verified, or something was kept for it; a failed try makes no conversation theirs."""
    subjects = [f"{start}{row.account_number}" for start in ACCOUNT]
    orders = session.scalars(select(OrderRow.number).where(OrderRow.customer_id == row.id))
    subjects += [f"order:{number}" for number in orders]
    queries: Iterable[Iterable[str]] = (
        session.scalars(select(AssuranceRow.conversation_id).where(AssuranceRow.subject.in_(subjects))),
        session.scalars(
            select(AttemptRow.conversation_id).where(AttemptRow.subject.in_(subjects), AttemptRow.succeeded.is_(True))
        ),
        session.scalars(
            select(AuditRow.conversation_id).where(
                AuditRow.account_number == row.account_number, AuditRow.outcome == "allowed"
            )
        ),
        session.scalars(select(CodeRow.conversation_id).where(CodeRow.account_number == row.account_number)),
        session.scalars(select(TicketRow.conversation_id).where(TicketRow.customer_id == row.id)),
        session.scalars(select(NoteRow.conversation_id).where(NoteRow.customer_id == row.id)),
    )
    return {conversation for found in queries for conversation in found if conversation}
