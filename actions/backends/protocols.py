"""The boundary to the back office: what each system does, for whom, and what can go wrong.

Each method takes the caller's `Identity`, checks the level that its docstring names in brackets and the
ownership of what it touches (what belongs to somebody else is `NotFound`), and leaves an audit row whether it
answered or refused. Every method may raise `NotAllowed` (level too low) and `Unavailable` (far side down).

A method that changes something takes `request`, a key that is the same when the same wish is sent again
(derive it from the conversation, the customer's message and the values that were read back). The same request
does it once: a repetition, also one side by side in another worker, gets the first outcome. Keys are kept apart
by account and by method. A request that was refused or failed has done nothing and may be sent again.
"""

from datetime import date
from typing import Protocol

from .errors import (
    BackendError,
    Invalid,
    LimitExceeded,
    NotAllowed,
    NotFound,
    TooEarly,
    TooLate,
    Unavailable,
    Undeliverable,
    WindowTaken,
)
from .values import (
    Address,
    Appointment,
    Arrangement,
    ArrangementLimits,
    Balance,
    Change,
    Channel,
    Contact,
    Field,
    Identity,
    Invoice,
    Level,
    Line,
    LineKind,
    Note,
    Order,
    Outage,
    Payment,
    PaymentMethod,
    Priority,
    Recipient,
    Return,
    Ticket,
    TicketKind,
    Window,
)

__all__ = [
    "Address",
    "Appointment",
    "Arrangement",
    "ArrangementLimits",
    "BackendError",
    "Balance",
    "Billing",
    "Booking",
    "Change",
    "Channel",
    "Contact",
    "Customers",
    "Feedback",
    "Field",
    "Identity",
    "Invalid",
    "Invoice",
    "Level",
    "LimitExceeded",
    "Line",
    "LineKind",
    "NotAllowed",
    "NotFound",
    "Note",
    "Notes",
    "Notifications",
    "Order",
    "Orders",
    "Outage",
    "Outages",
    "Payment",
    "PaymentMethod",
    "Priority",
    "Recipient",
    "Return",
    "Ticket",
    "TicketKind",
    "Tickets",
    "TooEarly",
    "TooLate",
    "Unavailable",
    "Undeliverable",
    "Window",
    "WindowTaken",
]


class Customers(Protocol):
    """Customer records."""

    def matches(self, identity: Identity, account_number: str, postcode: str) -> bool:
        """[NONE] Whether the account exists and has this postcode."""

    def name(self, identity: Identity) -> str:
        """[VERIFIED] The name of the customer."""

    def contact(self, identity: Identity) -> Contact:
        """[VERIFIED] How the customer can be reached. Show it masked: only STEP_UP may read it in full."""

    def change(self, identity: Identity, field: Field, value: str | bool | Address, request: str) -> Change:
        """[STEP_UP] Change one field: an `Address` for address, a bool for marketing, a str for the others.

        Raises `Invalid` (field: the field, or `postcode`) for a value that cannot be right or is already kept.
        The orders keep the delivery addresses that they were placed with.
        """

    def changes(self, identity: Identity) -> list[Change]:
        """[VERIFIED] The changes of the last 24 hours that can still be undone, the newest first."""

    def undo(self, identity: Identity, change_id: int, request: str) -> Change:
        """[VERIFIED] Bring the old value back; returns the change that was undone.

        Raises `TooLate` when it is older than 24 hours, was undone before, or the same field was changed since.
        """

    def code_recipients(self, identity: Identity) -> list[Recipient]:
        """[VERIFIED] Where one-time codes may go: e-mail, then text message.

        A contact that was changed within the last 24 hours proves nothing yet: its former value stands here as
        long as the change can be undone, and nothing when there was none.
        """


class Orders(Protocol):
    """Orders, deliveries and returns."""

    def matches(self, identity: Identity, order_number: str, postcode: str) -> bool:
        """[NONE] Whether the order exists and goes to this postcode (the delivery's, not the account's)."""

    def order(self, identity: Identity, order_number: str) -> Order:
        """[KNOWN] One order: the verified customer's own, or one that this conversation is known for."""

    def own(self, identity: Identity) -> list[Order]:
        """[VERIFIED] All orders of the customer, the newest first."""

    def delivery_days(self, identity: Identity, order_number: str) -> list[date]:
        """[VERIFIED] The days to which the delivery can be moved, the soonest first.

        Working days after the day expected now. Raises `TooLate` once the order is dispatched or cancelled.
        """

    def change_date(self, identity: Identity, order_number: str, day: date, request: str) -> Order:
        """[VERIFIED] Deliver on `day`; raises `TooLate`, or `Invalid` (day) for none of `delivery_days`."""

    def change_address(self, identity: Identity, order_number: str, address: str, postcode: str, request: str) -> Order:
        """[STEP_UP] Deliver to `address` (lines and town in one text, by commas) and `postcode`.

        Raises `TooLate` once dispatched or cancelled, `Invalid` (address, postcode), and `LimitExceeded`
        (phone_to_account_address) when a phone should go to another address than the account's.
        """

    def cancel(self, identity: Identity, order_number: str, request: str) -> Order:
        """[VERIFIED] Cancel this one order; raises `TooLate` once dispatched. A cancelled order stays as it is."""

    def start_return(self, identity: Identity, order_number: str, reason: str, request: str) -> Return:
        """[VERIFIED] Start the return of a delivered order within 14 days of the delivery.

        Raises `TooEarly` before the delivery, `TooLate` after the period or for a cancelled order. An order that
        is being returned gives the first return again.
        """

    def returns(self, identity: Identity) -> list[Return]:
        """[VERIFIED] The returns of the customer, the newest first."""


