"""Technicians' visits on SQL.

A place is taken by one UPDATE that holds only while the window has room, so two customers can never get the
same last place; the unique keys of an appointment make a repeated confirmation return the first booking.
"""

from sqlalchemy import or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ... import clock
from ..access import access
from ..models import AppointmentRow, CustomerRow, WindowRow
from ..protocols import Appointment, Identity, Level, NotFound, Window, WindowTaken


def _window(row: WindowRow) -> Window:
    return Window(row.id, row.starts_at, row.ends_at)


def _appointment(row: AppointmentRow) -> Appointment:
    return Appointment(f"NV{row.id:06d}", _window(row.window), row.reason)


def _earlier(session: Session, customer_id: int, window_id: str, confirmation: str) -> AppointmentRow | None:
    same_request = or_(AppointmentRow.confirmation == confirmation, AppointmentRow.window_id == window_id)
    return session.scalar(select(AppointmentRow).where(AppointmentRow.customer_id == customer_id, same_request))


class SqlBooking:
    """Implements `Booking`."""

    def windows(self, identity: Identity) -> list[Window]:
        """See `Booking.windows`."""
        with access(identity, "window.list", Level.NONE) as session:
            free = select(WindowRow).where(
                WindowRow.starts_at > clock.local_now(), WindowRow.booked < WindowRow.capacity
            )
            return [_window(row) for row in session.scalars(free.order_by(WindowRow.starts_at))]

    def book(self, identity: Identity, window_id: str, reason: str, confirmation: str) -> Appointment:
        """See `Booking.book`; booking the same window a second time gives the first booking again."""
        try:
            return self._book(identity, window_id, reason, confirmation)
        except IntegrityError:  # the same request was committed by another worker in between: read what it made
            return self._book(identity, window_id, reason, confirmation)

    def _book(self, identity: Identity, window_id: str, reason: str, confirmation: str) -> Appointment:
        with access(identity, "visit.book", Level.VERIFIED, window_id) as session:
            mine = CustomerRow.account_number == identity.account_number
            customer_id = session.scalar(select(CustomerRow.id).where(mine))
            if customer_id is None:
                raise NotFound("no such customer")
            earlier = _earlier(session, customer_id, window_id, confirmation)
            if earlier is not None:
                return _appointment(earlier)
            self._take_place(session, window_id)
            row = AppointmentRow(
                customer_id=customer_id,
                window_id=window_id,
                reason=reason,
                confirmation=confirmation,
                booked_at=clock.utc_now(),
            )
            session.add(row)
            session.flush()
            return _appointment(row)

    @staticmethod
    def _take_place(session: Session, window_id: str) -> None:
        room = (
            update(WindowRow)
            .where(WindowRow.id == window_id, WindowRow.booked < WindowRow.capacity)
            .where(WindowRow.starts_at > clock.local_now())
            .values(booked=WindowRow.booked + 1)
            .returning(WindowRow.id)
            .execution_options(synchronize_session=False)
        )
        if session.scalar(room) is None:
            raise WindowTaken("the window is full, past or unknown")
