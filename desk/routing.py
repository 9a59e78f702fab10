"""Reads from a handoff packet where a conversation goes: queue, skills, priority, language and the promised time."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

GENERAL = "general"
URGENT, DEFAULT_PRIORITY, LOWEST = 1, 3, 4
SLA = {1: timedelta(minutes=2), 2: timedelta(minutes=5), 3: timedelta(minutes=10), 4: timedelta(minutes=30)}
"""Priority to the time within which a person answers, where the packet promises no other."""


@dataclass(frozen=True)
class Routing:
    """Where a conversation waits and how urgently."""

    queue: str = GENERAL
    skills: tuple[str, ...] = ()
    priority: int = DEFAULT_PRIORITY
    language: str | None = None
    sla_due: datetime | None = None


def routing(packet: dict[str, Any]) -> Routing:
    """What the packet says; anything that is missing or of another shape gets the default."""
    skills = packet.get("skills")
    priority = packet.get("priority")
    language = packet.get("language")
    queue = packet.get("queue")
    return Routing(
        queue=queue[:64] if isinstance(queue, str) and queue else GENERAL,
        skills=tuple(str(skill)[:64] for skill in skills) if isinstance(skills, list) else (),
        priority=priority if isinstance(priority, int) and URGENT <= priority <= LOWEST else DEFAULT_PRIORITY,
        language=language[:16] if isinstance(language, str) and language else None,
        sla_due=instant(packet.get("sla_due")),
    )


def promised(priority: int, since: datetime) -> datetime:
    """When a conversation of this priority is to be answered."""
    return since + SLA[min(max(priority, URGENT), LOWEST)]


def raised(priority: int) -> int:
    """One step more urgent."""
    return max(URGENT, priority - 1)


def is_same(packet: dict[str, Any], other: dict[str, Any] | None) -> bool:
    """Whether it is the packet that is known already: a new session sets the slots of the last one again."""
    if other is None:
        return False
    for key in ("id", "requested_at"):
        if packet.get(key) or other.get(key):
            return bool(packet.get(key) == other.get(key))
    return packet == other


def instant(value: Any) -> datetime | None:
    """An ISO time as an aware UTC datetime; None if it is none. A time without a zone is taken to be UTC."""
    if not isinstance(value, str):
        return None
    try:
        parsed = datetime.fromisoformat(value)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
