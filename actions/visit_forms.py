"""The base of the forms about technicians' visits, and what is said about a visit or a time.

What the customer says about either is kept as text in the slot `visit_wish` and is understood in `check_values`,
where the caller is verified and the visits and free windows may be read; so a day that is named before the
verification is not asked for again.
"""

from collections.abc import Callable
from datetime import datetime
from typing import ClassVar

from . import backends, clock, parsing, pauses, visits
from .assurance import Level
from .backends import Appointment
from .fields import Field
from .forms import CHANGE, CONFIRMED
from .turns import Phase, Turn
from .verification import PROOF, VerifiedForm
from .visit_offers import PAGE
from .visit_wishes import Wish

SYSTEM = "our booking system"
WISH, HINT = "visit_wish", "visit_hint"
HIDDEN = frozenset({WISH, HINT, "book_instead"})  # never asked for in turn
OTHERS = "Other times"
STOPPED = "All right, nothing is booked. What would you like to do next?"


def _unread(turn: Turn) -> None:
    """For a field whose reply needs the customer's visits or the free times: see `check_values`."""


def wish_field(slot: str = "") -> Field:
    """The hidden field that keeps what is said about the time that is asked for in `slot`, or about a visit's."""
    return Field(answer=_unread, complaint=lambda turn: "", mention=lambda turn: _wish_in(turn, slot))


def hint_field(reference: str) -> Field:
    """The hidden field that keeps a reply to the question which visit is meant."""
    return Field(answer=_unread, complaint=lambda turn: "", mention=lambda turn: _hint_in(turn, reference))


def _hint_in(turn: Turn, reference: str) -> str | None:
    if turn.requested != reference:
        return None
    some = parsing.choice(turn.text, 9) is not None or turn.yes_no is True
    return turn.text[: parsing.MAX_TEXT] if some or visits.says_when(turn.text, clock.today()) else None


def _wish_in(turn: Turn, slot: str) -> str | None:
    text, asked = turn.text[: parsing.MAX_TEXT], turn.requested
    if turn.phase is Phase.ACTIVATION or asked in PROOF:
        ahead = visits.ahead(text)
        return ahead if visits.says_when(ahead, clock.today()) else None
    if not slot or asked not in (slot, CONFIRMED, CHANGE):
        return None
    if asked != slot and _agrees(turn, slot):
        return None
    if asked == slot and parsing.choice(text, PAGE) is not None:
        return text
    if visits.says_when(text, clock.today()) or visits.step(text) or visits.the_one(text) or visits.wants_others(text):
        return text
    return OTHERS if asked == slot and turn.yes_no is False else None


def _agrees(turn: Turn, slot: str) -> bool:
    """Whether a reply to the read-back says yes and names no other day: "yes, Tuesday is fine"."""
    if parsing.yes_no(turn.text) is not True or not turn.get(slot):
        return False
    wanted = visits.wish(turn.text, clock.today())
    day = datetime.fromisoformat(turn.get(slot)).date()
    return wanted is None or wanted.days is None or day in wanted.days


def _visit_reference(bare: bool) -> Callable[[Turn], str | None]:
    return lambda turn: (
        visits.reference(turn.text, bare) or visits.reference(turn.entity("visit_reference") or "", True)
    )


REFERENCE = Field(
    answer=_visit_reference(bare=True),
    mention=_visit_reference(bare=False),
    complaint=lambda turn: "Sorry, I didn't catch which visit you mean.",
    label="the visit",
    names="visit|appointment|booking|engineer|technician",
)
BOOK_INSTEAD = Field(
    answer=lambda turn: turn.yes_no, complaint=lambda turn: "Sorry, I need a yes or a no: shall I book a visit for you?"
)


class VisitsForm(VerifiedForm):
    """A form about the customer's visits; `reference` is its slot for one of them, empty when it is about all.

    A customer without visits is asked whether to book one.
    """

    reference: ClassVar[str] = ""
    system = SYSTEM
    replaces = frozenset({"booking_form", "move_visit_form", "cancel_visit_form", "confirm_visit_form"})

    def slots(self) -> list[str]:
        """As every form, and the fee that was read back."""
        return [*super().slots(), "visit_fee"]

    def required(self, turn: Turn) -> list[str]:
        """The visit and what is to be done with it, or whether to book one when there is none."""
        if turn.caller.level >= self.needs and not self.mine(turn):
            return ["book_instead"]
        return [slot for slot in super().required(turn) if slot not in HIDDEN]

    def changeable(self, turn: Turn) -> dict[str, Field]:
        """The visit only when there are several."""
        known = super().changeable(turn)
        if self.reference in known and turn.caller.level >= self.needs and len(self.mine(turn)) < 2:
            del known[self.reference]
        return known

    @staticmethod
    def mine(turn: Turn) -> list[Appointment]:
        """The customer's visits to come, the soonest first."""
        if "visits" not in turn.memo:
            turn.memo["visits"] = backends.booking().mine(turn.caller) if turn.caller.level >= Level.VERIFIED else []
        return list(turn.memo["visits"])

    def visit(self, turn: Turn) -> Appointment | None:
        """The visit that was chosen."""
        return next((visit for visit in self.mine(turn) if visit.reference == turn.get(self.reference)), None)

    def check_values(self, turn: Turn) -> None:
        """Find the visit that is meant, or offer to book one."""
        given = turn.get(self.reference) if self.reference else None
        if given and not self.visit(turn):
            turn.say(f"Sorry, I can't find a visit {given} to come in your account.")
            turn.set(**{self.reference: None}, confirmed=None)
        if not self.mine(turn):
            if "booking_form" in (turn.get(pauses.SLOT) or {}).get("forms", []):
                turn.finish("You don't have a technician visit booked yet.")
            elif turn.get("book_instead"):
                turn.instead("booking_form")
            elif turn.get("book_instead") is False:
                turn.finish(STOPPED)
        elif self.reference and not turn.get(self.reference):
            self._find(turn, unknown=bool(given))

    def _find(self, turn: Turn, unknown: bool) -> None:
        """Take the only visit, or the one that the customer's words single out."""
        mine, hint = self.mine(turn), turn.get(HINT)
        turn.set(**{HINT: None})
        if hint:
            position = parsing.choice(hint, len(mine))
            found = [mine[position]] if position is not None else self._named(hint, mine) or mine
        elif len(mine) == 1:
            found = [] if unknown or turn.requested == self.reference else mine
        else:
            found = self._named(self.about_the_visit(turn), mine)
        if len(found) == 1:
            turn.set(**{self.reference: found[0].reference})

    def about_the_visit(self, turn: Turn) -> str:
        """What the customer's first words say about when the visit is."""
        return turn.get(WISH) or ""

    @staticmethod
    def _named(text: str, mine: list[Appointment]) -> list[Appointment]:
        wanted = visits.wish(text, clock.today(), every=True)
        if wanted is None:
            return []
        wanted = Wish(wanted.options or wanted.excluded)
        fitting = {window.id for window in visits.matching(wanted, [visit.window for visit in mine])}
        return [visit for visit in mine if visit.window.id in fitting]

    def check_fee(self, turn: Turn) -> int:
        """The fee in pence for changing the visit now; a yes to another fee than that does not count."""
        visit = self.visit(turn)
        late = visit is not None and visit.free_until is not None and clock.local_now() >= visit.free_until
        fee = visit.late_fee_pence if visit and late else 0
        if turn.get(CONFIRMED) and turn.get("visit_fee") != fee:
            turn.say("The time for a free change has just run out, so please look at this once more.")
            turn.set(confirmed=None)
        turn.set(visit_fee=fee)
        return fee
