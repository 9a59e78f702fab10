"""The skill `booking`: a technician's visit."""

import re
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.forms import REQUESTED_SLOT

from . import backends, clock, identity, parsing, visits
from .backends import NotAllowed, Window, WindowTaken
from .fields import Field
from .forms import CONFIRMED
from .speech import Events, offer_person
from .tasks import Task
from .turns import Phase, Turn, button_payloads, intent_of, text_of
from .verification import VerifiedForm

SYSTEM = "our booking system"
OFFERED = 3
REASONS = {
    "No connection": (
        r"no (?:connection|internet|broadband|signal)|(?:isn't|not|stopped) working|(?:is|went) down|dead"
    ),
    "Slow or dropping connection": (r"slow|dropp(?:ing|ed|s)|cuts? out|keeps? (?:cutting|disconnecting)|intermittent"),
    "New installation": r"install(?:ation|ed)?|new line|set(?:ting)? ?up",
}


def known_reason(text: str) -> str | None:
    """The common reason for a visit that `text` speaks of."""
    found = (name for name, pattern in REASONS.items() if re.search(rf"\b(?:{pattern})\b", text, re.IGNORECASE))
    return next(found, None)


def _reason(turn: Turn) -> str | None:
    return None if turn.intent in ("affirm", "deny") else known_exactly(turn.text) or parsing.free_text(turn.text)


def known_exactly(text: str) -> str | None:
    """The common reason that `text` is the name of."""
    return next((name for name in REASONS if name.casefold() == text.strip().casefold()), None)


def _mentioned_reason(turn: Turn) -> str | None:
    if exact := known_exactly(turn.text):
        return exact
    return known_reason(turn.text) if turn.answering and not turn.get("visit_reason") else None


def last_offered(tracker: Tracker) -> list[str]:
    """The labels of the windows that were offered last, also when another question has come since."""
    for event in reversed(tracker.events):
        if event.get("event") == "bot":
            labels = [payload for payload in button_payloads(event) if visits.is_label(payload)]
            if labels:
                return labels
    return []


class ValidateBookingForm(VerifiedForm):
    """Verifies the customer, then collects reason, window and the final yes."""

    form = "booking_form"
    title = "booking your visit"
    confirm = True
    fields = {
        "visit_reason": Field(
            answer=_reason,
            mention=_mentioned_reason,
            complaint=lambda turn: "Please tell me in a few words what the technician should look at.",
            label="the reason",
            names="reason",
        ),
        "visit_slot": Field(
            answer=lambda turn: None,  # needs the windows on offer: see `read`
            complaint=lambda turn: "Sorry, I didn't catch which time you'd like.",
            label="the time",
            names="time|day|date|slot",
            show=visits.of_id,
        ),
    }
    wants = {"book_visit": "to book a technician visit"}
    answered_by = {"visit_reason": frozenset({"report_problem"})}
    system = SYSTEM

    def read(self, turn: Turn) -> dict[str, Any]:
        """As every form, and a window when one is asked for or named."""
        values = super().read(turn)
        asked = turn.requested == "visit_slot" and turn.answering
        renamed = turn.phase is Phase.ACTIVATION or turn.requested in (CONFIRMED, "change")
        if asked or (renamed and turn.answering and visits.names_day(turn.text, clock.today())):
            window = self._window(turn)
            if window and window.id != turn.get("visit_slot"):
                values["visit_slot"] = window.id
        return values

    @staticmethod
    def _window(turn: Turn) -> Window | None:
        """The window that the message chooses; says so when it is understood but cannot be had."""
        free = backends.booking().windows(turn.caller)
        offered = visits.by_labels(last_offered(turn.tracker), free)
        wanted = visits.wish(turn.text, clock.today())
        position = parsing.choice(turn.text, len(offered))
        if position is not None:
            turn.understood = True
            if offered[position] is None:
                turn.say("Sorry, that time has just been taken.")
            return offered[position]
        if wanted is None:
            turn.understood = visits.wants_others(turn.text) or turn.intent == "deny"
            return None
        turn.understood = True
        fitting = visits.matching(wanted, (w for w in offered if w)) or visits.matching(wanted, free)
        if not fitting:
            turn.say(f"Sorry, there's no visit free {visits.no_visit(wanted)}.")
        return fitting[0] if len(fitting) == 1 else None

    def check_values(self, turn: Turn) -> None:
        """Drop a window that is not free any more."""
        if turn.get("visit_slot"):
            free = {window.id for window in backends.booking().windows(turn.caller)}
            if turn.get("visit_slot") not in free:
                turn.say("Sorry, that time has just been taken.")
                turn.set(visit_slot=None, confirmed=None)

    def read_back(self, turn: Turn) -> str:
        """The visit in a sentence."""
        free = backends.booking().windows(turn.caller)
        window = next((w for w in free if w.id == turn.get("visit_slot")), None)
        when = visits.in_full(window) if window else "the time you chose"
        return f"So that's a technician on {when}. Reason: {turn.get('visit_reason')}. Shall I book it?"


