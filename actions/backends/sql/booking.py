"""Technicians' visits on SQL.

A place in a window is one row under a unique key, so two customers can never get the same last place, and a
customer gets no second visit in the same window. A move takes the new row and gives the old one back in one
transaction.
"""

from sqlalchemy import delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from ... import clock
from .. import calendar, rules
from ..access import access
from ..done import change
from ..models import AppointmentRow, CustomerRow, PlaceRow
from ..protocols import Appointment, Identity, Level, LimitExceeded, NotFound, Window, WindowTaken
from .common import customer, number_of


def _appointment(row: AppointmentRow) -> Appointment:
    window = Window(row.window_id, row.starts_at, row.ends_at)
    return Appointment(
        reference=f"NV{row.id:06d}",
        window=window,
        reason=row.reason,
        status=row.status,  # type: ignore[arg-type]
        free_until=calendar.free_until(window),
        late_fee_pence=rules.visits().late_fee_pence,
        charged_pence=row.charged_pence,
        moves_left=max(rules.visits().max_moves - row.moves, 0),
    )


def _bookable(window_id: str) -> Window:
    found = next((window for window in calendar.windows() if window.id == window_id), None)
    if found is None:
        raise WindowTaken("the window is past, too soon, too far ahead or unknown")
    return found


def take_place(session: Session, window_id: str, row: AppointmentRow) -> None:
    """Take the first free place in a window; raises `WindowTaken`."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    for place in range(1, rules.visits().capacity + 1):
        values = {
            "window_id": window_id,
            "place": place,
            "customer_id": row.customer_id,
            "appointment_id": row.id,
        }
        taken = insert(PlaceRow).values(values).on_conflict_do_nothing().returning(PlaceRow.place)
        if session.scalar(taken) is not None:
            return
    raise WindowTaken("the window is full")


def _mine_to_come(session: Session, identity: Identity, reference: str) -> AppointmentRow:
    mine = CustomerRow.account_number == identity.account_number
    query = select(AppointmentRow).join(CustomerRow).where(mine, AppointmentRow.id == number_of("NV", reference))
    row = session.scalar(query.with_for_update())
    if row is None or row.status == "cancelled" or row.starts_at <= clock.local_now():
        raise NotFound("no such visit to come")
    return row


class SqlBooking:
    """Implements `Booking`."""

    def windows(self, identity: Identity) -> list[Window]:
        """See `Booking.windows`."""
        with access(identity, "window.list", Level.NONE) as session:
            ahead = calendar.windows()
            taken = select(PlaceRow.window_id, func.count()).where(PlaceRow.window_id.in_([w.id for w in ahead]))
            counts = {window_id: count for window_id, count in session.execute(taken.group_by(PlaceRow.window_id))}
            return [window for window in ahead if counts.get(window.id, 0) < rules.visits().capacity]

    def book(self, identity: Identity, window_id: str, reason: str, request: str) -> Appointment:
        """See `Booking.book`."""

        def do(session: Session) -> Appointment:
            customer_id = customer(session, identity, hold=True).id
            held = PlaceRow.customer_id == customer_id, PlaceRow.window_id == window_id
            own = session.scalar(select(PlaceRow.appointment_id).where(*held))
            if own is not None:
                return _appointment(session.get_one(AppointmentRow, own))
            window = _bookable(window_id)
            row = AppointmentRow(
                customer_id=customer_id,
                window_id=window.id,
                starts_at=window.starts_at,
                ends_at=window.ends_at,
                reason=reason,
                status="booked",
                moves=0,
                charged_pence=0,
                booked_at=clock.utc_now(),
            )
            session.add(row)
            session.flush()
            take_place(session, window.id, row)
            return _appointment(row)

        return change(identity, "visit.book", Level.VERIFIED, window_id, request, Appointment, do)

    def mine(self, identity: Identity) -> list[Appointment]:
        """See `Booking.mine`."""
        with access(identity, "visit.list", Level.VERIFIED, identity.account_number) as session:
            mine = AppointmentRow.customer_id == customer(session, identity).id
            to_come = AppointmentRow.starts_at > clock.local_now(), AppointmentRow.status != "cancelled"
            query = select(AppointmentRow).where(mine, *to_come).order_by(AppointmentRow.starts_at, AppointmentRow.id)
            return [_appointment(row) for row in session.scalars(query)]

    def move(self, identity: Identity, reference: str, window_id: str, request: str) -> Appointment:
        """See `Booking.move`."""

        def do(session: Session) -> Appointment:
            row = _mine_to_come(session, identity, reference)
            if row.window_id != window_id:
                _move(session, row, _bookable(window_id))
            return _appointment(row)

        return change(identity, "visit.move", Level.VERIFIED, reference, request, Appointment, do)

    def cancel(self, identity: Identity, reference: str, request: str) -> Appointment:
        """See `Booking.cancel`."""

        def do(session: Session) -> Appointment:
            row = _mine_to_come(session, identity, reference)
            session.execute(delete(PlaceRow).where(PlaceRow.appointment_id == row.id))
            row.charged_pence += calendar.late_fee(Window(row.window_id, row.starts_at, row.ends_at))
            row.status = "cancelled"
            return _appointment(row)

        return change(identity, "visit.cancel", Level.VERIFIED, reference, request, Appointment, do)

    def confirm(self, identity: Identity, reference: str, request: str) -> Appointment:
        """See `Booking.confirm`."""

        def do(session: Session) -> Appointment:
            row = _mine_to_come(session, identity, reference)
            row.status = "confirmed"
            return _appointment(row)

        return change(identity, "visit.confirm", Level.VERIFIED, reference, request, Appointment, do)


def _move(session: Session, row: AppointmentRow, window: Window) -> None:
    if row.moves >= rules.visits().max_moves:
        raise LimitExceeded("max_moves", "the visit has been moved too often")
    take_place(session, window.id, row)
    old = PlaceRow.appointment_id == row.id, PlaceRow.window_id == row.window_id
    session.execute(delete(PlaceRow).where(*old))
    row.charged_pence += calendar.late_fee(Window(row.window_id, row.starts_at, row.ends_at))
    row.window_id, row.starts_at, row.ends_at = window.id, window.starts_at, window.ends_at
    row.moves += 1
    row.status = "booked"
