"""The base of what runs once a form is complete, and the return to a task that waited."""

from typing import Any, ClassVar

from rasa_sdk import Action, Tracker
from rasa_sdk.events import FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from . import continuation, pauses
from .forms import CONFIRMED, FORMS
from .speech import Events
from .turns import HANDOVER, INSTEAD, Turn, person_offered_now

TASKS: dict[str, "Task"] = {}  # by action name, filled as the skills are loaded


class Task(Action):
    """Does what the form was for, then empties the form's slots and returns to the task that waited.

    A subclass gives `form` and `perform`, which says the outcome and may call `turn.offer_person`, `turn.again`
    or `turn.then`. `action` is the action's name, `result` what the agent reads before the outcome, for example
    "Order status". It does nothing when the form was left early or, for a form that confirms, without a yes.
    """

    form: ClassVar[str]
    action: ClassVar[str]
    result: ClassVar[str]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Make the task known to the summary for the agent."""
        super().__init_subclass__(**kwargs)
        if "action" in cls.__dict__:
            TASKS[cls.action] = cls()

    def name(self) -> str:
        """The action's name."""
        return self.action

    def perform(self, turn: Turn) -> None:
        """Do the task and say the outcome."""
        raise NotImplementedError

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> Events:
        """Perform the task unless the form was left; returns the events that end it."""
        turn = Turn.of(dispatcher, tracker, domain or {}, self.form)
        ended = str(turn.get("ended") or "")
        if ended.startswith(HANDOVER):
            return [FollowupAction("action_handoff")]
        if person_offered_now(tracker):
            return []
        form = FORMS[self.form]
        performed = not ended and bool(turn.get(CONFIRMED) or not form.confirm)
        if performed:
            turn.set(served=True)
            self.perform(turn)
        if turn.next_form == self.form:
            return [*_sets(turn.changes), FollowupAction(self.form)]
        kept: set[str] = set()
        if ended.startswith(INSTEAD):
            turn.next_form = ended.removeprefix(INSTEAD)
            kept = set(FORMS[turn.next_form].fields)
        emptied = {s: None for s in form.slots() if s not in turn.changes and s not in kept}
        done = {"tries": 0, "ended": None, "offer": None} | emptied | turn.changes
        if turn.next_form:
            waiting = [name for name in pauses.waiting(tracker) if name != turn.next_form]
            return [*_sets(done), pauses.event(tracker, waiting), FollowupAction(turn.next_form)]
        if turn.offered:
            return _sets(done)
        back = resume(dispatcher, tracker)
        if performed and not back:
            back = continuation.offer(dispatcher, tracker, turn.caller, self.form)
        return [*_sets(done), *back]

    def recover(self, tracker: Tracker, domain: Any) -> Events:
        """What to keep when a run has failed: the form's values, for a second try."""
        return _sets({"ended": pauses.failed(tracker, self.form)})


def _sets(values: dict[str, Any]) -> Events:
    return [SlotSet(slot, value) for slot, value in values.items()]


def resume(dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:
    """Return to the task that waited last, if there is one."""
    waiting = [form for form in pauses.waiting(tracker) if form in FORMS]
    if not waiting:
        return []
    *others, form = waiting
    dispatcher.utter_message(text=f"Now, back to {FORMS[form].title}.")
    return [pauses.event(tracker, others), FollowupAction(form)]
