"""Reads a handoff packet for display. Every part is optional, and a part of another shape is shown as text."""

from dataclasses import dataclass, field
from typing import Any

REASONS = {
    "customer_asked": "Customer asked for a person",
    "policy": "Needs a person by policy",
    "verification_failed": "Could not be verified",
    "missing_knowledge": "No answer in the knowledge base",
    "tool_failure": "A system was not available",
}
_SHOWN_ELSEWHERE = {"owner", "handoff", "offer", "tries", "requested_slot", "session_started_metadata"}


@dataclass(frozen=True)
class Packet:
    """A handoff packet, ready to be shown."""

    reason: str = ""
    team: str = ""
    summary: str = ""
    issue: str = ""
    collected: list[tuple[str, str]] = field(default_factory=list)
    actions: list[str] = field(default_factory=list)
    answers: list[tuple[str, str]] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)


def packet(value: dict[str, Any] | None) -> Packet | None:
    """The packet of a conversation; None if there is none."""
    if not value:
        return None
    reason = str(value.get("reason") or "")
    slots = value.get("slots")
    answers = _list(value.get("answers"))
    sources = [_line(source) for source in _list(value.get("sources"))]
    for answer in answers:
        if isinstance(answer, dict):
            sources += [_line(source) for source in _list(answer.get("sources"))]
    return Packet(
        reason=REASONS.get(reason, _words(reason)),
        team=_words(_line(value.get("queue"))),
        summary=_line(value.get("summary")),
        issue=_line(value.get("issue")),
        collected=[
            (_words(name), _line(slot))
            for name, slot in (slots.items() if isinstance(slots, dict) else ())
            if name not in _SHOWN_ELSEWHERE and slot not in (None, "", [])
        ],
        actions=[_action(action) for action in _list(value.get("actions"))],
        answers=[_answer(answer) for answer in answers],
        sources=list(dict.fromkeys(source for source in sources if source)),
    )


def _action(value: Any) -> str:
    """What was done and what came of it."""
    if not isinstance(value, dict) or not value.get("result"):
        return _line(value)
    return f"{_words(_line(value.get('action')).removeprefix('action_'))}: {_line(value['result'])}"


def _answer(value: Any) -> tuple[str, str]:
    """The customer's question, if the packet has it, and what they were told."""
    return (_line(value.get("question")) if isinstance(value, dict) else "", _line(value))


def _line(value: Any) -> str:
    """One readable line; of an object, the part that a person would read."""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, dict):
        for key in ("text", "answer", "title", "summary", "name", "action"):
            if value.get(key):
                return _line(value[key])
        return ", ".join(f"{_words(str(key))}: {_line(part)}" for key, part in value.items() if part)
    if isinstance(value, list):
        return ", ".join(_line(part) for part in value)
    return "" if value is None else str(value)


def _list(value: Any) -> list[Any]:
    if value is None or value == "":
        return []
    return value if isinstance(value, list) else [value]


def _words(name: str) -> str:
    return name.replace("_", " ").strip().capitalize()
