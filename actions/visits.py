"""Technicians' windows: how they are written, which of them fit a wish, and why one cannot be had."""

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time

from .backends import Window, calendar
from .parsing import MAX_TEXT
from .speech import clock_time, long_date, short_date
from .visit_hours import Hours
from .visit_wishes import Option, Wish, wish

__all__ = ["Wish", "wish"]

_REFERENCE = re.compile(r"\bNV[\s\-.:#]*((?:\d[\s\-]?){5}\d)(?!\d)", re.IGNORECASE)
_BARE_REFERENCE = re.compile(r"(?<![\w-])(\d{6})(?!\w)")
_OTHER = re.compile(
    r"\b(?:(?:other|another|different|more|alternative)\b.*\b(?:times?|days?|dates?|slots?|options?|one)|"
    r"(?:other|different|more) ?(?:please)?$|none (?:of|work|suit)|(?:anything|something|what) else|"
    r"neither|(?:can't|cannot) (?:do|make) (?:any|either|those|these|them|it|that))",
    re.IGNORECASE,
)
_EARLIER = r"(?:earlier|sooner)|bring\b.*\bforward|previous (?:ones?|times?|page)"
_LATER = r"later|(?:push|put|move)\b.*\bback|postpone|delay"
_STEP = re.compile(rf"\b(?:(?P<earlier>{_EARLIER})|(?P<later>{_LATER}))\b", re.IGNORECASE)
_THE_ONE = re.compile(r"\bthe (?:earlier|later|sooner)(?: (?:one|slot|time|visit|window|appointment)\b|[\s.!]*$)", re.I)
_OF_THESE = re.compile(r"\bthe (?P<which>earliest|soonest|latest)(?: one)?[\s.!]*(?:please)?[\s.!]*$", re.IGNORECASE)
# What has happened is no wish: "it stopped on Monday", "nobody came last Tuesday".
_BACK = re.compile(
    r"\b(?:since|last|yesterday|ago|was|were|went|gone|stopped|started|been|broke|failed|came|happened|has|keeps?|drops?|dropping|"
    r"cuts?|cutting|slow|every)\b",
    re.IGNORECASE,
)
_CLAUSE = re.compile(
    r"[,;.!?]\s|\b(?:so|but)\b|\b(?:and )?(?=(?:can|could|please|i need|i'd like|i want|send|book|would)\b)", re.I
)


_TO = re.compile(r"(?<![ap]m )(?<!noon )(?<!\d )\b(?:to|until|till|for|onto)\b", re.IGNORECASE)
_MY_DAY = re.compile(
    r"\b(?:my|the|our) (?:\w+ )?\w+day(?:'s)? (?:\w+ )?(?:visit|appointment|booking|engineer|technician|slot)|\w+day's|"
    r"\b(?:visit|appointment|booking|engineer|technician|one) (?:on|for|from|tomorrow|today)\b",
    re.IGNORECASE,
)


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


def reference(text: str, bare: bool = False) -> str | None:
    """A visit's reference such as NV000123; with `bare` six digits alone count too."""
    text = text[:MAX_TEXT]
    match = _REFERENCE.search(text) or (_BARE_REFERENCE.search(text) if bare else None)
    return "NV" + re.sub(r"\D", "", match[1]) if match else None


def ahead(text: str) -> str:
    """The clauses of `text` that do not look back: "it stopped on Monday, can you come on Friday" keeps Friday."""
    clauses = [clause for clause in _CLAUSE.split(text[:MAX_TEXT].replace("’", "'")) if clause]
    return ", ".join(clause.strip() for clause in clauses if not _BACK.search(clause))


def from_and_to(text: str, today: date) -> tuple[str, str]:
    """What a wish to move a visit says of the visit and of the new time: "my Tuesday visit", "Friday morning"."""
    text = text[:MAX_TEXT].replace("’", "'")
    for match in reversed(list(_TO.finditer(text))):
        if says_when(text[match.end() :], today):
            return text[: match.start()], text[match.end() :]
    return (text, "") if _MY_DAY.search(text) else ("", text)


def says_when(text: str, today: date) -> bool:
    """Whether `text` names days or hours, or says that any will do."""
    some = datetime.combine(today, time(8))
    return wish(text, today, Window("", some, some.replace(hour=12))) is not None


def wants_others(text: str) -> bool:
    """Whether other times than the ones on offer are wanted."""
    return bool(_OTHER.search(text[:MAX_TEXT].replace("’", "'").strip()))


def step(text: str) -> int:
    """-1 when earlier times are wanted, 1 for later ones, 0 for neither."""
    match = _STEP.search(text[:MAX_TEXT])
    return 0 if match is None else -1 if match["earlier"] else 1


def the_one(text: str) -> int:
    """-1 for "the earlier one", 1 for "the later one", 0 when neither is meant."""
    if match := _OF_THESE.search(text[:MAX_TEXT]):
        return 1 if match["which"].lower() == "latest" else -1
    return step(text) if _THE_ONE.search(text[:MAX_TEXT]) else 0


