"""Payment arrangements and reported payments on SQL, within the limits of data/billing.yml."""

from datetime import date, timedelta
from typing import get_args

from dateutil.relativedelta import relativedelta
from sqlalchemy import select
from sqlalchemy.orm import Session

from ... import clock
from .. import rules
from ..access import access
from ..done import change
from ..models import ArrangementRow, InstalmentRow, InvoiceRow, PaymentRow
from ..protocols import (
    Arrangement,
    ArrangementLimits,
    Balance,
    Identity,
    Invalid,
    Level,
    LimitExceeded,
    Payment,
    PaymentMethod,
)
from .common import customer


def _arrangement(row: ArrangementRow) -> Arrangement:
    return Arrangement(f"NP{row.id:06d}", tuple((part.due_on, part.pence) for part in row.instalments))


def _payment(row: PaymentRow) -> Payment:
    reference = f"PM{row.id:06d}"
    return Payment(reference, row.pence, row.paid_on, row.method, row.status)  # type: ignore[arg-type]


def _running(session: Session, customer_id: int) -> ArrangementRow | None:
    mine = select(ArrangementRow).where(ArrangementRow.customer_id == customer_id)
    return session.scalar(mine.where(ArrangementRow.last_on >= clock.today()).order_by(ArrangementRow.id.desc()))


def balance_of(session: Session, customer_id: int) -> Balance:
    """What a customer owes; a payment above an invoice's amount is credit."""
    invoices = session.scalars(select(InvoiceRow).where(InvoiceRow.customer_id == customer_id)).all()
    pence = sum(invoice.amount_pence - invoice.paid_pence for invoice in invoices)
    due = [invoice.due_on for invoice in invoices if invoice.paid_pence < invoice.amount_pence]
    return Balance(pence, min(due) if due and pence > 0 else None)


def _limits(session: Session, customer_id: int) -> ArrangementLimits:
    kept, today = rules.money().arrangement, clock.today()
    owed = balance_of(session, customer_id).pence
    counts = range(kept.min_instalments, kept.max_instalments + 1)
    options = tuple(n for n in counts if owed // n >= kept.min_instalment)
    refusal = None
    if _running(session, customer_id):
        refusal = "one_at_a_time"
    elif owed < kept.min_balance:
        refusal = "min_balance"
    elif owed > kept.max_balance:
        refusal = "max_balance"
    elif not options:
        refusal = "min_instalment"
    last = today + timedelta(days=kept.first_within_days)
    return ArrangementLimits(owed, () if refusal else options, today, last, kept.min_instalment, refusal)


def _check(limits: ArrangementLimits, instalments: int, first_on: date) -> None:
    kept = rules.money().arrangement
    broken = {
        limits.refusal: limits.refusal is not None,
        "min_instalments": instalments < kept.min_instalments,
        "max_instalments": instalments > kept.max_instalments,
        "min_instalment": instalments not in limits.options,
        "first_in_past": first_on < limits.first_from,
        "first_within_days": first_on > limits.first_until,
    }
    for limit, holds in broken.items():
        if limit and holds:
            raise LimitExceeded(limit, f"the limit {limit} forbids this arrangement")


def split(pence: int, first_on: date, count: int) -> list[tuple[date, int]]:
    """Monthly instalments that sum to `pence`; the first ones carry the pennies that cannot be split."""
    each, over = divmod(pence, count)
    return [(first_on + relativedelta(months=n), each + (n < over)) for n in range(count)]


class SqlPayments:
    """The part of `Billing` that is about paying."""

    def arrangement_limits(self, identity: Identity) -> ArrangementLimits:
        """See `Billing.arrangement_limits`."""
        with access(identity, "arrangement.limits", Level.VERIFIED, identity.account_number) as session:
            return _limits(session, customer(session, identity).id)

    def arrange(self, identity: Identity, instalments: int, first_on: date, request: str) -> Arrangement:
        """See `Billing.arrange`."""

        def do(session: Session) -> Arrangement:
            row = customer(session, identity, hold=True)
            limits = _limits(session, row.id)
            _check(limits, instalments, first_on)
            parts = split(limits.balance_pence, first_on, instalments)
            made = ArrangementRow(customer_id=row.id, made_on=clock.today(), last_on=parts[-1][0])
            made.instalments = [InstalmentRow(due_on=day, pence=pence) for day, pence in parts]
            session.add(made)
            session.flush()
            return _arrangement(made)

        account = identity.account_number
        return change(identity, "arrangement.make", Level.VERIFIED, account, request, Arrangement, do)

    def arrangement(self, identity: Identity) -> Arrangement | None:
        """See `Billing.arrangement`."""
        with access(identity, "arrangement.read", Level.VERIFIED, identity.account_number) as session:
            row = _running(session, customer(session, identity).id)
            return _arrangement(row) if row else None

    def report_payment(
        self, identity: Identity, pence: int, paid_on: date, method: PaymentMethod, request: str
    ) -> Payment:
        """See `Billing.report_payment`."""

        def do(session: Session) -> Payment:
            kept, today = rules.money().reported_payment, clock.today()
            if not 0 < pence <= kept.max_pence:
                raise Invalid("pence", "That amount cannot be right.")
            if not today - timedelta(days=kept.max_days_ago) <= paid_on <= today:
                raise Invalid("paid_on", "That day is to come, or too long ago.")
            if method not in get_args(PaymentMethod):
                raise Invalid("method", "There is no such way to pay.")
            row = PaymentRow(
                customer_id=customer(session, identity).id,
                pence=pence,
                paid_on=paid_on,
                method=method,
                status="reported",
                reported_at=clock.utc_now(),
            )
            session.add(row)
            session.flush()
            return _payment(row)

        account = identity.account_number
        return change(identity, "payment.report", Level.VERIFIED, account, request, Payment, do)

    def payments(self, identity: Identity) -> list[Payment]:
        """See `Billing.payments`."""
        with access(identity, "payment.list", Level.VERIFIED, identity.account_number) as session:
            mine = select(PaymentRow).where(PaymentRow.customer_id == customer(session, identity).id)
            return [_payment(row) for row in session.scalars(mine.order_by(PaymentRow.id.desc()))]
