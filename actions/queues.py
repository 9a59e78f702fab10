"""Which team takes a conversation that is handed over: data/routing/queues.yml, which a designer edits."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from rasa_sdk import Tracker

from .copilot.transcript import current_session

FILE = Path(__file__).resolve().parents[1] / "data/routing/queues.yml"
GENERAL = "general"


class QueuesProblem(Exception):
    """The file cannot be used; the text says why."""


class Queue(BaseModel):
    """A team's queue; see the comments in the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    team: str
    offer: str = ""
    intents: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    queues: dict[str, Queue] = Field(min_length=1)


def queues(path: Path = FILE) -> dict[str, Queue]:
    """All queues by name; the file is read again when it has changed. Raises `QueuesProblem`."""
    try:
        return _read(path, path.stat().st_mtime_ns)
    except OSError as error:
        raise QueuesProblem(
            f"{path.name} cannot be read ({error.strerror}): restore data/routing/{path.name}"
        ) from error


@lru_cache(maxsize=2)
def _read(path: Path, _changed: int) -> dict[str, Queue]:
    try:
        read = _File.model_validate(yaml.safe_load(path.read_text(encoding="utf-8"))).queues
    except (yaml.YAMLError, ValidationError) as error:
        raise QueuesProblem(f"{path.name}: {' '.join(str(error).split())}") from error
    if GENERAL not in read:
        raise QueuesProblem(f"{path.name} needs a queue named {GENERAL}: it takes what no other queue does")
    return read


def of_intent(intent: str | None) -> str:
    """The queue that an intent belongs to."""
    return next((name for name, queue in queues().items() if intent in queue.intents), GENERAL)


def of_conversation(tracker: Tracker, rule: str = "") -> str:
    """The queue of a handoff: by the policy rule, or by the latest message of this session that names a subject."""
    by_rule = next((name for name, queue in queues().items() if rule and rule in queue.rules), None)
    if by_rule:
        return by_rule
    told = (_intent(event) for event in reversed(current_session(tracker.events)) if event.get("event") == "user")
    return next((name for name in map(of_intent, told) if name != GENERAL), GENERAL)


def _intent(event: dict[str, Any]) -> str | None:
    return ((event.get("parse_data") or {}).get("intent") or {}).get("name")
