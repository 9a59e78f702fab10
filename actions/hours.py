"""When people answer, as customers hear it."""

from datetime import date, datetime, timedelta

from . import clock
from .backends import calendar, rules
from .speech import clock_time, short_date

_LOOK_AHEAD = 21  # days within which there is an opening


def open_now() -> bool:
    """Whether customer care is open at this moment."""
    span = calendar.opening(clock.today())
    return span is not None and span[0] <= clock.local_now() < span[1]


def next_opening() -> datetime | None:
    """When customer care opens next; None when nothing is known within three weeks."""
    now = clock.local_now()
    days = (now.date() + timedelta(days=n) for n in range(_LOOK_AHEAD))
    starts = (span[0] for day in days if (span := calendar.opening(day)))
    return next((start for start in starts if start > now), None)


def back() -> str:
    """When people are back, for example `tomorrow at 8am` or `on Monday 23 November at 8am`."""
    opens = next_opening()
    if opens is None:
        return "as soon as we're open again"
    days = (opens.date() - clock.today()).days
    day = {0: "today", 1: "tomorrow"}.get(days, f"on {short_date(opens.date())}")
    return f"{day} at {clock_time(opens)}"


def now_in_words() -> str:
    """Whether people are there now and until or from when, in one sentence."""
    span = calendar.opening(clock.today())
    if span and open_now():
        return f"We're open now, until {clock_time(span[1])} today."
    because = calendar.holiday(clock.today())
    reason = " for the bank holiday" if because and because != "closed" else ""
    return f"We're closed just now{reason}. We're back {back()}."


def week_in_words() -> str:
    """The usual week, days with the same hours together."""
    monday = date(2024, 1, 1)  # an ordinary week: only the names of its days matter
    groups: list[tuple[list[str], str]] = []
    for n in range(7):
        hours = _hours(_usual(monday + timedelta(days=n)))
        name = f"{monday + timedelta(days=n):%A}"
        if groups and groups[-1][1] == hours:
            groups[-1][0].append(name)
        else:
            groups.append(([name], hours))
    told = [
        f"{names[0]} to {names[-1]} {hours}" if len(names) > 1 else f"{names[0]} {hours}" for names, hours in groups
    ]
    return f"{', '.join(told)}. We're closed on bank holidays."


def exceptions_in_words(days: int = 14) -> str:
    """The days ahead on which the usual hours do not hold; empty when there is none."""
    told = []
    for n in range(days):
        day = clock.today() + timedelta(days=n)
        usual, real = _usual(day), calendar.opening(day)
        if usual != real:
            told.append(f"{short_date(day)}: {_hours(real)}")
    return f"Different hours soon: {'; '.join(told)}." if told else ""


def _usual(day: date) -> tuple[datetime, datetime] | None:
    """The opening hours of that day of the week, bank holiday or not."""
    hours = {str(name): span for name, span in rules.calendar().opening_hours.items()}.get(f"{day:%A}".lower())
    return (datetime.combine(day, hours[0]), datetime.combine(day, hours[1])) if hours else None


def _hours(span: tuple[datetime, datetime] | None) -> str:
    return f"{clock_time(span[0])} to {clock_time(span[1])}" if span else "closed"
