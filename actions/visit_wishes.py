"""Reads a wish for a technician's time: days and hours that suit, those that do not, and "as soon as possible"."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from . import visit_days, visit_hours
from .backends import Window
from .parsing import MAX_TEXT
from .speech import short_date
from .visit_days import Days, span
from .visit_hours import Hours

_CODES = re.compile(r"\bn[aov0][\s\-.:#]*\d(?:[\d\s-]*\d)?|\b[a-z]{1,2}\d[a-z\d]?\s?\d[a-z]{2}\b", re.IGNORECASE)
# "not Monday", "I can't do Tuesday", "anything but Friday": what follows, up to a comma or another turn of speech.
_NOT = re.compile(
    r"(?:\bnot\b(?! (?:before|after|until|later|earlier|too|sure|fussed|bothered|working))|\bexcept\b|"
    r"\bapart from\b|\bother than\b|\bbut not\b|\banything but\b|\bany (?:day|time) but\b|\bavoid\b|\binstead of\b|"
    r"\brather than\b|\b(?:can't|cannot|can not|couldn't|won't be able to) (?:do|make|be (?:in|there|home))\b|"
    r"\bnot (?:free|available|in)\b)"
    r"(?P<what>.*?)(?=[,;.!?]|\bbut\b|\b(?:how|what) about\b|\bcan you\b|\bcould\b|\bmake it\b|\bplease\b|"
    r"\binstead\b(?! of)|\bwould\b|$)",
    re.IGNORECASE,
)
# "Monday is no good": what stands before, back to a comma.
_NO_GOOD = re.compile(
    r"(?P<what>[^,;.!?]*?)(?:\bis|\bare|'s)?\s*\b(?:no good|no use|doesn't (?:work|suit)|don't (?:work|suit)|"
    r"won't (?:work|do|suit)|isn't (?:good|possible)|is (?:bad|out|impossible))\b",
    re.IGNORECASE,
)
_SOONEST = re.compile(
    r"\b(?:as (?:soon|early|quick(?:ly)?) as (?:possible|you can|poss)|a\.?s\.?a\.?p|soonest|earliest|quickest|"
    r"(?:first|next) (?:available|possible|free)|(?:right|straight) away|immediately|urgent(?:ly)?|now)\b",
    re.IGNORECASE,
)
_LATEST = re.compile(r"\b(?:as late as (?:possible|you can)|latest|last (?:available|possible|free))\b", re.IGNORECASE)
_ANY = re.compile(
    r"\b(?:any ?time|any ?day|whenever|no preference|(?:don't|do not) mind|not (?:fussed|bothered)|you (?:choose|pick)|"
    r"up to you|any (?:of (?:them|those|these)|will do|is fine))\b",
    re.IGNORECASE,
)
_OR = re.compile(r"\b(?:or|and)\b|[,/&]", re.IGNORECASE)
_SAME_TIME = re.compile(r"\bsame (?:time|hours|window)\b", re.IGNORECASE)
_LATER_THAT_DAY = re.compile(
    r"\b(?P<way>earlier|later) (?:on )?(?:in the|that|the same) day\b|"
    r"\b(?:same|that) day,? (?:but )?(?:a bit )?(?P<after>earlier|later)\b",
    re.IGNORECASE,
)
# "between 3 and 5 December": the month is said once
_MONTH_ONCE = re.compile(
    rf"\b(\d{{1,2}})(?:st|nd|rd|th)?( ?(?:and|to|or|-|till?|until) ?)(?:the )?"
    rf"(?=\d{{1,2}}(?:st|nd|rd|th)?(?: of)? ({visit_days.MONTHS})\b)",
    re.IGNORECASE,
)

_BEFORE_DAY = re.compile(
    r"\b(?P<word>not before|not until|no earlier than|after|from|any ?time after|"
    r"not after|no later than|before|by|until|till?|earlier than|later than)\s+(?:the\s+)?$",
    re.I,
)
_BETWEEN_DAYS = re.compile(r"^\s*(?:and|to|-|till?|until|through)\s*(?:the\s+)?$", re.I)


@dataclass(frozen=True)
class Option:
    """Days and hours that would suit together; None (or no hours) means any."""

    days: frozenset[date] | None
    hours: tuple[Hours, ...] = ()

    def words(self) -> str:
        """The option as it is said back, for example `on Tuesday 24 November in the morning`."""
        return " ".join(filter(None, (_day_words(self.days), " or ".join(hours.words for hours in self.hours))))


@dataclass(frozen=True)
class Wish:
    """What a customer asked for: any of the options and none of what is excluded.

    `pick` chooses among what fits: the `first` ("as soon as possible") or the `last`.
    """

    options: tuple[Option, ...] = ()
    excluded: tuple[Option, ...] = ()
    pick: Literal["first", "last"] | None = None

    @property
    def days(self) -> frozenset[date] | None:
        """All days of the options; None when an option names none, so that any day will do."""
        if not self.options or any(option.days is None for option in self.options):
            return None
        return frozenset(day for option in self.options for day in option.days or ())

    def words(self) -> str:
        """The wish as it is said back; empty when it names no day and no hours."""
        return ", or ".join(filter(None, (option.words() for option in self.options)))


def wish(text: str, today: date, base: Window | None = None, every: bool = False) -> Wish | None:
    """The wish in `text`, or None when it names no time; with `every` a weekday means all that come.

    `base` is the window that a change starts from: "in the afternoon instead" is then on its day, and "the day
    after" counts from it.
    """
    text = _plain(text)
    excluded: list[Option] = []
    for pattern in (_NOT, _NO_GOOD):
        for match in pattern.finditer(text):
            excluded += _options(match["what"], today, base, every=True)
        text = pattern.sub(" , ", text) if excluded else text
    options = _options(text, today, base, every)
    if base and not (excluded or any(o.days for o in options)):
        options = [Option(frozenset([base.starts_at.date()]), option.hours) for option in options]
    if base and _SAME_TIME.search(text):
        same = visit_hours.of_window(base.starts_at, base.ends_at)
        options = [Option(option.days, option.hours or (same,)) for option in options]
    pick = _pick(text, bool(options or excluded))
    return Wish(tuple(options), tuple(excluded), pick) if options or excluded or pick else None


def _plain(text: str) -> str:
    text = text[:MAX_TEXT].replace("’", "'").replace("–", "-")
    text = " ".join(_CODES.sub(" ", text).split())
    return _MONTH_ONCE.sub(r"\1 \3 \2 ", text)


def _pick(text: str, more: bool) -> Literal["first", "last"] | None:
    if _SOONEST.search(text) or (not more and _ANY.search(text)):
        return "first"
    return "last" if _LATEST.search(text) else None


def _options(text: str, today: date, base: Window | None, every: bool = False) -> list[Option]:
    """The options in a text, in its order; with `every` a weekday means all that come."""
    near = base.starts_at.date() if base else None
    found = _ranges(text, visit_days.find(text, today, near), today)
    blank = text
    for start, end, _ in found:
        blank = blank[:start] + "\0" * (end - start) + blank[end:]
    tokens: list[tuple[int, int, Days | Hours]] = [*found, *visit_hours.find(blank)]
    if base and (way := _LATER_THAT_DAY.search(text)):
        said = way["way"] or way["after"]
        tokens.append((way.end(), way.end(), visit_hours.beside(base.starts_at, base.ends_at, said.lower())))
    made: list[_Draft] = []
    before = 0
    for start, end, token in sorted(tokens, key=lambda item: item[0]):
        joined = bool(_OR.search(text[before:start]))
        if not made or made[-1].full(token):
            made.append(_Draft())
        made[-1].add(token, joined)
        before = end
    return [draft.option(every) for draft in made]


class _Draft:
    """An option while it is read."""

    def __init__(self) -> None:
        self.days: list[tuple[Days, bool]] = []
        self.hours: tuple[Hours, ...] = ()
        self.hours_first = False

    def full(self, token: Days | Hours) -> bool:
        """Whether the token begins another option: days after "Tuesday morning", hours after "morning on Tuesday"."""
        if isinstance(token, Days):
            return bool(self.days and self.hours) and not self.hours_first and token.kind != "set"
        return bool(self.days and self.hours) and self.hours_first

    def add(self, token: Days | Hours, joined: bool) -> None:
        """Take a token; `joined` when "or" or "and" stands before it."""
        if isinstance(token, Days):
            self.days.append((token, joined))
            self.hours_first = self.hours_first or (len(self.days) == 1 and bool(self.hours))
        elif not self.hours or joined:
            self.hours += (token,)
        else:
            both = self.hours[-1].both(token)
            self.hours = (*self.hours[:-1], both or token)

    def option(self, all_weeks: bool = False) -> Option:
        """The days and hours together: weekdays within the weeks beside them, else the days themselves."""
        if not self.days:
            return Option(None, self.hours)
        every = [days for days, _ in self.days]
        weekdays = [days for days in every if days.kind == "weekday"]
        weeks = [days for days, joined in self.days if days.kind == "set" and not (joined and weekdays)]
        exact = [days.days for days in every if days.kind == "exact"]
        exact += [days.days for days, joined in self.days if days.kind == "set" and joined and weekdays]
        if weekdays and weeks:
            names = frozenset(day.weekday() for days in weekdays for day in days.days)
            return Option(frozenset().union(*exact, *(days.on(names) for days in weeks)), self.hours)
        alone = not exact or any(joined for _, joined in self.days)
        beside = [days.every() if all_weeks else days.days for days in weekdays if alone]
        return Option(frozenset().union(*exact, *beside, *(days.days for days in weeks)), self.hours)


def _day_words(days: frozenset[date] | None) -> str:
    if not days:
        return ""
    first, last = min(days), max(days)
    if len(days) <= 2:
        return "on " + " or ".join(short_date(day) for day in sorted(days))
    if len(days) > 31:
        return f"from {short_date(first)}"
    if 4 <= (last - first).days < 7 and first.weekday() < last.weekday():
        return f"in the week of {short_date(first - timedelta(days=first.weekday()))}"
    return f"between {short_date(first)} and {short_date(last)}"


def _ranges(text: str, found: list[tuple[int, int, Days]], today: date) -> list[tuple[int, int, Days]]:
    """Join "Monday to Wednesday" and widen "before Friday" and "after the 3rd"."""
    made: list[tuple[int, int, Days]] = []
    for start, end, days in found:
        lead = text[:start]
        if made and _BETWEEN_DAYS.search(text[made[-1][1] : start]) and _is_range(text, made[-1], start):
            first, last = min(made[-1][2].days), max(days.days)
            if first > last:
                last += timedelta(days=7)
            made[-1] = (made[-1][0], end, Days("set", span(first, last)))
        elif word := _BEFORE_DAY.search(lead):
            made.append((word.start(), end, Days("set", _widened(word["word"].lower(), days.days, today))))
        else:
            made.append((start, end, days))
    return made


def _is_range(text: str, before: tuple[int, int, Days], start: int) -> bool:
    joined_by_and = re.search(r"\band\b", text[before[1] : start], re.I)
    return not joined_by_and or bool(re.search(r"\bbetween\s+(?:the\s+)?$", text[: before[0]], re.I))


def _widened(word: str, days: frozenset[date], today: date) -> frozenset[date]:
    last = today + timedelta(days=visit_days.HORIZON)
    if word in ("from", "not before", "not until", "no earlier than"):
        return span(min(days), max(last, min(days)))
    if word in ("after", "any time after", "anytime after", "later than"):
        return span(max(days) + timedelta(days=1), max(last, max(days) + timedelta(days=1)))
    end = min(days) - timedelta(days=1) if word in ("before", "earlier than") else max(days)
    return span(min(today, end), end)
