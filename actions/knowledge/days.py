"""Dates and weekdays of a text, in the ways that the British write them: "24 November", "24/11/2026", "the 24th"."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from actions.knowledge.words import straight

MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]

_MONTH = (
    r"(?P<month>"
    + "|".join(rf"{m}|{m[:3]}\b\.?" if m != "september" else "september|sept?\\b\\.?" for m in MONTHS)
    + ")"
)
_DAY = r"(?P<day>3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_PATTERNS = [
    re.compile(p, re.I)
    for p in (
        r"\b(?P<year>(?:19|20)\d\d)-(?P<number>0\d|1[0-2])-(?P<day>[0-3]\d)\b",
        r"(?<![\d/.])(?P<day>[0-3]?\d)[/.-](?P<number>0?[1-9]|1[0-2])[/.-](?P<year>(?:20)?\d\d)(?![\d/])",
        r"(?<![\d/])(?!24/7)(?P<day>[0-3]?\d)/(?P<number>0?[1-9]|1[0-2])(?![\d/])",
        rf"\b{_DAY}(?: day)?(?: of)?[ -]{_MONTH}(?:,?[ -]{_YEAR})?\b",
        rf"\b{_MONTH} {_DAY}(?:,? {_YEAR})?\b(?![:.]\d)",
        rf"\b{_MONTH},? {_YEAR}\b",
        rf"\b(?:in|since|until|till|by|from|of|each|every|during|before|after|early|mid|late|and|to) {_MONTH}\b"
        r"(?! (?:be|not|also)\b)",
        r"\bthe (?P<day>3[01]|[12]\d|[1-9])(?:st|nd|rd|th)\b(?! (?:time|bill|month|year|day|week|century))",
        rf"(?<![\d£$€.,/-])\b{_YEAR}\b"
        r"(?!\d|[-.,]\d|\s?(?:%|minutes|miles|texts|mb|gb|pounds|customers|people|times))",
    )
]
_SHORT = "|".join(w[:3] for w in WEEKDAYS)
_WEEKDAY = rf"(?:{'|'.join(WEEKDAYS)}|(?:{_SHORT})\b|tues|thurs?)"
_RANGE = re.compile(rf"\b({_WEEKDAY})s?\s?(?:to|-|–|through|until)\s?({_WEEKDAY})s?\b", re.I)
_ONE_DAY = re.compile(rf"\b({_WEEKDAY})s?\b", re.I)
_DAILY = re.compile(r"\b(?:every day|each day|daily|(?:7|seven) days a week|all week)\b", re.I)


@dataclass(frozen=True)
class Day:
    """A date, or as much of it as the text says; 0 stands for a part that it leaves out."""

    day: int
    month: int
    year: int
    said: str

    def agrees(self, other: "Day") -> bool:
        """Whether no part of the two differs and they share one."""
        pairs = [(self.day, other.day), (self.month, other.month), (self.year, other.year)]
        both = [(a, b) for a, b in pairs if a and b]
        return bool(both) and all(a == b for a, b in both)

    def stated_in(self, others: Sequence["Day"]) -> bool:
        """Whether `others` state this date: one agrees, and what it leaves out stands in another of them."""
        months, years = {o.month for o in others}, {o.year for o in others}
        return any(
            self.agrees(other)
            and (not self.day or self.day == other.day)
            and (not self.month or other.month == self.month or (not other.month and self.month in months))
            and (not self.year or other.year == self.year or (not other.year and self.year in years))
            for other in others
        )


def days(text: str) -> list[Day]:
    """The dates of `text` in their order."""
    return sorted_days(straight(text))[0]


def without_days(text: str) -> str:
    """`text` with its dates cut out, so that their numbers are not read as amounts."""
    return sorted_days(straight(text))[1]


def sorted_days(text: str) -> tuple[list[Day], str]:
    """The dates of `text` and what remains of it."""
    found: list[tuple[int, Day]] = []
    for pattern in _PATTERNS:
        for match in pattern.finditer(text):
            parts = match.groupdict()
            month = int(parts.get("number") or 0) or _month(parts.get("month") or "")
            day, year = int(parts.get("day") or 0), int(parts.get("year") or 0)
            if day > 31 or (
                (parts.get("month") or "").casefold() in ("may", "mar", "march") and not match["month"][0].isupper()
            ):
                continue
            found.append((match.start(), Day(day, month, year + 2000 * (0 < year < 100), match.group().strip())))
            text = text[: match.start()] + " " * len(match.group()) + text[match.end() :]
    return [day for _, day in sorted(found, key=lambda f: f[0])], text


def _month(word: str) -> int:
    """1 to 12 for a month's name or its short form, 0 for none."""
    return next(
        (n for n, month in enumerate(MONTHS, 1) if word and month.startswith(word.casefold().rstrip(".")[:3])), 0
    )


def weekdays(text: str) -> set[int]:
    """The days of the week that `text` speaks of, Monday is 0; ranges and "weekdays" are spread out."""
    text = straight(text)
    found: set[int] = set()
    for match in _RANGE.finditer(text):
        first, last = _weekday(match[1]), _weekday(match[2])
        found |= {(first + n) % 7 for n in range((last - first) % 7 + 1)}
    named = [m[1] for m in _ONE_DAY.finditer(text) if m[1].casefold() not in ("sat", "sun", "wed") or m[1][0].isupper()]
    found |= {_weekday(name) for name in named}
    if re.search(r"\bweekdays?\b", text, re.I):
        found |= set(range(5))
    if re.search(r"\bweekends?\b", text, re.I):
        found |= {5, 6}
    return set(range(7)) if _DAILY.search(text) else found


def _weekday(word: str) -> int:
    return next(n for n, day in enumerate(WEEKDAYS) if day.startswith(word.casefold()[:3]))
