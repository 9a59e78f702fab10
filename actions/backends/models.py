"""The tables of the backend database (SQLite or PostgreSQL). Amounts are pence; moments are kept in UTC."""

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Dialect, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.types import DateTime, TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment, stored naive in UTC so that every database gives the same one back."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    """All tables."""


class CustomerRow(Base):
    __tablename__ = "customers"

    id: Mapped[int] = mapped_column(primary_key=True)
    account_number: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    postcode: Mapped[str]


class OrderRow(Base):
    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), index=True)
    item: Mapped[str]
    status: Mapped[str]
    delivery_postcode: Mapped[str]
    placed_on: Mapped[date]
    expected_on: Mapped[date | None]
    delivered_on: Mapped[date | None]
    carrier: Mapped[str | None]
    tracking_number: Mapped[str | None]
    customer: Mapped[CustomerRow] = relationship()


class InvoiceRow(Base):
    __tablename__ = "invoices"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), index=True)
    issued_on: Mapped[date]
    due_on: Mapped[date]
    amount_pence: Mapped[int]
    paid_pence: Mapped[int]


class WindowRow(Base):
    __tablename__ = "technician_windows"
    __table_args__ = (CheckConstraint("booked >= 0 AND booked <= capacity", name="ck_window_capacity"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    starts_at: Mapped[datetime] = mapped_column(index=True)
    ends_at: Mapped[datetime]
    capacity: Mapped[int]
    booked: Mapped[int] = mapped_column(default=0)


class AppointmentRow(Base):
    __tablename__ = "appointments"
    __table_args__ = (UniqueConstraint("customer_id", "window_id", name="uq_appointment_customer_window"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    window_id: Mapped[str] = mapped_column(ForeignKey("technician_windows.id"))
    reason: Mapped[str]
    confirmation: Mapped[str] = mapped_column(unique=True)
    booked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    window: Mapped[WindowRow] = relationship()


class AssuranceRow(Base):
    """What a conversation has shown; `subject` is `account:<number>` or `order:<number>`."""

    __tablename__ = "assurance"

    conversation_id: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    level: Mapped[int]
    granted_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)


class AttemptRow(Base):
    """One try at verification; `succeeded` is unknown while the backend is asked, and counts as failed."""

    __tablename__ = "verification_attempts"
    __table_args__ = (
        Index("ix_attempts_conversation", "conversation_id", "at"),
        Index("ix_attempts_subject", "subject", "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[str]
    subject: Mapped[str]
    succeeded: Mapped[bool | None]
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class LockRow(Base):
    """Until when a conversation or a subject takes no more tries."""

    __tablename__ = "verification_locks"

    key: Mapped[str] = mapped_column(primary_key=True)
    until: Mapped[datetime] = mapped_column(UtcDateTime)


class AuditRow(Base):
    """One access to customer data, allowed or refused."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_conversation", "conversation_id", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    conversation_id: Mapped[str]
    account_number: Mapped[str | None]
    action: Mapped[str]
    subject: Mapped[str | None]
    level: Mapped[int]
    outcome: Mapped[str]
    reason: Mapped[str | None]
