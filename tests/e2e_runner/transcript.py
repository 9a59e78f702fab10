"""What was said in a case, and how it is shown when something else was expected."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.e2e_runner.model import Turn

NOTHING = "(no slot of this name)"


@dataclass(frozen=True)
class Message:
    """One message of the bot; `buttons` are titles with payloads."""

    text: str
    buttons: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, data: dict[str, Any]) -> Message:
        """The message that the REST channel gave as `data`."""
        buttons = tuple((b.get("title", ""), b.get("payload", "")) for b in data.get("buttons") or ())
        text = data.get("text") or "".join(f"({key}: {data[key]})" for key in data if key in ("image", "custom"))
        return cls(text, buttons)

    def __str__(self) -> str:
        return " ".join([self.text, *(f"[{title}]" for title, _ in self.buttons)])


@dataclass(frozen=True)
class Problem:
    """A check that does not hold.

    `missing` is what the bot should have said, `unwanted` the positions of messages that should not be there, `slots`
    the name, the expected and the real value of each slot that differs.
    """

    sentence: str
    missing: str | None = None
    unwanted: tuple[int, ...] = ()
    slots: tuple[tuple[str, str, str], ...] = ()


@dataclass
class Played:
    """A turn that has been played in the conversation `sender` at `started` (Unix time, seconds)."""

    turn: Turn
    sender: str
    said: str
    started: float
    log_start: int
    messages: list[Message]
    position: int = 0  # of the next message that a `bot` or `utter` can name
    problems: list[Problem] = field(default_factory=list)

    def expected(self) -> list[str]:
        """The lines that would have been right."""
        unwanted = {position for problem in self.problems for position in problem.unwanted}
        lines = _lines(self.turn.conversation, self.said)
        missing = {min(problem.unwanted, default=len(self.messages)): [] for problem in self.problems}
        for problem in self.problems:
            if problem.missing is not None:
                missing[min(problem.unwanted, default=len(self.messages))].append(problem.missing)
        for position in range(len(self.messages) + 1):
            for text in missing.get(position, ()):
                lines += _lines("bot", text)
            if position < len(self.messages) and position not in unwanted:
                lines += _lines("bot", str(self.messages[position]))
        return lines

    def got(self) -> list[str]:
        """The lines that there were."""
        lines = _lines(self.turn.conversation, self.said)
        return lines + [line for message in self.messages for line in _lines("bot", str(message))]


def _lines(speaker: str, text: str) -> list[str]:
    head, *rest = text.splitlines() or [""]
    return [f"{speaker:>8}: {head}", *(f"          {line}" for line in rest)]


def difference(played: Iterable[Played]) -> list[str]:
    """The conversation, expected (-) beside got (+)."""
    lines: list[str] = []
    for one in played:
        diff = difflib.ndiff(one.expected(), one.got())
        lines += [line.rstrip() for line in diff if not line.startswith("?")]
    return lines


def report(where: str, played: list[Played], actions: list[str]) -> str:
    """The whole text for a failed case; `actions` are those of the turn that failed."""
    problems = [problem for one in played for problem in one.problems]
    lines = [where, *(f"  {problem.sentence}" for problem in problems), ""]
    lines += difference(played)
    slots = [slot for problem in problems for slot in problem.slots]
    if slots:
        lines += ["", "Slots that differ:"]
    for name, expected, got in slots:
        lines += [f"- {name}: {expected}", f"+ {name}: {got}"]
    return "\n".join([*lines, "", f"Actions in the last turn: {', '.join(actions) or 'none'}"])
