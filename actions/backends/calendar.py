"""Working days, bank holidays, opening hours, and technicians' windows by rule. All times are London's, naive."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

import holidays

from .. import clock
from . import rules
from .values import Window


def london(moment: datetime) -> datetime:
    """An aware moment on a clock in London, naive."""
    return moment.astimezone(clock.LONDON).replace(tzinfo=None)


def to_utc(local: datetime) -> datetime:
    """A London time as an aware moment in UTC; in the hour that comes twice, the first one."""
    return local.replace(tzinfo=clock.LONDON).astimezone(UTC)


@lru_cache(maxsize=4)
def _bank_holidays(country: str, subdivision: str) -> holidays.HolidayBase:
    return holidays.country_holidays(country, subdiv=subdivision)


def holiday(day: date) -> str | None:
    """The name of the bank holiday on `day`, or of Northlight's own closing day."""
    kept = rules.calendar()
    if day in kept.closed_on:
        return "closed"
    return _bank_holidays(kept.country, kept.subdivision).get(day)


def is_working_day(day: date) -> bool:
    """Whether `day` is a working day: no bank holiday, no weekend."""
    return f"{day:%A}".lower() in rules.calendar().working_days and holiday(day) is None


def add_working_days(day: date, count: int) -> date:
    """The day that is `count` working days after `day` (before, when below zero)."""
    step = timedelta(days=1 if count > 0 else -1)
    for _ in range(abs(count)):
        day += step
        while not is_working_day(day):
            day += step
    return day


def working_days(after: date, until: date) -> list[date]:
    """The working days after `after`, up to and with `until`."""
    days = (after + timedelta(days=n) for n in range(1, (until - after).days + 1))
    return [day for day in days if is_working_day(day)]


def opening(day: date) -> tuple[datetime, datetime] | None:
    """From when to when customer care is open on `day`; None when it is closed."""
    hours = {str(name): span for name, span in rules.calendar().opening_hours.items()}.get(f"{day:%A}".lower())
    if hours is None or holiday(day) is not None:
        return None
    return datetime.combine(day, hours[0]), datetime.combine(day, hours[1])


def add_opening_time(start: datetime, span: timedelta) -> datetime:
    """The moment at which customer care has been open for `span` since `start`."""
    day = start.date()
    while True:
        open_today = opening(day)
        if open_today:
            begin = max(start, open_today[0])
            left = max(open_today[1] - begin, timedelta())
            if span <= left:
                return begin + span
            span -= left
        day += timedelta(days=1)


def end_of_day(day: date) -> datetime:
    """When customer care closes on `day`, or 5pm on a day on which it does not open."""
    open_then = opening(day)
    return open_then[1] if open_then else datetime.combine(day, time(17))


def window(window_id: str) -> Window | None:
    """The technicians' window with this id, if the rules know it on that day; it may be past or too far ahead."""
    try:
        starts_at = datetime.fromisoformat(window_id)
    except ValueError:
        return None
    if starts_at.tzinfo is not None or not is_working_day(starts_at.date()):
        return None
    return next((found for found in of_day(starts_at.date()) if found.id == window_id), None)


def windows() -> list[Window]:
    """All windows that can be booked now if they have room, the soonest first."""
    kept, now = rules.visits(), clock.local_now()
    asked_on = now.date() + timedelta(days=1 if now.time() >= kept.cut_off else 0)
    first = add_working_days(asked_on, kept.working_days_ahead)
    days = working_days(first - timedelta(days=1), now.date() + timedelta(weeks=kept.weeks_ahead))
    return [found for day in days for found in of_day(day)]


def free_until(visit: Window) -> datetime:
    """Until when a visit can be moved or cancelled free of charge."""
    return datetime.combine(add_working_days(visit.starts_at.date(), -1), rules.visits().free_until)


def late_fee(visit: Window) -> int:
    """What moving or cancelling a visit costs now, in pence."""
    return 0 if clock.local_now() < free_until(visit) else rules.visits().late_fee_pence


def of_day(day: date) -> list[Window]:
    """The windows of a working day, whether or not they can still be booked."""
    made = []
    for begin, end in rules.visits().windows:
        starts_at = datetime.combine(day, begin)
        made.append(Window(starts_at.isoformat(timespec="minutes"), starts_at, datetime.combine(day, end)))
    return made
