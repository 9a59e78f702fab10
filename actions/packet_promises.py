"""What the assistant has promised the customer in this session, and until when. No model is asked."""

import re
from datetime import datetime, timedelta
from typing import Any

from dateutil.parser import ParserError
from dateutil.parser import parse as parse_date

from actions import clock
from actions.backends import calendar
from actions.copilot.transcript import Turn
from actions.knowledge.words import sentences
from actions.tasks import TASKS

# Whose promises count: tasks, and the handoff itself. What an article says in general is none.
_PROMISING = frozenset({"action_handoff"})
_PROMISE = re.compile(
    r"\b(?:you(?:'ll|’ll| will) (?:hear|get|receive|have)"
    r"|(?:will|'ll|’ll) (?:reply|call|ring|write|contact|get back|look)"
    r"|(?:is|are|'s|’s) (?:now )?(?:booked|arranged|moved)|(?:comes?|arrives?|delivered|refunded"
    r"|with you|visit you|calls? you|paid back)\b.{0,60}\b(?:by|on|between|within|before|in))\b",
    re.I,
)
_DAY = re.compile(
    r"\b(?:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day )?(\d{1,2}) "
    r"(January|February|March|April|May|June|July|August|September|October|November|December)(?: (\d{4}))?"
)
_TIME = re.compile(r"\b(\d{1,2})(?:[.:](\d\d))?(am|pm)\b|\b12 noon\b", re.I)


def promises(found: list[Turn]) -> list[dict[str, Any]]:
    """What the customer was promised, with the turn and, where a day was named, until when (ISO, UTC)."""
    told = [
        (sentence, number)
        for number, turn in enumerate(found, 1)
        for step in turn.steps
        if step.action in TASKS or step.action in _PROMISING
        for said in step.said
        for sentence in sentences(said)
    ]
    made = {sentence: number for sentence, number in told if _PROMISE.search(sentence) and "?" not in sentence}
    return [{"text": " ".join(text.split()), "turn": number, "due": _due(text)} for text, number in made.items()]


def _due(text: str) -> str:
    """The last moment that a sentence names, or ""; a day without a time ends when customer care closes."""
    days = _DAY.findall(text)
    if not days:
        return ""
    day, month, year = days[-1]
    today = clock.today()
    try:
        named = parse_date(f"{day} {month} {year or today.year}").date()
    except ParserError:
        return ""
    if not year and named < today - timedelta(days=60):  # said without a year, of the next one
        named = named.replace(year=named.year + 1)
    times = list(_TIME.finditer(text))
    moment = calendar.end_of_day(named)
    if times:
        hour, minute, half = times[-1].groups()
        hours = 12 if hour is None else int(hour) % 12 + (12 if half.lower() == "pm" else 0)
        moment = datetime(named.year, named.month, named.day, hours, int(minute or 0))
    return calendar.to_utc(moment).isoformat(timespec="seconds")
