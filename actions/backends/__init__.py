"""What a task talks to: a Protocol for each back office system, implemented on SQL and by adapters."""

from .protocols import *  # noqa: F403
from .protocols import __all__ as _names
from .registry import billing, booking, customers, feedback, notes, notifications, orders, outages, tickets

__all__ = [
    *_names,
    "billing",
    "booking",
    "customers",
    "feedback",
    "notes",
    "notifications",
    "orders",
    "outages",
    "tickets",
]