def matching(wanted: Wish, windows: Iterable[Window]) -> list[Window]:
    """The windows that fit, the soonest first; `pick` leaves one.

    Hours choose the windows that lie wholly in them; when the day has none, those that share some of them.
    """
    shapes = _shapes()
    fitting = [
        window
        for window in sorted(windows, key=lambda w: w.starts_at)
        if (not wanted.options or any(_fits(option, window, shapes) for option in wanted.options))
        and not any(_fits(option, window, shapes) for option in wanted.excluded)
    ]
    return fitting[:1] if wanted.pick == "first" else fitting[-1:] if wanted.pick == "last" else fitting


def not_quite(wanted: Wish, window: Window) -> str:
    """The hours that were asked for when the window goes beyond them, for example `after 3pm`; else empty."""
    begin, end, day = window.starts_at.time(), window.ends_at.time(), window.starts_at.date()
    asked = [h for o in wanted.options if o.days is None or day in o.days for h in o.hours if h.overlaps(begin, end)]
    return "" if not asked or any(hours.holds(begin, end) for hours in asked) else asked[0].words


def nearest(wanted: Wish, windows: Iterable[Window], count: int) -> list[Window]:
    """The `count` windows that come closest to the wish, the soonest first."""
    shapes = _shapes()
    hours_only = Wish(tuple(Option(None, option.hours) for option in wanted.options))

    def distance(window: Window) -> tuple[int, bool, datetime]:
        days = wanted.days
        gaps = [(window.starts_at.date() - day).days for day in days or ()]
        gap = min((abs(n) * 2 - (n > 0) for n in gaps), default=0)  # of two that are as near, the later one
        fits = any(_fits(option, window, shapes) for option in hours_only.options)
        return gap, not fits, window.starts_at

    left = [w for w in windows if not any(_fits(option, w, shapes) for option in wanted.excluded)]
    return sorted(sorted(left, key=distance)[:count], key=lambda w: w.starts_at)


def why_not(wanted: Wish, today: date) -> str:
    """A sentence that says why nothing fits."""
    shapes = _shapes()
    if any(option.hours and not _allowed(option.hours, shapes) for option in wanted.options) and shapes:
        first, last = min(begin for begin, _ in shapes), max(end for _, end in shapes)
        return f"Sorry, technicians come between {_clock(first)} and {_clock(last)}."
    if wanted.days is not None and (text := _no_such_day(wanted.days, today)):
        return text
    return f"Sorry, there's no visit free {wanted.words()}".rstrip() + "."


def by_ids(ids: Sequence[str], windows: Iterable[Window]) -> list[Window | None]:
    """The window of each id; None for one that is not free any more."""
    known = {window.id: window for window in windows}
    return [known.get(window_id) for window_id in ids]


Shape = tuple[time, time]


def _shapes() -> frozenset[Shape]:
    """When the windows of a day begin and end, by the rules."""
    return frozenset((w.starts_at.time(), w.ends_at.time()) for w in calendar.windows())


def _allowed(hours: Iterable[Hours], shapes: frozenset[Shape]) -> frozenset[Shape]:
    chosen: set[Shape] = set()
    for part in hours:
        chosen |= {s for s in shapes if part.holds(*s)} or {s for s in shapes if part.overlaps(*s)}
    return frozenset(chosen)


def _fits(option: Option, window: Window, shapes: frozenset[Shape]) -> bool:
    if option.days is not None and window.starts_at.date() not in option.days:
        return False
    return not option.hours or (window.starts_at.time(), window.ends_at.time()) in _allowed(option.hours, shapes)


def _no_such_day(days: frozenset[date], today: date) -> str:
    """Why no technician comes on any of the days; empty when it is only that all places are taken."""
    every = calendar.windows()
    working = [day for day in days if calendar.is_working_day(day)]
    if max(days) < today:
        return f"Sorry, {short_date(max(days))} has already gone."
    if not working:
        feasts = [(day, calendar.holiday(day)) for day in sorted(days) if day.weekday() < 5 and calendar.holiday(day)]
        if not feasts:
            return "Sorry, technicians don't come at weekends."
        day, name = feasts[0]
        named = "we're closed that day" if name == "closed" else f"that's a bank holiday ({name})"
        return f"Sorry, no technician comes on {short_date(day)}: {named}."
    if every and max(working) < every[0].starts_at.date():
        return f"Sorry, that's too soon: the first day for a visit is {short_date(every[0].starts_at)}."
    if every and min(working) > every[-1].starts_at.date():
        return f"Sorry, that's too far ahead: visits can be booked up to {short_date(every[-1].starts_at)}."
    return ""


def _clock(moment: time) -> str:
    return clock_time(datetime.combine(date.min, moment))
