"""The conversation as turns: what the customer wrote, which actions ran, and what was said."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from actions.copilot.models import Turn as DeskTurn
from actions.policy.engine import redact

Event = dict[str, Any]

# Actions of Rasa that say nothing about the conversation.
_INTERNAL = frozenset({"action_listen", "action_session_start", "action_restart", "action_default_fallback"})

# The slot that asks for a one-time code, and what a code may look like in the answer.
CODE_SLOT, CODE_REMOVED = "code", "[code removed]"
_CODE = re.compile(r"(?<![\w£$€])\d(?:[\s.\-]?\d){3,7}(?![\w£$€%])")


@dataclass
class Step:
    """An action with what was said in it."""

    action: str
    said: list[str] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass
class Turn:
    """One message of the customer and what followed it; texts are redacted. A button's `text` is empty.

    `number` counts the customer's messages in the session, from 1.
    """

    text: str
    intent: str
    steps: list[Step] = field(default_factory=list)
    by_agent: list[str] = field(default_factory=list)
    number: int = 0


@dataclass(frozen=True)
class Said:
    """What the assistant or an agent told the customer in one message, with the number of the turn.

    `action` is the action that said it, "" for an agent. `at` is in UTC, None when nobody kept it.
    """

    text: str
    turn: int
    by_agent: bool = False
    action: str = ""
    at: datetime | None = None


def bot_metadata(event: Event) -> dict[str, Any]:
    """What an action said about its utterance: Rasa keeps it one level down, an agent's reply directly."""
    outer = event.get("metadata") or {}
    inner = outer.get("metadata")
    return inner if isinstance(inner, dict) else outer


def is_external(event: Event) -> bool:
    """Whether a `user` event stands for an intent that another service has triggered: no customer wrote it."""
    return event.get("event") == "user" and bool((event.get("metadata") or {}).get("is_external"))


def current_session(events: Iterable[Event]) -> list[Event]:
    """The events since the latest restart or start of a session, without messages that no customer wrote.

    One-time codes are taken out of the answers to the question for one: they are for the check of codes alone.
    """
    kept: list[Event] = []
    asked = None
    for event in events:
        if event.get("event") in ("restart", "session_started"):
            kept = []
        elif not is_external(event):
            answers = asked == CODE_SLOT and event.get("event") == "user"
            kept.append({**event, "text": without_code(str(event.get("text") or ""))} if answers else event)
        if event.get("event") == "slot" and event.get("name") == "requested_slot":
            asked = event.get("value")
    return kept


def without_code(text: str) -> str:
    """The answer to the question for a one-time code, without the code."""
    return _CODE.sub(CODE_REMOVED, text)


def turns(events: Iterable[Event], clean: Callable[[str], str] = redact) -> list[Turn]:
    """The turns of the current session, oldest first; `clean` takes the personal data out of each text."""
    found: list[Turn] = []
    action = ""
    for event in current_session(events):
        kind = event.get("event")
        if kind == "user":
            text = event.get("text") or ""
            intent = ((event.get("parse_data") or {}).get("intent") or {}).get("name") or ""
            words = "" if text.startswith("/") else clean(text).strip()
            found.append(Turn(words, intent, number=int(event.get("turn") or len(found) + 1)))
            action = ""
        elif kind == "action":
            action = str(event.get("name") or "")
            if found and action not in _INTERNAL:
                found[-1].steps.append(Step(action))
        elif kind == "bot" and found and event.get("text"):
            _add(found[-1], action, event, clean)
    return found


def _add(turn: Turn, action: str, event: Event, clean: Callable[[str], str]) -> None:
    text, metadata = clean(str(event["text"])).strip(), bot_metadata(event)
    if metadata.get("author") == "agent":
        turn.by_agent.append(text)
        return
    if not turn.steps or turn.steps[-1].action != action:
        turn.steps.append(Step(action))
    turn.steps[-1].said.append(text)
    turn.steps[-1].metadata |= metadata


def told(events: Iterable[Event], clean: Callable[[str], str] = redact) -> list[Said]:
    """What the customer was told in the current session, oldest first."""
    found: list[Said] = []
    turn, action = 0, ""
    for event in current_session(events):
        kind, at = event.get("event"), event.get("timestamp")
        if kind == "user":
            turn, action = int(event.get("turn") or turn + 1), ""
        elif kind == "action":
            action = str(event.get("name") or "")
        elif kind == "bot" and event.get("text"):
            by_agent = bot_metadata(event).get("author") == "agent"
            when = datetime.fromtimestamp(float(at), UTC) if at else None
            found.append(Said(clean(str(event["text"])).strip(), turn, by_agent, "" if by_agent else action, when))
    return found


def events_of(turns: Iterable[DeskTurn], packet: dict[str, Any] | None = None) -> list[Event]:
    """A conversation as the desk has it as events of a tracker, which carry its turn numbers.

    The packet adds which articles an answer came from, which the desk's turns don't tell.
    """
    answers: dict[int, dict[str, Any]] = {a["turn"]: a for a in (packet or {}).get("answers") or [] if "turn" in a}
    events: list[Event] = []
    for turn in turns:
        at = _timestamp(turn.at)
        if turn.who == "customer":
            data = {"intent": {"name": turn.intent or ""}}
            events.append({"event": "user", "text": turn.text, "timestamp": at, "parse_data": data, "turn": turn.n})
        elif turn.who == "agent":
            events.append({"event": "bot", "text": turn.text, "timestamp": at, "metadata": {"author": "agent"}})
        elif turn.who == "bot":
            about = answers.get(turn.n, {}) if turn.action == "action_answer" else {}
            metadata = {key: about[key] for key in ("outcome", "sources") if key in about}
            events.append({"event": "action", "name": turn.action or "", "timestamp": at})
            events.append({"event": "bot", "text": turn.text, "timestamp": at, "metadata": {"metadata": metadata}})
    return events


def _timestamp(at: str) -> float | None:
    """Seconds since the epoch; a time without a zone is UTC, and one that cannot be read is none."""
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def changed(found: list[Turn], change: Callable[[str], str]) -> list[Turn]:
    """The turns with each text changed."""
    return [
        replace(
            turn,
            text=change(turn.text),
            steps=[replace(step, said=[change(said) for said in step.said]) for step in turn.steps],
            by_agent=[change(said) for said in turn.by_agent],
        )
        for turn in found
    ]


def as_text(found: list[Turn], numbered: bool = False) -> str:
    """The turns as lines "Customer: ..." and "Assistant: ...", each customer's line with its number if wanted."""
    lines: list[str] = []
    for turn in found:
        number = f"[{turn.number}] " if numbered else ""
        lines.append(f"{number}Customer: {turn.text or turn.intent.replace('_', ' ')}")
        lines += [f"Assistant: {said}" for step in turn.steps for said in step.said]
        lines += [f"Agent: {said}" for said in turn.by_agent]
    return "\n".join(" ".join(line.split()) for line in lines)
