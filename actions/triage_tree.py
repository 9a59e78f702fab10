"""The decision tree of guided trouble-shooting: data/triage/tree.yml, which a designer edits.

`python -m actions.triage_tree` checks the file and prints it as an outline.
"""

import re
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from .backends.values import Priority

FILE = Path(__file__).resolve().parents[1] / "data/triage/tree.yml"


class TreeProblem(Exception):
    """The file cannot be used; the text says what is wrong and where."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TicketEnd(_Part):
    """The fault is reported."""

    subject: str
    priority: Priority


class Answer(_Part):
    """One answer to a step's question, and where it leads."""

    title: str
    words: tuple[str, ...] = ()
    tried: str = ""
    go: str | None = None
    solved: str | None = None
    ticket: TicketEnd | None = None
    visit: str | None = None

    @model_validator(mode="after")
    def _leads_somewhere(self) -> Self:
        if sum(end is not None for end in (self.go, self.solved, self.ticket, self.visit)) != 1:
            raise ValueError(f"the answer {self.title!r} needs exactly one of go, solved, ticket and visit")
        for words in self.words:
            re.compile(words)
        return self

    def said(self, text: str) -> bool:
        """Whether `text` says this answer in other words."""
        return any(re.search(rf"\b(?:{words})\b", text, re.IGNORECASE) for words in self.words)


class Step(_Part):
    """One question."""

    ask: str
    answers: tuple[Answer, ...] = Field(min_length=2)

    def answer(self, text: str, yes_no: bool | None) -> Answer | None:
        """The answer that `text` gives: its title, a plain yes or no, or the one whose words it holds."""
        titled = {answer.title.casefold(): answer for answer in self.answers}
        if found := titled.get(text.strip().casefold()):
            return found
        if yes_no is not None and (plain := titled.get("yes" if yes_no else "no")):
            return plain
        fitting = [answer for answer in self.answers if answer.said(text)]
        return fitting[0] if len(fitting) == 1 else None


class Topic(_Part):
    """Words of a first message that lead straight to a step."""

    go: str
    words: tuple[str, ...]


class Tree(_Part):
    """All steps; every one can be reached and every way ends."""

    start: str
    topics: tuple[Topic, ...] = ()
    steps: dict[str, Step]

    @model_validator(mode="after")
    def _sound(self) -> Self:
        seen: set[str] = set()
        for first in (self.start, *(topic.go for topic in self.topics)):
            self._walk(first, (), seen)
        if lost := sorted(set(self.steps) - seen):
            raise ValueError(f"nothing leads to the step {', '.join(lost)}")
        return self

    def _walk(self, name: str, way: tuple[str, ...], seen: set[str]) -> None:
        if name not in self.steps:
            raise ValueError(f"there is no step {name}" + (f", to which {way[-1]} leads" if way else ""))
        if name in way:
            raise ValueError(f"the steps {' → '.join((*way, name))} go round in a circle")
        seen.add(name)
        for answer in self.steps[name].answers:
            if answer.go is not None:
                self._walk(answer.go, (*way, name), seen)

    def first(self, text: str) -> str:
        """The step that a first message leads to."""
        for topic in self.topics:
            if any(re.search(words, text, re.IGNORECASE) for words in topic.words):
                return topic.go
        return self.start

    def outline(self, name: str, depth: int = 0) -> Iterator[str]:
        """The tree below a step, a line each."""
        yield f"{'  ' * depth}{name}: {self.steps[name].ask}"
        for answer in self.steps[name].answers:
            end = answer.solved or (answer.ticket and f"ticket ({answer.ticket.priority}): {answer.ticket.subject}")
            end = end or (answer.visit and f"visit: {answer.visit}") or ""
            yield f"{'  ' * depth}  [{answer.title}] {end}".rstrip()
            if answer.go:
                yield from self.outline(answer.go, depth + 2)


def tree(path: Path = FILE) -> Tree:
    """The tree; the file is read again when it has changed. Raises `TreeProblem`."""
    try:
        return _read(path, path.stat().st_mtime_ns)
    except OSError as error:
        raise TreeProblem(f"{path.name} cannot be read ({error.strerror}): restore it in data/triage") from error


@lru_cache(maxsize=2)
def _read(path: Path, _changed: int) -> Tree:
    try:
        return Tree.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, ValidationError, re.error) as error:
        raise TreeProblem(f"{path.name}: {' '.join(str(error).split())}") from error


def main() -> int:
    """Print the outline, or what is wrong; returns the exit code."""
    try:
        found = tree()
    except TreeProblem as problem:
        print(problem, file=sys.stderr)
        return 1
    print("\n".join(found.outline(found.start)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
