"""The skill `conversation`: what a customer may do at any point of any task."""

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import ActiveLoop, FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.forms import REQUESTED_SLOT

from . import pauses
from .copilot.transcript import current_session, is_said
from .forms import FORMS, claimed, explanation
from .speech import YES_NO, Events
from .tasks import resume
from .turns import Turn

NOTHING_SAID = "I haven't said anything yet. What can I do for you?"


class ActionStop(Action):
    """Stops the active form, forgets what it had collected, and returns to the task that waited.

    Without a form, "cancel it" may be about what was spoken of last (`Form.claims`).
    """

    def name(self) -> str:
        """The action's name."""
        return "action_stop"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> Events:
        """End the form; without one, start the task that is meant, or say that nothing is going on."""
        form = FORMS.get(tracker.active_loop_name or "")
        events = [SlotSet("offer", None)] if tracker.slots.get("offer") else []
        if form is None:
            if meant := claimed(Turn.of(dispatcher, tracker, domain or {}, "")):
                return [*events, FollowupAction(meant.form)]
            dispatcher.utter_message(text="There's nothing in progress to stop. What would you like to do next?")
            return events
        question = "" if pauses.waiting(tracker) else " What would you like to do next?"
        dispatcher.utter_message(text=f"All right, I've stopped that.{question}")
        emptied = [SlotSet(slot, None) for slot in form.slots()]
        ended = [ActiveLoop(None), SlotSet(REQUESTED_SLOT, None), *emptied, SlotSet("tries", 0), *events]
        return [*ended, *resume(dispatcher, tracker)]


class ActionExplain(Action):
    """Says why the form needs the value that it asks for; the form then asks again."""

    def name(self) -> str:
        """The action's name."""
        return "action_explain"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> Events:
        """Utter the `utter_explain_…` response of the slot, or the general one."""
        slot = tracker.slots.get(REQUESTED_SLOT) if tracker.active_loop_name else None
        dispatcher.utter_message(response=explanation(domain, tracker.active_loop_name or "", slot or ""))
        return []


class ActionRepeat(Action):
    """Says again what was said last; inside a form the form repeats its own question."""

    def name(self) -> str:
        """The action's name."""
        return "action_repeat"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> Events:
        """Repeat the messages of the turn before, with their buttons."""
        said = last_said(tracker)
        if tracker.active_loop_name and said:
            said = said[:-1]
        elif not said:
            dispatcher.utter_message(text=NOTHING_SAID)
        for event in said:
            data = event.get("data") or {}
            outer = event.get("metadata") or {}
            dispatcher.utter_message(
                text=event.get("text"), buttons=data.get("buttons"), metadata=outer.get("metadata") or {}
            )
        return []


def last_said(tracker: Tracker) -> list[dict[str, Any]]:
    """The `bot` events between the customer's last two messages, or before the only one."""
    events = current_session(tracker.events)
    asked = [i for i, event in enumerate(events) if event.get("event") == "user"]
    if not asked:
        return []
    begin = asked[-2] if len(asked) > 1 else 0
    return [e for e in events[begin : asked[-1]] if is_said(e) and e.get("text")]


class ActionAskConfirmed(Action):
    """Reads the values of the active form back and asks for the final yes."""

    system = "our systems"

    def name(self) -> str:
        """The action's name."""
        return "action_ask_confirmed"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> Events:
        """Ask with Yes and No."""
        form = FORMS[tracker.active_loop_name or ""]
        turn = Turn.of(dispatcher, tracker, domain or {}, form.form)
        short = [{"title": text, "payload": text} for text in form.buttons(turn)]
        dispatcher.utter_message(text=form.read_back(turn), buttons=[*YES_NO, *short])
        return []


class ActionAskChange(Action):
    """Asks which value is to change, after a no to the read-back."""

    def name(self) -> str:
        """The action's name."""
        return "action_ask_change"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> Events:
        """Offer the values that can change, and to stop."""
        form = FORMS[tracker.active_loop_name or ""]
        fields = form.changeable(Turn.of(dispatcher, tracker, domain or {}, form.form))
        buttons = [{"title": _capital(f.label), "payload": _capital(f.label)} for f in fields.values()]
        buttons.append({"title": "Nothing, stop", "payload": "/stop"})
        dispatcher.utter_message(text="All right, nothing is done yet. What would you like to change?", buttons=buttons)
        return []


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
