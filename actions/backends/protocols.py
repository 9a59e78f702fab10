"""The boundary to the back office: who calls, what comes back, what can go wrong.

Each method takes the caller's `Identity`, checks the level and the ownership that it needs, and leaves an
audit row whether it answered or refused. An object of somebody else is reported as not found.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import IntEnum
from typing import Protocol


class Level(IntEnum):
    """How sure we are of who is writing."""

    NONE = 0
    KNOWN = 1  # order number and delivery postcode matched: for that order only
    VERIFIED = 2  # account number and postcode matched
    STEP_UP = 3  # verified by a second factor as well


@dataclass(frozen=True)
class Identity:
    """Who a conversation has shown to be, at this moment; made by `actions.identity.current` alone."""

    conversation_id: str
    level: Level = Level.NONE
    account_number: str | None = None
    orders: frozenset[str] = frozenset()


class BackendError(Exception):
    """Something that a backend could not do."""


class NotAllowed(BackendError):
    """The caller's level is below what the method needs."""


class NotFound(BackendError):
    """There is no such object for this caller."""


class Unavailable(BackendError):
    """The system behind cannot be reached or is busy."""


class WindowTaken(BackendError):
    """The technician's time has no free place any more."""


@dataclass(frozen=True)
class Order:
    """An order; `status` is placed, packed, dispatched, delivered or cancelled."""

    number: str
    item: str
    status: str
    placed_on: date
    expected_on: date | None = None
    delivered_on: date | None = None
    carrier: str | None = None
    tracking_number: str | None = None


@dataclass(frozen=True)
class Balance:
    """What a customer owes in pence (below zero: credit), and when the earliest open invoice is due."""

    pence: int
    due_on: date | None = None


@dataclass(frozen=True)
class Window:
    """A time at which a technician can come; both times are London's, naive."""

    id: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class Appointment:
    """A booked visit."""

    reference: str
    window: Window
    reason: str


class Customers(Protocol):
    """Customer records."""

    def matches(self, identity: Identity, account_number: str, postcode: str) -> bool:
        """Whether the account exists and has this postcode (any level)."""

    def name(self, identity: Identity) -> str:
        """The name of the verified customer."""


class Orders(Protocol):
    """Orders and deliveries."""

    def matches(self, identity: Identity, order_number: str, postcode: str) -> bool:
        """Whether the order exists and goes to this postcode (any level)."""

    def order(self, identity: Identity, order_number: str) -> Order:
        """One order: the verified customer's own, or one that this conversation is known for."""

    def own(self, identity: Identity) -> list[Order]:
        """All orders of the verified customer, the newest first."""


class Billing(Protocol):
    """Invoices and payments."""

    def balance(self, identity: Identity) -> Balance:
        """The balance of the verified customer."""


class Booking(Protocol):
    """Technicians' visits."""

    def windows(self, identity: Identity) -> list[Window]:
        """All free windows to come, the soonest first (any level)."""

    def book(self, identity: Identity, window_id: str, reason: str, confirmation: str) -> Appointment:
        """Book a window for the verified customer, once a `confirmation`; raises WindowTaken when full."""
