"""The back-office actions that an agent may run for a customer, each after a click.

An action checks nothing itself: the backends check the customer's level and what is theirs, as they do for the bot.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from actions import backends, codes, invoices, parsing
from actions.backends.protocols import Appointment, Identity, Level
from actions.clock import today
from actions.copilot.calls import Refused
from actions.dates import coming
from actions.orders import describe
from actions.speech import clock_time, long_date, money, promise, short_date

SHOWN_WINDOWS = 4


@dataclass(frozen=True)
class Param:
    """A value that an action needs. `read` makes it of a text, or gives None; `slots` are where a conversation may have
    told it; one with a `default` need not be given."""

    label: str
    read: Callable[[str], Any]
    slots: tuple[str, ...] = ()
    default: str | None = None


@dataclass(frozen=True)
class Runnable:
    """An action. `do` takes the identity, the read values and the request's key, and returns a sentence for the agent.

    `intents` are the tasks that it serves, `about` is what agents read about it.
    """

    id: str
    title: str
    needs: Level
    changes: bool
    do: Callable[[Identity, Mapping[str, Any], str], str]
    params: Mapping[str, Param] = field(default_factory=dict)
    intents: tuple[str, ...] = ()


def read(action: Runnable, given: Mapping[str, str | None]) -> dict[str, Any]:
    """The values of an action's parameters. Raises `Refused` (422) with a sentence that names the first wrong one."""
    if unknown := sorted(given.keys() - action.params.keys()):
        raise Refused(422, f"`params.{unknown[0]}` is none of this action's values.")
    values: dict[str, Any] = {}
    for name, param in action.params.items():
        text = (given.get(name) or param.default or "").strip()
        if not text:
            raise Refused(422, f"`params.{name}` is missing: it is {param.label}.")
        values[name] = param.read(text)
        if values[name] is None:
            raise Refused(422, f"`params.{name}` cannot be read: it is {param.label}.")
    return values


def _day(text: str) -> date | None:
    """A day as 2026-11-24, or in words."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return coming(text, today())


def _one_of(*values: str) -> Callable[[str], str | None]:
    return lambda text: text.lower() if text.lower() in values else None


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 4 else None


def _line(text: str) -> str | None:
    return parsing.free_text(text)


def _area(text: str) -> str | None:
    """A postcode, or its first half."""
    half = re.fullmatch(r"[A-Za-z]{1,2}\d[A-Za-z\d]?", text)
    return text.upper() if half else parsing.postcode(text)


def _visit_reference(text: str) -> str | None:
    return text.upper() if re.fullmatch(r"[A-Za-z]{1,4}-?\d{1,10}", text) else None


ORDER = Param("an order number, such as NO482136", parsing.order_number, ("order_number",))
VISIT = Param("the visit's reference", _visit_reference, ("move_reference", "cancel_reference", "confirm_reference"))
WINDOW = Param("the id of a free time", str, ("visit_slot", "move_slot"))


def _order_status(caller: Identity, values: Mapping[str, Any], _request: str) -> str:
    return describe(backends.orders().order(caller, values["order_number"]))


def _cancel_order(caller: Identity, values: Mapping[str, Any], request: str) -> str:
    order = backends.orders().cancel(caller, values["order_number"], request)
    return f"The order {order.number} ({order.item}) is cancelled: nothing will be delivered."


def _start_return(caller: Identity, values: Mapping[str, Any], request: str) -> str:
    made = backends.orders().start_return(caller, values["order_number"], values["return_reason"], request)
    return (
        f"The return {made.reference} of the order {made.order_number} is started: it must be sent by "
        f"{long_date(made.send_by)}, and {money(made.refund_pence)} is refunded once it has arrived."
    )


def _delivery_day(caller: Identity, values: Mapping[str, Any], request: str) -> str:
    order = backends.orders().change_date(caller, values["order_number"], values["day"], request)
    return f"The order {order.number} is now delivered on {long_date(values['day'])}."


def _balance(caller: Identity, _values: Mapping[str, Any], _request: str) -> str:
    balance = backends.billing().balance(caller)
    if balance.pence < 0:
        return f"The account is {money(-balance.pence)} in credit."
    due = f", due on {long_date(balance.due_on)}" if balance.due_on and balance.pence else ""
    return f"The balance is {money(balance.pence)}{due}."


def _latest_bill(caller: Identity, _values: Mapping[str, Any], _request: str) -> str:
    found = backends.billing().invoices(caller)
    return invoices.describe(found[0], today()) if found else "There is no bill yet."


def _arrange(caller: Identity, values: Mapping[str, Any], request: str) -> str:
    plan = backends.billing().arrange(caller, values["instalments"], values["first_payment_day"], request)
    parts = "; ".join(f"{money(pence)} on {long_date(day)}" for day, pence in plan.instalments)
    return f"The payment plan {plan.reference} is set up: {parts}."


def _window(caller: Identity, window_id: str) -> str:
    """A free window's id. Raises `Refused` (422) that names the next free ones."""
    free = backends.booking().windows(caller)
    if any(window.id == window_id for window in free):
        return window_id
    shown = "; ".join(
        f"{w.id} ({short_date(w.starts_at)}, {clock_time(w.starts_at)} to {clock_time(w.ends_at)})"
        for w in free[:SHOWN_WINDOWS]
    )
    raise Refused(422, f"`params.window` is no free time; the next ones are {shown}." if shown else "No time is free.")


def _told(visit: Appointment, done: str) -> str:
    window = visit.window
    times = f"{long_date(window.starts_at)}, {clock_time(window.starts_at)} to {clock_time(window.ends_at)}"
    fee = f" It costs {money(visit.charged_pence)} so far, as it was changed late." if visit.charged_pence else ""
    return f"The visit {visit.reference} on {times} is {done}.{fee}"


