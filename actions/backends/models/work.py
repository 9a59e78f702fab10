"""Visits, tickets and outages. Times of visits, promises and outages are London's, naive."""

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, UtcDateTime


class AppointmentRow(Base):
    """A technician's visit; the times are kept because the rules may change later."""

    __tablename__ = "appointments"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), index=True)
    window_id: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    reason: Mapped[str]
    status: Mapped[str]  # booked, confirmed or cancelled
    moves: Mapped[int]
    charged_pence: Mapped[int]
    booked_at: Mapped[datetime] = mapped_column(UtcDateTime)


class PlaceRow(Base):
    """One technician's place in a window; its keys make a place, and a customer's window, be taken once."""

    __tablename__ = "visit_places"
    __table_args__ = (UniqueConstraint("window_id", "customer_id", name="uq_place_customer"),)

    window_id: Mapped[str] = mapped_column(primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    appointment_id: Mapped[int] = mapped_column(ForeignKey("appointments.id"), index=True)


class TicketRow(Base):
    """Work for the back office; without a customer it belongs to the conversation alone."""

    __tablename__ = "tickets"

    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[str]
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"), index=True)
    kind: Mapped[str]
    subject: Mapped[str]
    details: Mapped[str]
    priority: Mapped[str]
    status: Mapped[str]
    promised_by: Mapped[datetime]
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)


class NoteRow(Base):
    """What an agent wrote about a conversation."""

    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[str] = mapped_column(index=True)
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"), index=True)
    text: Mapped[str]
    disposition: Mapped[str]
    author: Mapped[str]
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class OutageRow(Base):
    """A known fault in an area, which is the first half of a postcode."""

    __tablename__ = "outages"

    id: Mapped[int] = mapped_column(primary_key=True)
    area: Mapped[str] = mapped_column(index=True)
    since: Mapped[datetime]
    expected_fix: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    text: Mapped[str]
