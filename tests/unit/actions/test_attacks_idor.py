"""Each method of each backend, called by somebody who may not: too low a level, or an object of somebody else."""

import inspect
import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any, get_type_hints

import pytest
from chats import Clock
from sqlalchemy import func, select

from actions import backends
from actions.backends import Identity, Level, NotAllowed, NotFound, Recipient, registry
from actions.backends.models import AuditRow
from actions.backends.session import transaction
from tests.attacks import attempt

pytestmark = pytest.mark.usefixtures("database")
VICTIM = Identity("victim", Level.STEP_UP, "NA118260")
ATTACKER = "NA310077"
SYSTEMS = {
    protocol: factory
    for factory in (getattr(registry, name) for name in dir(registry) if not name.startswith("_"))
    if inspect.isfunction(factory) and inspect.getmodule(factory) is registry
    for protocol in [get_type_hints(factory)["return"]]
}
# An argument that names somebody's object makes the method one that must check the owner.
OBJECTS = ("order_number", "number", "reference", "change_id")
PLAIN: dict[str, Any] = {
    "account_number": "NA118260", "postcode": "ZZ1 1ZZ", "request": "attack", "day": date(2026, 11, 27),
    "address": "1 New Road, Cardiff", "reason": "broken", "instalments": 3, "first_on": date(2026, 12, 1),
    "pence": 100, "paid_on": date(2026, 11, 20), "method": "card", "kind": "other", "subject": "attack",
    "details": "attack", "priority": "low", "session": "s", "score": 5, "text": "attack", "disposition": "resolved",
    "author": "alex", "field": "marketing", "value": True, "to": Recipient("email", "attacker@example.com"),
    "body": "attack", "order_number": "NO518833",
}  # fmt: skip


def methods() -> Iterator[tuple[type, str]]:
    """Every method of every backend."""
    for protocol in SYSTEMS:
        for name, member in vars(protocol).items():
            if inspect.isfunction(member) and not name.startswith("_") and "identity" in member.__annotations__:
                yield protocol, name


def level_of(protocol: type, method: str) -> Level:
    """The level that the docstring of the Protocol names in brackets."""
    named = re.match(r"\[(\w+)\]", inspect.getdoc(getattr(protocol, method)) or "")
    assert named, f"{protocol.__name__}.{method} names no level in its docstring"
    return Level["STEP_UP" if named[1] == "STEP_UP" else named[1]]


def is_list(protocol: type, method: str) -> bool:
    """Whether the method gives what belongs to the caller, without naming an object."""
    names = set(inspect.signature(getattr(protocol, method)).parameters) - {"self", "identity"}
    return not names and level_of(protocol, method) > Level.NONE


@pytest.fixture
def owned(fixed_clock: Clock) -> dict[str, Any]:
    """Objects of the victim, of every kind."""
    booking, customers, orders = backends.booking(), backends.customers(), backends.orders()
    window = booking.windows(VICTIM)[0].id
    return {
        "order_number": orders.own(VICTIM)[0].number,
        "number": backends.billing().invoices(VICTIM)[0].number,
        "reference": booking.book(VICTIM, window, "no signal", "v-1").reference,
        "change_id": customers.change(VICTIM, "email", "new@example.com", "v-2").id,
        "window_id": booking.windows(VICTIM)[1].id,
    }


def arguments(protocol: type, method: str, owned: dict[str, Any]) -> dict[str, Any]:
    """Arguments that would do something, each naming the victim's objects."""
    names = [
        name for name in inspect.signature(getattr(protocol, method)).parameters if name not in ("self", "identity")
    ]
    return {name: owned[name] if name in owned else PLAIN[name] for name in names}


def refused(call: Callable[[], object], error: type[Exception]) -> bool:
    """Whether the call ends with this error and one more refusal in the audit."""
    before = _refusals()
    try:
        call()
    except error:
        return _refusals() == before + 1
    return False


def _refusals() -> int:
    with transaction() as session:
        return session.scalar(select(func.count()).where(AuditRow.outcome == "refused")) or 0


@pytest.mark.parametrize(("protocol", "method"), list(methods()))
def test_a_level_too_low_is_refused(protocol: type, method: str, owned: dict[str, Any]) -> None:
    needed = level_of(protocol, method)
    given = arguments(protocol, method, owned)
    for level in (level for level in Level if level < needed):
        # Somebody who is known for another order, or verified for another account.
        account = ATTACKER if level >= Level.VERIFIED else None
        orders = frozenset({"NO771204"}) if level == Level.KNOWN else frozenset()
        caller = Identity("attacker", level, account, orders)
        call = getattr(SYSTEMS[protocol](), method)
        blocked = refused(lambda call=call, caller=caller: call(caller, **given), NotAllowed)
        attempt("level too low", f"{protocol.__name__}.{method} at {level.name}", blocked)


@pytest.mark.parametrize(
    ("protocol", "method"),
    [
        (protocol, method)
        for protocol, method in methods()
        if set(OBJECTS) & set(inspect.signature(getattr(protocol, method)).parameters)
        and level_of(protocol, method) > Level.NONE
    ],
)
def test_an_object_of_somebody_else_is_not_found(protocol: type, method: str, owned: dict[str, Any]) -> None:
    caller = Identity("attacker", Level.STEP_UP, ATTACKER)
    call = getattr(SYSTEMS[protocol](), method)
    blocked = refused(lambda: call(caller, **arguments(protocol, method, owned)), NotFound)
    attempt("IDOR: another customer's object", f"{protocol.__name__}.{method}", blocked)


@pytest.mark.parametrize(
    ("protocol", "method"), [(protocol, method) for protocol, method in methods() if is_list(protocol, method)]
)
def test_lists_hold_nothing_of_somebody_else(protocol: type, method: str, owned: dict[str, Any]) -> None:
    theirs = repr(getattr(SYSTEMS[protocol](), method)(VICTIM))
    mine = repr(getattr(SYSTEMS[protocol](), method)(Identity("attacker", Level.STEP_UP, ATTACKER)))
    marks = [str(value) for value in owned.values() if len(str(value)) > 3 and str(value) in theirs]
    blocked = not any(mark in mine for mark in [*marks, "NA118260", "Megan"])
    attempt("IDOR: another customer's list", f"{protocol.__name__}.{method}", blocked)


def test_every_argument_that_names_an_object_is_attacked() -> None:
    known = {*OBJECTS, *PLAIN, "window_id", "self", "identity"}
    for protocol, method in methods():
        unknown = set(inspect.signature(getattr(protocol, method)).parameters) - known
        assert not unknown, f"{protocol.__name__}.{method} takes {unknown}: is it an object that belongs to somebody?"
