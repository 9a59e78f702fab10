"""Finds days in what a customer wrote: "next Tuesday", "the 3rd", "the week after next", "before Friday".

Weeks begin on Monday, so "next Tuesday" is the Tuesday of next week, as most people in the United Kingdom mean it;
"Tuesday" alone is the coming one. A regular expression finds the phrase and dateparser resolves explicit dates:
dateparser's own search takes words such as "may" or "second" for dates.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal

import dateparser

HORIZON = 70  # days that "after Friday" or "Mondays" may mean
Kind = Literal["weekday", "set", "exact"]

_WEEKDAYS = r"mon(?:day)?|tue(?:s|sday)?|wed(?:s|nesday)?|thu(?:r|rs|rsday)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?"
MONTHS = (
    r"jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:t|tember)?|oct(?:ober)?|"
    r"nov(?:ember)?|dec(?:ember)?"
)
_ORDINALS = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
    "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth",
    "twentieth", "twenty-first", "twenty-second", "twenty-third", "twenty-fourth", "twenty-fifth", "twenty-sixth",
    "twenty-seventh", "twenty-eighth", "twenty-ninth", "thirtieth", "thirty-first",
)  # fmt: skip
_WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_YEAR = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NUMBERS = {"a": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "ten": 10, "couple": 2}
_NUMBER = r"(?:\d{1,2}|a couple of|couple of|" + "|".join(_NUMBERS) + r")"
_FEASTS = {
    "christmas eve": (12, 24), "christmas day": (12, 25), "christmas": (12, 25), "xmas": (12, 25),
    "boxing day": (12, 26), "new year's eve": (12, 31), "new years eve": (12, 31), "new year's day": (1, 1),
    "new year": (1, 1),
}  # fmt: skip
_PART = r"(?P<part>early|(?:the )?(?:start|beginning|middle|end|rest) of|mid-?|middle of|later?(?: in)?)\s*(?:the )?"


@dataclass(frozen=True)
class Days:
    """Days that a phrase means. A `weekday` is narrowed by a `set` beside it ("Tuesday" and "next week")."""

    kind: Kind
    days: frozenset[date]

    def every(self) -> frozenset[date]:
        """The days, and for a weekday all that come."""
        if self.kind != "weekday":
            return self.days
        return frozenset(day + timedelta(days=n) for day in self.days for n in range(0, HORIZON, 7))

    def on(self, weekdays: frozenset[int]) -> frozenset[date]:
        """The days of this set that are one of the weekdays (0 is Monday)."""
        return frozenset(day for day in self.days if day.weekday() in weekdays)


def find(text: str, today: date, near: date | None = None) -> list[tuple[int, int, Days]]:
    """Every phrase for days in `text`, as (start, end, days) without overlaps, in the order of the text.

    `near` is the day that "the day after" or "a week later" counts from.
    """
    found: list[tuple[int, int, Days]] = []
    for pattern, read in _PHRASES:
        for match in pattern.finditer(text):
            if all(match.end() <= start or match.start() >= end for start, end, _ in found):
                days = read(match, today, near)
                if days:
                    found.append((match.start(), match.end(), days))
    return sorted(found, key=lambda item: item[0])


def span(begin: date, end: date) -> frozenset[date]:
    """All days from `begin` to `end`, both included."""
    return frozenset(begin + timedelta(days=n) for n in range((end - begin).days + 1))


def _week(monday: date, part: str | None = None) -> frozenset[date]:
    first, last = {"start": (0, 1), "middle": (1, 3), "end": (3, 4)}.get(_part_of(part), (0, 6))
    return span(monday + timedelta(days=first), monday + timedelta(days=last))


def _part_of(part: str | None) -> str:
    part = (part or "").lower()
    if re.search("early|start|beginning", part):
        return "start"
    if "mid" in part:
        return "middle"
    return "end" if re.search("end|late", part) else ""


def _this_week(today: date) -> date:
    """The Monday of the week that "this week" means; at the weekend that is the coming one."""
    return _monday(today + timedelta(days=2 if today.weekday() > 4 else 0))


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _exact(day: date | None) -> Days | None:
    return Days("exact", frozenset([day])) if day else None


def _number(text: str) -> int:
    word = re.sub(r"^a (?=couple)| of$", "", text.lower())
    return int(word) if word.isdecimal() else _NUMBERS[word]


def _explicit(match: re.Match[str], today: date, near: date | None) -> Days | None:
    settings = {
        "PREFER_DATES_FROM": "future",
        "DATE_ORDER": "YMD" if re.match(r"\d{4}-", match[0]) else "DMY",
        "RELATIVE_BASE": datetime.combine(today, time(0, 0)),
        "RETURN_AS_TIMEZONE_AWARE": False,
    }
    phrase = match[0].lower()
    for n, word in reversed(list(enumerate(_ORDINALS, start=1))):
        phrase = re.sub(rf"\b{word.replace('-', '[- ]')}\b", str(n), phrase)
    phrase = re.sub(r"(?<=\d)(?:st|nd|rd|th)\b|\b(?:the|of)\b", " ", phrase)
    parsed = dateparser.parse(phrase, languages=["en"], settings=settings)  # type: ignore[arg-type]
    if parsed is None:
        return None
    day = parsed.date()
    if not re.search(r"\d{4}|/\d+/", phrase):
        # without a year it is the next one, unless it has only just gone
        years = (today.year - 1, today.year, today.year + 1)
        near_by = [d for d in (_in_year(day, year) for year in years) if d and d >= today - timedelta(days=30)]
        day = min(near_by, default=day)
    return _exact(day)


def _in_year(day: date, year: int) -> date | None:
    try:
        return day.replace(year=year)
    except ValueError:
        return None


def _of_month(match: re.Match[str], today: date, near: date | None) -> Days | None:
    number, year, month = int(match["day"]), today.year, today.month
    for _ in range(13):
        try:
            day = date(year, month, number)
        except ValueError:
            day = None
        if day and day >= today:
            return _exact(day)
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    return None


def _coming(weekday: str, today: date) -> date:
    return today + timedelta(days=(_WEEK.index(weekday[:3].lower()) - today.weekday() - 1) % 7 + 1)


def _weekday(match: re.Match[str], today: date, near: date | None) -> Days | None:
    lead, coming = (match["lead"] or "").lower(), _coming(match["weekday"], today)
    every = match["plural"] == "s" or re.search(r"\b(?:an?|any|every|each)\b", lead)
    if every:
        return Days("weekday", frozenset(coming + timedelta(days=n) for n in range(0, HORIZON, 7)))
    if "next" in lead:
        return _exact(_monday(today) + timedelta(days=7 + coming.weekday()))
    if match["later"]:
        return _exact(coming + timedelta(days=7 * (2 if match["later"].lower() == "fortnight" else 1)))
    return Days("weekday", frozenset([coming]))


def _ahead(match: re.Match[str], today: date, near: date | None) -> Days | None:
    weeks = 2 if match["lead"].lower() == "fortnight" else 1
    if match["weekday"] is None:
        first = today + timedelta(days=1 if match["day"].lower() == "tomorrow" else 0)
        return _exact(first + timedelta(weeks=weeks))
    return _exact(_coming(match["weekday"], today) + timedelta(weeks=weeks))


def _week_named(match: re.Match[str], today: date, near: date | None) -> Days | None:
    name, part = match["week"].lower(), match["part"]
    monday = _monday(today)
    if re.search("week after (?:next|that)", name):
        return Days("set", _week(monday + timedelta(days=14), part))
    if re.search("week after|following week|week later", name):
        return Days("set", _week(_monday(near or today + timedelta(days=7)) + timedelta(days=7), part))
    if "that" in name or "same" in name:
        return Days("set", _week(_monday(near), part)) if near else None
    if "next" in name:
        return Days("set", _week(monday + timedelta(days=7), part))
    days = _week(_this_week(today), "" if part and re.search("later|rest", part, re.I) else part)
    return Days("set", frozenset(day for day in days if day >= today) or days)


def _in_some_time(match: re.Match[str], today: date, near: date | None) -> Days | None:
    count, unit = _number(match["count"]), match["unit"].lower()
    if unit == "day":
        return _exact(today + timedelta(days=count))
    if unit == "month":
        return Days("set", _week(_monday(today + timedelta(days=30 * count))))
    return _weeks_on(today, count)


def _weeks_on(today: date, count: int) -> Days:
    day = today + timedelta(weeks=count)
    return Days("set", _week(_monday(day + timedelta(days=2 if day.weekday() > 4 else 0))))


def _shifted(match: re.Match[str], today: date, near: date | None) -> Days | None:
    count = _number(match["count"]) * (7 if match["unit"].lower() == "week" else 1)
    return _shift(near, -count if match["way"].lower() in ("before", "earlier") else count)


def _shift(near: date | None, days: int) -> Days | None:
    return _exact(near + timedelta(days=days)) if near else None


def _same_day(match: re.Match[str], today: date, near: date | None) -> Days | None:
    return _exact(near)


def _month(match: re.Match[str], today: date, near: date | None) -> Days | None:
    name = match["month"].lower()
    if name in ("month", "this month", "the month"):
        first = today.replace(day=1)
    elif name == "next month":
        first = (today.replace(day=28) + timedelta(days=4)).replace(day=1)
    else:
        number = _YEAR.index(name[:3]) + 1
        first = date(today.year + (number < today.month), number, 1)
    last = (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    begin, end = {"start": (1, 10), "middle": (11, 20), "end": (21, 31)}.get(_part_of(match["part"]), (1, 31))
    days = span(first.replace(day=begin), min(first.replace(day=min(end, last.day)), last))
    return Days("set", frozenset(day for day in days if day >= today) or days)


def _weekend(match: re.Match[str], today: date, near: date | None) -> Days | None:
    monday = _this_week(today)
    monday += timedelta(days=7 if "next" in match[0].lower() and monday <= today else 0)
    return Days("exact", frozenset(monday + timedelta(days=n) for n in (5, 6)))


def _feast(match: re.Match[str], today: date, near: date | None) -> Days | None:
    month, day = _FEASTS[match[0].lower()]
    this_year = date(today.year, month, day)
    return _exact(this_year if this_year >= today else this_year.replace(year=today.year + 1))


def _near_today(match: re.Match[str], today: date, near: date | None) -> Days | None:
    word = match[0].lower() or "tonight"
    return _exact(
        today + timedelta(days=2 if "after" in word else 0 if word.startswith(("today", "tonight", "this")) else 1)
    )


_Reader = Callable[[re.Match[str], date, date | None], Days | None]
# The most exact phrase comes first: what it takes, the others do not see.
_PHRASES: list[tuple[re.Pattern[str], _Reader]] = [
    (re.compile(pattern, re.IGNORECASE), read)
    for pattern, read in (
        (r"\b\d{4}-\d{2}-\d{2}\b|\b\d{1,2}/\d{1,2}(?:/\d{2,4})?\b|\b\d{1,2}[.-]\d{1,2}[.-]\d{2,4}\b", _explicit),
        (rf"\b(?:\d{{1,2}}(?:st|nd|rd|th)?|{'|'.join(o.replace('-', '[- ]') for o in reversed(_ORDINALS))})"
         rf"(?: of)? (?:{MONTHS})\b(?: \d{{4}}\b)?", _explicit),
        (rf"\b(?:{MONTHS}) (?:the )?(?:\d{{1,2}}(?:st|nd|rd|th)?|{'|'.join(reversed(_ORDINALS))})\b(?!:|\s?[ap]m)"
         r"(?: \d{4}\b)?", _explicit),
        (r"\b(?:new year'?s (?:eve|day)|christmas (?:eve|day)|boxing day|christmas|xmas|new year)\b", _feast),
        (rf"\ba? ?(?P<lead>week|fortnight) (?:on |from |come )?(?:(?P<weekday>{_WEEKDAYS})|(?P<day>tomorrow|today))\b",
         _ahead),
        (rf"(?:\b{_PART})?(?P<week>\b(?:the )?week after (?:next|that)\b|\bnext week\b|\bthis week\b|"
         r"\b(?:the )?(?:week after|following week)\b|\ba week later\b|\b(?:that|the same) week\b)", _week_named),
        (rf"\b{_PART}(?P<week>week)\b", _week_named),
        (rf"\b(?:in|within) (?P<count>{_NUMBER}) (?P<unit>day|week|month)s?(?:'? time)?\b", _in_some_time),
        (rf"\b(?P<count>{_NUMBER}) (?P<unit>day|week|month)'?s?'? (?:time|from (?:now|today))\b", _in_some_time),
        (r"\bin a fortnight\b(?:'s time)?|\ba fortnight'?s time\b", lambda m, today, near: _weeks_on(today, 2)),
        (r"\b(?:the )?day after tomorrow\b|\btomorrow\b|\btomorow\b|\btmrw\b|\btoday\b|\b(?=tonight\b)|"
         r"\bthis (?=(?:morning|afternoon|evening)\b)", _near_today),
        (rf"\b(?P<count>{_NUMBER}) (?P<unit>day|week)s? (?P<way>later|earlier|before|after)\b", _shifted),
        (r"\b(?:the )?(?:day after|(?:next|following) day)\b", lambda m, today, near: _shift(near, 1)),
        (r"\b(?:the )?(?:day before|previous day)\b", lambda m, today, near: _shift(near, -1)),
        (r"\b(?:the )?(?:same|that) (?:day|date)\b|\b(?:earlier|later) (?:on )?in the day\b", _same_day),
        (r"\b(?:this |next |the |at the )*weekends?\b", _weekend),
        (rf"\b(?:{_PART}|(?:some ?time )?in |during )(?P<month>(?:this |next )?month|{MONTHS})\b", _month),
        (r"(?P<part>)\b(?P<month>(?:this|next) month)\b", _month),
        (r"\b(?P<day>\d{1,2})(?:st|nd|rd|th)\b", _of_month),
        (r"\bon the (?P<day>\d{1,2})\b(?![:.]\d|\s?[ap]m)", _of_month),
        (rf"\b(?:(?P<lead>this coming|this|next|coming|an?|any|every|each) )?(?P<weekday>{_WEEKDAYS})"
         r"(?P<plural>s|'s)?(?: (?P<later>week|fortnight))?\b", _weekday),
    )
]  # fmt: skip
