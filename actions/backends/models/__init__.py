"""The tables of the backend database (SQLite or PostgreSQL)."""

from .base import Base, UtcDateTime
from .business import (
    ArrangementRow,
    ContactChangeRow,
    CustomerRow,
    InstalmentRow,
    InvoiceLineRow,
    InvoiceRow,
    OrderRow,
    PaymentRow,
    ReturnRow,
)
from .feedback import RatingRow
from .trust import AssuranceRow, AttemptRow, AuditRow, CodeRow, LeaseRow, LockRow, NotificationRow, RequestRow, RunRow
from .work import AppointmentRow, NoteRow, OutageRow, PlaceRow, TicketRow

__all__ = [
    "AppointmentRow",
    "ArrangementRow",
    "AssuranceRow",
    "AttemptRow",
    "AuditRow",
    "Base",
    "CodeRow",
    "ContactChangeRow",
    "CustomerRow",
    "InstalmentRow",
    "InvoiceLineRow",
    "InvoiceRow",
    "LeaseRow",
    "LockRow",
    "NoteRow",
    "NotificationRow",
    "OrderRow",
    "OutageRow",
    "PaymentRow",
    "PlaceRow",
    "RatingRow",
    "RequestRow",
    "ReturnRow",
    "RunRow",
    "TicketRow",
    "UtcDateTime",
]
