"""Rich replies as plain text, for channels without buttons, and what a customer's short answer to a list means."""

from __future__ import annotations

import logging
import re
import unicodedata
from typing import Any

from rasa.core.agent import Agent
from rasa.core.channels.channel import UserMessage
from rasa.shared.core.events import BotUttered, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from assistant.channels import signing

logger = logging.getLogger(__name__)

MAX_CHOICES = 9  # with a number each: one key of a telephone
MAX_SOURCES = 2
MAX_SOURCE_CHARACTERS = 60
MAX_CHOICE_CHARACTERS = 200  # a longer message is no choice

_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")
_LABEL = re.compile(
    r"(?:(?:option|number|choice|press|reply|the|i'd like|i'll (?:take|have))[\s.:#]+)*#?"
    rf"(?P<label>[1-9]|[a-i]|{'|'.join((*_WORDS, *_ORDINALS))})(?P<one>\s+(?:one|option|choice))?"
    r"(?:[\s,]+(?:please|thanks|thank you))*"
)
_SOURCE_LINE = re.compile(r"\n+Sources?: [^\n]*\Z")
_AROUND = " \t\n.,;:!?)(\"'“”[]"


def as_text(message: dict[str, Any]) -> str:
    """The message as Rasa hands it to an output channel, as lines of text: what is said, the choices, the sources."""
    # An action's metadata comes nested, an appended event's comes flat.
    metadata = message.get("metadata") or message
    sources = [str(source["title"]) for source in metadata.get("sources") or [] if source.get("title")]
    said = (message.get("text") or "").strip()
    if sources:
        said = _SOURCE_LINE.sub("", said)
    if said and message.get("author") == "agent" and message.get("agent_name"):
        said = f"{message['agent_name']}: {said}"
    media = [str(message[kind]) for kind in ("image", "attachment") if message.get(kind)]
    lines = [said, *media, *_choices(buttons_of(message)), _sources(sources)]
    if message.get("custom") or message.get("elements"):
        logger.warning("A part of a message cannot be shown as text: it has a custom payload or elements.")
    return "\n".join(line for line in lines if line)


def buttons_of(message: dict[str, Any]) -> list[dict[str, Any]]:
    """The buttons of a message or of an event's data."""
    return [b for b in message.get("buttons") or message.get("quick_replies") or [] if b.get("title")]


