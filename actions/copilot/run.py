"""Runs one back-office action after an agent's click, with the customer's level and as often as was clicked: once."""

import threading
from collections import OrderedDict
from typing import Any

from actions import codes
from actions.backends.access import audit
from actions.backends.protocols import (
    BackendError,
    Identity,
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
from actions.backends.rules import RulesProblem
from actions.backends.session import transaction
from actions.copilot import practice
from actions.copilot.calls import Refused
from actions.copilot.models import RunCall, RunResult
from actions.copilot.practice import Case
from actions.copilot.runnable import RUNNABLE, Runnable, read
from actions.copilot.who import MISSING, acting
from actions.logs import conversation_ref, get_logger

log = get_logger(__name__)

_LIMITS = {
    "one_at_a_time": "A payment plan runs already, and there can be one at a time.",
    "min_balance": "The balance is too small for a payment plan.",
    "max_balance": "The balance is too large for a payment plan: billing must look at it.",
    "min_instalments": "A payment plan needs more payments than that.",
    "max_instalments": "A payment plan has fewer payments than that.",
    "min_instalment": "Each payment would be too small: choose fewer of them.",
    "first_in_past": "The first payment must be today or later.",
    "first_within_days": "The first payment must be sooner than that.",
    "max_moves": "This visit has been moved as often as it can be: cancel it and book another one.",
}
_SENTENCES: dict[type[Exception], tuple[int, str]] = {
    NotFound: (404, "There is no such thing on this customer's account: please check the number."),
    WindowTaken: (409, "That time has just gone, or cannot be booked: choose another one."),
    TooLate: (409, "It is too late for this: it has been sent, cancelled, or the time for it is over."),
    TooEarly: (409, "It is too early for this: the order has not arrived yet."),
    Undeliverable: (409, "The message was refused by the receiver: try the other way to reach the customer."),
    codes.NoRecipient: (409, "There is no contact on file for this: try the other way to reach the customer."),
    codes.TooManyCodes: (409, "Three codes were sent within 15 minutes: wait before you send another one."),
    codes.Locked: (409, "Checks are locked for 15 minutes after too many failed tries."),
    Unavailable: (503, "The back office cannot be reached just now, nothing was done: please try again in a minute."),
    RulesProblem: (
        503,
        "The rules of the back office cannot be read: please tell your administrator.",
    ),
}
REMEMBERED = 2000

_lock = threading.Lock()
_cases: OrderedDict[str, Case] = OrderedDict()


def remember(conversation: str, case: Case) -> None:
    """Keep the case of a conversation for the clicks that follow, which may not carry the packet."""
    with _lock:
        _cases[conversation] = case
        _cases.move_to_end(conversation)
        while len(_cases) > REMEMBERED:
            _cases.popitem(last=False)


def case_of(conversation: str, packet: dict[str, Any] | None) -> Case:
    """The case of a conversation: its packet's, or the one that was remembered."""
    if packet:
        return Case(str(packet.get("task") or ""), str(packet.get("reason") or ""))
    with _lock:
        return _cases.get(conversation) or Case()


def run(call: RunCall) -> RunResult:
    """Run the action; the same `request` gives the first result again.

    Raises `Refused`: 403 level or role too low, 404 no such action or object, 409 it cannot be done now, 422 a value is
    missing or wrong, 503 a system is down.
    """
    action = RUNNABLE.get(call.action)
    if action is None:
        raise Refused(404, "There is no such action: POST /copilot/next lists what can be done.")
    with acting(call.conversation, call.agent) as caller:
        if caller.level < action.needs:
            with transaction() as session:
                audit(session, caller, f"copilot.{action.id}", None, "refused", NotAllowed.__name__)
            raise Refused(403, MISSING[action.needs])
        values = read(action, call.params)
        try:
            kept = practice.begin(call.conversation, call.request, action.id, case_of(call.conversation, call.packet))
        except practice.Running:
            raise Refused(409, "This click is being carried out already: please wait a moment.") from None
        if kept is not None:
            return RunResult(result=kept)
        result = None
        try:
            result = _done(action, caller, values, call.request)
        finally:
            practice.end(call.conversation, call.request, result)
    log.info("copilot_run", extra={"conversation": conversation_ref(call.conversation), "action": action.id})
    return RunResult(result=result)


def _done(action: Runnable, caller: Identity, values: dict[str, Any], request: str) -> str:
    try:
        return action.do(caller, values, f"copilot:{caller.conversation_id}:{request}")
    except (BackendError, codes.CodeProblem, codes.Locked, RulesProblem) as error:
        raise refusal(error, action) from error


def refusal(error: Exception, action: Runnable) -> Refused:
    """The status and sentence for what a backend refused or failed to do."""
    if isinstance(error, NotAllowed):
        return Refused(403, MISSING.get(action.needs, "The customer has not shown enough for this."))
    if isinstance(error, Invalid):
        return Refused(422, f"`params.{error.field}` cannot be taken: {error}")
    if isinstance(error, LimitExceeded):
        return Refused(409, _LIMITS.get(error.limit, "A rule of the business forbids this."))
    for kind, (status, sentence) in _SENTENCES.items():
        if isinstance(error, kind):
            return Refused(status, sentence)
    return Refused(409, "This cannot be done just now.")
