"""Who takes a handoff, and how soon: the section `handoff` of policy.yml.

Each rule names when it holds, and what it says: the queue, the skills an agent needs, the priority, the minutes in
which a person answers, or the reason that the agent reads. Of the rules that hold, the first that says something wins.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Reason = Literal[
    "customer_asked",
    "missing_knowledge",
    "unsupported_task",
    "policy",
    "tool_failure",
    "low_confidence",
    "sentiment",
    "verification_failed",
    "value_customer",
    "vulnerable_customer",
]
REASONS: tuple[Reason, ...] = get_args(Reason)
Level = Literal["none", "known", "verified", "step-up"]
Sentiment = Literal["calm", "unhappy", "angry"]
Urgency = Literal["normal", "high", "urgent"]


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_as_list)]


class When(BaseModel):
    """What must hold, all of it; a field takes one value or a list of which one must hold.

    `intent` is the task that is open, `queue` the one that data/routing/queues.yml names, and `spends` the pounds of
    a verified customer's latest bill, at least.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: Annotated[tuple[Reason, ...], BeforeValidator(_as_list)] = ()
    rule: Names = ()
    intent: Names = ()
    queue: Names = ()
    level: Annotated[tuple[Level, ...], BeforeValidator(_as_list)] = ()
    sentiment: Annotated[tuple[Sentiment, ...], BeforeValidator(_as_list)] = ()
    urgency: Annotated[tuple[Urgency, ...], BeforeValidator(_as_list)] = ()
    spends: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _something(self) -> "When":
        if not self.model_fields_set:
            raise ValueError(f"write at least one of {', '.join(When.model_fields)}")
        return self


class HandoffRule(BaseModel):
    """One line of the section: when it holds, and what it says."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    id: str = Field(pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+)*$")
    when: When
    reason: Reason | None = None
    queue: str = ""
    skills: Names = ()
    priority: int | None = Field(default=None, ge=1, le=4)
    sla_minutes: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _says_something(self) -> "HandoffRule":
        if not (self.reason or self.queue or self.skills or self.priority or self.sla_minutes):
            raise ValueError("says nothing: write reason, queue, skills, priority or sla_minutes")
        return self


@dataclass(frozen=True)
class Facts:
    """What is known about a handoff; `spends` is in pounds."""

    reason: Reason
    rule: str = ""
    intent: str = ""
    queue: str = ""
    level: str = "none"
    sentiment: str = "calm"
    urgency: str = "normal"
    spends: float = 0.0


@dataclass(frozen=True)
class Choice:
    """What the rules say; None or empty where no rule says anything. `rules` are the ids of those that hold."""

    reason: Reason
    queue: str = ""
    skills: tuple[str, ...] = ()
    priority: int | None = None
    sla_minutes: int | None = None
    rules: tuple[str, ...] = ()


def choose(rules: Sequence[HandoffRule], facts: Facts) -> Choice:
    """What the rules say about a handoff. The reason is settled first: other rules may ask for it."""
    holding = [rule for rule in rules if _holds(rule.when, facts)]
    reason = next((rule.reason for rule in holding if rule.reason), facts.reason)
    holding = [rule for rule in rules if _holds(rule.when, replace(facts, reason=reason)) or rule in holding]
    return Choice(
        reason=reason,
        queue=next((rule.queue for rule in holding if rule.queue), ""),
        skills=next((rule.skills for rule in holding if rule.skills), ()),
        priority=next((rule.priority for rule in holding if rule.priority), None),
        sla_minutes=next((rule.sla_minutes for rule in holding if rule.sla_minutes), None),
        rules=tuple(rule.id for rule in holding),
    )


def _holds(when: When, facts: Facts) -> bool:
    asked = {name: getattr(when, name) for name in When.model_fields if name != "spends"}
    return facts.spends >= when.spends and all(
        not allowed or getattr(facts, name) in allowed for name, allowed in asked.items()
    )
