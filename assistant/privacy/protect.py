"""Replaces personal data in Rasa's events by tokens of the vault, and back.

Events are the dictionaries that Rasa writes as JSON. What is replaced: whatever the patterns find, what the NLU took
for personal, slots that are personal by name, and every value that the conversation is known to hold, wherever it
occurs. One-time codes and other secrets that got this far are replaced by a marker, for good.
"""

from __future__ import annotations

import json
import os
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from assistant.privacy import patterns, redactor, slots
from assistant.privacy.cards import remove_cards
from assistant.privacy.known import KnownValues
from assistant.privacy.patterns import Span
from assistant.privacy.tokens import TOKEN, normalise
from assistant.privacy.vault import MAX_CONVERSATIONS, Known, Vault

Event = dict[str, Any]
REQUESTED = "requested_slot"
MOST_OF_AN_ANSWER = 120  # characters of an address
_CONTACTS = ("phone", "email")

# Keys of an event and of what the NLU made of a message whose values are Rasa's own words, never a person's.
_OWN_KEYS = frozenset(
    """event timestamp sender_id input_channel message_id intent intent_ranking response_selector text_tokens
    extractor entity model_id assistant_id policy confidence requested_slot""".split()  # noqa: SIM905
)
_NAMED_EVENTS = ("slot", "action", "form", "active_loop", "followup", "reminder", "cancel_reminder")


class Protected(dict[str, Any]):
    """An event that protect() has been through: nothing need look at it again."""


# Called for each text of an event: the text, the kind of a slot that is personal by name, and whether a customer's
# words are in it. Returns what to put in its place.
Visit = Callable[[str, str | None, bool], str]


class Protector:
    """Protects and reveals the events of conversations."""

    def __init__(self, vault: Vault) -> None:
        """Takes the vault that keeps the values."""
        self._vault = vault
        self._finders: OrderedDict[str, tuple[frozenset[tuple[str, str]], KnownValues]] = OrderedDict()

    def protect(self, conversation: str, events: Iterable[Event], asked: str | None = None) -> list[Protected]:
        """The events as they may be stored; `asked` is the slot that the customer was asked for before them."""
        cleaned = _without_secrets(list(_with_asked(events, asked)))
        known = self._vault.known(conversation)
        seeds = {seed for event in _with_asked(cleaned, asked) for seed in _seeds(*event, cleaned)}
        finder = self._finder(conversation, frozenset(seeds | set(known.tokens if known else ())))
        spans: dict[tuple[str, bool], list[Span]] = {}

        def look(text: str, personal: str | None, customers: bool) -> str:
            if personal is None and (text, customers) not in spans:
                spans[text, customers] = _spans(text, finder, customers)
            return text

        def replace(text: str, personal: str | None, customers: bool) -> str:
            if personal is not None and known is not None:
                return known.tokens[personal, text]
            return _tokenised(text, spans[text, customers], known)

        for event in cleaned:
            _visited(event, look)
        found = {(span.kind, text[span.start : span.end]) for (text, _), places in spans.items() for span in places}
        known = self._vault.put(conversation, sorted(seeds | found))
        return [Protected(_visited(event, replace)) for event in cleaned]

    def reveal(self, conversation: str, rows: list[str]) -> list[str]:
        """JSON texts with the conversation's tokens replaced by what they stand for."""
        if not any("[[" in row and TOKEN.search(row) for row in rows):
            return rows
        known = self._vault.known(conversation)
        if known is None:
            return rows
        values = known.values

        def value(found: re.Match[str]) -> str:
            clear = values.get(found.group())
            return found.group() if clear is None else json.dumps(clear)[1:-1]

        return [TOKEN.sub(value, row) if "[[" in row else row for row in rows]

    def _finder(self, conversation: str, values: frozenset[tuple[str, str]]) -> KnownValues:
        cached = self._finders.get(conversation)
        if cached is None or cached[0] != values:
            cached = (values, KnownValues(values))
        self._finders[conversation] = cached
        self._finders.move_to_end(conversation)
        if len(self._finders) > MAX_CONVERSATIONS:
            self._finders.popitem(last=False)
        return cached[1]


