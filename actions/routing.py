"""The skill `routing`: the right task, team or person for what a customer says in their own words."""

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from . import backends, hours, parsing, queues
from .copilot.transcript import bot_metadata
from .fields import Field
from .forms import Form
from .speech import Events, offer_person, promise
from .tasks import Task
from .turns import Phase, Turn, intent_of

SUGGESTIONS = 3
LIKELY = 0.1  # confidence from which another intent may be meant
REPHRASE = "Sorry, my guesses were off. Could you say it in other words?"
STILL_LOST = "I'm sorry, I still don't follow. Would you like to talk to a person?"


class ActionOpeningHours(Action):
    """Says when people answer."""

    def name(self) -> str:
        """The action's name."""
        return "action_opening_hours"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> Events:
        """Whether people are there now, the usual week, and what differs soon."""
        parts = [hours.now_in_words(), hours.week_in_words(), hours.exceptions_in_words()]
        parts.append("I'm here around the clock.")
        dispatcher.utter_message(text=" ".join(filter(None, parts)))
        return []


class ActionRoute(Action):
    """Offers the team that takes what no task can do."""

    def name(self) -> str:
        """The action's name."""
        return "action_route"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> Events:
        """Say who can help and when, and offer to pass the conversation on."""
        queue = queues.queues()[queues.of_intent(intent_of(tracker))]
        offer = queue.offer or f"{queue.team[:1].upper()}{queue.team[1:]} can help you with that."
        closed = "" if hours.open_now() else f" They're back {hours.back()} and will reply here."
        text = f"{offer}{closed} Shall I pass you to them?"
        return offer_person(dispatcher, text, "unsupported_task")


class ActionOtherLanguage(Action):
    """Tells a customer in their own language that only English is understood, and offers a person."""

    def name(self) -> str:
        """The action's name."""
        return "action_other_language"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> Events:
        """Utter `utter_other_language_<code>` if there is one, then the offer in English."""
        language = next(iter(tracker.get_latest_entity_values("language")), "")
        response = f"utter_other_language_{language}"
        if response in domain.get("responses", {}):
            dispatcher.utter_message(response=response)
        text = "I'm sorry, I can only read English. Would you like me to get a person for you?"
        return offer_person(dispatcher, text, "unsupported_task")


class ActionRephrase(Action):
    """None of the suggestions was meant."""

    def name(self) -> str:
        """The action's name."""
        return "action_rephrase"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> Events:
        """Ask for other words; a second failure then offers a person."""
        dispatcher.utter_message(text=REPHRASE, metadata={"outcome": "clarify"})
        return [SlotSet("offer", None)] if tracker.slots.get("offer") else []


def clarify(dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events | None:
    """Two-stage fallback: first suggest what may be meant, then offer a person; None when nothing is likely."""
    if clarified_before(tracker):
        return offer_person(dispatcher, STILL_LOST, "low_confidence")
    buttons = suggestions(tracker, domain)
    if not buttons:
        return None
    buttons.append({"title": "None of these", "payload": "/none_of_these"})
    text = "I'm not sure I got that. Is it one of these?"
    dispatcher.utter_message(text=text, buttons=buttons, metadata={"outcome": "clarify"})
    return [SlotSet("offer", None)] if tracker.slots.get("offer") else []


def suggestions(tracker: Tracker, domain: dict[str, Any]) -> list[dict[str, str]]:
    """Buttons for the likeliest tasks: those with an `utter_suggest_<intent>` response, whose text is the title."""
    ranking = tracker.latest_message.get("intent_ranking") or []
    likely = [str(one["name"]) for one in ranking if one.get("confidence", 0) >= LIKELY]
    known = domain.get("responses", {})
    titles = {name: known.get(f"utter_suggest_{name}") for name in likely}
    named = [(name, variations[0]["text"]) for name, variations in titles.items() if variations]
    return [{"title": title, "payload": f"/{name}"} for name, title in named[:SUGGESTIONS]]


def clarified_before(tracker: Tracker) -> bool:
    """Whether the turn before the latest message asked what was meant."""
    asked = [i for i, e in enumerate(tracker.events) if e.get("event") == "user"]
    turn = tracker.events[asked[-2] : asked[-1]] if len(asked) > 1 else []
    return any(bot_metadata(e).get("outcome") == "clarify" for e in turn if e.get("event") == "bot")


def _details(turn: Turn) -> str | None:
    text = parsing.free_text(turn.text, limit=500)
    return text if text and len(text.split()) > 1 else None


def _told_already(turn: Turn) -> str | None:
    """The first message when it says what the complaint is about, and not only that there is one."""
    text = parsing.free_text(turn.text, limit=500) if turn.phase is Phase.ACTIVATION else None
    return text if text and len(text.split()) > 9 else None


class ValidateComplaintForm(Form):
    """Takes a complaint in the customer's own words."""

    form = "complaint_form"
    title = "your complaint"
    confirm = True
    fields = {
        "complaint": Field(
            answer=_details,
            mention=_told_already,
            free=True,
            complaint=lambda turn: "Please tell me in a sentence or two what went wrong.",
            label="what I wrote down",
            names="words|text|complaint",
            show=lambda text: f"“{text}”",
        )
    }
    wants = {"complain": "to make a complaint"}
    # What a complaint is about is no wish for another task.
    answered_by = {"complaint": frozenset({"dispute_charge", "explain_bill", "order_status", "balance", "leave"})}

    def read_back(self, turn: Turn) -> str:
        """The complaint in the customer's words."""
        return f"I'm sorry it came to this. I'd write down: “{turn.get('complaint')}” Shall I send that as a complaint?"


class ActionComplaint(Task):
    """Records the complaint and offers a person."""

    form, action, result = "complaint_form", "action_complaint", "Complaint"
    system = "our complaints system"

    def perform(self, turn: Turn) -> None:
        """Open a ticket and say when the customer hears from somebody."""
        details = turn.get("complaint")
        ticket = backends.tickets().open(
            turn.caller, "complaint", "Complaint", details, "normal", turn.request(details)
        )
        turn.offer_person(
            f"Your complaint is recorded under {ticket.reference}. You'll hear from our complaints team by "
            f"{promise(ticket.promised_by)}. Would you like to talk to a person about it now?",
            "customer_asked",
        )
