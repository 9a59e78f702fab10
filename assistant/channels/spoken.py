"""Replies as they are said on the telephone: no links or Markdown, and amounts, dates and references in words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Any

from assistant.channels import plain
from assistant.channels.numbers import clock, ordinal, pounds, spelled

MAX_CHARACTERS = 450  # said at once, about half a minute
MORE = "There's more. To hear it, press star or say: more."
PERSON_KEY = "0"
PERSON_PAYLOAD = "/request_human"

_MONTHS = (
    "January|February|March|April|May|June|July|August|September|October|November|December|"
    "Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept|Sep|Oct|Nov|Dec"
)
_FULL_MONTHS = _MONTHS.split("|")[:12]
_DAYS = "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday"
_BULLET = re.compile(r"(?m)^\s*(?:[-*•]|\d{1,2}[.)])\s+")
_SOURCES = re.compile(r"\n+Sources?: [^\n]*\Z")
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[^a-z\s])|\n+")

Say = Callable[[re.Match[str]], str]


def _date(match: re.Match[str]) -> str:
    day, month = int(match["day"]), match["month"]
    full = next(name for name in _FULL_MONTHS if name.startswith(month[:3]))
    weekday = f"{match['weekday']} " if match["weekday"] else ""
    return f"{weekday}the {ordinal(day)} of {full}{match['year'] or ''}"


def _iso_date(match: re.Match[str]) -> str:
    month, day = int(match[2]), int(match[3])
    return f"the {ordinal(day)} of {_FULL_MONTHS[month - 1]} {match[1]}"


def _time(match: re.Match[str]) -> str:
    return clock(int(match["hour"]), int(match["minute"] or 0), match["half"].lower())


def _masked(match: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", match["end"] or "")
    return f"the number ending in {spelled(digits)}" if digits else "the number that we have"


# In this order: what is recognised first is not looked at again, because it is words by then.
_FORMS: list[tuple[re.Pattern[str], Say]] = [
    (re.compile(r"!?\[([^\]]*)\]\([^)\s]*\)"), lambda m: m[1]),
    (re.compile(r"(?:https?://|www\.)\S*[^\s.,;:!?)\]\"'”]", re.I), lambda m: "our website"),
    (re.compile(r"\b([\w.+-]+)@([\w-]+(?:\.[\w-]+)+)\b"), lambda m: f"{m[1]}@{m[2]}".replace(".", " dot ")),
    (re.compile(r"[+\d][\d ]*[•*]{2,}(?:[ •*]*(?P<end>\d{2,4}))?(?![\d•*])"), _masked),
    (re.compile(r"\S*•\S*"), lambda m: "the address that we have"),
    (re.compile(r"[−-]£\s?([\d,]*\d(?:\.\d{1,2})?)"), lambda m: f"minus {pounds(m[1])}"),
    (re.compile(r"£\s?([\d,]*\d(?:\.\d{1,2})?)"), lambda m: pounds(m[1])),
    (re.compile(r"\b(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])\b"), _iso_date),
    (
        re.compile(
            rf"\b(?:(?P<weekday>{_DAYS}),? )?(?P<day>[1-9]|[12]\d|3[01])(?:st|nd|rd|th)? "
            rf"(?P<month>{_MONTHS})\b(?P<year> \d{{4}})?"
        ),
        _date,
    ),
    (re.compile(r"(?<=\d|m)\s?–\s?(?=\d)"), lambda m: " to "),
    (re.compile(r"\b(?P<hour>1[0-2]|[1-9])(?:[.:](?P<minute>[0-5]\d))?\s?(?P<half>am|pm)\b", re.I), _time),
    (re.compile(r"\b12 noon\b"), lambda m: "twelve noon"),
    (re.compile(r"\b([01]?\d|2[0-3]):([0-5]\d)\b"), lambda m: clock(int(m[1]), int(m[2]))),
    (re.compile(r"(?<=[ap]\.m\.)\."), lambda m: ""),
    # A postcode, a reference such as NO482136, a telephone number, and the number that is rung in an emergency.
    (re.compile(r"\b[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}\b"), lambda m: spelled(m[0])),
    (re.compile(r"\b[A-Z]{1,4}-?\d{4,}\b"), lambda m: spelled(m[0])),
    (re.compile(r"(?<![\d,.])\+?\d{2,6}(?: \d{3,6})+(?![\d,])|(?<![\d,.])\+?\d{5,}(?![\d,])"), lambda m: spelled(m[0])),
    (re.compile(r"\b(call|ring|dial|phone|text) (\d{3})\b", re.I), lambda m: f"{m[1]} {spelled(m[2])}"),
    (re.compile(r"(?<=\d)\s?%"), lambda m: " percent"),
    (re.compile(r"\s?&\s?"), lambda m: " and "),
    (re.compile(r"\be\.g\.", re.I), lambda m: "for example"),
    (re.compile(r"\bi\.e\.", re.I), lambda m: "that is"),
    (re.compile(r"[*_#`|~<>]+|[“”\"]"), lambda m: " "),
    (re.compile(r"…"), lambda m: "."),
]
# What is only true of a written conversation.
_WRITTEN: list[tuple[re.Pattern[str], str]] = [
    (re.compile(r",? and (?:they )?will reply (?:here|in this conversation)"), ""),
    (re.compile(r"(?:They can read this chat and|They'll|They will|[A-Z][^.!?]*) will reply here\."), ""),
    (re.compile(r"They(?:'ll| will) reply (?:here|in this conversation)\."), ""),
    (re.compile(r"\b(?:[Jj]ust )?type your question\b"), "ask your question"),
    (re.compile(r"\bwhat you(?:'ve| have) written\b"), "what you've said"),
    (re.compile(r"\bsend it again\b"), "say it again"),
    (re.compile(r"\byour message may not have got through\b"), "I may not have heard all of it"),
]


def sentences(messages: list[dict[str, Any]]) -> list[str]:
    """What is said of a turn's messages, sentence by sentence; pictures, files and sources are not said."""
    said = []
    for message in messages:
        metadata = message.get("metadata") or message
        text = str(message.get("text") or "")
        said += speech(_SOURCES.sub("", text) if metadata.get("sources") else text)
    return said


