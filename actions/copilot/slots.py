"""The values that an agent may hand back to the assistant with a conversation, and the check of each.

A value is read by the same parser as the customer's own answer would be. What shows who the customer is can never be
set: the assistant asks the customer for it, and the back office checks it.
"""

import re
from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.forms import REQUESTED_SLOT

from actions.fields import Field
from actions.forms import FORMS, Form
from actions.logs import get_logger
from actions.turns import Turn

log = get_logger(__name__)

# With these a customer shows who they are; from an agent they would show it for them.
IDENTITY = frozenset({"account_number", "postcode", "code", "code_channel"})


def settable(task: str) -> list[tuple[str, str]]:
    """The slots of the task that the intent `task` starts, with their labels; none for an unknown intent."""
    form = next((form for form in FORMS.values() if task in form.wants), None)
    return [(name, _label(name, field)) for name, field in form.fields.items() if _allowed(name, field)] if form else []


def check(name: str, value: str) -> tuple[Any, str]:
    """The value as the assistant keeps it and "", or None and a sentence for the agent that says what is wrong."""
    owners = [form for form in FORMS.values() if name in form.fields and _allowed(name, form.fields[name])]
    if not owners:
        return None, f"The assistant takes no value for `{name}` from an agent: leave it out, and it asks the customer."
    turns = [(form.fields[name], _turn(form, name, value)) for form in owners]
    for field, turn in turns:
        found = _read(field, turn)
        if found is not None:
            return found, ""
    field, turn = turns[0]
    return None, _for_agent(field, turn)


def _allowed(name: str, field: Field) -> bool:
    return bool(field.label) and name not in IDENTITY


def _label(name: str, field: Field) -> str:
    """A label as a heading: "the delivery date" becomes "Delivery date"; "how you paid" speaks to the customer."""
    bare = re.sub(r"^(?:the|your|a|an) ", "", field.label)
    bare = name.replace("_", " ") if re.search(r"\b(?:I|you)\b", bare) else bare
    return f"{bare[:1].upper()}{bare[1:]}"


def _turn(form: Form, name: str, value: str) -> Turn:
    """The turn in which a customer answers the form's question for `name` with `value`."""
    message = {"text": value, "intent": {"name": "inform", "confidence": 1.0}, "entities": []}
    events = [{"event": "action", "name": "action_listen"}, {"event": "user", "text": value, "parse_data": message}]
    slots = {REQUESTED_SLOT: name}
    tracker = Tracker("copilot", slots, message, events, False, None, {"name": form.form}, "action_listen")
    return Turn.of(CollectingDispatcher(), tracker, {}, form.form)


def _read(field: Field, turn: Turn) -> Any:
    """What the field's parser makes of the value; some need the conversation itself, such as a choice of offers."""
    try:
        found = field.answer(turn)
        return field.mention(turn) if found is None else found
    except Exception as error:  # parsers of every skill; what they need may be missing here
        log.warning("slot_not_checked", extra={"kind": type(error).__name__})
        return None


def _for_agent(field: Field, turn: Turn) -> str:
    """What the customer would be told, for an agent."""
    try:
        told = field.complaint(turn)
    except Exception as error:
        log.warning("slot_not_checked", extra={"kind": type(error).__name__})
        told = ""
    needs = re.sub(r"^(?:sorry|i'm sorry)[,.]?\s+", "", told, flags=re.I)
    first = f"The assistant can't use this as {field.label}"
    return f'{first}; it would tell the customer: "{needs[:1].upper()}{needs[1:]}"' if needs else f"{first}."
