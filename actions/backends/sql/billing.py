"""Invoices and balances on SQL; payment arrangements and reported payments stand in `payments`."""

from sqlalchemy import select

from ..access import access
from ..models import CustomerRow, InvoiceRow
from ..protocols import Balance, Identity, Invoice, Level, Line, LineKind, NotFound
from .common import customer
from .payments import SqlPayments, balance_of


def _invoice(row: InvoiceRow) -> Invoice:
    lines = []
    for line in row.lines:
        kind: LineKind = line.kind  # type: ignore[assignment]
        lines.append(Line(line.text, line.pence, kind))
    return Invoice(row.number, row.issued_on, row.due_on, row.amount_pence, row.paid_pence, tuple(lines))


class SqlBilling(SqlPayments):
    """Implements `Billing`."""

    def balance(self, identity: Identity) -> Balance:
        """See `Billing.balance`."""
        with access(identity, "balance.read", Level.VERIFIED, identity.account_number) as session:
            return balance_of(session, customer(session, identity).id)

    def invoices(self, identity: Identity) -> list[Invoice]:
        """See `Billing.invoices`."""
        with access(identity, "invoice.list", Level.VERIFIED, identity.account_number) as session:
            mine = select(InvoiceRow).where(InvoiceRow.customer_id == customer(session, identity).id)
            newest = mine.order_by(InvoiceRow.issued_on.desc(), InvoiceRow.id.desc())
            return [_invoice(row) for row in session.scalars(newest)]

    def invoice(self, identity: Identity, number: str) -> Invoice:
        """See `Billing.invoice`."""
        with access(identity, "invoice.read", Level.VERIFIED, number) as session:
            mine = CustomerRow.account_number == identity.account_number
            row = session.scalar(select(InvoiceRow).join(CustomerRow).where(mine, InvoiceRow.number == number))
            if row is None:
                raise NotFound("no such invoice")
            return _invoice(row)
