"""The packet that goes with a handoff: everything that is known, so that the customer need not say it twice."""

from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.forms import REQUESTED_SLOT

from actions import clock, identity, queues
from actions.copilot import summary
from actions.copilot.transcript import Turn, current_session, turns
from actions.llm import chat_model
from actions.logs import get_logger
from actions.packet_reason import REASONS
from actions.policy.engine import redact
from actions.policy.rules import PolicyError
from actions.tasks import TASKS

log = get_logger(__name__)

VERSION = 1

_NOT_TOLD = frozenset(
    {"owner", "handoff", "offer", "tries", "ended", "paused", "served", "confirmed", "change", "code", "code_channel"}
    | {REQUESTED_SLOT, "session_started_metadata", "code_delivery", "contact_next", "undo_id"}
)


def build_packet(tracker: Tracker, reason: str, rule: str = "") -> dict[str, Any]:
    """The packet for the desk, version 1; personal data in texts is redacted.

    When the policy cannot be read nothing can be redacted: the packet then tells the reason alone, and the
    agent reads the conversation itself.
    """
    because = REASONS[reason].format(rule=rule)
    packet: dict[str, Any] = {
        "version": VERSION,
        "reason": reason,
        "queue": _queue(tracker, rule),
        "summary": because,
        "issue": because,
        "slots": {},
        "actions": [*_policy_action(rule), *_verification(tracker.sender_id)],
        "answers": [],
        "requested_at": clock.utc_now().isoformat(timespec="seconds"),
    }
    try:
        found = turns(tracker.events)
        packet["slots"] = _slots(tracker.slots) | _products(tracker.events)
        packet["summary"] = summary.summarise(tracker.events, because, chat_model())
        packet["issue"] = summary.issue(found) or because
        packet["actions"] += _actions(found)
        packet["answers"] = _answers(found)
    except PolicyError as error:
        log.error("policy_unavailable", extra={"reason": str(error)})
    return packet


def _queue(tracker: Tracker, rule: str) -> str:
    """The team's queue, or the general one when the file of queues cannot be used."""
    try:
        return queues.of_conversation(tracker, rule)
    except queues.QueuesProblem as error:
        log.error("queues_unavailable", extra={"reason": str(error)})
        return queues.GENERAL


def _slots(slots: dict[str, Any]) -> dict[str, str]:
    """What the customer has given so far; what a form keeps for itself is an object and no value of theirs."""
    known = {name: value for name, value in slots.items() if value is not None and name not in _NOT_TOLD}
    return {name: redact(str(value)) for name, value in known.items() if not isinstance(value, dict)}


def _products(events: list[dict[str, Any]]) -> dict[str, str]:
    """Northlight's products that the customer has named in this session."""
    messages = [e.get("parse_data") or {} for e in current_session(events) if e.get("event") == "user"]
    entities = [entity for message in messages for entity in message.get("entities") or []]
    named = [str(entity["value"]) for entity in entities if entity.get("entity") == "product"]
    unique: dict[str, str] = {}
    for name in named:
        unique.setdefault(name.casefold(), name)
    return {"products": ", ".join(unique.values())} if unique else {}


def _policy_action(rule: str) -> list[dict[str, str]]:
    return [{"action": "policy", "result": rule}] if rule else []


def _verification(conversation_id: str) -> list[dict[str, str]]:
    """How far the customer is verified now."""
    try:
        level = identity.current(conversation_id).level
    except Exception as error:  # a person must be reached also when the database is down
        log.warning("identity_unavailable", extra={"kind": type(error).__name__})
        return []
    return [{"action": "verification", "result": level.name.lower().replace("_", "-")}]


def _actions(found: list[Turn]) -> list[dict[str, str]]:
    """The tasks that ran, with what the customer was told."""
    return [
        {"action": step.action, "result": " ".join(" ".join(step.said).split())}
        for turn in found
        for step in turn.steps
        if step.action in TASKS and step.said
    ]


def _answers(found: list[Turn]) -> list[dict[str, Any]]:
    """The questions that were answered, or not, with text and sources."""
    return [
        {
            "question": turn.text,
            "text": " ".join(step.said),
            "outcome": step.metadata.get("outcome", "answered"),
            "sources": step.metadata.get("sources") or [],
        }
        for turn in found
        for step in turn.steps
        if step.action == "action_answer" and step.said
    ]
