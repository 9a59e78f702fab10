"""What the copilot reads in a conversation that the desk sends: the open request, the task, the values, the mood."""

from collections.abc import Sequence
from typing import Any

from actions.copilot.models import Talk, Turn
from actions.copilot.practice import Case
from actions.forms import FORMS, Form
from actions.knowledge.followup import TURNS, Exchange
from actions.policy.engine import engine, redact
from actions.policy.rules import EscalateRule
from actions.policy.texts import first_match, readable

LAST = 2  # messages that a customer may send one after the other about one thing


def open_messages(turns: Sequence[Turn]) -> list[str]:
    """What the customer wrote last and nobody has answered, oldest first; else the last message alone."""
    found: list[str] = []
    for turn in reversed(turns):
        if turn.who in ("bot", "agent") and found:
            break
        if turn.who == "customer" and turn.text.strip() and not turn.text.startswith("/"):
            found.append(turn.text.strip())
    return found[:LAST][::-1]


def exchanges(talk: Talk) -> list[Exchange]:
    """The customer's earlier messages, redacted, with the titles of the articles that answered them."""
    packet = talk.packet or {}
    answers = [answer for answer in packet.get("answers") or [] if isinstance(answer, dict)]
    titles = {
        str(answer.get("question")): tuple(str(s.get("title", "")) for s in answer.get("sources") or [])
        for answer in answers
    }
    written = [turn.text for turn in talk.turns if turn.who == "customer" and turn.text.strip()]
    earlier = [text for text in written if text.strip() not in open_messages(talk.turns)]
    return [Exchange(asked, titles.get(asked, ())) for asked in map(redact, earlier[-TURNS:])]


def case(talk: Talk) -> Case:
    """The task that is open and the handoff's reason. Without a packet that names the task it is the latest intent
    that starts one."""
    packet = talk.packet or {}
    known = {intent for form in FORMS.values() for intent in form.wants}
    spoken = (turn.intent for turn in reversed(talk.turns) if turn.who == "customer" and turn.intent in known)
    task = str(packet.get("task") or "") or next(spoken, "") or ""
    return Case(task, str(packet.get("reason") or ""))


def form_of(task: str) -> Form | None:
    """The form of the task that an intent starts."""
    return next((form for form in FORMS.values() if task and task in form.wants), None)


def values(talk: Talk) -> dict[str, str]:
    """The slots that the packet tells, by name; version 1 has an object, version 2 a list."""
    slots: Any = (talk.packet or {}).get("slots") or {}
    if isinstance(slots, dict):
        return {str(name): str(value) for name, value in slots.items() if value not in (None, "")}
    told = [slot for slot in slots if isinstance(slot, dict) and slot.get("value") not in (None, "")]
    return {str(slot.get("name")): str(slot["value"]) for slot in told}


def upset(talk: Talk) -> bool:
    """Whether the customer is unhappy or angry: the packet says so, or the policy's signal of anger in the open
    messages. Raises PolicyError."""
    if (talk.packet or {}).get("sentiment") in ("unhappy", "angry"):
        return True
    rules = [rule for rule in engine().rules(EscalateRule, "message") if rule.signal == "anger"]
    return any(first_match(rule.compiled, readable(text)) for rule in rules for text in open_messages(talk.turns))
