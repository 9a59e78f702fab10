"""The packet that goes with a handoff: everything that is known, so that the customer need not say it twice.

Version 2; its fields are those of handoff.schema.json. Texts are redacted as in a log, except the values of the
slots and the summary, which an agent needs in clear. Each packet is checked against the schema. A part that fails
is left out and logged, and a packet that is wrong is replaced by one that tells the reason alone: a person must be
reached whatever has broken.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import uuid4

from rasa_sdk import Tracker

from actions import backends, clock, identity, queues
from actions.backends import calendar
from actions.copilot import summary
from actions.copilot.transcript import Event, Turn, current_session, turns
from actions.forms import FORMS
from actions.logs import conversation_ref, get_logger
from actions.packet_next import next_steps
from actions.packet_reason import BECAUSE, failed, reason_turns
from actions.packet_schema import problems
from actions.packet_signs import promises, sentiment, urgency
from actions.packet_values import collected, without_secrets
from actions.policy import records
from actions.policy.engine import engine
from actions.policy.handoff import Choice, Facts, Reason, choose
from actions.tasks import TASKS

log = get_logger(__name__)

T = TypeVar("T")

VERSION = 2
PRIORITY = {"urgent": 1, "high": 2, "normal": 3}
SLA_MINUTES = 30  # when the files that say it cannot be read

_HOW = {
    identity.Level.NONE: "nothing shown in this session",
    identity.Level.KNOWN: "order number and delivery postcode",
    identity.Level.VERIFIED: "account number and postcode",
    identity.Level.STEP_UP: "account number and postcode, then a one-time code",
}


@dataclass
class _Seen:
    """The session as the parts of the packet read it."""

    tracker: Tracker
    reason: Reason
    rule: str
    events: list[Event]
    found: list[Turn] = field(default_factory=list)
    caller: identity.Identity | None = None

    @property
    def texts(self) -> list[str]:
        return [str(event.get("text") or "") for event in self.events if event.get("event") == "user"]


def build_packet(tracker: Tracker, reason: Reason, rule: str = "") -> dict[str, Any]:
    """The packet for the desk, valid by handoff.schema.json. `told` is empty until the customer has been told."""
    packet = _packet(tracker, reason, rule)
    if wrong := problems(packet):
        log.error("packet_invalid", extra={"problems": "; ".join(wrong[:5])})
        packet = _minimal(tracker, reason, rule)
    return packet


def _packet(tracker: Tracker, reason: Reason, rule: str) -> dict[str, Any]:
    packet = _minimal(tracker, reason, rule)
    seen = _Seen(tracker, reason, rule, current_session(tracker.events))
    # In this order: the turns first, without which no text can be redacted, and the reason before what it decides.
    seen.found = _part("turns", lambda: turns(tracker.events), [])
    seen.caller = _part("identity", lambda: identity.current(tracker.sender_id), None)
    packet["identity"] = _identity(seen.caller)
    packet["task"] = _part("task", lambda: _task(seen), "")
    packet["sentiment"] = _part("sentiment", lambda: sentiment(seen.texts, seen.found, reason), "calm")
    packet["urgency"] = _part("urgency", lambda: urgency(seen.texts, reason), "normal")
    choice = _part("rules", lambda: _choice(seen, packet), Choice(reason))
    if choice.reason != reason:
        seen.reason = packet["reason"] = choice.reason
        packet["sentiment"] = _part("sentiment", lambda: sentiment(seen.texts, seen.found, choice.reason), "calm")
        packet["urgency"] = _part("urgency", lambda: urgency(seen.texts, choice.reason), "normal")
    packet |= _part("routing", lambda: _routing(choice, packet), {})
    last = [len(seen.found)] if seen.found else []
    packet["reason_turns"] = _part(
        "reason_turns", lambda: reason_turns(seen.found, seen.events, seen.reason, rule), last
    )
    packet["slots"] = _part("slots", lambda: collected(seen.events, tracker.slots, seen.caller), [])
    packet["actions"] = _part("actions", lambda: _actions(seen.found), [])
    packet["answers"] = _part("answers", lambda: _answers(seen.found), [])
    packet["promises"] = _part("promises", lambda: promises(seen.found), [])
    packet["policy"] = _part("policy", lambda: _policy(seen), [])
    packet["open_question"] = _part("open_question", lambda: _open_question(seen.found), "")
    packet["next_steps"] = _part("next_steps", lambda: _steps(seen, packet), [])
    packet["issue"] = _part("issue", lambda: summary.issue(seen.found), "") or packet["issue"]
    because = BECAUSE[seen.reason].format(rule=rule)
    packet["summary"] = _part("summary", lambda: _summary(seen, because, packet["reason_turns"]), packet["summary"])
    return packet


def _part(name: str, build: Callable[[], T], otherwise: T) -> T:
    try:
        return build()
    except Exception as error:  # a person must be reached also when a file, the database or the policy is broken
        log.error("packet_part_unavailable", extra={"part": name, "kind": type(error).__name__})
        return otherwise


def _minimal(tracker: Tracker, reason: Reason, rule: str) -> dict[str, Any]:
    """What can always be said: the reason, where the transcript is, and that somebody answers soon."""
    because = BECAUSE[reason].format(rule=rule)
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
        "identity": _identity(None),
        "issue": because,
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
        "summary": [{"text": because, "turns": [count] if count else []}],
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


def _identity(caller: identity.Identity | None) -> dict[str, str]:
    if caller is None:
        return {"level": "none", "how": "could not be read", "account": ""}
    account = caller.account_number or ""
    return {
        "level": caller.level.name.lower().replace("_", "-"),
        "how": _HOW[caller.level],
        "account": f"{account[:2]}••••{account[-2:]}" if account else "",
    }


def _task(seen: _Seen) -> str:
    """The intent of the task that is open now, or that waits."""
    form = FORMS.get(seen.tracker.active_loop_name or "")
    if form is None:  # the form that was left for this offer or handoff, unless its task has run
        for event in reversed(seen.events):
            if event.get("event") == "action" and event.get("name") in TASKS:
                break
            if event.get("event") == "active_loop" and event.get("name") in FORMS:
                form = FORMS[str(event["name"])]
                break
    return next(iter(form.wants), "") if form else ""


def _choice(seen: _Seen, packet: dict[str, Any]) -> Choice:
    """What the rules for handoffs in policy.yml say."""
    rules = engine().policy.handoff
    wants_bill = any(rule.when.spends for rule in rules)
    facts = Facts(
        reason=seen.reason,
        rule=seen.rule,
        intent=packet["task"],
        queue=packet["queue"],
        level=packet["identity"]["level"],
        sentiment=packet["sentiment"],
        urgency=packet["urgency"],
        spends=_part("bill", lambda: _spends(seen.caller), 0.0) if wants_bill else 0.0,
    )
    return choose(rules, facts)


def _spends(caller: identity.Identity | None) -> float:
    """The pounds of a verified customer's latest bill; 0 for anybody else."""
    if caller is None or caller.level < identity.Level.VERIFIED:
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