def picked(text: str, buttons: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The button that a reply such as "2", "option two" or a title means; None for anything else."""
    said = _key(text)
    labels = [label.casefold() for label in _labels(buttons)]
    for position, button in enumerate(buttons):
        title = _key(str(button["title"]))
        if said == title or (position < len(labels) and _both(said, labels[position], title)):
            return button
    match = _LABEL.fullmatch(said)
    label = _sign(match["label"], bool(labels) and labels[0] == "1") if match else None
    return buttons[labels.index(label)] if label in labels else None


def chosen(text: str, buttons: list[dict[str, Any]]) -> str | None:
    """The payload of the button that a reply picks; None for anything else."""
    button = picked(text, buttons)
    return payload_of(button) if button else None


def open_buttons(tracker: DialogueStateTracker) -> list[dict[str, Any]]:
    """The buttons that a number may answer: those of the bot's latest turn, unless something else was asked since."""
    for event in reversed(tracker.events):
        if isinstance(event, UserUttered):
            return []
        if not isinstance(event, BotUttered) or event.metadata.get("author") == "system":
            continue
        if event.metadata.get("author") == "agent":
            return []
        if buttons := buttons_of(event.data):
            return buttons
        if "?" in (event.text or ""):
            return []
    return []


async def typed_choice(agent: Agent | None, conversation: str, words: str) -> dict[str, Any] | None:
    """The open button that a reply picks; None for anything else."""
    if agent is None or not agent.is_ready() or len(words) > MAX_CHOICE_CHARACTERS:
        return None
    tracker = await agent.tracker_store.retrieve(conversation)
    return picked(words, open_buttons(tracker)) if tracker else None


def payload_of(button: dict[str, Any]) -> str:
    """What a button stands for: its payload, or else its title."""
    return str(button.get("payload") or button["title"])


def press(message: UserMessage, button: dict[str, Any]) -> None:
    """Gives the message the button's title as its text and the button's payload, signed for its conversation."""
    payload = payload_of(button)
    signed = signing.sign(payload, message.sender_id) if payload.startswith("/") else payload
    message.text = button["title"]
    message.metadata = {**(message.metadata or {}), "payload": signed}


def _choices(buttons: list[dict[str, Any]]) -> list[str]:
    titles, labels = [str(button["title"]) for button in buttons], _labels(buttons)
    listed = [f"{label} {title}" for label, title in zip(labels, titles, strict=False)]
    rest = titles[len(labels) :]
    if not rest:
        return listed
    words = rest[0] if len(rest) == 1 else f"{', '.join(rest[:-1])} or {rest[-1]}"
    return [*listed, f"You can {'also ' if listed else ''}reply: {words}"]


def _labels(buttons: list[dict[str, Any]]) -> list[str]:
    """What stands before each choice, for as many as have a label.

    Letters, where a title begins with a digit: there "3" may well mean "3 payments". None for a choice that stands
    alone, which a "1" in answer to another question must not hit, and where titles are numbers themselves.
    """
    titles = [str(button["title"]) for button in buttons]
    if len(titles) < 2 or any(title.isdigit() for title in titles):
        return []
    signs = "ABCDEFGHI" if any(title[:1].isdigit() for title in titles) else "123456789"
    return list(signs[: min(len(titles), MAX_CHOICES)])


def _both(said: str, label: str, title: str) -> bool:
    """Whether the whole line of the list was sent back: "1 Track an order", "1. track an order"."""
    return said.startswith(label) and said[len(label) :].lstrip(_AROUND + "-") == title


def _sign(word: str, numbered: bool) -> str:
    """The label that a word stands for; "two" is 2, and "the second one" is 2 or B."""
    if word in _ORDINALS:
        return (("123456789") if numbered else "abcdefghi")[_ORDINALS.index(word)]
    return str(_WORDS.index(word) + 1) if word in _WORDS else word


def _key(text: str) -> str:
    """The text as it is compared: in one Unicode form, without case, outer punctuation and the frame of keycaps."""
    plain = unicodedata.normalize("NFKC", text).replace("\ufe0f", "").replace("\u20e3", "").replace("’", "'")
    return " ".join(plain.casefold().split()).strip(_AROUND)


def _sources(titles: list[str]) -> str:
    if not titles:
        return ""
    shown = [t if len(t) <= MAX_SOURCE_CHARACTERS else t[: MAX_SOURCE_CHARACTERS - 1] + "…" for t in titles]
    more = f" and {len(titles) - MAX_SOURCES} more" if len(titles) > MAX_SOURCES else ""
    return f"{'Source' if len(titles) == 1 else 'Sources'}: {'; '.join(shown[:MAX_SOURCES])}{more}"


def parts(text: str, limit: int) -> list[str]:
    """The text in pieces of at most `limit` characters, cut at the end of a line, a sentence or a word."""
    pieces, rest = [], text.strip()
    while len(rest) > limit:
        cut = _cut(rest, limit)
        pieces.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [*pieces, rest] if rest else pieces


def _cut(text: str, limit: int) -> int:
    """Where to cut: in the second half if there is a good place, so that no piece is tiny."""
    window = text[: limit + 1]
    for ending in (r"\n", r"[.!?…][\"'”’)]?(?=\s)", r"\s"):
        ends = [match.end() for match in re.finditer(ending, window) if limit // 2 <= match.end() <= limit]
        if ends:
            return ends[-1]
    return limit