class ActionAskVisitSlot(Action):
    """Offers free windows: those that fit what was asked for, or the next ones."""

    system = SYSTEM

    def name(self) -> str:
        """The action's name."""
        return "action_ask_visit_slot"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> Events:
        """Offer three windows as buttons; offer a person when there is none at all."""
        free = backends.booking().windows(identity.current(tracker.sender_id))
        if not free:
            text = "I'm sorry, all visits are taken for now. Would you like me to get a person for you?"
            return [*offer_person(dispatcher, text, "customer_asked"), SlotSet(REQUESTED_SLOT, None)]
        refused = intent_of(tracker) == "deny"
        windows = self._chosen(tracker, free, refused)
        buttons = [{"title": visits.label(w), "payload": visits.label(w)} for w in windows]
        buttons += [{"title": "Other times", "payload": "Other times"}] if len(free) > len(windows) else []
        opening = (
            "No problem, nothing is booked. How about one of these instead?" if refused else "When would suit you?"
        )
        if refused:
            buttons.append({"title": "Stop", "payload": "/stop"})
        dispatcher.utter_message(text=f"{opening} You can also name a day, such as Tuesday afternoon.", buttons=buttons)
        return []

    @staticmethod
    def _chosen(tracker: Tracker, free: list[Window], refused: bool) -> list[Window]:
        text = text_of(tracker)
        wanted = visits.wish(text, clock.today())
        fitting = visits.matching(wanted, free) if wanted and len(text.split()) <= 12 else []
        if fitting:
            return fitting[:OFFERED]
        if refused or visits.wants_others(text):
            shown = [window for window in visits.by_labels(last_offered(tracker), free) if window]
            later = [w for w in free if shown and w.starts_at > shown[-1].starts_at]
            return (later or free)[:OFFERED]
        return free[:OFFERED]


class ActionBookVisit(Task):
    """Books the visit that the customer has confirmed."""

    form, action, result = "booking_form", "action_book_visit", "Technician visit"
    system = SYSTEM
    failure_text = (
        "Sorry, our booking system didn't answer in time, so I can't promise that your visit is booked. "
        "Asking again in a few minutes is safe: you won't be booked twice. "
        "Would you like me to get a person for you?"
    )

    def perform(self, turn: Turn) -> None:
        """Book once."""
        window_id, reason = turn.get("visit_slot"), turn.get("visit_reason")
        try:
            visit = backends.booking().book(turn.caller, window_id, reason, turn.request(window_id))
        except WindowTaken:
            turn.say("Sorry, somebody else has just taken that time.")
            turn.set(visit_slot=None, confirmed=None)
            turn.again()
            return
        except NotAllowed:
            turn.say("For your security I need to check who you are again before I book this.")
            turn.set(confirmed=None)
            turn.again()
            return
        turn.say(
            f"That's booked. A technician will come on {visits.in_full(visit.window)}. "
            f"Your reference is {visit.reference}."
        )
