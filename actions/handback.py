"""Skill handoff: the conversation comes back to the assistant, from the queue or from an agent, and a task goes on."""

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import ActiveLoop, FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.forms import REQUESTED_SLOT

from .callback import CALLBACK_FORM, MESSAGE_FORM
from .conversation import last_said
from .copilot.transcript import bot_metadata
from .forms import FORMS
from .speech import Events
from .turns import is_external


class ActionResume(Action):
    """Goes on with the task that the handoff stopped, after a yes."""

    def name(self) -> str:
        """The action's name."""
        return "action_resume"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> Events:
        """Run the form with the values that it had."""
        form = stopped_form(tracker)
        if form is None or not any(bot_metadata(event).get("waiting") == "back" for event in last_said(tracker)):
            # Another answer came between the offer and this "yes", which is therefore no yes to the offer.
            dispatcher.utter_message(response="utter_nothing_to_confirm")
            return [SlotSet("offer", None), FollowupAction("action_listen")]
        return go_on_with(form)


class ActionHandedBack(Action):
    """An agent has handed the conversation back: goes on with the task they named, with the values they set."""

    failure_text = (
        "You're back with Northlight's assistant. Something went wrong on our side; shall I get a person again?"
    )

    def name(self) -> str:
        """The action's name."""
        return "action_handed_back"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> Events:
        """Run the task's form; without a task, say that the assistant is back."""
        if not is_external(tracker):
            return []
        task = str(next(iter(tracker.get_latest_entity_values("task")), None) or "")
        form = form_of(task)
        if form is None:
            dispatcher.utter_message(text="You're back with Northlight's assistant. What else can I do for you?")
            return [*form_ended(tracker), SlotSet("offer", None), FollowupAction("action_listen")]
        dispatcher.utter_message(text=f"You're back with Northlight's assistant. Let's go on with {FORMS[form].title}.")
        return [*form_ended(tracker), *go_on_with(form)]


def form_of(task: str) -> str | None:
    """The form that an intent starts."""
    return next((name for name, form in FORMS.items() if task and task in form.wants), None)


def stopped_form(tracker: Tracker) -> str | None:
    """The form of the task that was open when the customer was handed over, as the packet tells."""
    packet: Any = tracker.slots.get("handoff")
    return form_of(str(packet.get("task") or "")) if isinstance(packet, dict) else None


def go_on_with(form: str) -> Events:
    """The events that run a form with the values that its slots have; what is read back needs a new yes."""
    fresh: dict[str, Any] = {
        "confirmed": None,
        "change": None,
        "tries": 0,
        "ended": None,
        "offer": None,
        "paused": None,
    }
    return [*(SlotSet(slot, value) for slot, value in fresh.items()), FollowupAction(form)]


def form_ended(tracker: Tracker) -> Events:
    """The events that end the active form; what a call back or a message had collected is forgotten."""
    form = tracker.active_loop_name
    own = FORMS[form].slots() if form in (CALLBACK_FORM, MESSAGE_FORM) else []
    return [ActiveLoop(None), SlotSet(REQUESTED_SLOT, None), *(SlotSet(slot, None) for slot in own)]
