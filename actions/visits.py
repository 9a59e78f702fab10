"""Reads wishes for a technician's time, such as "Tuesday afternoon" or "the 24th".

A regular expression finds the phrase and dateparser resolves it: dateparser's own search takes words such as
"may" or "second" for dates.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import dateparser

from .backends import Window
from .parsing import MAX_TEXT
from .speech import clock_time, long_date, short_date

_DAYS = r"mon(?:day)?|tue(?:s|sday)?|wed(?:s|nesday)?|thu(?:r|rs|rsday)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?"
_MONTHS = (
    r"jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:t|tember)?|oct(?:ober)?|"
    r"nov(?:ember)?|dec(?:ember)?"
)
_NUMBER_WORDS = "a|one|two|three|four|five|six|seven|ten"
# The most exact phrase comes first: "Tuesday 24 November" is read as 24 November.
_PHRASES = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b\d{{1,2}}(?:st|nd|rd|th)?(?: of)? (?:{_MONTHS})\b(?: \d{{4}}\b)?",
        rf"\b(?:{_MONTHS}) \d{{1,2}}(?:st|nd|rd|th)?\b(?!:)",
        r"\b\d{1,2}/\d{1,2}(?:/\d{2,4})?\b",
        r"\bday after tomorrow\b|\btomorrow\b|\btoday\b",
        rf"\bin (?:\d{{1,2}}|{_NUMBER_WORDS}) (?:days?|weeks?)\b",
        r"\b\d{1,2}(?:st|nd|rd|th)\b",
        rf"\b(?:{_DAYS})\b",
    )
]
_NEXT_WEEK = re.compile(r"\bnext week\b", re.IGNORECASE)
_WEEKDAY = _PHRASES[-1]
_MORNING = r"\b(?:mornings?|a\.?m\.?|before (?:noon|lunch|midday)|early)(?!\w)"
_AFTERNOON = r"\b(?:afternoons?|p\.?m\.?|after (?:noon|lunch|midday)|evenings?|late)(?!\w)"
_CLOCK = re.compile(
    r"\b(?:(?P<noon>12 noon|noon|midday)|(?P<hour>\d{1,2})(?:[:.]\d{2})?\s?(?P<half>am|pm)|"
    r"(?P<full>\d{1,2}):\d{2})\b",
    re.IGNORECASE,
)
_OTHER = re.compile(
    r"\b(?:(?:other|another|different|later|more|alternative)\b.*\b(?:times?|days?|dates?|slots?|options?|one)|"
    r"(?:other|different|later|more) ?(?:please)?$|none (?:of|work|suit)|(?:anything|something) else|"
    r"(?:can't|cannot|can’t) (?:do|make) (?:any|those|these|them))",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Wish:
    """The days and the part of the day that a customer asked for; None means any."""

    days: frozenset[date] | None
    part: str | None

    def fits(self, window: Window) -> bool:
        """Whether the window is on one of the days and in the part of the day."""
        return (self.days is None or window.starts_at.date() in self.days) and self.part in (
            None,
            part_of(window),
        )

    def words(self) -> str:
        """The wish as it is said back, for example `Tuesday 24 November in the morning`."""
        days = "" if self.days is None else short_date(min(self.days))
        if self.days is not None and len(self.days) > 1:
            days = f"the week of {short_date(min(self.days))}"
        return " ".join(filter(None, (days, f"in the {self.part}" if self.part else "")))


def no_visit(wanted: Wish) -> str:
    """Where nothing is free, for example `on Tuesday 24 November in the morning`."""
    if wanted.days is None:
        return wanted.words()
    return f"{'in' if len(wanted.days) > 1 else 'on'} {wanted.words()}"


def label(window: Window) -> str:
    """A window as its button shows it, for example `Tuesday 24 November, 8am to 12 noon`."""
    return f"{short_date(window.starts_at)}, {clock_time(window.starts_at)} to {clock_time(window.ends_at)}"


def in_full(window: Window) -> str:
    """A window in a sentence, for example `Tuesday 24 November 2026 between 8am and 12 noon`."""
    begin, end = clock_time(window.starts_at), clock_time(window.ends_at)
    return f"{long_date(window.starts_at)} between {begin} and {end}"


def of_id(window_id: str) -> str:
    """When the window with this id starts, for example `Tuesday 24 November, 8am`."""
    starts_at = datetime.fromisoformat(window_id)
    return f"{short_date(starts_at)}, {clock_time(starts_at)}"


def part_of(window: Window) -> str:
    """`morning` or `afternoon`."""
    return "morning" if window.starts_at.hour < 12 else "afternoon"


def wish(text: str, today: date) -> Wish | None:
    """The wish in `text`, or None when it names neither a day nor a part of the day."""
    text = " ".join(text[:MAX_TEXT].replace(",", " ").split())
    days, part = _days(text, today), _part(text)
    return Wish(days, part) if days is not None or part is not None else None


def names_day(text: str, today: date) -> bool:
    """Whether `text` names a day to come; "it stopped on Monday" looks back and names none."""
    looks_back = re.search(r"\b(?:since|yesterday|ago|last|was|went|stopped|started|been|broke)\b", text, re.IGNORECASE)
    return not looks_back and _days(text[:MAX_TEXT], today) is not None


def wants_others(text: str) -> bool:
    """Whether other times than the ones on offer are wanted."""
    return bool(_OTHER.search(text[:MAX_TEXT].strip()))


def matching(wanted: Wish, windows: Iterable[Window]) -> list[Window]:
    """The windows that fit, the soonest first."""
    return sorted((w for w in windows if wanted.fits(w)), key=lambda w: w.starts_at)


def by_labels(labels: Sequence[str], windows: Iterable[Window]) -> list[Window | None]:
    """The window of each label; None for one that is not free any more."""
    known = {label(window): window for window in windows}
    return [known.get(text) for text in labels]


def is_label(text: str) -> bool:
    """Whether `text` looks like a window's label."""
    return bool(re.fullmatch(r"[A-Z][a-z]+ \d{1,2} [A-Z][a-z]+, \S+(?: noon)? to \S+(?: noon)?", text))


