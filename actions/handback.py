"""Skill handoff: the conversation comes back to the assistant, from the queue or from an agent, and a task goes on."""

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import ActiveLoop, FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.forms import REQUESTED_SLOT

from . import continuation, pauses
from .callback import CALLBACK_FORM, MESSAGE_FORM
from .conversation import last_said
from .copilot.transcript import bot_metadata
from .forms import FORMS
from .speech import Events
from .turns import is_external


class ActionResume(Action):
    """Goes on with the task that the handoff stopped, or that another conversation left unfinished, after a yes."""

    def name(self) -> str:
        """The action's name."""
        return "action_resume"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> Events:
        """Run the form with the values that it had, in this conversation or in the one that was offered."""
        offered = [bot_metadata(event) for event in last_said(tracker)]
        if reference := next((about[continuation.OFFERED] for about in offered if continuation.OFFERED in about), ""):
            return continuation.go_on(dispatcher, tracker, str(reference))
        form = stopped_form(tracker)
        if form is None or not any(about.get("waiting") == "back" for about in offered):
            # Another answer came between the offer and this "yes", which is therefore no yes to the offer.
            dispatcher.utter_message(response="utter_nothing_to_confirm")
            return [SlotSet("offer", None), FollowupAction("action_listen")]
        return pauses.go_on_with(form)


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
        return [*form_ended(tracker), *pauses.go_on_with(form)]


def form_of(task: str) -> str | None:
    """The form that an intent starts."""
    return next((name for name, form in FORMS.items() if task and task in form.wants), None)


def stopped_form(tracker: Tracker) -> str | None:
    """The form of the task that was open when the customer was handed over, as the packet tells."""
    packet: Any = tracker.slots.get("handoff")
    return form_of(str(packet.get("task") or "")) if isinstance(packet, dict) else None


def form_ended(tracker: Tracker) -> Events:
    """The events that end the active form; what a call back or a message had collected is forgotten."""
    form = tracker.active_loop_name
    own = FORMS[form].slots() if form in (CALLBACK_FORM, MESSAGE_FORM) else []
    return [ActiveLoop(None), SlotSet(REQUESTED_SLOT, None), *(SlotSet(slot, None) for slot in own)]
