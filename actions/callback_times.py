"""When a customer is called back: reads a moment to come in which customer care is open. All times are London's."""

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta

from . import clock, hours
from .backends import calendar
from .parsing import MAX_TEXT
from .speech import clock_time, short_date
from .visit_wishes import Option, Wish, wish
from .visits import ahead

LEAD = timedelta(minutes=15)  # a call can be promised for the time after it
DAYS = 14  # how far ahead
_STEP = 5  # minutes
_IN_A_WHILE = re.compile(
    r"\bin (?:about |around )?(?P<count>an?|half an|one|two|three|\d{1,2}) (?P<unit>min(?:ute)?s?|hours?|hrs?)\b",
    re.IGNORECASE,
)
_COUNTS = {"a": 1.0, "an": 1.0, "half an": 0.5, "one": 1.0, "two": 2.0, "three": 3.0}


def read(text: str) -> datetime | None:
    """The first moment that fits the words: "tomorrow at 3", "Friday morning", "at 5", "as soon as possible"."""
    if soon := _in_a_while(text):
        return soon
    wanted = _wish(text)
    if wanted is None:
        return None
    options = wanted.options or (Option(None),)
    return min((found for option in options if (found := _first(option))), default=None)


def answer(text: str) -> datetime | None:
    """As `read`, in the answer to our question: "5" is a time there."""
    return read(text) or read(f"at {text}")


def why_not(text: str) -> str:
    """What to say to a text that gave no moment."""
    wanted = _wish(text) or _wish(f"at {text}")
    days = sorted(wanted.days or ()) if wanted else []
    if wanted is None:
        return "Sorry, I didn't get a time. When shall we call? For example “tomorrow at 3” or “Friday morning”."
    if days and days[0] > clock.today() + timedelta(days=DAYS):
        return f"I can plan a call for the next {DAYS // 7} weeks. Which day before {_last_day()} suits you?"
    if len(days) == 1 and (span := calendar.opening(days[0])) is None:
        return f"We're closed on {short_date(days[0])}. Our hours: {hours.week_in_words()} When shall we call?"
    if len(days) == 1 and span and _earliest() < span[1]:
        begin = max(span[0], _earliest())
        until = f"between {clock_time(begin)} and {clock_time(span[1])}"
        return f"I can't plan a call then. On {short_date(days[0])} we can call {until}. Which time suits you?"
    return f"I can't plan a call then. Our hours: {hours.week_in_words()} When shall we call?"


def is_past(moment: datetime) -> bool:
    """Whether a moment that was agreed on can no longer be promised."""
    return moment <= clock.local_now()


def in_words(moment: datetime) -> str:
    """A moment as it is promised, for example `tomorrow, Tuesday 24 November, at 3pm`."""
    days = (moment.date() - clock.today()).days
    day = {0: "today", 1: "tomorrow, "}.get(days, "on ")
    return f"{day}{'' if days == 0 else short_date(moment)}{',' if days == 1 else ''} at {clock_time(moment)}"


def _wish(text: str) -> Wish | None:
    return wish(ahead(text), clock.today())


def _first(option: Option) -> datetime | None:
    """The first moment that an option, the opening hours and the lead time allow."""
    for day in _days(option):
        span = calendar.opening(day)
        if span is None:
            continue
        begin = max(span[0], _earliest())
        if not option.hours and begin < span[1]:
            return begin
        for wanted in option.hours:
            midnight = datetime.combine(day, datetime.min.time())
            start = max(begin, midnight + timedelta(minutes=wanted.begin))
            if start < min(span[1], midnight + timedelta(minutes=wanted.end)):
                return start
    return None


def _days(option: Option) -> Iterator[date]:
    """The days of an option, or all that come, in order."""
    coming = (clock.today() + timedelta(days=n) for n in range(DAYS + 1))
    return (day for day in coming if option.days is None or day in option.days)


def _in_a_while(text: str) -> datetime | None:
    """The moment of "in an hour" or "in 20 minutes", if customer care is open then."""
    found = _IN_A_WHILE.search(text[:MAX_TEXT])
    if found is None:
        return None
    count = _COUNTS.get(found["count"].lower()) or float(found["count"])
    after = timedelta(hours=count) if found["unit"].lower().startswith("h") else timedelta(minutes=count)
    moment = max(_rounded(clock.local_now() + after), _earliest())
    span = calendar.opening(moment.date())
    return moment if span and span[0] <= moment < span[1] else None


def _earliest() -> datetime:
    return _rounded(clock.local_now() + LEAD)


def _rounded(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0) + timedelta(minutes=-moment.minute % _STEP)


def _last_day() -> str:
    return short_date(clock.today() + timedelta(days=DAYS))
