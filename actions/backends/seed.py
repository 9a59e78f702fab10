"""Fills an empty database with the demo's data; all dates are relative to the day of seeding.

Documentation and tests rely on Priya Sharma (NA204518, LS1 4AP, £42.50 due in 14 days, orders NO482136
dispatched and NO300411 delivered), on Tom Okafor (NA310077, M3 2BW, order NO771204 packed, a visit to come), and on
Megan Price (NA118260, CF10 1EP), who has orders to cancel, to change and to send back.
"""

from datetime import UTC, date, datetime, time, timedelta

from dateutil.relativedelta import relativedelta
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from .. import clock
from . import calendar, demo
from .models import (
    AppointmentRow,
    CustomerRow,
    InvoiceLineRow,
    InvoiceRow,
    OrderRow,
    OutageRow,
    PlaceRow,
)
from .session import transaction


def seed(today: date | None = None) -> bool:
    """Fill an empty database; True when data was added."""
    start = today or clock.today()
    with transaction() as session:
        empty = not session.scalar(select(func.count()).select_from(CustomerRow))
        if empty:
            customers = _add_customers(session)
            _add_orders(session, customers, start)
            _add_invoices(session, customers, start)
            _add_visits(session, customers, start)
            _add_outages(session, start)
    return empty


def _add_customers(session: Session) -> dict[str, CustomerRow]:
    names = ("account_number", "name", "postcode", "address_lines", "town", "email", "phone", "marketing")
    rows = [CustomerRow(**dict(zip(names, values, strict=True))) for values in demo.CUSTOMERS]
    session.add_all(rows)
    session.flush()
    return {row.account_number: row for row in rows}


def _add_orders(session: Session, customers: dict[str, CustomerRow], today: date) -> None:
    for account, number, item, category, price, status, age, expected, address, code in demo.ORDERS:
        owner = customers[account]
        sent = status in ("dispatched", "delivered")
        expected_on = today + timedelta(days=expected)
        own_address = ", ".join([*owner.address_lines.splitlines(), owner.town])
        row = OrderRow(
            number=number,
            customer_id=owner.id,
            item=item,
            category=category,
            price_pence=price,
            status=status,
            deliver_to=f"{address or own_address}, {code}",
            delivery_postcode=code,
            placed_on=today - timedelta(days=age),
            expected_on=None if status == "cancelled" else expected_on,
            delivered_on=expected_on if status == "delivered" else None,
            carrier="Parcelway" if sent else None,
            tracking_number=f"PW{int(number[2:]) * 7919 % 10**9:09d}GB" if sent else None,
        )
        session.add(row)


def _add_invoices(session: Session, customers: dict[str, CustomerRow], today: date) -> None:
    for account, months, unpaid, due in demo.INVOICES:
        for back in range(months):
            lines = [*demo.MONTHLY[account], *demo.EXTRAS.get((account, back), [])]
            amount = sum(pence for _, pence, _ in lines)
            due_on = today + timedelta(days=due) - relativedelta(months=back)
            row = InvoiceRow(
                number=f"INV-{account[2:]}-{months - back:02d}",
                customer_id=customers[account].id,
                issued_on=due_on - timedelta(days=21),
                due_on=due_on,
                amount_pence=amount,
                paid_pence=amount if back else amount - unpaid,
            )
            row.lines = [
                InvoiceLineRow(position=n, text=text, pence=pence, kind=kind)
                for n, (text, pence, kind) in enumerate(lines)
            ]
            session.add(row)


def _add_visits(session: Session, customers: dict[str, CustomerRow], today: date) -> None:
    first = calendar.add_working_days(today, 1)
    windows = [found for n in range(5) for found in calendar.of_day(calendar.add_working_days(first, n))]
    taken: dict[str, int] = {}
    for account, position, reason in demo.VISITS:
        window = windows[min(position, len(windows) - 1)]
        row = AppointmentRow(
            customer_id=customers[account].id,
            window_id=window.id,
            starts_at=window.starts_at,
            ends_at=window.ends_at,
            reason=reason,
            status="booked",
            moves=0,
            charged_pence=0,
            booked_at=datetime.combine(today - timedelta(days=1), time(10), UTC),
        )
        session.add(row)
        session.flush()
        place = taken[window.id] = taken.get(window.id, 0) + 1
        ids = {"customer_id": row.customer_id, "appointment_id": row.id}
        session.add(PlaceRow(window_id=window.id, place=place, **ids))


def _add_outages(session: Session, today: date) -> None:
    yesterday, tomorrow = today - timedelta(days=1), today + timedelta(days=1)
    for area, since, until, text in demo.OUTAGES:
        row = OutageRow(
            area=area,
            since=datetime.combine(yesterday, time(*since)),
            expected_fix=None if until is None else datetime.combine(tomorrow, time(until)),
            ended_at=None,
            text=text,
        )
        session.add(row)
