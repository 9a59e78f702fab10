"""Billing on SQL."""

from sqlalchemy import select

from ..access import access
from ..models import CustomerRow, InvoiceRow
from ..protocols import Balance, Identity, Level


class SqlBilling:
    """Implements `Billing`."""

    def balance(self, identity: Identity) -> Balance:
        """See `Billing.balance`; a payment above an invoice's amount is credit."""
        with access(identity, "balance.read", Level.VERIFIED, identity.account_number) as session:
            mine = CustomerRow.account_number == identity.account_number
            invoices = session.scalars(select(InvoiceRow).join(CustomerRow).where(mine)).all()
            pence = sum(invoice.amount_pence - invoice.paid_pence for invoice in invoices)
            due = [invoice.due_on for invoice in invoices if invoice.paid_pence < invoice.amount_pence]
            return Balance(pence, min(due) if due and pence > 0 else None)
