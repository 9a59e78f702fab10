"""What goes to a backend and comes back. Amounts are pence; dates and times are London's, times naive."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from enum import IntEnum
from typing import Literal

Field = Literal["address", "email", "phone", "marketing"]
Channel = Literal["email", "sms"]
TicketKind = Literal["fault", "dispute", "complaint", "callback", "other"]
Priority = Literal["low", "normal", "high", "urgent"]
PaymentMethod = Literal["card", "bank_transfer", "direct_debit", "cheque", "other"]
LineKind = Literal["plan", "addon", "usage", "one_off", "credit"]


class Level(IntEnum):
    """How sure we are of who is writing."""

    NONE = 0
    KNOWN = 1  # order number and delivery postcode matched: for that order only
    VERIFIED = 2  # account number and postcode matched
    STEP_UP = 3  # verified by a one-time code as well


@dataclass(frozen=True)
class Identity:
    """Who a conversation has shown to be, at this moment; made by `actions.assurance.current` alone.

    `actor` is the agent who acts for the customer, for the audit alone; empty when the customer acts.
    """

    conversation_id: str
    level: Level = Level.NONE
    account_number: str | None = None
    orders: frozenset[str] = frozenset()
    actor: str = ""


@dataclass(frozen=True)
class Address:
    """A postal address; `lines` are what stands above the town."""

    lines: tuple[str, ...]
    town: str
    postcode: str

    @classmethod
    def of(cls, text: str, postcode: str) -> "Address":
        """The address written as one text, its parts between commas or line ends: the last one is the town."""
        parts = [" ".join(part.split()) for part in re.split(r"[,\n]", text)]
        parts = [part for part in parts if part]
        return cls(tuple(parts[:-1]), parts[-1] if parts else "", postcode)

    def __str__(self) -> str:
        """In one line, for example `7 Mill Lane, Leeds, LS1 4AP`."""
        return ", ".join(part for part in (*self.lines, self.town, self.postcode) if part)


@dataclass(frozen=True)
class Contact:
    """How a customer can be reached; an e-mail address or phone number that is not known is empty."""

    name: str
    address: Address
    email: str
    phone: str
    marketing: bool


@dataclass(frozen=True)
class Change:
    """A change of a contact; `old` and `new` as a customer reads them (marketing: `yes` or `no`)."""

    id: int
    field: Field
    old: str
    new: str
    at: datetime
    undo_until: datetime


@dataclass(frozen=True)
class Recipient:
    """Where a message goes: an e-mail address, or a phone number for a text message (sms)."""

    channel: Channel
    address: str


@dataclass(frozen=True)
class Order:
    """An order; `status` is placed, packed, dispatched, delivered or cancelled.

    `price_pence` is the items' price. `deliver_to` is told to the verified owner alone.
    """

    number: str
    item: str
    status: str
    placed_on: date
    expected_on: date | None = None
    delivered_on: date | None = None
    carrier: str | None = None
    tracking_number: str | None = None
    price_pence: int = 0
    deliver_to: str | None = None


@dataclass(frozen=True)
class Return:
    """A return that was started; the item must be sent by `send_by`, and the refund follows its arrival."""

    reference: str
    order_number: str
    item: str
    reason: str
    started_on: date
    send_by: date
    refund_pence: int


@dataclass(frozen=True)
class Balance:
    """What a customer owes in pence (below zero: credit), and when the earliest open invoice is due."""

    pence: int
    due_on: date | None = None


@dataclass(frozen=True)
class Line:
    """A line of an invoice; a credit is below zero. The same thing has the same text every month."""

    text: str
    pence: int
    kind: LineKind = "plan"


@dataclass(frozen=True)
class Invoice:
    """A month's invoice; `pence` is the sum of its lines."""

    number: str
    issued_on: date
    due_on: date
    pence: int
    paid_pence: int
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True)
class ArrangementLimits:
    """What an arrangement may look like now; `options` are the numbers of instalments that can be had.

    No options: none can be had, and `refusal` is the `limit` that `LimitExceeded` would name.
    """

    balance_pence: int
    options: tuple[int, ...]
    first_from: date
    first_until: date
    min_instalment_pence: int
    refusal: str | None = None


@dataclass(frozen=True)
class Arrangement:
    """A balance that is paid in monthly instalments: (date, pence) each, summing to the balance."""

    reference: str
    instalments: tuple[tuple[date, int], ...]


@dataclass(frozen=True)
class Payment:
    """A payment that a customer has told of; it lowers the balance once it is `confirmed`."""

    reference: str
    pence: int
    paid_on: date
    method: PaymentMethod
    status: Literal["reported", "confirmed"] = "reported"


@dataclass(frozen=True)
class Window:
    """A time at which a technician can come."""

    id: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class Appointment:
    """A technician's visit.

    `free_until`: moving or cancelling costs nothing before that moment and `late_fee_pence` from then on.
    `charged_pence`: what late changes have cost so far. `moves_left`: how often it can still be moved.
    """

    reference: str
    window: Window
    reason: str
    status: Literal["booked", "confirmed", "cancelled"] = "booked"
    free_until: datetime | None = None
    late_fee_pence: int = 0
    charged_pence: int = 0
    moves_left: int = 0


@dataclass(frozen=True)
class Note:
    """What an agent wrote about a conversation."""

    reference: str
    text: str
    disposition: str
    author: str
    at: datetime


@dataclass(frozen=True)
class Ticket:
    """Work for the back office; `promised_by` is when the customer will hear from somebody at the latest."""

    reference: str
    kind: TicketKind
    subject: str
    priority: Priority
    promised_by: datetime
    status: Literal["open", "closed"] = "open"


@dataclass(frozen=True)
class Outage:
    """A known fault in an area, which is the first half of a postcode (CF10)."""

    area: str
    since: datetime
    expected_fix: datetime | None
    text: str
