"""Reads one raw Rasa event: what it says to a person who reads the conversation. Pure functions, no database."""

import hashlib
import json
import math
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from desk.vault_tokens import clipped

RawEvent = dict[str, Any]
"""An event as the broker carries it: Rasa's `Event.as_dict()` and the key `sender_id`."""

OWNERS = ("bot", "queue", "agent")
_SIGNATURE = re.compile(r"#[0-9a-f]{32}$")
_RESETS = {"restart", "reset_slots"}
# Actions that say nothing about the conversation; slots that the assistant keeps for itself or that must not be seen.
_SILENT_ACTIONS = {"action_listen", "action_session_start", "action_restart", "action_extract_slots"}
_INTERNAL_SLOTS = {
    *("owner", "handoff", "offer", "tries", "confirmed", "change", "ended", "paused", "served", "requested_slot"),
    *("session_started_metadata", "code", "code_channel", "code_delivery", "contact_next", "undo_id", "feedback_asked"),
    *("order_search", "visit_hint", "visit_offer", "visit_fee", "triage"),
}


@dataclass(frozen=True)
class Said:
    """Somebody said something; `who` is customer, bot, agent or system (a notice such as "Alex has joined")."""

    who: str
    text: str
    intent: str | None = None
    confidence: float | None = None
    sources: list[dict[str, str]] = field(default_factory=list)
    buttons: list[dict[str, str]] = field(default_factory=list)
    agent_name: str | None = None
    client_id: str | None = None
    channel: str | None = None
    within: list["Happened"] = field(default_factory=list)
    wait_minutes: int | None = None


@dataclass(frozen=True)
class OwnerSet:
    """The slot that says who may speak was set; `user` is the desk user who did it, if one did."""

    owner: str
    user: str | None = None


@dataclass(frozen=True)
class HandoffSet:
    """The handoff packet was written."""

    packet: dict[str, Any]


@dataclass(frozen=True)
class Happened:
    """Something within a turn that nobody said. `kind` and `name` are one of: session and "", action and its name,
    slot and its name, entity and its type, answer and its outcome; `value` is the slot's or entity's, or what an
    answer used."""

    kind: str
    name: str
    value: Any = None


Fact = Said | OwnerSet | HandoffSet | Happened


