"""By which day something is to be done that somebody told a customer: "tomorrow at 3", "within 3 to 5 working days"."""

import re
from datetime import date, datetime, timedelta

from actions import clock, dates
from actions.backends import calendar
from actions.knowledge.words import straight

NO_DAY = 1  # working days for what names no day

_NUMBERS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "ten": 10}
_NUMBERS |= {"a few": 3, "few": 3, "a couple of": 2, "couple of": 2}
_COUNT = rf"(?:\d{{1,3}}|{'|'.join(sorted(_NUMBERS, key=len, reverse=True))})"
_SPAN = re.compile(
    r"(?P<lead>\b(?:within|in|takes?|at most|no later than|no more than)"
    r"(?: the next| about| around| up to)? |\bup to )?"
    rf"\b(?:(?P<low>{_COUNT})(?: to | or |-|–))?(?P<count>{_COUNT}) "
    r"(?P<unit>(?:working |business )?(?:day|hour)|minute|week|fortnight|month)s?\b",
    re.IGNORECASE,
)
_THIS_WEEK = re.compile(r"\b(?:end of (?:the|this) week|this week)\b", re.IGNORECASE)
_NEXT_WEEK = re.compile(r"\bnext week\b", re.IGNORECASE)
_NEXT_MONTH = re.compile(r"\bnext month\b", re.IGNORECASE)
_DAYS = {"minute": 1 / 1440, "hour": 1 / 24, "day": 1, "week": 7, "fortnight": 14, "month": 30}


def due(text: str, at: datetime | None = None, otherwise: int = NO_DAY) -> date:
    """The day in London by which what `text` says is to be done, said `at` that moment (now without one).

    A text that names no day is due after `otherwise` working days. Raises RulesProblem.
    """
    now = calendar.london(at) if at else clock.local_now()
    today = now.date()
    text = straight(text)
    if span := _span(text):
        return _after(now, span)
    if named := dates.coming(text, today):
        return max(named, today)
    if _THIS_WEEK.search(text):
        return _last_working_day(today, 0)
    if _NEXT_WEEK.search(text):
        return _last_working_day(today, 1)
    if _NEXT_MONTH.search(text):
        return (today.replace(day=1) + timedelta(days=62)).replace(day=1) - timedelta(days=1)
    return calendar.add_working_days(today, otherwise)


def names_span(text: str) -> bool:
    """Whether `text` says within what time something happens."""
    return _span(straight(text)) is not None


def _span(text: str) -> re.Match[str] | None:
    """The first "within 5 days" or "3 to 5 days"; "5 days" alone may be a length of anything."""
    return next((found for found in _SPAN.finditer(text) if found["lead"] or found["low"]), None)


def _after(now: datetime, span: re.Match[str]) -> date:
    """The day at the far end of a span that begins `now`."""
    number, unit = span["count"].lower(), span["unit"].lower()
    count = int(number) if number.isdigit() else _NUMBERS[number]
    of, _, name = unit.rpartition(" ")
    if of and name == "day":
        return calendar.add_working_days(now.date(), count)
    if of:
        return calendar.add_opening_time(now, timedelta(hours=count)).date()
    return (now + timedelta(days=count * _DAYS[name])).date()


def _last_working_day(today: date, weeks: int) -> date:
    """The last working day of this week or of a later one; not before today."""
    saturday = today + timedelta(days=(5 - today.weekday()) % 7 + 7 * weeks)
    return max(today, calendar.add_working_days(saturday, -1))