def _actions(found: list[Turn]) -> list[dict[str, Any]]:
    """The tasks that ran, and whatever failed, with what the customer was told."""
    return [
        {
            "action": step.action,
            "title": _title(step.action),
            "result": " ".join(" ".join(step.said).split()),
            "turn": number,
            "ok": not failed(step),
        }
        for number, turn in enumerate(found, 1)
        for step in turn.steps
        if step.said and (step.action in TASKS or failed(step))
    ]


def _title(action: str) -> str:
    if action in TASKS:
        return TASKS[action].result
    form = FORMS.get(action.removeprefix("validate_"))
    words = form.title.removeprefix("your ") if form else action.removeprefix("action_").replace("_", " ")
    return words[:1].upper() + words[1:]


def _answers(found: list[Turn]) -> list[dict[str, Any]]:
    """The questions that were answered, or not, with text and sources."""
    return [
        {
            "question": turn.text,
            "text": " ".join(step.said),
            "outcome": str(step.metadata.get("outcome") or "answered"),
            "sources": [
                {"title": str(source.get("title") or ""), "article": str(source.get("article") or "")}
                for source in step.metadata.get("sources") or []
            ],
            "turn": number,
        }
        for number, turn in enumerate(found, 1)
        for step in turn.steps
        if step.action == "action_answer" and step.said
    ]


def _policy(seen: _Seen) -> list[dict[str, Any]]:
    """The rules that this session's texts have met, except the redactions, each once in a turn."""
    starts = [float(e.get("timestamp") or 0) for e in seen.events if e.get("event") == "user"]
    hits: dict[tuple[str, str, str, int], None] = {}
    if seen.rule:
        hits[seen.rule, "message", "escalate", len(starts)] = None
    records.flush()
    for row in records.read(conversation=conversation_ref(seen.tracker.sender_id)):
        at = datetime.fromisoformat(row["at"]).timestamp()
        turn = sum(start <= at for start in starts)
        if turn and row["rule"] != "none" and row["outcome"] != "redact":
            hits[row["rule"], row["stage"], row["outcome"], turn] = None
    ordered = sorted(hits, key=lambda hit: hit[3])
    return [{"rule": r, "stage": stage, "outcome": outcome, "turn": turn} for r, stage, outcome, turn in ordered]


def _open_question(found: list[Turn]) -> str:
    """The latest question that nothing has answered."""
    for turn in reversed(found):
        outcomes = [step.metadata.get("outcome") for step in turn.steps if step.action == "action_answer"]
        if outcomes and turn.text:
            return turn.text if outcomes[-1] == "unknown" else ""
    return ""


def _steps(seen: _Seen, packet: dict[str, Any]) -> list[str]:
    level, question = packet["identity"]["level"], packet["open_question"]
    return next_steps(seen.reason, seen.rule, packet["task"], level, question, packet["slots"], packet)


def _summary(seen: _Seen, because: str, reason_turns: list[int]) -> list[dict[str, Any]]:
    """Sentences, each with the turns that support it."""
    supported: dict[str, list[int]] = {}
    for number, turn in enumerate(turns(seen.tracker.events, without_secrets), 1):
        for sentence in (*summary._wanted([turn]), *summary._checked([turn]), *summary._answered([turn])):
            supported.setdefault(sentence, []).append(number)
    supported[because] = reason_turns
    return [{"text": text, "turns": numbers} for text, numbers in supported.items()]
