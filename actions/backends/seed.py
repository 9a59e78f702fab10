"""Demo data: invented people and orders, with all dates relative to the day of seeding.

Documentation and tests rely on Priya Sharma (NA204518, LS1 4AP, £42.50 due in 14 days, order NO482136
dispatched) and on Tom Okafor (NA310077, M3 2BW, order NO771204).
"""

from datetime import date, datetime, time, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from .. import clock
from .models import AppointmentRow, CustomerRow, InvoiceRow, OrderRow, WindowRow
from .session import transaction

WEEKS = 4
CAPACITY = 2
_TIMES = ((time(8), time(12)), (time(12), time(17)))

_CUSTOMERS = [
    ("NA204518", "Priya Sharma", "LS1 4AP"),
    ("NA310077", "Tom Okafor", "M3 2BW"),
    ("NA118260", "Megan Price", "CF10 1EP"),
    ("NA559031", "Callum Fraser", "EH3 9DR"),
    ("NA640912", "Aisha Rahman", "B4 7DA"),
    ("NA775384", "Daniel Whitfield", "BS1 5TR"),
    ("NA802547", "Orla Devlin", "BT1 5GS"),
    ("NA936105", "Grace Lambert", "NE1 7RU"),
]

# account, order, item, status, days since it was placed, days until it is expected, delivery postcode
_ORDERS = [
    ("NA204518", "NO482136", "Northlight Hub 3 router", "dispatched", 3, 2, "LS1 4AP"),
    ("NA204518", "NO300411", "Mesh Wi-Fi extender", "delivered", 60, -56, "LS1 4AP"),
    ("NA310077", "NO771204", "Fibre 500 starter kit", "packed", 2, 4, "M3 2BW"),
    ("NA118260", "NO518833", "SIM card, 20 GB plan", "placed", 0, 3, "CF10 1EP"),
    ("NA118260", "NO244790", "Northlight Hub 3 router", "cancelled", 12, -8, "CF10 1EP"),
    ("NA559031", "NO660172", "Aurora 12 phone, 128 GB", "dispatched", 6, -2, "EH3 9DR"),
    ("NA640912", "NO905518", "Fibre 150 starter kit", "delivered", 20, -15, "B4 7DA"),
    ("NA640912", "NO127364", "Mesh Wi-Fi extender", "dispatched", 1, 1, "B4 7DA"),
    ("NA775384", "NO839457", "Aurora 12 phone, 256 GB", "packed", 1, 3, "BS1 5TR"),
    ("NA775384", "NO471026", "Phone case", "dispatched", 2, 1, "BS8 1TH"),
    ("NA802547", "NO356281", "SIM card, unlimited plan", "delivered", 9, -6, "BT1 5GS"),
    ("NA936105", "NO993108", "Fibre 900 starter kit", "placed", 0, 6, "NE1 7RU"),
]

# account, monthly amount in pence, months billed, pence unpaid of the last invoice (below zero: credit),
# days from seeding to its due date
_INVOICES = [
    ("NA204518", 4250, 4, 4250, 14),
    ("NA310077", 3800, 3, 0, 9),
    ("NA118260", 1200, 3, 1200, 5),
    ("NA559031", 5675, 3, 5675, -6),
    ("NA640912", 3100, 3, -1550, 12),
    ("NA775384", 6420, 2, 3210, 10),
    ("NA802547", 2500, 2, 0, 20),
    ("NA936105", 4900, 1, 4900, 21),
]

# account, position among the windows, reason
_VISITS = [
    ("NA310077", 2, "New installation"),
    ("NA559031", 2, "No connection"),
    ("NA936105", 9, "New installation"),
]


def seed(today: date | None = None) -> bool:
    """Fill an empty database and keep four weeks of technicians' windows ahead; True when data was added."""
    start = today or clock.today()
    with transaction() as session:
        empty = not session.scalar(select(func.count()).select_from(CustomerRow))
        _add_windows(session, start)
        if empty:
            _add_customers(session)
            _add_orders(session, start)
            _add_invoices(session, start)
            _add_visits(session)
    return empty


def _add_windows(session: Session, today: date) -> None:
    kept = set(session.scalars(select(WindowRow.id)))
    days = (today + timedelta(days=n) for n in range(1, WEEKS * 7 + 1))
    for day in (day for day in days if day.weekday() < 5):
        for begin, end in _TIMES:
            starts_at = datetime.combine(day, begin)
            key = starts_at.isoformat(timespec="minutes")
            if key not in kept:
                ends_at = datetime.combine(day, end)
                session.add(WindowRow(id=key, starts_at=starts_at, ends_at=ends_at, capacity=CAPACITY, booked=0))
    session.flush()


def _add_customers(session: Session) -> None:
    session.add_all(CustomerRow(account_number=a, name=name, postcode=code) for a, name, code in _CUSTOMERS)
    session.flush()


def _id(session: Session, account_number: str) -> int:
    return session.scalars(select(CustomerRow.id).where(CustomerRow.account_number == account_number)).one()


def _add_orders(session: Session, today: date) -> None:
    for account, number, item, status, age, expected, code in _ORDERS:
        sent = status in ("dispatched", "delivered")
        expected_on = today + timedelta(days=expected)
        row = OrderRow(
            number=number,
            customer_id=_id(session, account),
            item=item,
            status=status,
            delivery_postcode=code,
            placed_on=today - timedelta(days=age),
            expected_on=None if status == "cancelled" else expected_on,
            delivered_on=expected_on if status == "delivered" else None,
            carrier="Parcelway" if sent else None,
            tracking_number=f"PW{int(number[2:]) * 7919 % 10**9:09d}GB" if sent else None,
        )
        session.add(row)


def _add_invoices(session: Session, today: date) -> None:
    for account, amount, months, unpaid, due in _INVOICES:
        for back in range(months):
            due_on = today + timedelta(days=due - 30 * back)
            row = InvoiceRow(
                number=f"INV-{account[2:]}-{months - back:02d}",
                customer_id=_id(session, account),
                issued_on=due_on - timedelta(days=21),
                due_on=due_on,
                amount_pence=amount,
                paid_pence=amount if back else amount - unpaid,
            )
            session.add(row)


def _add_visits(session: Session) -> None:
    windows = session.scalars(select(WindowRow).order_by(WindowRow.starts_at)).all()
    for account, position, reason in _VISITS:
        window = windows[position]
        window.booked += 1
        row = AppointmentRow(
            customer_id=_id(session, account),
            window_id=window.id,
            reason=reason,
            confirmation=f"seed-{account}",
            booked_at=clock.utc_now(),
        )
        session.add(row)