class Billing(Protocol):
    """Invoices and payments."""

    def balance(self, identity: Identity) -> Balance:
        """[VERIFIED] The balance of the customer."""

    def invoices(self, identity: Identity) -> list[Invoice]:
        """[VERIFIED] The invoices of the customer with their lines, the newest first."""

    def invoice(self, identity: Identity, number: str) -> Invoice:
        """[VERIFIED] One invoice of the customer."""

    def arrangement_limits(self, identity: Identity) -> ArrangementLimits:
        """[VERIFIED] What a payment arrangement for today's balance may look like (data/billing.yml)."""

    def arrange(self, identity: Identity, instalments: int, first_on: date, request: str) -> Arrangement:
        """[VERIFIED] Pay the balance in monthly instalments from `first_on`; equal ones, to the penny.

        Raises `LimitExceeded`: one_at_a_time, min_balance, max_balance, min_instalments, max_instalments,
        min_instalment, first_in_past, first_within_days.
        """

    def arrangement(self, identity: Identity) -> Arrangement | None:
        """[VERIFIED] The arrangement that runs now."""

    def report_payment(
        self, identity: Identity, pence: int, paid_on: date, method: PaymentMethod, request: str
    ) -> Payment:
        """[VERIFIED] Record that the customer says to have paid; the balance stays until it is confirmed.

        Raises `Invalid`: pence (not above zero, or too much to be true), paid_on (to come, or too long ago), method.
        """

    def payments(self, identity: Identity) -> list[Payment]:
        """[VERIFIED] The payments that the customer has told of, the newest first."""


class Booking(Protocol):
    """Technicians' visits, by the rules in data/visits.yml."""

    def windows(self, identity: Identity) -> list[Window]:
        """[NONE] All free windows that can be booked now, the soonest first."""

    def book(self, identity: Identity, window_id: str, reason: str, request: str) -> Appointment:
        """[VERIFIED] Book a window; raises `WindowTaken`. A window that the customer has already gives that visit."""

    def mine(self, identity: Identity) -> list[Appointment]:
        """[VERIFIED] The customer's visits to come that are not cancelled, the soonest first."""

    def move(self, identity: Identity, reference: str, window_id: str, request: str) -> Appointment:
        """[VERIFIED] Move a visit to come; its old place is freed only when the new one is taken.

        Raises `WindowTaken` (the old visit stands), `NotFound` (also for a past or cancelled one), and
        `LimitExceeded` (max_moves). The status goes back to booked; a late move adds to `charged_pence`.
        """

    def cancel(self, identity: Identity, reference: str, request: str) -> Appointment:
        """[VERIFIED] Cancel a visit to come; raises `NotFound`. A late one adds to `charged_pence`."""

    def confirm(self, identity: Identity, reference: str, request: str) -> Appointment:
        """[VERIFIED] Confirm a visit to come; raises `NotFound`."""


class Tickets(Protocol):
    """Work for the back office."""

    def open(
        self, identity: Identity, kind: TicketKind, subject: str, details: str, priority: Priority, request: str
    ) -> Ticket:
        """[NONE] Open a ticket; it belongs to the account of a verified caller, else to the conversation alone.

        `promised_by` follows kind, priority and working hours (data/tickets.yml). Raises `Invalid` (kind, priority,
        subject).
        """

    def own(self, identity: Identity) -> list[Ticket]:
        """[VERIFIED] The tickets of the customer's account, the newest first."""


class Outages(Protocol):
    """Known faults of the network."""

    def outages(self, identity: Identity, postcode: str) -> list[Outage]:
        """[NONE] The faults that last in the area of a postcode (whole, or its first half), the oldest first."""


class Feedback(Protocol):
    """What customers thought of a conversation."""

    def rate(self, identity: Identity, session: str, score: int) -> bool:
        """[NONE] Keep a rating from 1 to 5 for a session of this conversation; False when there is one already.

        Raises `Invalid` (score).
        """

    def comment(self, identity: Identity, session: str, text: str) -> None:
        """[NONE] Add the customer's words to the rating of a session; raises `NotFound` without one."""


class Notes(Protocol):
    """What people keep in the customer's record about a conversation."""

    def add(self, identity: Identity, text: str, disposition: str, author: str, request: str) -> str:
        """[NONE] Keep a note; it belongs to the account of a verified caller, else to the conversation alone.

        `author` is the agent who wrote it. Returns its reference, such as `NN000123`. Raises `Invalid` (text).
        """

    def own(self, identity: Identity) -> list[Note]:
        """[VERIFIED] The notes on the customer's account, the newest first."""


class Notifications(Protocol):
    """Messages to customers beside the conversation."""

    def channels(self) -> frozenset[Channel]:
        """The channels that messages can be sent on."""

    def send(self, identity: Identity, to: Recipient, subject: str, body: str) -> str:
        """[NONE] Send a message; returns the masked address (`p•••@example.com`, `07••• •••123`).

        `to` comes from the back office, never from what a caller wrote. Raises `Unavailable` when it cannot be
        sent now or not on this channel, `Undeliverable` when the address was refused.
        """
