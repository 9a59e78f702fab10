"""Reads a handoff packet, version 2, for display. Every part is optional; a part of another shape is left out."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from desk.routing import instant

REASONS = {
    "customer_asked": "Customer asked for a person",
    "policy": "Needs a person by policy",
    "verification_failed": "Could not be verified",
    "missing_knowledge": "No answer in the knowledge base",
    "tool_failure": "A system was not available",
}


@dataclass(frozen=True)
class Identity:
    level: str = ""
    how: str = ""
    account: str = ""


@dataclass(frozen=True)
class Packet:
    reason: str = ""
    reason_turns: list[int] = field(default_factory=list)
    team: str = ""
    priority: int = 0
    identity: Identity = Identity()
    issue: str = ""
    sla_due: datetime | None = None
    open_question: str = ""
    next_steps: list[str] = field(default_factory=list)
    summary: list[dict[str, Any]] = field(default_factory=list)
    slots: list[dict[str, Any]] = field(default_factory=list)
    actions: list[dict[str, Any]] = field(default_factory=list)
    answers: list[dict[str, Any]] = field(default_factory=list)
    promises: list[dict[str, Any]] = field(default_factory=list)
    policy: list[dict[str, Any]] = field(default_factory=list)
    sentiment: str = ""
    urgency: str = ""
    told: str = ""


def packet(value: dict[str, Any] | None) -> Packet | None:
    if not value:
        return None
    if value.get("version") != 2:
        return Packet(reason=REASONS.get(value.get("reason", ""), ""), issue=value.get("issue", ""))
    return Packet(
        reason=REASONS.get(value["reason"], value["reason"].replace("_", " ").capitalize()),
        reason_turns=value["reason_turns"],
        team=value["queue"].capitalize(),
        priority=value["priority"],
        identity=Identity(**value["identity"]),
        issue=value["issue"],
        sla_due=instant(value["sla_due"]),
        open_question=value["open_question"],
        next_steps=value["next_steps"],
        summary=value["summary"],
        slots=value["slots"],
        actions=value["actions"],
        answers=value["answers"],
        promises=[{**p, "due": instant(p["due"])} for p in value["promises"]],
        policy=value["policy"],
        sentiment=value["sentiment"],
        urgency=value["urgency"],
        told=value["told"],
    )
