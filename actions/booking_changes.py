"""The skill `booking`: moving, cancelling and confirming a technician's visit."""

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from . import backends, clock, visits
from .backends import Appointment, LimitExceeded, NotAllowed, NotFound, Window, WindowTaken
from .booking import AskWindow, check_again, taken
from .fields import Field
from .forms import CHANGE, CONFIRMED, FORMS
from .speech import Events, clock_time, money, short_date
from .tasks import Task
from .turns import Turn
from .visit_forms import (
    BOOK_INSTEAD,
    HINT,
    REFERENCE,
    SYSTEM,
    WISH,
    VisitsForm,
    hint_field,
    wish_field,
)
from .visit_windows import WindowForm

GONE = "Sorry, I can't find that visit any more, so I've left everything as it is. Say my visits to see what's booked."
NOTHING_TO_CANCEL = (
    "You don't have a technician visit booked, so there's nothing to cancel. What would you like to do next?"
)
MOVED_ENOUGH = (
    "I'm sorry, that visit has been moved as often as I can move it. A person can help you find another time. "
    "Shall I get one for you?"
)


def _fee_words(visit: Appointment, pence: int, doing: str) -> str:
    """What the change costs and why; nothing when it is free."""
    if not pence or visit.free_until is None:
        return ""
    limit = f"{clock_time(visit.free_until)} on {short_date(visit.free_until)}"
    return f" It was free until {limit}, so {doing} it now costs {money(pence)}."


class ValidateMoveVisitForm(WindowForm):
    """Collects which visit, the new window and the final yes."""

    form = "move_visit_form"
    title = "moving your visit"
    confirm = True
    reference, window = "move_reference", "move_slot"
    fields = {
        "move_reference": REFERENCE,
        "move_slot": Field(
            answer=lambda turn: None,  # see `WindowForm.choose`
            complaint=lambda turn: "Sorry, I didn't catch which time you'd like.",
            label="the new time",
            names="time|day|date|slot",
            show=visits.of_id,
        ),
        WISH: wish_field("move_slot"),
        HINT: hint_field("move_reference"),
        "book_instead": BOOK_INSTEAD,
    }
    wants = {"move_visit": "to move a technician visit"}

    def starts_from(self, turn: Turn) -> Window | None:
        """When the visit is now."""
        visit = self.visit(turn)
        return visit.window if visit else None

    def about_the_visit(self, turn: Turn) -> str:
        """What stands before the new time: "my Tuesday visit" of "move my Tuesday visit to Friday"."""
        return visits.from_and_to(turn.get(WISH) or "", clock.today())[0]

    def check_values(self, turn: Turn) -> None:
        """Find the visit, see whether it may be moved and what that costs, and choose the window."""
        super().check_values(turn)
        visit = self.visit(turn)
        if turn.left or visit is None:
            return
        if visit.moves_left < 1:
            turn.leave(MOVED_ENOUGH, "policy")
            return
        if turn.get(WISH) and turn.requested not in (self.window, CONFIRMED, CHANGE):
            turn.set(**{WISH: visits.from_and_to(turn.get(WISH), clock.today())[1] or None})
        self.choose(turn)
        self.check_fee(turn)

    def read_back(self, turn: Turn) -> str:
        """From when to when, and the fee."""
        visit, window = self.visit(turn), self.chosen(turn)
        if visit is None or window is None:
            return "Shall I move your visit to the time you chose?"
        fee = _fee_words(visit, int(turn.get("visit_fee") or 0), "moving")
        return (
            f"So your visit {visit.reference} moves from {visits.label(visit.window)} "
            f"to {visits.label(window)}.{fee} Shall I move it?"
        )


class ValidateCancelVisitForm(VisitsForm):
    """Collects which visit and the final yes."""

    form = "cancel_visit_form"
    title = "cancelling your visit"
    confirm = True
    reference = "cancel_reference"
    fields = {
        "cancel_reference": REFERENCE,
        WISH: wish_field(),
        HINT: hint_field("cancel_reference"),
    }
    wants = {"cancel_visit": "to cancel a technician visit"}
    declined = "All right, your visit stays as it is. What would you like to do next?"

    def check_values(self, turn: Turn) -> None:
        """Find the visit and what cancelling it costs."""
        super().check_values(turn)
        if not self.mine(turn):
            turn.finish(NOTHING_TO_CANCEL)
        elif self.visit(turn):
            self.check_fee(turn)

    def read_back(self, turn: Turn) -> str:
        """The visit and the fee."""
        visit = self.visit(turn)
        if visit is None:
            return "Shall I cancel your visit?"
        fee = _fee_words(visit, int(turn.get("visit_fee") or 0), "cancelling")
        return f"That's your visit {visit.reference} on {visits.in_full(visit.window)}.{fee} Shall I cancel it?"


