"""Customers, orders and money."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .base import Base, UtcDateTime


class CustomerRow(Base):
    __tablename__ = "customers"

    id: Mapped[int] = mapped_column(primary_key=True)
    account_number: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    postcode: Mapped[str]
    address_lines: Mapped[str]  # by line ends
    town: Mapped[str]
    email: Mapped[str]
    phone: Mapped[str]
    marketing: Mapped[bool]


class ContactChangeRow(Base):
    """A change of a contact; `old` and `new` as they are kept (an address as JSON)."""

    __tablename__ = "contact_changes"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), index=True)
    field: Mapped[str]
    old: Mapped[str]
    new: Mapped[str]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    undone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


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
    category: Mapped[str]  # phone, sim, router, kit or accessory
    price_pence: Mapped[int]
    deliver_to: Mapped[str]
    customer: Mapped[CustomerRow] = relationship()


class ReturnRow(Base):
    __tablename__ = "returns"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), unique=True)
    reason: Mapped[str]
    started_on: Mapped[date]
    send_by: Mapped[date]
    refund_pence: Mapped[int]
    order: Mapped[OrderRow] = relationship()


class InvoiceRow(Base):
    __tablename__ = "invoices"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), index=True)
    issued_on: Mapped[date]
    due_on: Mapped[date]
    amount_pence: Mapped[int]
    paid_pence: Mapped[int]
    lines: Mapped[list["InvoiceLineRow"]] = relationship(order_by="InvoiceLineRow.position")


class InvoiceLineRow(Base):
    __tablename__ = "invoice_lines"

    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoices.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]
    pence: Mapped[int]
    kind: Mapped[str]


class ArrangementRow(Base):
    """A balance paid in instalments; it runs until the day of its last one."""

    __tablename__ = "arrangements"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), index=True)
    made_on: Mapped[date]
    last_on: Mapped[date]
    instalments: Mapped[list["InstalmentRow"]] = relationship(order_by="InstalmentRow.due_on")


class InstalmentRow(Base):
    __tablename__ = "instalments"
    __table_args__ = (UniqueConstraint("arrangement_id", "due_on", name="uq_instalment_day"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    arrangement_id: Mapped[int] = mapped_column(ForeignKey("arrangements.id"))
    due_on: Mapped[date]
    pence: Mapped[int]


class PaymentRow(Base):
    """A payment that a customer has told of; `status` is reported or confirmed."""

    __tablename__ = "payments"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), index=True)
    pence: Mapped[int]
    paid_on: Mapped[date]
    method: Mapped[str]
    status: Mapped[str]
    reported_at: Mapped[datetime] = mapped_column(UtcDateTime)