def identity(event: RawEvent) -> str:
    """A SHA-256 that is the same whenever the same event is delivered again."""
    keys = ("sender_id", "event", "timestamp", "message_id", "name", "value", "text")
    canonical = json.dumps([event.get(key) for key in keys], sort_keys=True, default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()


def moment(event: RawEvent) -> datetime:
    """When the event happened; now, if it does not say."""
    stamp = event.get("timestamp")
    if isinstance(stamp, int | float) and math.isfinite(stamp) and 0 < stamp < 32_503_680_000:
        return datetime.fromtimestamp(stamp, UTC)
    return datetime.now(UTC)


def read(event: RawEvent) -> Fact | None:
    """What the event means to the desk; None if it means nothing here."""
    kind = event.get("event")
    if kind == "user":
        return _customer(event)
    if kind == "bot":
        return _bot(event)
    if kind == "slot":
        return _slot(event)
    if kind == "action":
        name = _text(event.get("name"))[:120]
        return Happened("action", name) if name and name not in _SILENT_ACTIONS else None
    if kind == "session_started":
        return Happened("session", "")
    return OwnerSet("bot") if kind in _RESETS else None


def readable(text: str, buttons: list[dict[str, str]]) -> str:
    """The title of the button that carries this payload, never the payload or its signature."""
    if not text.startswith("/"):
        return text
    payload = _SIGNATURE.sub("", text)
    for button in buttons:
        if _SIGNATURE.sub("", button.get("payload", "")) == payload:
            return button["title"]
    words = payload[1:].split("{")[0].replace("_", " ").strip()
    return words.capitalize() or text


def _customer(event: RawEvent) -> Said | None:
    text = _text(event.get("text")).strip()
    if not text or text in ("/session_start", "/restart") or _metadata(event).get("is_external"):
        return None
    parsed = event.get("parse_data")
    intent = parsed.get("intent") if isinstance(parsed, dict) else None
    intent = intent if isinstance(intent, dict) else {}
    confidence = intent.get("confidence")
    metadata = _metadata(event)
    title = _text(metadata.get("title")).strip()
    return Said(
        who="customer",
        text=title if title and text.startswith("/") else text,
        intent=_text(intent.get("name")) or None,
        confidence=float(confidence) if isinstance(confidence, int | float) else None,
        client_id=_text(metadata.get("client_id"))[:64] or None,
        channel=_text(event.get("input_channel"))[:64] or None,
        within=_entities(parsed.get("entities") if isinstance(parsed, dict) else None),
    )


def _entities(found: Any) -> list[Happened]:
    rows = found if isinstance(found, list) else []
    return [
        Happened("entity", _text(row.get("entity"))[:120], _plain(row.get("value")))
        for row in rows
        if isinstance(row, dict) and _text(row.get("entity")) and row.get("entity") != "code"
    ]


def _bot(event: RawEvent) -> Said | None:
    metadata = _metadata(event)
    data = event.get("data")
    data = data if isinstance(data, dict) else {}
    text = _text(event.get("text")).strip()
    if not text and data.get("attachment"):
        text = "[attachment]"
    if not text:
        return None
    who = "bot"
    if metadata.get("notice") or metadata.get("author") == "system":
        who = "system"
    elif metadata.get("author") == "agent":
        who = "agent"
    return Said(
        who=who,
        text=text,
        sources=_pairs(metadata.get("sources"), "title", "article"),
        buttons=_pairs(data.get("buttons") or data.get("quick_replies"), "title", "payload"),
        agent_name=_text(metadata.get("agent_name"))[:120] or None,
        within=_answer(metadata) if who == "bot" else [],
        wait_minutes=_minutes(metadata.get("wait_minutes")),
    )


def _answer(metadata: dict[str, Any]) -> list[Happened]:
    """What an answer says about itself: its outcome, the question as it was understood, and the passages it used."""
    outcome = _text(metadata.get("outcome"))[:120]
    if not outcome:
        return []
    records = metadata.get("evidence")
    passages = (
        [_text(row.get("passage")) for row in records if isinstance(row, dict)] if isinstance(records, list) else []
    )
    used = {
        "question": _text(metadata.get("question")),
        "rule": _text(metadata.get("policy_rule")),
        "passages": [passage for passage in dict.fromkeys(passages) if passage],
        "sources": _pairs(metadata.get("sources"), "title", "article"),
    }
    return [Happened("answer", outcome, used)]


def _slot(event: RawEvent) -> Fact | None:
    name, value = event.get("name"), event.get("value")
    if name == "owner":
        owner = "bot" if value is None else value
        return OwnerSet(owner, _text(_metadata(event).get("desk_user")) or None) if owner in OWNERS else None
    if name == "handoff" and isinstance(value, dict):
        return HandoffSet(value)
    shown = _plain(value)
    if isinstance(name, str) and name and name not in _INTERNAL_SLOTS and shown is not None:
        return Happened("slot", name[:120], shown)
    return None


def _plain(value: Any) -> str | None:
    """A value as text; None for nothing, and for the objects in which forms keep what they need."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return clipped(str(value), 1000) if isinstance(value, str | int | float) and value != "" else None


def _metadata(event: RawEvent) -> dict[str, Any]:
    """The event's metadata; what an action sent as `metadata=` lies one level deeper."""
    metadata = event.get("metadata")
    if not isinstance(metadata, dict):
        return {}
    inner = metadata.get("metadata")
    return {**metadata, **inner} if isinstance(inner, dict) else metadata


def _pairs(value: Any, first: str, second: str) -> list[dict[str, str]]:
    rows = value if isinstance(value, list) else []
    return [
        {first: _text(row.get(first)), second: _text(row.get(second))}
        for row in rows
        if isinstance(row, dict) and _text(row.get(first))
    ]


def _minutes(value: Any) -> int | None:
    """A wait that the customer was told."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10_000 else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
