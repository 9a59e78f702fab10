"""Which team takes a conversation that is handed over: data/routing/queues.yml, which a designer edits."""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from rasa_sdk import Tracker

from .copilot.transcript import current_session
from .forms import FORMS

FILE = Path(__file__).resolve().parents[1] / "data/routing/queues.yml"
GENERAL = "general"

_Minutes = Annotated[int, Field(ge=1)]


class QueuesProblem(Exception):
    """The file cannot be used; the text says why."""


class Queue(BaseModel):
    """A team's queue; see the comments in the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    team: str
    offer: str = ""
    intents: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    sla_minutes: tuple[_Minutes, _Minutes, _Minutes, _Minutes] = (5, 15, 30, 120)


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
    subjects = [name for name in map(of_intent, _subjects(current_session(tracker.events))) if name != GENERAL]
    return subjects[-1] if subjects else GENERAL


def _subjects(events: list[dict[str, Any]]) -> Iterator[str | None]:
    """What the conversation was about: the tasks that began, and the intents that no form took for an answer."""
    asked: str | None = None
    in_form = False
    for event in events:
        kind = event.get("event")
        if kind == "user":
            asked = ((event.get("parse_data") or {}).get("intent") or {}).get("name")
            if not in_form:
                yield asked
        elif kind == "action_execution_rejected":
            yield asked
        elif kind == "active_loop":
            in_form = bool(event.get("name"))
            if form := FORMS.get(event.get("name") or ""):
                yield next(iter(form.wants), None)
