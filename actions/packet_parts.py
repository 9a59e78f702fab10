"""What happened in the session, as parts of the handoff packet: who the customer is, tasks, answers, policy hits."""

from datetime import datetime
from typing import Any

from rasa_sdk import Tracker

from actions import assurance
from actions.copilot.transcript import Event, Turn
from actions.forms import FORMS
from actions.logs import conversation_ref
from actions.packet_reason import failed
from actions.policy import records
from actions.tasks import TASKS

_HOW = {
    assurance.Level.NONE: "nothing shown in this session",
    assurance.Level.KNOWN: "order number and delivery postcode",
    assurance.Level.VERIFIED: "account number and postcode",
    assurance.Level.STEP_UP: "account number and postcode, then a one-time code",
}


def identity_of(caller: assurance.Identity | None) -> dict[str, str]:
    """The packet's `identity`; None when it could not be read."""
    if caller is None:
        return {"level": "none", "how": "could not be read", "account": ""}
    account = caller.account_number or ""
    return {
        "level": caller.level.name.lower().replace("_", "-"),
        "how": _HOW[caller.level],
        "account": f"{account[:2]}••••{account[-2:]}" if account else "",
    }


def task(tracker: Tracker, events: list[Event]) -> str:
    """The intent of the task that is open now, or that waits."""
    form = FORMS.get(tracker.active_loop_name or "")
    if form is None:  # the form that was left for this offer or handoff, unless its task has run
        for event in reversed(events):
            if event.get("event") == "action" and event.get("name") in TASKS:
                break
            if event.get("event") == "active_loop" and event.get("name") in FORMS:
                form = FORMS[str(event["name"])]
                break
    return next(iter(form.wants), "") if form else ""


def actions(found: list[Turn]) -> list[dict[str, Any]]:
    """The packet's `actions`: the tasks that ran, and whatever failed, with what the customer was told."""
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


def answers(found: list[Turn]) -> list[dict[str, Any]]:
    """The packet's `answers`: the questions that were answered, or not, with text and sources."""
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


def policy(conversation: str, events: list[Event], rule: str) -> list[dict[str, Any]]:
    """The rules that this session's texts have met, each once in a turn, with `rule`, which led here; no redactions.

    Raises MissingSetting, SQLAlchemyError.
    """
    starts = [float(e.get("timestamp") or 0) for e in events if e.get("event") == "user"]
    hits: dict[tuple[str, str, str, int], None] = {}
    if rule:
        hits[rule, "message", "escalate", len(starts)] = None
    records.flush()
    for row in records.read(conversation=conversation_ref(conversation)):
        at = datetime.fromisoformat(row["at"]).timestamp()
        turn = sum(start <= at for start in starts)
        if turn and row["rule"] != "none" and row["outcome"] != "redact":
            hits[row["rule"], row["stage"], row["outcome"], turn] = None
    ordered = sorted(hits, key=lambda hit: hit[3])
    return [{"rule": r, "stage": stage, "outcome": outcome, "turn": turn} for r, stage, outcome, turn in ordered]


def open_question(found: list[Turn]) -> str:
    """The latest question that nothing has answered."""
    for turn in reversed(found):
        outcomes = [step.metadata.get("outcome") for step in turn.steps if step.action == "action_answer"]
        if outcomes and turn.text:
            return turn.text if outcomes[-1] == "unknown" else ""
    return ""