def _with_asked(events: Iterable[Event], asked: str | None) -> Iterator[tuple[Event, str | None]]:
    """Each event with the slot that was asked for when it came."""
    for event in events:
        yield event, asked
        asked = _asked_after(event, asked)


def _asked_after(event: Event, asked: str | None) -> str | None:
    if event.get("event") == "slot" and event.get("name") == REQUESTED:
        return event.get("value")
    return None if event.get("event") in ("restart", "reset_slots") else asked


def _without_secrets(events: list[tuple[Event, str | None]]) -> list[Event]:
    secrets: dict[str, str] = {}
    cleaned = []
    for event, asked in events:
        if event.get("event") == "user" and isinstance(event.get("text"), str):
            text, found = redactor.remove_all(event["text"], code_asked=asked in slots.SECRET)
            secrets.update(found)
            event = {**event, "text": text}
        elif event.get("event") == "slot" and event.get("name") in slots.SECRET:
            if isinstance(event.get("value"), str):
                secrets[event["value"]] = redactor.MARKERS[redactor.CODE]
            event = {**event, "value": None}
        elif _is_agents(event) and isinstance(event.get("text"), str):
            # Typed by a person. The assistant's own messages may hold other long numbers, such as a parcel's.
            event = {**event, "text": remove_cards(event["text"])}
        cleaned.append(event)
    if not secrets:
        return cleaned
    # The rest of the turn may repeat them: what the NLU found, a summary for an agent.
    longest_first = sorted(filter(None, secrets), key=len, reverse=True)
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)")

    def scrub(text: str, _personal: str | None, _customers: bool) -> str:
        return pattern.sub(lambda found: secrets[found.group()], text)

    return [_visited(event, scrub) for event in cleaned]


def _is_agents(event: Event) -> bool:
    metadata = event.get("metadata")
    return event.get("event") == "bot" and isinstance(metadata, dict) and metadata.get("author") == "agent"


def _seeds(event: Event, asked: str | None, events: list[Event]) -> Iterator[tuple[str, str]]:
    """The values, with their kinds, that an event says to be personal by itself."""
    personal: list[tuple[str, str]] = []

    def collect(text: str, kind: str | None, _customers: bool) -> str:
        if kind is not None:
            personal.append((kind, text))
        return text

    _visited(event, collect)
    yield from personal
    if event.get("event") == "user" and isinstance(event.get("text"), str):
        yield from _entities(event)
        yield from ((span.kind, event["text"][span.start : span.end]) for span in patterns.names(event["text"]))
        if slots.PERSONAL.get(asked or "") == "address":
            yield from _whole_answer(event["text"].strip(), asked, events)


def _entities(event: Event) -> Iterator[tuple[str, str]]:
    parsed = event.get("parse_data")
    for entity in (parsed.get("entities") or []) if isinstance(parsed, dict) else []:
        kind = slots.ENTITIES.get(entity.get("entity", "")) if isinstance(entity, dict) else None
        value = entity.get("value") if kind else None
        if kind and isinstance(value, str) and not TOKEN.search(value) and patterns.plausible(kind, value):
            yield kind, value


def _whole_answer(text: str, asked: str | None, events: list[Event]) -> Iterator[tuple[str, str]]:
    """An address that was understood but is written otherwise in the message: then all of the message is one."""
    taken = (e.get("value") for e in events if e.get("event") == "slot" and e.get("name") == asked)
    value = next((v for v in taken if isinstance(v, str)), None)
    if value is None or len(text) > MOST_OF_AN_ANSWER or TOKEN.search(text):
        return
    shared = set(re.findall(r"\w{3,}", value.casefold())) & set(re.findall(r"\w{3,}", text.casefold()))
    if shared and not any(KnownValues([("address", value)]).find(text)):
        yield "address", text


