"""Customer records on SQL."""

import hmac
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from ... import clock
from .. import contacts
from ..access import access
from ..calendar import london
from ..done import change
from ..models import ContactChangeRow, CustomerRow
from ..protocols import (
    Address,
    Change,
    Contact,
    Field,
    Identity,
    Invalid,
    Level,
    NotFound,
    Recipient,
    TooLate,
)
from .common import customer

UNDO = timedelta(hours=24)
FIELDS = ("address", "email", "phone", "marketing")
_NOBODY = "\0" * 8


def same(given: str, kept: str | None) -> bool:
    """Whether two identifiers are equal, in a time that does not tell how far they agree."""
    equal = hmac.compare_digest(given.encode(), (kept or _NOBODY).encode())
    return equal and kept is not None


def address_of(row: CustomerRow) -> Address:
    """The customer's own address."""
    return Address(tuple(row.address_lines.splitlines()), row.town, row.postcode)


def _kept(row: CustomerRow, field: str) -> str:
    if field == "address":
        return contacts.packed(address_of(row))
    if field == "marketing":
        return "yes" if row.marketing else "no"
    value: str = getattr(row, field)
    return value


def _put(row: CustomerRow, field: str, value: str) -> None:
    if field == "address":
        address = contacts.unpacked(value)
        row.address_lines, row.town, row.postcode = "\n".join(address.lines), address.town, address.postcode
    elif field == "marketing":
        row.marketing = value == "yes"
    else:
        setattr(row, field, value)


def _change(row: ContactChangeRow) -> Change:
    old, new = row.old, row.new
    if row.field == "address":
        old, new = str(contacts.unpacked(old)), str(contacts.unpacked(new))
    field: Field = row.field  # type: ignore[assignment]
    return Change(row.id, field, old, new, london(row.at), london(row.at + UNDO))


def _recent(session: Session, row: CustomerRow) -> list[ContactChangeRow]:
    """The customer's changes of the last 24 hours, the newest first."""
    since = ContactChangeRow.at > clock.utc_now() - UNDO
    mine = select(ContactChangeRow).where(ContactChangeRow.customer_id == row.id, since)
    return list(session.scalars(mine.order_by(ContactChangeRow.id.desc())))


def _undoable(recent: list[ContactChangeRow]) -> list[ContactChangeRow]:
    """The newest change of each field that stands; `recent` has the newest first."""
    latest: dict[str, ContactChangeRow] = {}
    for row in recent:
        if row.undone_at is None:
            latest.setdefault(row.field, row)
    return list(latest.values())


class SqlCustomers:
    """Implements `Customers`."""

    def matches(self, identity: Identity, account_number: str, postcode: str) -> bool:
        """See `Customers.matches`."""
        with access(identity, "customer.match", Level.NONE, account_number) as session:
            kept = session.scalar(select(CustomerRow.postcode).where(CustomerRow.account_number == account_number))
            return same(postcode, kept)

    def name(self, identity: Identity) -> str:
        """See `Customers.name`."""
        with access(identity, "customer.name", Level.VERIFIED, identity.account_number) as session:
            return customer(session, identity).name

    def contact(self, identity: Identity) -> Contact:
        """See `Customers.contact`."""
        with access(identity, "customer.contact", Level.VERIFIED, identity.account_number) as session:
            row = customer(session, identity)
            return Contact(row.name, address_of(row), row.email, row.phone, row.marketing)

    def change(self, identity: Identity, field: Field, value: str | bool | Address, request: str) -> Change:
        """See `Customers.change`."""

        def do(session: Session) -> Change:
            if field not in FIELDS:
                raise Invalid(field, "There is no such detail.")
            row = customer(session, identity, hold=True)
            old, new = _kept(row, field), contacts.cleaned(field, value)
            if old == new:
                raise Invalid(field, "That is what we have already.")
            _put(row, field, new)
            made = ContactChangeRow(customer_id=row.id, field=field, old=old, new=new, at=clock.utc_now())
            session.add(made)
            session.flush()
            return _change(made)

        return change(identity, "customer.change", Level.STEP_UP, field, request, Change, do)

    def changes(self, identity: Identity) -> list[Change]:
        """See `Customers.changes`."""
        with access(identity, "customer.changes", Level.VERIFIED, identity.account_number) as session:
            return [_change(row) for row in _undoable(_recent(session, customer(session, identity)))]

    def undo(self, identity: Identity, change_id: int, request: str) -> Change:
        """See `Customers.undo`."""

        def do(session: Session) -> Change:
            row = customer(session, identity, hold=True)
            made = session.get(ContactChangeRow, change_id)
            if made is None or made.customer_id != row.id:
                raise NotFound("no such change")
            if made not in _undoable(_recent(session, row)):
                raise TooLate("older than a day, undone before, or changed again since")
            _put(row, made.field, made.old)
            made.undone_at = clock.utc_now()
            return _change(made)

        return change(identity, "customer.undo", Level.VERIFIED, str(change_id), request, Change, do)

    def code_recipients(self, identity: Identity) -> list[Recipient]:
        """See `Customers.code_recipients`: what was on file 24 hours ago."""
        with access(identity, "customer.code_recipients", Level.VERIFIED, identity.account_number) as session:
            row = customer(session, identity)
            former = {made.field: made.old for made in _recent(session, row)}  # the oldest one is put last
            email, phone = former.get("email", row.email), former.get("phone", row.phone)
            found = [Recipient("email", email)] if email else []
            return found + ([Recipient("sms", phone)] if contacts.is_mobile(phone) else [])
