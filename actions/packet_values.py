"""What the customer has given in this session: each value with the turn that it came from, and whether it is confirmed.

A value that a task has used counts as given although the task empties its slots; one that the customer takes back
does not. Values are written for the agent who needs them: contact data stays readable (the desk hides it by role),
and card numbers, bank accounts and secrets never come this far.
"""

from dataclasses import dataclass
from typing import Any

from rasa_sdk.forms import REQUESTED_SLOT

from actions.assurance import Identity, Level
from actions.copilot.transcript import Event
from actions.fields import Field
from actions.forms import CONFIRMED, FORMS
from actions.policy.tokens import restore, tokenise
from actions.tasks import TASKS

# Kinds of personal data that an agent reads in clear; the rest is hidden.
READABLE = frozenset({"NAME", "EMAIL", "PHONE", "ADDRESS", "POSTCODE", "PLACE", "ORGANISATION", "DATE"})
HIDDEN = "[hidden]"

_NOT_TOLD = frozenset(
    {"owner", "handoff", "offer", "tries", "ended", "paused", "served", CONFIRMED, "change", "code", "code_channel"}
    | {REQUESTED_SLOT, "session_started_metadata", "code_delivery", "contact_next", "undo_id", "feedback_asked"}
)


@dataclass
class _Given:
    value: Any
    turn: int
    confirmed: bool = False
    used: bool = False  # by a task that went through


def collected(events: list[Event], slots: dict[str, Any], caller: Identity | None) -> list[dict[str, Any]]:
    """The packet's `slots`: of this session's `events`, and of the tracker's `slots` (turn 0 from an earlier one)."""
    given = _given(events)
    for name, value in slots.items():
        if _told(name, value) and (name not in given or given[name].value != value):
            given[name] = _Given(value, 0)
    if products := _products(events):
        given["products"] = products
    if caller:
        _confirm_by_backend(given, caller, events)
    return [
        {
            "name": name,
            "label": label_of(name),
            "value": without_secrets(_shown(name, one.value)),
            "turn": one.turn,
            "confirmed": one.confirmed,
        }
        for name, one in given.items()
    ]


def label_of(slot: str) -> str:
    """What an agent reads for a slot, such as "Delivery date"."""
    field = _field(slot)
    words = (field.label if field else "").removeprefix("the ").removeprefix("your ") or slot.replace("_", " ")
    return words[:1].upper() + words[1:]


def without_secrets(text: str) -> str:
    """`text` with the kinds of personal data hidden that no agent needs. Raises PolicyError."""
    told, values = tokenise(text)
    return restore(told, {t: v if t.rsplit("_", 1)[0] in READABLE else HIDDEN for t, v in values.items()})


def _given(events: list[Event]) -> dict[str, _Given]:
    given: dict[str, _Given] = {}
    turn, action, form, left = 0, "", "", False
    for event in events:
        kind, name, value = event.get("event"), str(event.get("name") or ""), event.get("value")
        if kind == "user":
            turn += 1
        elif kind == "action":
            action = name
        elif kind == "active_loop":
            form = name or form
        elif kind == "slot" and name == "ended":
            left = bool(value)
        elif kind == "slot" and name == CONFIRMED and value is True and form in FORMS:
            for slot in FORMS[form].fields.keys() & given.keys():
                given[slot].confirmed = True
        elif kind == "slot" and _told(name, value):
            if name not in given or given[name].value != value:
                given[name] = _Given(value, turn)
        elif kind == "slot" and value is None and name in given:
            if action in TASKS:
                given[name].used = True
                given[name].confirmed |= not left
            elif not given[name].used:
                del given[name]
    return given


def _told(name: str, value: Any) -> bool:
    """Whether a slot is a value of the customer's; what a form keeps for itself is an object."""
    return value is not None and name not in _NOT_TOLD and not isinstance(value, (dict, list))


def _products(events: list[Event]) -> _Given | None:
    """Northlight's products that the customer has named, each once."""
    unique: dict[str, str] = {}
    turn = last = 0
    for event in events:
        if event.get("event") == "user":
            turn += 1
            for entity in (event.get("parse_data") or {}).get("entities") or []:
                if entity.get("entity") == "product":
                    unique.setdefault(str(entity["value"]).casefold(), str(entity["value"]))
                    last = turn
    return _Given(", ".join(unique.values()), last) if unique else None


def _confirm_by_backend(given: dict[str, _Given], caller: Identity, events: list[Event]) -> None:
    """Confirm what the customer is verified for; a form forgets the account number as soon as it is proven."""
    if caller.account_number and caller.level >= Level.VERIFIED:
        given["account_number"] = _Given(caller.account_number, _said_in(events, caller.account_number), True)
        if "postcode" in given:
            given["postcode"].confirmed = True
    if "order_number" in given and given["order_number"].value in caller.orders:
        given["order_number"].confirmed = True
        if "postcode" in given:
            given["postcode"].confirmed = True


def _said_in(events: list[Event], value: str) -> int:
    """The turn in which the customer wrote a number, or 0."""
    texts = [str(event.get("text") or "") for event in events if event.get("event") == "user"]
    return next((n for n, text in enumerate(texts, 1) if value in "".join(text.upper().split())), 0)


def _field(slot: str) -> Field | None:
    return next((form.fields[slot] for form in FORMS.values() if slot in form.fields), None)


def _shown(slot: str, value: Any) -> str:
    """The value as the customer hears it."""
    field = _field(slot)
    try:
        return str(field.show(value)) if field else str(value)
    except Exception:  # of another shape than the form writes: an old conversation, or somebody else's event
        return str(value)
