"""A visit as a calendar event (RFC 5545) in a resource of its own.

A resource is one technician's place in a window, so its name says both: `20261124T0800-p1.ics`. What iCalendar has
no property for stands in X-TANDEM- properties; who the visit is for is there as the account number alone.
"""

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from icalendar import Calendar, Component, Event

from ... import clock
from .. import calendar, rules
from ..protocols import Appointment, Window

_STATUS = {"booked": "TENTATIVE", "confirmed": "CONFIRMED"}
_NAME = re.compile(r"(\d{8}T\d{4})-p\d+\.ics$")
PRODUCT = "-//Tandem//Technician visits//EN"


@dataclass(frozen=True)
class Visit:
    """A visit in the calendar; `uid` is made from the request that took the place, `sequence` counts the moves."""

    uid: str
    reference: str
    account: str
    window: Window
    reason: str
    status: str = "booked"
    sequence: int = 0
    charged_pence: int = 0

    def appointment(self, status: str | None = None) -> Appointment:
        """As a skill sees it."""
        return Appointment(
            reference=self.reference,
            window=self.window,
            reason=self.reason,
            status=status or self.status,  # type: ignore[arg-type]
            free_until=calendar.free_until(self.window),
            late_fee_pence=rules.visits().late_fee_pence,
            charged_pence=self.charged_pence,
            moves_left=max(rules.visits().max_moves - self.sequence, 0),
        )

    def moved(self, uid: str, window: Window) -> "Visit":
        """The same visit in another window; a late move is charged."""
        charged = self.charged_pence + calendar.late_fee(self.window)
        return replace(self, uid=uid, window=window, status="booked", sequence=self.sequence + 1, charged_pence=charged)


def name_of(window_id: str, place: int) -> str:
    """The resource of a place."""
    return f"{compact(window_id)}-p{place}.ics"


def compact(window_id: str) -> str:
    """A window's id as it stands in resource names."""
    return re.sub(r"[-:]", "", window_id)


def window_part(name: str) -> str | None:
    """The window that a resource's name says, in its compact form; None for events that are not ours."""
    found = _NAME.search(name)
    return found[1] if found else None


def to_ical(visit: Visit) -> str:
    """The calendar object of a visit, with its time zone."""
    event = Event()
    event.add("uid", visit.uid)
    event.add("dtstamp", clock.utc_now())
    event.add("dtstart", visit.window.starts_at.replace(tzinfo=clock.LONDON))
    event.add("dtend", visit.window.ends_at.replace(tzinfo=clock.LONDON))
    event.add("summary", f"Technician visit {visit.reference}")
    event.add("description", visit.reason)
    event.add("status", _STATUS[visit.status])
    event.add("sequence", visit.sequence)
    event.add("x-tandem-reference", visit.reference)
    event.add("x-tandem-account", visit.account)
    event.add("x-tandem-charged-pence", str(visit.charged_pence))
    whole = Calendar()
    whole.add("prodid", PRODUCT)
    whole.add("version", "2.0")
    whole.add_component(event)
    whole.add_missing_timezones(visit.window.starts_at.date(), visit.window.ends_at.date() + timedelta(days=1))
    return whole.to_ical().decode()


def from_ical(text: str) -> Visit | None:
    """The visit in a calendar object; None when it is not one of ours."""
    events = Calendar.from_ical(text).walk("VEVENT")
    if len(events) != 1 or "x-tandem-reference" not in events[0]:
        return None
    event = events[0]
    starts_at, ends_at = _local(event, "dtstart"), _local(event, "dtend")
    status = "confirmed" if str(event.get("status")) == "CONFIRMED" else "booked"
    return Visit(
        uid=str(event["uid"]),
        reference=str(event["x-tandem-reference"]),
        account=str(event.get("x-tandem-account", "")),
        window=Window(starts_at.isoformat(timespec="minutes"), starts_at, ends_at),
        reason=str(event.get("description", "")),
        status=status,
        sequence=int(event.get("sequence", 0)),
        charged_pence=int(str(event.get("x-tandem-charged-pence", "0"))),
    )


def _local(event: Component, name: str) -> datetime:
    moment = event.decoded(name)
    if not isinstance(moment, datetime):
        raise ValueError("a visit needs times, not whole days")
    return calendar.london(moment) if moment.tzinfo else moment
