"""The base of the forms that ask for a technician's time: what the customer says, against what is free."""

import re
from datetime import datetime
from typing import ClassVar

from . import backends, clock, parsing, visits
from .backends import Window
from .turns import Turn
from .visit_forms import WISH, VisitsForm
from .visit_offers import PAGE, SLOT, Kind, Offer
from .visit_wishes import Option, Wish

_THAT = re.compile(r"\b(?:that|the same|same) (?:week|day)\b", re.IGNORECASE)  # of what is shown
_ANY = re.compile(r"\b(?:any|other|another)\b", re.IGNORECASE)
ALL_TAKEN = "I'm sorry, all visits are taken for now. Would you like me to get a person for you?"


class WindowForm(VisitsForm):
    """A form that asks for a free window in the slot `window`."""

    window: ClassVar[str]

    def starts_from(self, turn: Turn) -> Window | None:
        """The window that "a day later" counts from while none is chosen."""
        return None

    def free(self, turn: Turn) -> list[Window]:
        """The free windows in which the customer has no visit, the soonest first."""
        if "windows" not in turn.memo:
            held = {visit.window.id for visit in self.mine(turn)}
            turn.memo["windows"] = [w for w in backends.booking().windows(turn.caller) if w.id not in held]
        return list(turn.memo["windows"])

    def chosen(self, turn: Turn) -> Window | None:
        """The window that was chosen, if it is still free."""
        return next((window for window in self.free(turn) if window.id == turn.get(self.window)), None)

    def choose(self, turn: Turn) -> None:
        """Understand what was said about the time; offer times, or say why one cannot be had."""
        if not self.free(turn):
            turn.leave(ALL_TAKEN, "customer_asked")
            return
        if turn.get(self.window) and not self.chosen(turn):
            turn.say("Sorry, that time has just been taken.")
            self.offer_near(turn, turn.get(self.window))
        text = turn.get(WISH)
        turn.set(**{WISH: None})
        if text and not (self._by_place(turn, text) or self._by_wish(turn, text)):
            self._by_page(turn, text)

    def offer_near(self, turn: Turn, window_id: str) -> None:
        """Offer the times nearest to one that is gone."""
        day = datetime.fromisoformat(window_id).date()
        self._offer(turn, visits.nearest(Wish((Option(frozenset([day])),)), self.free(turn), PAGE), "nearest")

    def _by_place(self, turn: Turn, text: str) -> bool:
        """The second one, the earlier one: among what is on offer, or beside the window that was chosen."""
        free, chosen, offer = self.free(turn), self.chosen(turn), Offer.of(turn.get(SLOT))
        page = offer.page(free) if offer else []
        asked = turn.requested == self.window
        position = parsing.choice(text, len(page)) if asked else None
        if position is not None:
            window = page[position]
            if window is None:
                turn.say("Sorry, that time has just been taken.")
                self.offer_near(turn, offer.pool[offer.at + position] if offer else "")
            else:
                self._take_window(turn, window)
            return True
        way = visits.the_one(text)
        if not way:
            return False
        shown = sorted((w for w in page if w), key=lambda w: w.starts_at)
        if asked and shown:
            self._take_window(turn, shown[0 if way < 0 else -1])
        elif beside := self._beside(chosen, shown, free, way):
            self._take_window(turn, beside)
        else:
            turn.say(f"That's the {'earliest' if way < 0 else 'latest'} there is.")
        return True

    @staticmethod
    def _beside(chosen: Window | None, shown: list[Window], free: list[Window], way: int) -> Window | None:
        """The next window before or after the chosen one: one that was shown, else any."""
        for windows in (shown, free):
            beyond = [w for w in windows if chosen and (w.starts_at > chosen.starts_at) == (way > 0) and w != chosen]
            if beyond:
                return beyond[-1] if way < 0 else beyond[0]
        return None

    def _page(self, turn: Turn) -> list[Window]:
        """The free windows that the question shows, the soonest first."""
        offer = Offer.of(turn.get(SLOT)) if turn.requested == self.window else None
        return sorted((w for w in (offer.page(self.free(turn)) if offer else []) if w), key=lambda w: w.starts_at)

    def _by_wish(self, turn: Turn, text: str) -> bool:
        """Days and hours."""
        page = self._page(turn)
        base = None if visits.wants_others(text) else self.chosen(turn) or self.starts_from(turn)
        if page and _THAT.search(text):
            base = page[0]
        wanted = visits.wish(text, clock.today(), base)
        if wanted is None:
            return False
        free, offer = self.free(turn), Offer.of(turn.get(SLOT))
        fitting = visits.matching(wanted, free)
        narrow = not wanted.excluded and not _ANY.search(text) and (wanted.days is None or len(wanted.days) == 1)
        if narrow and offer and offer.kind in ("fitting", "nearest"):
            narrowed = visits.matching(wanted, page)  # "Wednesday", of the afternoons that are shown
            fitting = narrowed if len(narrowed) == 1 else fitting
        if len(fitting) == 1:
            if words := visits.not_quite(wanted, fitting[0]):
                turn.say(f"A technician comes at some time within the window, so I can't promise a visit {words}.")
            self._take_window(turn, fitting[0])
        elif fitting:
            self._offer(turn, fitting, "fitting")
        else:
            held = visits.matching(wanted, [visit.window for visit in self.mine(turn)])
            turn.say("You already have a visit then." if held else visits.why_not(wanted, clock.today()))
            self._offer(turn, visits.nearest(wanted, free, PAGE), "nearest")
        return True

    def _by_page(self, turn: Turn, text: str) -> None:
        """Other times, earlier ones, later ones."""
        free, way = self.free(turn), visits.step(text)
        offer = Offer.of(turn.get(SLOT)) or Offer.made(free, "first")
        base = self.chosen(turn) or (self.starts_from(turn) if turn.requested != self.window else None)
        if way and base:
            beyond = [w for w in free if (w.starts_at > base.starts_at) == (way > 0) and w.id != base.id]
            if beyond:
                self._offer(turn, beyond[-PAGE:] if way < 0 else beyond, "others")
            else:
                turn.say(f"There's nothing {'earlier' if way < 0 else 'later'} that's free.")
            return
        if way < 0 and not offer.back(free):
            turn.say("Those are the earliest times there are.")
        elif way >= 0 and not offer.forward(free):
            turn.say("Those are all the times that are free at the moment.")
        turn.set(**{SLOT: offer.value(), self.window: None}, confirmed=None)

    def _offer(self, turn: Turn, windows: list[Window], kind: Kind) -> None:
        turn.set(**{SLOT: Offer.made(windows, kind).value(), self.window: None}, confirmed=None)

    def _take_window(self, turn: Turn, window: Window) -> None:
        turn.set(**{self.window: window.id}, confirmed=None)

    def slots(self) -> list[str]:
        """As above, and what is on offer."""
        return [*super().slots(), SLOT]
