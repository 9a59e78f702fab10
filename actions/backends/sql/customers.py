"""Customer records on SQL."""

import hmac

from sqlalchemy import select

from ..access import access
from ..models import CustomerRow
from ..protocols import Identity, Level, NotFound

_NOBODY = "\0" * 8


def same(given: str, kept: str | None) -> bool:
    """Whether two identifiers are equal, in a time that does not tell how far they agree."""
    equal = hmac.compare_digest(given.encode(), (kept or _NOBODY).encode())
    return equal and kept is not None


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
            name = session.scalar(select(CustomerRow.name).where(CustomerRow.account_number == identity.account_number))
            if name is None:
                raise NotFound("no such customer")
            return name
