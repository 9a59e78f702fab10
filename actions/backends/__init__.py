"""What a task talks to: a Protocol for each back office system, implemented on SQL."""

from .protocols import (
    Appointment,
    BackendError,
    Balance,
    Billing,
    Booking,
    Customers,
    Identity,
    Level,
    NotAllowed,
    NotFound,
    Order,
    Orders,
    Unavailable,
    Window,
    WindowTaken,
)
from .registry import billing, booking, customers, orders

__all__ = [
    "Appointment",
    "BackendError",
    "Balance",
    "Billing",
    "Booking",
    "Customers",
    "Identity",
    "Level",
    "NotAllowed",
    "NotFound",
    "Order",
    "Orders",
    "Unavailable",
    "Window",
    "WindowTaken",
    "billing",
    "booking",
    "customers",
    "orders",
]
