"""The skill `booking`: a technician's visit. Moving, cancelling and confirming one is in `booking_changes`."""

import re
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.forms import REQUESTED_SLOT

from . import backends, parsing, visits
from .backends import Appointment, NotAllowed, WindowTaken
from .fields import Field
from .forms import FORMS
from .speech import Events, offer_person
from .tasks import Task
from .turns import Turn
from .visit_forms import BOOK_INSTEAD, OTHERS, SYSTEM, WISH, VisitsForm, wish_field
from .visit_offers import SLOT, Offer
from .visit_windows import ALL_TAKEN, WindowForm

REASONS = {
    "No connection": (
        r"no (?:connection|internet|broadband|signal)|(?:isn't|not|stopped) working|(?:is|went) down|dead"
    ),
    "Slow or dropping connection": (r"slow|dropp(?:ing|ed|s)|cuts? out|keeps? (?:cutting|disconnecting)|intermittent"),
    "New installation": r"install(?:ation|ed|ing)?|fitt(?:ed|ing)|new line|set(?:ting)? ?up",
}
EARLIER = "Earlier times"
OFFERS = {
    "first": "When would suit you? You can also name a day, such as Tuesday afternoon.",
    "fitting": "These times are free. Which one would you like?",
    "nearest": "The nearest times that I have are these. Would one of them suit you?",
    "others": "How about one of these? You can also name a day.",
}
CHECK_AGAIN = "For your security I need to check who you are again before I do this."


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


def _again(turn: Turn) -> str | None:
    position = parsing.choice(turn.text, 2)
    moving = position == 0 or re.search(r"\b(?:move|change|that one|the old one|existing)\b", turn.text, re.IGNORECASE)
    another = position == 1 or re.search(r"\b(?:another|book|new|second|both|separate)\b", turn.text, re.IGNORECASE)
    return None if bool(moving) == bool(another) else "move" if moving else "another"


def _not_understood(turn: Turn) -> str:
    return "Sorry, I didn't catch which time you'd like."


class ValidateBookingForm(WindowForm):
    """Verifies the customer, then collects reason, window and the final yes.

    With a visit to come for the same reason it asks whether to book another or to move that one.
    """

    form = "booking_form"
    title = "booking your visit"
    confirm = True
    window = "visit_slot"
    fields = {
        "visit_reason": Field(
            answer=_reason,
            mention=_mentioned_reason,
            complaint=lambda turn: "Please tell me in a few words what the technician should look at.",
            label="the reason",
            names="reason",
            clears=("visit_again",),
        ),
        "visit_again": Field(
            answer=_again,
            complaint=lambda turn: "Sorry, I didn't catch that: shall I move that visit, or book another one?",
        ),
        "visit_slot": Field(
            answer=lambda turn: None,  # see `WindowForm.choose`
            complaint=_not_understood,
            label="the time",
            names="time|day|date|slot",
            show=visits.of_id,
        ),
        WISH: wish_field("visit_slot"),
    }
    wants = {"book_visit": "to book a technician visit"}
    answered_by = {
        "visit_reason": frozenset({"report_problem"}),
        "visit_again": frozenset({"move_visit"}),
    }

    def required(self, turn: Turn) -> list[str]:
        """The reason, whether another visit is wanted when there is one for that reason, and the window."""
        same = turn.get("visit_reason") and self.same(turn)
        own = [slot for slot in super(VisitsForm, self).required(turn) if slot != WISH]
        return own if same else [slot for slot in own if slot != "visit_again"]

    def same(self, turn: Turn) -> Appointment | None:
        """A visit to come for the reason that was given."""
        reason = str(turn.get("visit_reason"))
        wanted = known_reason(reason) or reason.casefold()
        return next((v for v in self.mine(turn) if (known_reason(v.reason) or v.reason.casefold()) == wanted), None)

    def check_values(self, turn: Turn) -> None:
        """Choose the window, or go on with moving a visit."""
        same = self.same(turn)
        if turn.get("visit_again") == "move" and same:
            slot = turn.get("visit_slot")
            turn.instead("move_visit_form", move_reference=same.reference, move_slot=slot)
        else:
            self.choose(turn)

    def read_back(self, turn: Turn) -> str:
        """The visit in a sentence."""
        window = self.chosen(turn)
        when = visits.in_full(window) if window else "the time you chose"
        return f"So that's a technician on {when}. Reason: {turn.get('visit_reason')}. Shall I book it?"