def speech(text: str) -> list[str]:
    """The sentences of a text as they are said."""
    text = _BULLET.sub("", text.replace("’", "'"))
    for pattern, replacement in _WRITTEN:
        text = pattern.sub(replacement, text)
    for pattern, say in _FORMS:
        text = pattern.sub(say, text)
    text = "".join(char for char in text if char == "\n" or unicodedata.category(char) not in ("Cc", "Cs", "Cf", "So"))
    lines = (" ".join(sentence.split()) for sentence in _SENTENCE.split(text))
    return [line if line[-1] in ".!?:," else f"{line}." for line in lines if re.search(r"\w", line)]


def shortened(said: list[str], limit: int = MAX_CHARACTERS) -> tuple[list[str], int]:
    """As many of the sentences as can be said at once, at least one, and how many are left."""
    length = 0
    for count, sentence in enumerate(said):
        length += len(sentence) + 1
        if count and length > limit:
            return said[:count], len(said) - count
    return said, 0


def choices(buttons: list[dict[str, Any]]) -> list[str]:
    """The choices with their keys: "For track an order, press 1.", and that they may be said."""
    keys = [
        f"For {_title(button)}, press {key_of(position, button)}."
        for position, button in enumerate(buttons[: plain.MAX_CHOICES])
    ]
    rest = [_title(button) for button in buttons[plain.MAX_CHOICES :]]
    more = [f"You can also say: {', or '.join(rest)}."] if rest else []
    return [*keys, *more, "Or just say it."] if keys else []


def key_of(position: int, button: dict[str, Any]) -> str:
    """The key for a choice: its place in the list, or the one that always gets a person."""
    return PERSON_KEY if button.get("payload") == PERSON_PAYLOAD else str(position + 1)


def _title(button: dict[str, Any]) -> str:
    said = " ".join(speech(str(button["title"]))).rstrip(".!?")
    # A name or a spelled reference keeps its capital; "Talk to a person" in the middle of a sentence does not.
    is_word = re.match(rf"[A-Z][a-z]+\b(?!.*\b(?:{_DAYS})\b)", said)
    return said[0].lower() + said[1:] if is_word and not re.match(rf"(?:{_DAYS}|{_MONTHS})\b", said) else said


def reference(packet_id: str) -> str:
    """The first signs of a packet's id, as an agent hears them: enough to find it at the desk."""
    return spelled(packet_id[:6])
