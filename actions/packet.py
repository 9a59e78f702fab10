"""The packet that goes with a handoff: everything that is known, so that the customer need not say it twice.

Version 2; its fields are those of handoff.schema.json. Texts are redacted as in a log, except the values of the
slots and the summary, which an agent needs in clear. Each packet is checked against the schema. A part that fails
is left out and logged, and a packet that is wrong is replaced by one that tells the reason alone: a person must be
reached whatever has broken.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from rasa_sdk import Tracker

from actions import assurance, backends, clock, queues
from actions import packet_parts as parts
from actions.assurance import Identity, Level
from actions.backends import calendar
from actions.copilot import summary
from actions.copilot.sentiment import of_turns
from actions.copilot.transcript import current_session, turns
from actions.llm import chat_model
from actions.logs import get_logger
from actions.packet_earlier import earlier
from actions.packet_next import next_steps
from actions.packet_promises import promises
from actions.packet_reason import because, reason_turns
from actions.packet_schema import problems
from actions.packet_values import collected
from actions.policy.engine import engine
from actions.policy.handoff import Choice, Facts, Reason, choose

log = get_logger(__name__)

VERSION = 2
PRIORITY = {"urgent": 1, "high": 2, "normal": 3}
SLA_MINUTES = 30  # when the files that say it cannot be read


def build_packet(tracker: Tracker, reason: Reason, rule: str = "") -> dict[str, Any]:
    """The packet for the desk, valid by handoff.schema.json. `told` is empty until the customer has been told."""
    packet = _part("packet", lambda: _packet(tracker, reason, rule), None) or _minimal(tracker, reason, rule)
    if wrong := problems(packet):
        log.error("packet_invalid", extra={"problems": "; ".join(wrong[:5])})
        packet = _minimal(tracker, reason, rule)
    return packet


def _packet(tracker: Tracker, reason: Reason, rule: str) -> dict[str, Any]:
    packet = _minimal(tracker, reason, rule)
    events = current_session(tracker.events)
    texts = [str(event.get("text") or "") for event in events if event.get("event") == "user"]
    found = _part("turns", lambda: turns(tracker.events), [])
    caller = _part("identity", lambda: assurance.current(tracker.sender_id), None)
    packet["identity"] = parts.identity_of(caller)
    packet["task"] = parts.task(tracker, events)

    signs = _part("sentiment", lambda: of_turns(texts), ("calm", "normal"))
    packet["sentiment"], packet["urgency"] = signs

    choice = _part("rules", lambda: _choice(packet, caller), Choice(reason))
    packet["reason"] = reason = choice.reason
    packet |= _part("routing", lambda: _routing(choice, packet), {})
    why, shown = because(reason, rule), packet["reason_turns"]
    packet["reason_turns"] = shown = _part("reason_turns", lambda: reason_turns(found, events, reason, rule), shown)

    packet["slots"] = _part("slots", lambda: collected(events, tracker.slots, caller), [])
    packet["actions"] = _part("actions", lambda: parts.actions(found), [])
    packet["answers"] = _part("answers", lambda: parts.answers(found), [])
    packet["promises"] = _part("promises", lambda: promises(found), [])
    packet["policy"] = _part("policy", lambda: parts.policy(tracker.sender_id, events, rule), [])
    packet["open_question"] = parts.open_question(found)
    packet["issue"] = summary.issue(found) or why
    packet["summary"] = _part(
        "summary",
        lambda: summary.sentences(tracker.events, why, chat_model(), shown),
        [{"text": why, "turns": shown}],
    )
    packet["summary"] = [*packet["summary"], *_part("earlier", lambda: earlier(tracker), [])]
    packet["next_steps"] = _part("next_steps", lambda: next_steps(packet), packet["next_steps"])
    return packet


def _part(name: str, build: Callable[[], Any], otherwise: Any) -> Any:
    try:
        return build()
    except Exception as error:  # a person must be reached also when a file, the database or the policy is broken
        log.error("packet_part_unavailable", extra={"part": name, "kind": type(error).__name__})
        return otherwise


def _minimal(tracker: Tracker, reason: Reason, rule: str) -> dict[str, Any]:
    """What can always be said: the reason, where the transcript is, and that somebody answers soon."""
    why = because(reason, rule)
    events = current_session(tracker.events)
    asked = clock.utc_now()
    count = sum(event.get("event") == "user" for event in events)
    languages = [
        entity.get("value")
        for event in events
        if event.get("event") == "user"
        for entity in (event.get("parse_data") or {}).get("entities") or []
        if entity.get("entity") == "language"
    ]
    return {
        "version": VERSION,
        "id": uuid4().hex,
        "reason": reason,
        "reason_turns": [count] if count else [],
        "rule": rule,
        "identity": parts.identity_of(None),
        "issue": why,
        "slots": [],
        "actions": [],
        "answers": [],
        "promises": [],
        "policy": [],
        "sentiment": "calm",
        "urgency": "normal",
        "open_question": "",
        "next_steps": ["Read the conversation: the packet could not be completed."],
        "task": "",
        "summary": [{"text": why, "turns": [count] if count else []}],
        "channel": next((str(e["input_channel"]) for e in reversed(events) if e.get("input_channel")), "unknown"),
        "language": str(languages[-1]) if languages else "en",
        "queue": _queue(tracker, rule),
        "skills": [_queue(tracker, rule)],
        "priority": PRIORITY["normal"],
        "sla_due": _moment(asked + timedelta(minutes=SLA_MINUTES)),
        "told": "",
        "transcript": {"conversation": tracker.sender_id, "events": len(tracker.events), "turns": count},
        "requested_at": _moment(asked),
    }


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _queue(tracker: Tracker, rule: str) -> str:
    """The team's queue by data/routing/queues.yml, or the general one when that file cannot be used."""
    try:
        return queues.of_conversation(tracker, rule)
    except queues.QueuesProblem as error:
        log.error("queues_unavailable", extra={"reason": str(error)})
        return queues.GENERAL


def _choice(packet: dict[str, Any], caller: Identity | None) -> Choice:
    """What the rules for handoffs in policy.yml say."""
    rules = engine().policy.handoff
    facts = Facts(
        reason=packet["reason"],
        rule=packet["rule"],
        intent=packet["task"],
        queue=packet["queue"],
        level=packet["identity"]["level"],
        sentiment=packet["sentiment"],
        urgency=packet["urgency"],
        spends=_part("bill", lambda: _spends(caller), 0.0) if any(rule.when.spends for rule in rules) else 0.0,
    )
    return choose(rules, facts)


def _spends(caller: Identity | None) -> float:
    """The pounds of a verified customer's latest bill; 0 for anybody else."""
    if caller is None or caller.level < Level.VERIFIED:
        return 0.0
    invoices = backends.billing().invoices(caller)
    return invoices[0].pence / 100 if invoices else 0.0


def _routing(choice: Choice, packet: dict[str, Any]) -> dict[str, Any]:
    """Queue, skills, priority, and by when a person should answer: in opening time, from now."""
    known = queues.queues()
    queue = choice.queue or packet["queue"]
    if queue not in known:
        log.error("queue_unknown", extra={"queue": queue})
        queue = packet["queue"]
    priority = choice.priority or PRIORITY[packet["urgency"]]
    minutes = choice.sla_minutes or known[queue].sla_minutes[priority - 1]
    due = calendar.to_utc(calendar.add_opening_time(clock.local_now(), timedelta(minutes=minutes)))
    skills = list(dict.fromkeys([queue, *choice.skills]))
    return {"queue": queue, "skills": skills, "priority": priority, "sla_due": _moment(due)}