def _visited(event: Event, visit: Visit) -> Event:
    """The event with every text in it that may be somebody's replaced by what `visit` returns for it."""
    name, kind = event.get("name"), event.get("event")
    customers = kind == "user" or (kind == "slot" and name in slots.SEARCHED)
    changed: Event = {}
    for key, value in event.items():
        if key in _OWN_KEYS or (key == "name" and kind in _NAMED_EVENTS):
            changed[key] = value
        else:
            personal = slots.PERSONAL.get(str(name)) if kind == "slot" and key == "value" else None
            skipped = _OWN_KEYS if kind == "user" and key == "parse_data" else frozenset()
            changed[key] = _visited_value(value, personal, customers, visit, skipped)
    return changed


def _visited_value(value: Any, personal: str | None, customers: bool, visit: Visit, skipped: frozenset[str]) -> Any:
    if isinstance(value, str):
        return visit(value, _if_plausible(personal, value), customers)
    if isinstance(value, list | tuple):
        return [_visited_value(inner, personal, customers, visit, skipped) for inner in value]
    if not isinstance(value, dict):
        return value
    # A slot in a list of slots, as in the packet for an agent, or by its name, as in the tasks that wait.
    named = slots.PERSONAL.get(str(value.get("name")))
    changed = {}
    for key, inner in value.items():
        kind = named if key == "value" else slots.PERSONAL.get(str(key))
        kept = key in skipped
        changed[_visited_key(key, visit)] = inner if kept else _visited_value(inner, kind, customers, visit, skipped)
    return changed


def _visited_key(key: Any, visit: Visit) -> Any:
    return visit(key, None, False) if isinstance(key, str) and not key.isidentifier() else key


def _if_plausible(personal: str | None, value: str) -> str | None:
    if personal is None or TOKEN.search(value) or not patterns.plausible(personal, value):
        return None
    return personal


def _spans(text: str, finder: KnownValues, customers: bool) -> list[Span]:
    """Where personal data stands in a text, in order and without overlaps; what is a token already is left alone."""
    spans: list[Span] = []
    position = 0
    for token in [*TOKEN.finditer(text), None]:
        part = text[position : token.start() if token else len(text)]
        candidates = [*patterns.find(part), *(patterns.names(part) if customers else []), *finder.find(part)]
        chosen: list[Span] = []
        for span in sorted(candidates, key=lambda span: span.start - span.end):
            if not patterns.taken(span, chosen) and not _is_published(span.kind, part[span.start : span.end]):
                chosen.append(span)
        spans += [Span(span.start + position, span.end + position, span.kind) for span in sorted(chosen)]
        position = token.end() if token else 0
    return spans


def _tokenised(text: str, spans: list[Span], known: Known | None) -> str:
    parts, position = [], 0
    for span in spans:
        token = known.tokens[span.kind, text[span.start : span.end]] if known else ""
        parts += [_disarmed(text[position : span.start], known), token]
        position = span.end
    return "".join([*parts, _disarmed(text[position:], known)])


def _disarmed(text: str, known: Known | None) -> str:
    """The text with tokens that are not this conversation's made harmless: somebody typed them."""
    if "[[" not in text:
        return text
    own = known.values if known else {}
    return TOKEN.sub(lambda found: found.group() if found.group() in own else redactor.disarm(found.group()), text)


def _is_published(kind: str, value: str) -> bool:
    folder = os.environ.get("TANDEM_KNOWLEDGE") or "knowledge"
    return kind in _CONTACTS and (kind, normalise(kind, value)) in _published(Path(folder))


@lru_cache(maxsize=1)
def _published(folder: Path) -> frozenset[tuple[str, str]]:
    """The business's own telephone numbers and e-mail addresses: those in its knowledge base."""
    texts = (file.read_text(encoding="utf-8", errors="replace") for file in sorted(folder.rglob("*.md")))
    return frozenset(
        (span.kind, normalise(span.kind, line[span.start : span.end]))
        for text in texts
        for line in text.splitlines()
        for span in patterns.find(line)
        if span.kind in _CONTACTS
    )
