"""What the SQL backends share."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..models import CustomerRow
from ..protocols import Identity, NotFound


def customer(session: Session, identity: Identity, hold: bool = False) -> CustomerRow:
    """The caller's customer record; with `hold` other changes for that customer wait."""
    query = select(CustomerRow).where(CustomerRow.account_number == identity.account_number)
    row = session.scalar(query.with_for_update() if hold else query)
    if row is None:
        raise NotFound("no such customer")
    return row


def number_of(prefix: str, reference: str) -> int:
    """The row's number in a reference such as NV000012; raises NotFound."""
    digits = reference.removeprefix(prefix)
    if not reference.startswith(prefix) or not digits.isascii() or not digits.isdecimal() or len(digits) > 9:
        raise NotFound("no such reference")
    return int(digits)
