"""Reads a day that a customer names: one to come, such as the start of a payment plan, or one that is past.

A regular expression finds the phrase and dateparser resolves it: dateparser's own search takes words such as "may"
or "second" for dates. A weekday or a day of the month alone is the nearest one in the wanted direction; a date
without a year is the nearest of that name, in either direction, so that a day on the wrong side can be pointed out.
"""

import re
from calendar import monthrange
from datetime import date, datetime, time, timedelta

import dateparser
from dateutil.relativedelta import relativedelta
from text_to_num import alpha2digit

from .parsing import MAX_TEXT

MONTHS = (
    r"jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:t|tember)?|oct(?:ober)?|"
    r"nov(?:ember)?|dec(?:ember)?"
)
_WEEKDAYS = r"mon(?:day)?|tue(?:s|sday)?|wed(?:s|nesday)?|thu(?:r|rs|rsday)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?"
_NTH = r"(?P<nth>\d{1,2})(?:st|nd|rd|th)"
_DATES = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b\d{{1,2}}(?:st|nd|rd|th)?(?: of)? (?:{MONTHS})\b(?:,? \d{{4}}\b)?",
        rf"\b(?:{MONTHS}) \d{{1,2}}(?:st|nd|rd|th)?\b(?!:)(?:,? \d{{4}}\b)?",
        r"(?<![\d/])\d{1,2}/\d{1,2}(?:/\d{2,4})?(?![\d/])",
        r"\b\d{4}-\d{2}-\d{2}\b",
    )
]
_RELATIVE = re.compile(
    r"\b(?:day before yesterday|day after tomorrow|yesterday|tomorrow|today|"
    r"(?:\d{1,2}|an?|one|two|three|couple of) (?:days?|weeks?|fortnight|months?) ago|"
    r"in (?:\d{1,2}|an?|one|two|three) (?:days?|weeks?|fortnight|months?))\b",
    re.IGNORECASE,
)
_LAST_NIGHT = re.compile(r"\blast (?:night|evening)\b", re.IGNORECASE)
_TODAY = re.compile(
    r"\b(?:this (?:morning|afternoon|evening)|tonight|right now|straight ?away|immediately|now|"
    r"just (?:paid|sent|made|transferred|posted|done it))\b",
    re.IGNORECASE,
)
_MONTH_END = re.compile(r"\bend of (?:the|this) month\b", re.IGNORECASE)
_WEEKDAY = re.compile(
    rf"\b(?:(?P<which>next|last)(?P<week> week(?: on)?)? )?(?P<day>{_WEEKDAYS})\b(?P<after> (?:next|last) week\b)?",
    re.IGNORECASE,
)
_LOOKS_BACK = re.compile(
    r"\b(?:since|yesterday|ago|last|was|went|lost|stopped|started|been|broke|got|came)\b", re.IGNORECASE
)


def past(text: str, today: date) -> date | None:
    """The day that `text` names; a weekday, or "the 3rd", is the last one. A day to come comes back as it is."""
    return _day(text, today, -1)


def coming(text: str, today: date) -> date | None:
    """The day that `text` names; a weekday, or "the 3rd", is the next one. A past day comes back as it is."""
    return _day(text, today, 1)


def names_coming(text: str, today: date) -> date | None:
    """As `coming`, in a message about something else: "I lost my job on Monday" looks back and names none."""
    return None if _LOOKS_BACK.search(text[:MAX_TEXT]) else coming(text, today)


def _day(text: str, today: date, direction: int) -> date | None:
    line = _in_digits(text)
    for pattern in _DATES:
        if found := pattern.search(line):
            return _nearest(found[0], today)
    if found := _RELATIVE.search(line):
        return _parse(re.sub(r"\bcouple of\b", "2", found[0], flags=re.IGNORECASE), today)
    if _LAST_NIGHT.search(line):
        return today - timedelta(days=1)
    if found := re.search(rf"\b{_NTH}\b", line, re.IGNORECASE):
        return _nth(int(found["nth"]), today, direction)
    if _MONTH_END.search(line):
        return today.replace(day=monthrange(today.year, today.month)[1])
    if found := _WEEKDAY.search(line):
        return _weekday(found, today, direction)
    return today if _TODAY.search(line) else None


def _in_digits(text: str) -> str:
    """`text` with days in words as digits: "the twenty-eighth", "the first of December", "on the first"."""
    words = re.sub(r"(?<=[a-z])-(?=[a-z])", " ", " ".join(text[:MAX_TEXT].split()), flags=re.IGNORECASE)
    days = {"first": "1st", "second": "2nd", "third": "3rd"}
    line = re.sub(
        r"\b(?:first|second|third)(?= of\b)|(?<=\bon the )(?:first|second|third)\b(?=[\s.]*$)",
        lambda found: days[found[0].lower()],
        words,
        flags=re.IGNORECASE,
    )
    return str(alpha2digit(line, "en"))


def _parse(phrase: str, today: date) -> date | None:
    settings = {
        "DATE_ORDER": "DMY",
        "RELATIVE_BASE": datetime.combine(today, time(0, 0)),
        "RETURN_AS_TIMEZONE_AWARE": False,
    }
    parsed = dateparser.parse(phrase, languages=["en"], settings=settings)  # type: ignore[arg-type]
    return parsed.date() if parsed else None


def _nearest(phrase: str, today: date) -> date | None:
    """The date of `phrase`; when it names no year, in the year that brings it nearest to today."""
    day = _parse(phrase, today)
    if day is None or re.search(r"\d{4}|/\d+/", phrase):
        return day
    years = (day + relativedelta(year=today.year + n) for n in (-1, 0, 1))
    return min(years, key=lambda found: abs(found - today))


def _nth(number: int, today: date, direction: int) -> date | None:
    """The nearest day of the month `number` in the direction; today counts."""
    if not 1 <= number <= 31:
        return None
    month = today.replace(day=1)
    while True:
        if number <= monthrange(month.year, month.month)[1]:
            day = month.replace(day=number)
            if (day - today).days * direction >= 0:
                return day
        month += relativedelta(months=direction)


def _weekday(found: re.Match[str], today: date, direction: int) -> date:
    """The nearest such weekday that is not today; "next Friday" and "last week on Friday" are in those weeks."""
    wanted = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].index(found["day"][:3].lower())
    monday = today - timedelta(days=today.weekday())
    said = " ".join(filter(None, (found["which"], found["week"], found["after"]))).lower()
    if "next" in said:
        return monday + timedelta(days=7 + wanted)
    if "last" in said and "week" in said:
        return monday + timedelta(days=wanted - 7)
    away = (wanted - today.weekday()) * direction % 7 or 7
    return today + timedelta(days=away * direction)
