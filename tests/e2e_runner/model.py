"""What a file of conversations says, after it has been read and checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

BEHAVIOURS = (
    "happy path",
    "cancellation",
    "correction",
    "digression",
    "invalid input",
    "abuse",
    "outage",
    "refusal",
    "repetition",
    "handoff",
)
DEFAULT_CONVERSATION = "customer"
CODE = "{code}"
ANY = object()  # a slot's value that is not given: any but none


def marker_of(tag: str) -> str:
    """The pytest marker of a behaviour."""
    return tag.replace(" ", "_")


@dataclass(frozen=True)
class Fault:
    """Something that fails while a step runs: a `target` (action, backend or model), which one, and how."""

    target: str
    name: str
    kind: str

    def __str__(self) -> str:
        what = f"{self.target} {self.name}" if self.name else self.target
        return f"{what}: {self.kind}"


@dataclass(frozen=True)
class Assertion:
    """One check of a turn: its kind, what it expects (as normalised by `checks.py`) and its line in the file."""

    kind: str
    expected: Any
    line: int


@dataclass(frozen=True)
class Turn:
    """One message of a customer. `how` is user, press, press_earlier or raw; `content` a text or, for raw, a body."""

    how: str
    content: Any
    conversation: str
    line: int
    metadata: dict[str, Any] = field(default_factory=dict)
    source: str = ""  # press_earlier: the conversation whose button it is
    assertions: tuple[Assertion, ...] = ()


@dataclass(frozen=True)
class Step:
    """A step of a case: turns sent at the same moment (usually one), or a check, or the start of a new session."""

    line: int
    turns: tuple[Turn, ...] = ()
    check: Assertion | None = None
    restart: bool = False
    conversation: str | None = None  # of a check or a restart; None: whoever spoke last
    faults: tuple[Fault, ...] = ()
    together: tuple[Assertion, ...] = ()  # about all answers of parallel turns


@dataclass(frozen=True)
class Case:
    """One test case; `slots` are those of its fixtures."""

    name: str
    file: Path
    line: int
    steps: tuple[Step, ...]
    tags: tuple[str, ...] = ()
    slots: dict[str, Any] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