class ActionAskVisitAgain(Action):
    """Says that there is a visit for the same reason already."""

    system = SYSTEM

    def name(self) -> str:
        """The action's name."""
        return "action_ask_visit_again"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> Events:
        """Ask whether to move it or to book another one."""
        form = ValidateBookingForm()
        visit = form.same(Turn.of(dispatcher, tracker, domain or {}, form.form))
        when = f"on {visits.in_full(visit.window)} ({visit.reference})" if visit else "to come"
        dispatcher.utter_message(
            text=f"You already have a visit for that {when}. Would you like to move that one, or book another?",
            buttons=[{"title": t, "payload": t} for t in ("Move that one", "Book another")],
        )
        return []


class AskWindow(Action):
    """Shows the times on offer: those that fit what was asked for, or the next ones."""

    system = SYSTEM
    slot = ""

    def name(self) -> str:
        """The action's name."""
        return f"action_ask_{self.slot}"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> Events:
        """Offer up to three windows as buttons; offer a person when there is none at all."""
        form = FORMS[tracker.active_loop_name or "booking_form"]
        assert isinstance(form, WindowForm)
        free = form.free(Turn.of(dispatcher, tracker, domain or {}, form.form))
        if not free:
            return [*offer_person(dispatcher, ALL_TAKEN, "customer_asked"), SlotSet(REQUESTED_SLOT, None)]
        offer = Offer.of(tracker.slots.get(SLOT))
        if offer is None or not any(offer.page(free)):
            offer = Offer.made(free, "first")
        titles = [visits.label(window) for window in offer.page(free) if window]
        titles += [OTHERS] if offer.more(free) else []
        titles += [EARLIER] if offer.at > 0 else []
        dispatcher.utter_message(text=OFFERS[offer.kind], buttons=[{"title": t, "payload": t} for t in titles])
        return [SlotSet(SLOT, offer.value())]


class ActionAskVisitSlot(AskWindow):
    """Asks for the time of a new visit."""

    slot = "visit_slot"


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
            visit = backends.booking().book(turn.caller, window_id, reason, turn.request(window_id, reason))
        except WindowTaken:
            taken(turn, ValidateBookingForm(), window_id)
            return
        except NotAllowed:
            check_again(turn)
            return
        turn.say(
            f"That's booked. A technician will come on {visits.in_full(visit.window)}. "
            f"Your reference is {visit.reference}."
        )


def taken(turn: Turn, form: WindowForm, window_id: str) -> None:
    """Somebody else was faster: offer the times nearest to the one that is gone."""
    turn.say("Sorry, somebody else has just taken that time.")
    form.offer_near(turn, window_id)
    turn.again()


def check_again(turn: Turn) -> None:
    """The verification has run out: ask for the proof again, and then for the yes."""
    turn.say(CHECK_AGAIN)
    turn.set(confirmed=None)
    turn.again()


class ValidateListVisitsForm(VisitsForm):
    """Verifies the customer; without a visit it offers to book one."""

    form = "list_visits_form"
    title = "your visits"
    replaces = frozenset()
    fields = {"book_instead": BOOK_INSTEAD}
    wants = {"list_visits": "to know when the technician comes"}


class ActionListVisits(Task):
    """Tells the customer's visits to come."""

    form, action, result = "list_visits_form", "action_list_visits", "Technician visits"
    system = SYSTEM

    def perform(self, turn: Turn) -> None:
        """Say when, what for, which reference and whether it is confirmed."""
        try:
            mine = backends.booking().mine(turn.caller)
        except NotAllowed:
            check_again(turn)
            return
        lines = [describe(visit) for visit in mine]
        if len(lines) == 1:
            turn.say(f"You have one visit to come: {lines[0]}")
        else:
            turn.say("\n".join([f"You have {len(lines)} visits to come:", *(f"• {line}" for line in lines)]))


def describe(visit: Appointment) -> str:
    """A visit in a line: when, what for, its reference and its status."""
    status = "You've confirmed it." if visit.status == "confirmed" else "It's booked, and you haven't confirmed it yet."
    return f"{visits.label(visit.window)}, for {visit.reason}. Reference {visit.reference}. {status}"
