"""Finds hours in what a customer wrote: "after 3", "between 1 and 4", "half past two", "first thing", "lunchtime".

An hour without am or pm is read as a technician's working hour: 1 to 6 are in the afternoon, 7 to 11 in the morning.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from .speech import clock_time

DAY_END = 24 * 60
_WORDS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12,
}  # fmt: skip
_MINUTES = {"quarter": 15, "five": 5, "ten": 10, "twenty": 20, "twenty-five": 25, "twenty five": 25}
_MONTH_AHEAD = r"\s*(?:of\s+)?(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
_HOUR = r"(?:\d{1,2}|" + "|".join(_WORDS) + r")(?![\d/]|st\b|nd\b|rd\b|th\b)"
# A moment: noon, half past two, half two, quarter to four, 2.30pm, 14:30, 3 o'clock, 3ish, 3.
MOMENT = (
    r"(?:(?:12\s+)?noon|(?:12\s+)?midday|"
    rf"half\s+(?:past\s+)?{_HOUR}|(?:quarter|five|ten|twenty(?:[- ]five)?)\s+(?:past|to)\s+{_HOUR}|"
    rf"{_HOUR}(?:[:.][0-5]\d)?(?:\s?[ap]\.?m\b\.?|\s?o'?\s?clock|ish)?"
    rf"(?!{_MONTH_AHEAD}|\s*(?:days?|weeks?|months?|hours?|times?|people|visits?)\b))"
    r"(?:\s+in\s+the\s+(?:morning|afternoon|evening))?"
)
_EXACT = re.compile(r"noon|midday|half|past|to\b|:|\.\d|[ap]\.?m\b|clock|ish|in the", re.IGNORECASE)
_RANGE = re.compile(
    rf"(?P<lead>\b(?:between|from|any ?time)\s+)?(?<![\w£])(?P<begin>{MOMENT})\s*(?P<join>and|to|-|till?|until)\s*"
    rf"(?P<end>{MOMENT})(?!\w)",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"\b(?:not before|no earlier than|later than|any ?time after|(?<!not )after|from|not until)\s+"
    rf"(?P<moment>{MOMENT})(?!\w)(?:\s+on(?:wards?)?\b)?|"
    rf"(?<!\w)(?P<onward>{MOMENT})\s+(?:onwards?|or later|or after)\b",
    re.IGNORECASE,
)
_BEFORE = re.compile(
    rf"\b(?:not after|no later than|earlier than|before|by|until|till?)\s+(?P<moment>{MOMENT})(?!\w)|"
    rf"(?<!\w)(?P<latest>{MOMENT})\s+(?:or earlier|or before|at the latest)\b",
    re.IGNORECASE,
)
_AT = re.compile(rf"(?P<lead>\b(?:at|around|about|roughly|say)\s+|@\s?)?(?<![\w£])(?P<moment>{MOMENT})(?!\w)", re.I)


@dataclass(frozen=True)
class Hours:
    """A part of the day: minutes since midnight, the end not included, and how it is said back."""

    begin: int
    end: int
    words: str

    def overlaps(self, begin: time, end: time) -> bool:
        """Whether any of these hours lie between `begin` and `end`."""
        return _minutes(begin) < self.end and _minutes(end) > self.begin

    def holds(self, begin: time, end: time) -> bool:
        """Whether all the time from `begin` to `end` lies in these hours."""
        return self.begin <= _minutes(begin) and _minutes(end) <= self.end

    def both(self, other: "Hours") -> "Hours | None":
        """What these hours share with `other`."""
        begin, end = max(self.begin, other.begin), min(self.end, other.end)
        return Hours(begin, end, f"{self.words} {other.words}") if begin < end else None


MORNING = Hours(0, 12 * 60, "in the morning")
AFTERNOON = Hours(12 * 60, 17 * 60, "in the afternoon")
EVENING = Hours(17 * 60, DAY_END, "in the evening")
LUNCH = Hours(12 * 60, 14 * 60, "at lunchtime")
_Reader = Callable[[re.Match[str]], Hours | None]
# The parts of a day in words; the most exact comes first.
_PARTS: list[tuple[re.Pattern[str], _Reader]] = [
    (re.compile(rf"\b(?:{pattern})(?!\w)", re.IGNORECASE), lambda match, hours=hours: hours)  # type: ignore[misc]
    for pattern, hours in (
        (r"(?:before|by) (?:noon|midday|lunch(?:time)?)", MORNING),
        (r"(?:after|from) (?:noon|midday|lunch(?:time)?)", AFTERNOON),
        (r"late(?:r in the)? morning", Hours(10 * 60, 12 * 60, "late in the morning")),
        (r"early (?:in the )?afternoon", Hours(12 * 60, 14 * 60, "early in the afternoon")),
        (r"late(?:r in the)? afternoon", Hours(15 * 60, 17 * 60, "late in the afternoon")),
        (r"lunch ?time|over lunch", LUNCH),
        (r"(?:early )?evenings?|tonight|after work|at night|late night", EVENING),
        (r"first thing|(?:early )?mornings?|before work|(?<!i )a\.?m\.?|start of the day", MORNING),
        (r"last thing|afternoons?|p\.?m\.?|end of the day", AFTERNOON),
        (r"(?<!as )(?<!too )early(?! as)(?! (?:next|this|in the|dec|jan|feb|mar|apr|may|ju|aug|sep|oct|nov))", MORNING),
        (
            r"(?<!as )(?<!too )late(?! as)(?! (?:next|this|in the|dec|jan|feb|mar|apr|may|ju|aug|sep|oct|nov))",
            AFTERNOON,
        ),
    )
]


def find(text: str) -> list[tuple[int, int, Hours]]:
    """Every part of a day in `text`, as (start, end, hours) without overlaps, in the order of the text."""
    found: list[tuple[int, int, Hours]] = []
    for pattern, read in (*_CLOCK_TIMES, *_PARTS):
        for match in pattern.finditer(text):
            free = all(match.end() <= start or match.start() >= end for start, end, _ in found)
            hours = read(match) if free else None
            if hours and hours.begin < hours.end:
                found.append((match.start(), match.end(), hours))
    return sorted(found, key=lambda item: item[0])


def of_window(begin: datetime, end: datetime) -> Hours:
    """The hours of a window."""
    words = f"between {clock_time(begin)} and {clock_time(end)}"
    return Hours(_minutes(begin.time()), _minutes(end.time()), words)


def beside(begin: datetime, end: datetime, way: str) -> Hours:
    """The hours of the same day that are `earlier` or `later` than a window."""
    if way == "earlier":
        return Hours(0, _minutes(begin.time()), f"before {clock_time(begin)}")
    return Hours(_minutes(end.time()), DAY_END, f"after {clock_time(end)}")


def _minutes(moment: time) -> int:
    return moment.hour * 60 + moment.minute


def _said(minutes: int) -> str:
    return clock_time(datetime(2000, 1, 1) + timedelta(minutes=minutes))


def moment(text: str) -> int:
    """The minutes since midnight of a text that `MOMENT` matches."""
    text = text.lower()
    hour_text = re.search(
        rf"{_HOUR}(?:[:.](?P<minute>[0-5]\d))?", re.sub(r"^(?:quarter|five|ten|twenty)\S*\s", "", text)
    )
    if "noon" in re.sub("afternoon", "", text) or "midday" in text or hour_text is None:
        return 12 * 60
    number = re.match(r"\d+|[a-z]+", hour_text[0])
    hour = int(number[0]) if number and number[0].isdecimal() else _WORDS[number[0] if number else "twelve"]
    minutes = int(hour_text["minute"] or 0)
    aside = re.match(r"(half)|(quarter|five|ten|twenty(?:[- ]five)?)\s+(past|to)", text)
    if aside:
        minutes = 30 if aside[1] else _MINUTES[aside[2]] * (1 if aside[3] == "past" else -1)
    return min(_on_the_day(hour, text) * 60 + minutes, DAY_END - 1)


def _on_the_day(hour: int, text: str) -> int:
    if re.search(r"p\.?m\b|afternoon|evening", text):
        return hour % 12 + 12
    if re.search(r"a\.?m\b|morning", text):
        return hour % 12
    return hour + 12 if 1 <= hour <= 6 else hour


def _exact(text: str) -> bool:
    return bool(_EXACT.search(text))


def _range(match: re.Match[str]) -> Hours | None:
    sure = match["lead"] or match["join"] in ("till", "til", "until") or _exact(match["begin"]) or _exact(match["end"])
    if not sure:
        return None
    begin, end = moment(match["begin"]), moment(match["end"])
    if re.search(r"p\.?m", match["end"], re.I) and not _exact(match["begin"]) and begin >= end > 12 * 60:
        begin -= 12 * 60
    return Hours(begin, end, f"between {_said(begin)} and {_said(end)}") if begin < end else None


def _after(match: re.Match[str]) -> Hours:
    begin = moment(match["moment"] or match["onward"])
    return Hours(begin, DAY_END, f"after {_said(begin)}")


def _before(match: re.Match[str]) -> Hours:
    end = moment(match["moment"] or match["latest"])
    return Hours(0, end, f"before {_said(end)}")


def _at(match: re.Match[str]) -> Hours | None:
    if not (match["lead"] or _exact(match["moment"])):
        return None
    begin = moment(match["moment"])
    return Hours(begin, begin + 1, f"at {_said(begin)}")


_CLOCK_TIMES: list[tuple[re.Pattern[str], _Reader]] = [
    (_RANGE, _range),
    (_AFTER, _after),
    (_BEFORE, _before),
    (_AT, _at),
]
