"""What the desk shows of the customer: as much as the conversation has proven, masked, and each read audited.

The contact is shown whole to the customer's own agent only after a one-time code; an auditor never sees it whole.
"""

from collections.abc import Callable
from typing import TypeVar

from actions import backends
from actions.backends.contacts import masked
from actions.backends.protocols import Appointment, BackendError, Contact, Identity, Level, Recipient, Unavailable
from actions.copilot.models import CustomerCall, CustomerData, Line, Shown
from actions.copilot.who import ACTING, NAMES, READING, acting
from actions.speech import clock_time, money, promise, short_date

T = TypeVar("T")
HIDDEN = "•••"


def customer(call: CustomerCall) -> CustomerData:
    """The customer's data for an agent. Raises `Refused` (403) for a role without customers, and Unavailable."""
    with acting(call.conversation, call.agent, READING) as caller:
        known = CustomerData(level=NAMES[caller.level], fields=[], orders=[], tickets=[], visits=[])
        if caller.level == Level.KNOWN:
            found = [order for n in sorted(caller.orders) if (order := _or_none(_reader(caller, n)))]
            known.orders = [Line(label=f"{o.number}, {o.item}", value=o.status) for o in found]
        if caller.level < Level.VERIFIED:
            return known
        whole = caller.level >= Level.STEP_UP and call.agent.role in ACTING
        known.fields = _fields(caller, backends.customers().contact(caller), whole)
        known.orders = [Line(label=f"{o.number}, {o.item}", value=o.status) for o in backends.orders().own(caller)]
        known.tickets = [
            Line(label=f"{t.reference}, {t.subject}", value=f"{t.status}, promised by {promise(t.promised_by)}")
            for t in backends.tickets().own(caller)
        ]
        known.visits = [Line(label=v.reference, value=_visit(v)) for v in backends.booking().mine(caller)]
        balance = backends.billing().balance(caller)
        owed = f"{money(-balance.pence)} in credit" if balance.pence < 0 else money(balance.pence)
        due = f", due on {short_date(balance.due_on)}" if balance.due_on and balance.pence > 0 else ""
        known.balance = f"{owed}{due}"
        return known


def _reader(caller: Identity, number: str) -> "Callable[[], backends.Order]":
    return lambda: backends.orders().order(caller, number)


def _or_none(read: Callable[[], T]) -> T | None:
    """What was read; None when it is refused, which is audited."""
    try:
        return read()
    except Unavailable:
        raise
    except BackendError:
        return None


def _fields(caller: Identity, contact: Contact, whole: bool) -> list[Shown]:
    account = caller.account_number or ""
    shown = [
        Shown(label="Name", value=contact.name, masked=False),
        Shown(label="Account", value=account if whole else f"{account[:2]}{HIDDEN}{account[-2:]}", masked=not whole),
    ]
    if contact.email:
        email = contact.email if whole else masked(Recipient("email", contact.email))
        shown.append(Shown(label="E-mail", value=email, masked=not whole))
    if contact.phone:
        phone = contact.phone if whole else masked(Recipient("sms", contact.phone))
        shown.append(Shown(label="Phone", value=phone, masked=not whole))
    area = contact.address.postcode.partition(" ")[0]
    address = str(contact.address) if whole else f"{HIDDEN}, {contact.address.town}, {area} {HIDDEN}"
    shown.append(Shown(label="Address", value=address, masked=not whole))
    shown.append(Shown(label="Marketing", value="yes" if contact.marketing else "no", masked=False))
    return shown


def _visit(visit: Appointment) -> str:
    window = visit.window
    times = f"{clock_time(window.starts_at)} to {clock_time(window.ends_at)}"
    return f"{short_date(window.starts_at)}, {times}: {visit.reason} ({visit.status})"