def _days(text: str, today: date) -> frozenset[date] | None:
    if _NEXT_WEEK.search(text):
        monday = today + timedelta(days=7 - today.weekday())
        weekday = _WEEKDAY.search(text)
        week = [monday + timedelta(days=n) for n in range(7)]
        if weekday:
            week = [day for day in week if f"{day:%a}".lower() == weekday[0][:3].lower()]
        return frozenset(week)
    for pattern in _PHRASES:
        found = pattern.search(text)
        if found and (day := _resolve(found[0], today)):
            return frozenset([day])
    return None


def _resolve(phrase: str, today: date) -> date | None:
    settings = {
        "PREFER_DATES_FROM": "future",
        "DATE_ORDER": "DMY",
        "RELATIVE_BASE": datetime.combine(today, time(0, 0)),
        "RETURN_AS_TIMEZONE_AWARE": False,
    }
    parsed = dateparser.parse(phrase, languages=["en"], settings=settings)  # type: ignore[arg-type]
    if parsed is None:
        return None
    day = parsed.date()
    if day <= today and _WEEKDAY.fullmatch(phrase):
        day += timedelta(days=7)
    return day


def _part(text: str) -> str | None:
    time_of_day = _CLOCK.search(text)
    if time_of_day:
        if time_of_day["noon"]:
            return "afternoon"
        hour = int(time_of_day["hour"] or time_of_day["full"])
        if time_of_day["half"]:
            hour = hour % 12 + (12 if time_of_day["half"].lower() == "pm" else 0)
        return "morning" if hour < 12 else "afternoon"
    if re.search(_MORNING, text, re.IGNORECASE):
        return "morning"
    return "afternoon" if re.search(_AFTERNOON, text, re.IGNORECASE) else None