class ValidateConfirmVisitForm(VisitsForm):
    """Collects which visit and the final yes.

    "Please confirm my visit" is not that yes: the same words often ask whether the visit is on at all ("is my
    engineer definitely coming?"), so the visit is always read back first.
    """

    form = "confirm_visit_form"
    title = "confirming your visit"
    confirm = True
    reference = "confirm_reference"
    fields = {
        "confirm_reference": REFERENCE,
        WISH: wish_field(),
        HINT: hint_field("confirm_reference"),
        "book_instead": BOOK_INSTEAD,
    }
    wants = {"confirm_visit": "to confirm a technician visit"}
    declined = "All right, your visit stays booked and I haven't confirmed it. What would you like to do next?"

    def check_values(self, turn: Turn) -> None:
        """Find the visit; there is nothing to do when it is confirmed already."""
        super().check_values(turn)
        visit = self.visit(turn)
        if not turn.left and visit and visit.status == "confirmed":
            turn.finish(f"Your visit {visit.reference} on {visits.in_full(visit.window)} is confirmed. You're all set.")

    def read_back(self, turn: Turn) -> str:
        """The visit."""
        visit = self.visit(turn)
        if visit is None:
            return "Shall I confirm your visit?"
        return (
            f"Yes, your visit {visit.reference} is booked for {visits.in_full(visit.window)}. "
            "Shall I confirm that somebody will be at home?"
        )


class AskReference(Action):
    """Asks which of the customer's visits is meant."""

    system = SYSTEM
    slot, doing = "", ""

    def name(self) -> str:
        """The action's name."""
        return f"action_ask_{self.slot}"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> Events:
        """Offer the visits as buttons."""
        form = FORMS[tracker.active_loop_name or ""]
        assert isinstance(form, VisitsForm)
        mine = form.mine(Turn.of(dispatcher, tracker, domain or {}, form.form))
        buttons = [{"title": visits.label(visit.window), "payload": visit.reference} for visit in mine]
        text = f"Which visit would you like to {self.doing}?"
        if len(mine) == 1:
            text = f"You have one visit to come: {mine[0].reference}. Is that the one you'd like to {self.doing}?"
        dispatcher.utter_message(text=text, buttons=buttons)
        return []


class ActionAskMoveReference(AskReference):
    """Asks which visit to move."""

    slot, doing = "move_reference", "move"


class ActionAskCancelReference(AskReference):
    """Asks which visit to cancel."""

    slot, doing = "cancel_reference", "cancel"


class ActionAskConfirmReference(AskReference):
    """Asks which visit to confirm."""

    slot, doing = "confirm_reference", "confirm"


class ActionAskMoveSlot(AskWindow):
    """Asks for the new time of a visit."""

    slot = "move_slot"


class ActionMoveVisit(Task):
    """Moves the visit as the customer has confirmed."""

    form, action, result = "move_visit_form", "action_move_visit", "Moving a visit"
    system = SYSTEM
    failure_text = (
        "Sorry, our booking system didn't answer in time, so I can't promise that your visit is moved. "
        "Until you hear otherwise it stays as it was. Would you like me to get a person for you?"
    )

    def perform(self, turn: Turn) -> None:
        """Move once."""
        number, window_id = turn.get("move_reference"), turn.get("move_slot")
        try:
            visit = backends.booking().move(turn.caller, number, window_id, turn.request(number, window_id))
        except WindowTaken:
            taken(turn, ValidateMoveVisitForm(), window_id)
        except NotAllowed:
            check_again(turn)
        except NotFound:
            turn.say(GONE)
        except LimitExceeded:
            turn.offer_person(MOVED_ENOUGH, "policy")
        else:
            fee = int(turn.get("visit_fee") or 0)
            cost = f" The late change costs {money(fee)}." if fee else ""
            turn.say(f"Done. Your visit {visit.reference} is now on {visits.in_full(visit.window)}.{cost}")


class ActionCancelVisit(Task):
    """Cancels the visit as the customer has confirmed."""

    form, action, result = "cancel_visit_form", "action_cancel_visit", "Cancelling a visit"
    system = SYSTEM
    failure_text = (
        "Sorry, our booking system didn't answer in time, so I can't promise that your visit is cancelled. "
        "Would you like me to get a person for you?"
    )

    def perform(self, turn: Turn) -> None:
        """Cancel once."""
        number = turn.get("cancel_reference")
        try:
            visit = backends.booking().cancel(turn.caller, number, turn.request(number))
        except NotAllowed:
            check_again(turn)
        except NotFound:
            turn.say(GONE)
        else:
            fee = int(turn.get("visit_fee") or 0)
            cost = f" The late cancellation costs {money(fee)}." if fee else " It costs you nothing."
            turn.say(f"Your visit {visit.reference} on {visits.in_full(visit.window)} is cancelled.{cost}")


class ActionConfirmVisit(Task):
    """Confirms the visit."""

    form, action, result = "confirm_visit_form", "action_confirm_visit", "Confirming a visit"
    system = SYSTEM

    def perform(self, turn: Turn) -> None:
        """Confirm once."""
        number = turn.get("confirm_reference")
        try:
            visit = backends.booking().confirm(turn.caller, number, turn.request(number))
        except NotAllowed:
            check_again(turn)
        except NotFound:
            turn.say(GONE)
        else:
            turn.say(
                f"Thank you, your visit {visit.reference} is confirmed. A technician will come on "
                f"{visits.in_full(visit.window)}."
            )