def _book_visit(caller: Identity, values: Mapping[str, Any], request: str) -> str:
    window = _window(caller, values["window"])
    return _told(backends.booking().book(caller, window, values["visit_reason"], request), "booked")


def _move_visit(caller: Identity, values: Mapping[str, Any], request: str) -> str:
    window = _window(caller, values["window"])
    return _told(backends.booking().move(caller, values["reference"], window, request), "moved to this time")


def _cancel_visit(caller: Identity, values: Mapping[str, Any], request: str) -> str:
    return _told(backends.booking().cancel(caller, values["reference"], request), "cancelled")


def _confirm_visit(caller: Identity, values: Mapping[str, Any], request: str) -> str:
    return _told(backends.booking().confirm(caller, values["reference"], request), "confirmed")


def _visits(caller: Identity, _values: Mapping[str, Any], _request: str) -> str:
    found = backends.booking().mine(caller)
    return "\n".join(_told(visit, visit.status) for visit in found) if found else "No visit is booked."


def _send_code(caller: Identity, values: Mapping[str, Any], _request: str) -> str:
    sent = codes.send(caller.conversation_id, values["channel"])
    return f"A code is on its way to {sent}: the customer must write it in this chat while the assistant is in it."


def _outages(caller: Identity, values: Mapping[str, Any], _request: str) -> str:
    found = backends.outages().outages(caller, values["postcode"])
    told = [
        f"{outage.text} Expected repair: {promise(outage.expected_fix)}." if outage.expected_fix else outage.text
        for outage in found
    ]
    return "\n".join(told) or "No fault is known in this area."


def _ticket(caller: Identity, values: Mapping[str, Any], request: str) -> str:
    made = backends.tickets().open(
        caller, values["kind"], values["subject"], values["details"], values["priority"], request
    )
    return f"The ticket {made.reference} is open: the customer hears from us by {promise(made.promised_by)}."


_ACTIONS = (
    Runnable(
        "order_status", "Look up the order", Level.KNOWN, False, _order_status, {"order_number": ORDER},
        ("order_status", "cancel_order", "return_order", "change_delivery"),
    ),
    Runnable(
        "cancel_order", "Cancel the order", Level.VERIFIED, True, _cancel_order, {"order_number": ORDER},
        ("cancel_order",),
    ),
    Runnable(
        "start_return", "Start a return", Level.VERIFIED, True, _start_return,
        {"order_number": ORDER, "return_reason": Param("why it goes back", _line, ("return_reason",), "not said")},
        ("return_order",),
    ),
    Runnable(
        "change_delivery_day", "Move the delivery", Level.VERIFIED, True, _delivery_day,
        {"order_number": ORDER, "day": Param("a day, such as 2026-11-24", _day, ("delivery_day",))},
        ("change_delivery",),
    ),
    Runnable(
        "balance", "Look up the balance", Level.VERIFIED, False, _balance,
        intents=("balance", "arrange_payment", "report_payment"),
    ),
    Runnable(
        "latest_bill", "Read the latest bill", Level.VERIFIED, False, _latest_bill,
        intents=("explain_bill", "dispute_charge"),
    ),
    Runnable(
        "arrange_payment", "Set up a payment plan", Level.VERIFIED, True, _arrange,
        {
            "instalments": Param("the number of payments", _number, ("instalments",)),
            "first_payment_day": Param("a day, such as 2026-12-01", _day, ("first_payment_day",)),
        },
        ("arrange_payment",),
    ),
    Runnable(
        "visits", "Look up the visits", Level.VERIFIED, False, _visits,
        intents=("list_visits", "move_visit", "cancel_visit", "confirm_visit"),
    ),
    Runnable(
        "book_visit", "Book a visit", Level.VERIFIED, True, _book_visit,
        {"window": WINDOW, "visit_reason": Param("what the visit is for", _line, ("visit_reason",))},
        ("book_visit", "report_problem"),
    ),
    Runnable(
        "move_visit", "Move the visit", Level.VERIFIED, True, _move_visit, {"reference": VISIT, "window": WINDOW},
        ("move_visit",),
    ),
    Runnable(
        "cancel_visit", "Cancel the visit", Level.VERIFIED, True, _cancel_visit, {"reference": VISIT},
        ("cancel_visit",),
    ),
    Runnable(
        "confirm_visit", "Confirm the visit", Level.VERIFIED, True, _confirm_visit, {"reference": VISIT},
        ("confirm_visit",),
    ),
    Runnable(
        "check_outage", "Check for faults in the area", Level.NONE, False, _outages,
        {"postcode": Param("a postcode or its first half, such as CF10", _area, ("outage_postcode", "postcode"))},
        ("check_outage", "report_problem"),
    ),
    Runnable(
        "send_code", "Send a one-time code", Level.VERIFIED, False, _send_code,
        {"channel": Param("email or sms", _one_of("email", "sms"), ("code_channel",), "email")},
        ("change_address", "change_email", "change_phone", "change_consent"),
    ),
    Runnable(
        "open_ticket", "Open a ticket", Level.NONE, True, _ticket,
        {
            "kind": Param("fault, dispute, complaint, callback or other",
                          _one_of("fault", "dispute", "complaint", "callback", "other"), (), "other"),
            "subject": Param("one line on what it is about", _line),
            "details": Param("what the back office needs to know", lambda text: parsing.free_text(text, 2000)),
            "priority": Param("low, normal, high or urgent", _one_of("low", "normal", "high", "urgent"), (), "normal"),
        },
        ("complain", "dispute_charge", "report_problem", "report_payment"),
    ),
)  # fmt: skip

RUNNABLE: dict[str, Runnable] = {action.id: action for action in _ACTIONS}
