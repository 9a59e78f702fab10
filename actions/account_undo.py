"""The second task of the skill `account`: putting back what was changed within the last day."""

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from . import assurance, backends, contact_details, parsing
from .account import SYSTEM
from .backends import Change, NotAllowed, NotFound, TooLate
from .contact_details import NAMES, TITLES
from .fields import Field
from .speech import Events, clock_time, short_date
from .tasks import Task
from .turns import Turn, last_buttons
from .verification import VerifiedForm

NOTHING = (
    "There's nothing that I could undo: nothing on your account was changed in the last 24 hours. "
    "You can still change it in the usual way. What would you like to do?"
)
SUPERSEDED = (
    "I can't undo that any more: it was undone already, changed again, or is more than a day old. "
    "You can still change it in the usual way."
)


def _which(turn: Turn) -> str | None:
    shown = [contact_details.named(payload) for payload in last_buttons(turn.tracker)]
    offered = [field for field in shown if field]
    position = parsing.choice(turn.text, len(offered))
    return offered[position] if position is not None else contact_details.named(turn.text)


def _mentioned(turn: Turn) -> str | None:
    return contact_details.named(turn.text) if turn.intent in ("undo_change", "correct") else None


class ValidateUndoForm(VerifiedForm):
    """Verifies the customer and finds the change to undo; the only one is chosen by itself."""

    form = "undo_form"
    title = "undoing a change"
    confirm = True
    fields = {
        "undo_field": Field(
            answer=_which,
            mention=_mentioned,
            complaint=lambda turn: "Sorry, I didn't catch which change you'd like to undo.",
            label="the change to undo",
            names="change|one",
            show=lambda field: NAMES[field],
            clears=("undo_id",),
        )
    }
    wants = {"undo_change": "to undo a change of the account"}
    system = SYSTEM

    def slots(self) -> list[str]:
        """All slots of the form, with the change that was found."""
        return [*super().slots(), "undo_id"]

    def check_values(self, turn: Turn) -> None:
        """Find the change; leave when there is none."""
        if turn.get("confirmed"):
            return
        found = {change.field: change for change in backends.customers().changes(turn.caller)}
        field = turn.get("undo_field")
        if not found:
            turn.finish(NOTHING)
        elif field in found:
            turn.set(undo_id=found[field].id)
        elif field:
            turn.say(f"I can't see a change of {NAMES[field]} in the last 24 hours.")
            turn.set(undo_field=None, undo_id=None)
        elif len(found) == 1:
            only = next(iter(found.values()))
            turn.set(undo_field=only.field, undo_id=only.id)

    def read_back(self, turn: Turn) -> str:
        """The change, both values masked."""
        change = _of_id(turn)
        told = contact_details.describe(change) if change else f"You'd like to undo the change of {_name(turn)}."
        return f"{told} Shall I put it back to what it was?"


def _of_id(turn: Turn) -> Change | None:
    known = backends.customers().changes(turn.caller)
    return next((change for change in known if change.id == turn.get("undo_id")), None)


def _name(turn: Turn) -> str:
    return NAMES.get(turn.get("undo_field"), "your details")


class ActionAskUndoField(Action):
    """Lists the changes that can be undone."""

    system = SYSTEM

    def name(self) -> str:
        """The action's name."""
        return "action_ask_undo_field"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> Events:
        """Offer each change as a button."""
        changes = backends.customers().changes(assurance.current(tracker.sender_id))
        labels = [f"{TITLES[c.field]}, {short_date(c.at)} at {clock_time(c.at)}" for c in changes]
        buttons = [{"title": label, "payload": label} for label in labels]
        dispatcher.utter_message(text="Which change would you like to undo?", buttons=buttons)
        return []


class ActionUndoChange(Task):
    """Puts the old value back."""

    form, action, result = "undo_form", "action_undo_change", "Undoing a change"
    system = SYSTEM
    failure_text = (
        "Sorry, our customer records didn't answer in time, so I can't promise that your change is undone. "
        "Asking again in a few minutes is safe. Would you like me to get a person for you?"
    )

    def perform(self, turn: Turn) -> None:
        """Undo it once."""
        number = turn.get("undo_id")
        try:
            change = backends.customers().undo(turn.caller, number, turn.request(number))
        except NotAllowed:
            turn.say("For your security I need to check that it's you again before I undo anything.")
            turn.set(confirmed=None)
            turn.again()
            return
        except (TooLate, NotFound):
            turn.say(SUPERSEDED)
            return
        turn.say(undone(change))


def undone(change: Change) -> str:
    """What the customer hears once the old value is back."""
    old = contact_details.hidden(change.field, change.old)
    if change.field == "marketing":
        return f"That's undone: our marketing is switched {old} again."
    if not old:
        return f"That's undone: {NAMES[change.field]} is empty again, as it was before."
    return f"That's undone: {NAMES[change.field]} is {old} again."
