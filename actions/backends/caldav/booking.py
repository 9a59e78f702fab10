"""Technicians' visits in a CalDAV calendar.

Each place in a window is one resource, created with `If-None-Match: *`, so the server gives the last place to one
customer alone. A customer's changes take turns (`lease`), and a request's UID shows what an interrupted try of it
has done: a move that broke off between taking the new place and freeing the old one is finished by the next change.
Our database keeps the audit rows and the outcomes of requests.
"""

import hashlib
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from ... import clock
from ...settings import Caldav
from .. import calendar, done, rules
from ..access import far_access
from ..lease import lease
from ..protocols import Appointment, Identity, Level, LimitExceeded, NotFound, Unavailable, Window, WindowTaken
from ..session import transaction
from .client import Changed, Kept, Taken, VisitCalendar
from .events import Visit, compact, name_of, window_part

AHEAD = timedelta(weeks=26)  # further than visits can be booked, also after the rules have been narrowed


def _uid(identity: Identity, action: str, request: str) -> str:
    text = "\0".join((done.owner_of(identity), action, request))
    return f"tandem-{hashlib.sha256(text.encode()).hexdigest()[:40]}"


class CaldavBooking:
    """Implements `Booking`."""

    def __init__(self, settings: Caldav) -> None:
        self._calendar = VisitCalendar(settings)

    def windows(self, identity: Identity) -> list[Window]:
        """See `Booking.windows`."""
        with far_access(identity, "window.list", Level.NONE):
            taken = Counter(window_part(kept.name) for kept in self._to_come())
            ahead = calendar.windows()
            return [window for window in ahead if taken[compact(window.id)] < rules.visits().capacity]

    def book(self, identity: Identity, window_id: str, reason: str, request: str) -> Appointment:
        """See `Booking.book`."""

        def do(mine: list[Kept], uid: str) -> Appointment:
            again = (kept.visit for kept in mine if kept.visit.uid == uid or kept.visit.window.id == window_id)
            if earlier := next(again, None):
                return earlier.appointment()
            reference = f"NV{int(uid[-12:], 16) % 10**8:08d}"
            visit = Visit(uid, reference, identity.account_number or "", _bookable(window_id), reason)
            return self._take(visit).appointment()

        return self._change(identity, "visit.book", window_id, request, do)

    def mine(self, identity: Identity) -> list[Appointment]:
        """See `Booking.mine`."""
        with far_access(identity, "visit.list", Level.VERIFIED, identity.account_number):
            visits = (kept.visit for kept in _newest(self._own(identity)))
            return [visit.appointment() for visit in sorted(visits, key=lambda v: (v.window.starts_at, v.reference))]

    def move(self, identity: Identity, reference: str, window_id: str, request: str) -> Appointment:
        """See `Booking.move`."""

        def do(mine: list[Kept], uid: str) -> Appointment:
            kept = _with(mine, reference)
            if uid == kept.visit.uid or kept.visit.window.id == window_id:
                return kept.visit.appointment()
            window = _bookable(window_id)
            if kept.visit.sequence >= rules.visits().max_moves:
                raise LimitExceeded("max_moves", "the visit has been moved too often")
            if any(other.visit.window.id == window_id for other in mine):
                raise WindowTaken("the customer has another visit then")
            moved = self._take(kept.visit.moved(uid, window))
            self._free_old(kept, moved)
            return moved.appointment()

        return self._change(identity, "visit.move", reference, request, do)

    def cancel(self, identity: Identity, reference: str, request: str) -> Appointment:
        """See `Booking.cancel`."""

        def do(mine: list[Kept], uid: str) -> Appointment:
            kept = _with(mine, reference)
            try:
                self._calendar.remove(kept)
            except Changed:
                raise Unavailable("the visit was changed at the same moment") from None
            charged = kept.visit.charged_pence + calendar.late_fee(kept.visit.window)
            return replace(kept.visit, charged_pence=charged).appointment("cancelled")

        return self._change(identity, "visit.cancel", reference, request, do)

    def confirm(self, identity: Identity, reference: str, request: str) -> Appointment:
        """See `Booking.confirm`."""

        def do(mine: list[Kept], uid: str) -> Appointment:
            kept = _with(mine, reference)
            visit = replace(kept.visit, status="confirmed")
            try:
                self._calendar.replace(kept, visit)
            except Changed:
                raise Unavailable("the visit was changed at the same moment") from None
            return visit.appointment()

        return self._change(identity, "visit.confirm", reference, request, do)

    def _change(
        self,
        identity: Identity,
        action: str,
        subject: str,
        request: str,
        do: Callable[[list[Kept], str], Appointment],
    ) -> Appointment:
        """Do a request once, in the customer's turn; `do` gets the customer's visits to come and the request's UID."""
        with far_access(identity, action, Level.VERIFIED, subject), lease(f"visits:{identity.account_number}"):
            with transaction() as session:
                earlier = done.outcome(session, identity, action, request, Appointment)
            if earlier is not None:
                return earlier
            outcome = do(self._tidied(self._own(identity)), _uid(identity, action, request))
            with transaction() as session:
                return done.keep(session, identity, action, request, outcome)

    def _to_come(self) -> list[Kept]:
        now = clock.local_now()
        return [kept for kept in self._calendar.visits(now, now + AHEAD) if kept.visit.window.starts_at > now]

    def _own(self, identity: Identity) -> list[Kept]:
        return [kept for kept in self._to_come() if kept.visit.account == identity.account_number]

    def _tidied(self, mine: list[Kept]) -> list[Kept]:
        """The visits as they are now; the old places of moves that broke off are freed."""
        newest = _newest(mine)
        for kept in mine:
            if kept not in newest:
                with suppress(Changed):
                    self._calendar.remove(kept)
        return newest

    def _take(self, visit: Visit) -> Visit:
        for place in range(1, rules.visits().capacity + 1):
            with suppress(Taken):
                self._calendar.create(name_of(visit.window.id, place), visit)
                return visit
        raise WindowTaken("the window is full")

    def _free_old(self, kept: Kept, moved: Visit) -> None:
        try:
            self._calendar.remove(kept)
        except Changed:  # by somebody who works in the calendar itself: their word stands, ours is taken back
            for other in self._to_come():
                if other.visit.uid == moved.uid:
                    with suppress(Changed):
                        self._calendar.remove(other)
            raise Unavailable("the visit was changed at the same moment") from None


def _bookable(window_id: str) -> Window:
    found = next((window for window in calendar.windows() if window.id == window_id), None)
    if found is None:
        raise WindowTaken("the window is past, too soon, too far ahead or unknown")
    return found


def _newest(visits: list[Kept]) -> list[Kept]:
    """One for each reference: the one that was moved last."""
    newest: dict[str, Kept] = {}
    for kept in visits:
        other = newest.get(kept.visit.reference)
        if other is None or kept.visit.sequence > other.visit.sequence:
            newest[kept.visit.reference] = kept
    return list(newest.values())


def _with(visits: list[Kept], reference: str) -> Kept:
    found = next((kept for kept in visits if kept.visit.reference == reference), None)
    if found is None:
        raise NotFound("no such visit to come")
    return found
