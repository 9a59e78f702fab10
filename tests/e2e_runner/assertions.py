"""Holds the checks of a case against what happened in a turn."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e_runner.backend import BackendError, count
from tests.e2e_runner.checks import Rows, Said
from tests.e2e_runner.domain import Domain
from tests.e2e_runner.model import ANY, Assertion
from tests.e2e_runner.transcript import NOTHING, Message, Played, Problem

NOTIFICATION = "[notification]"  # in each line of the action server's console sender
SEEN_BY_REPLY = frozenset({"bot", "backend_rows", "notified"})  # checks that need no tracker


@dataclass(frozen=True)
class Outcome:
    """A played turn with what the services know about it: the turn's events, the slots after it, and the printed log.

    `log` gives what the action server has printed since the turn began.
    """

    played: Played
    domain: Domain
    database: Path
    log: Callable[[], str]
    events: list[dict[str, Any]] = field(default_factory=list)
    slots: dict[str, Any] = field(default_factory=dict)

    def check(self, assertion: Assertion) -> list[Problem]:
        """What is wrong with one assertion; nothing when it holds."""
        return list(CHECKS[assertion.kind](self, assertion.expected))

    def is_response(self, name: str, message: Message) -> bool:
        """Whether a message is this response of the domain: the tracker says so, or its text does."""
        named = (e for e in self.events if e.get("event") == "bot" and e.get("text") == message.text)
        return any((e.get("metadata") or {}).get("utter_action") == name for e in named) or self.domain.says(
            name, message.text
        )

    def bot(self, expected: str) -> Iterable[Problem]:
        # Rasa sends the paragraphs of a text as messages of their own.
        for part in expected.strip().split("\n\n"):
            yield from self._next(part, lambda message, part=part: message.text.strip() == part.strip())

    def utter(self, name: str) -> Iterable[Problem]:
        shown = f"{next(iter(self.domain.responses[name]), '')} ({name})"
        yield from self._next(shown, lambda message: self.is_response(name, message))

    def _next(self, expected: str, fits: Callable[[Message], bool]) -> Iterable[Problem]:
        played = self.played
        for position in range(played.position, len(played.messages)):
            if fits(played.messages[position]):
                played.position = position + 1
                return
        instead = (played.position,) if played.position < len(played.messages) else ()
        yield Problem("The bot did not say the next message that was expected.", expected, instead)

    def bot_uttered(self, expected: Said) -> Iterable[Problem]:
        if not any(self.fits(expected, message) for message in self.played.messages):
            yield Problem(f"No message of the bot fits {expected}.", f"(a message that fits {expected})")

    def bot_did_not_utter(self, expected: Said) -> Iterable[Problem]:
        parts = [
            Said(utter_name=expected.utter_name) if expected.utter_name else None,
            Said(matches=expected.matches) if expected.matches else None,
            *(Said(buttons=(button,)) for button in expected.buttons),
        ]
        for part in (part for part in parts if part):
            wrong = [i for i, message in enumerate(self.played.messages) if self.fits(part, message)]
            if wrong:
                yield Problem(f"The bot must not say {part}.", unwanted=tuple(wrong))

    def fits(self, expected: Said, message: Message) -> bool:
        """Whether one message has everything that is expected of it."""
        if expected.utter_name and not self.is_response(expected.utter_name, message):
            return False
        if expected.matches and not expected.matches.search(message.text):
            return False
        return _in_order(expected.buttons, message.buttons)

    def slot_was_set(self, expected: tuple[tuple[str, Any], ...]) -> Iterable[Problem]:
        for name, value in expected:
            events = [e for e in self.events if e.get("event") == "slot" and e.get("name") == name]
            values = [e.get("value") for e in events] or [self.slots.get(name)]
            if value not in values if value is not ANY else all(v is None for v in values):
                wanted = "any value" if value is ANY else repr(value)
                yield Problem(f"The slot {name} was not set as expected.", slots=((name, wanted, self._got(name)),))

    def slot_was_not_set(self, expected: tuple[tuple[str, Any], ...]) -> Iterable[Problem]:
        for name, value in expected:
            got = self.slots.get(name)
            if got is not None if value is ANY else got == value:
                wanted = "no value" if value is ANY else f"another value than {value!r}"
                yield Problem(f"The slot {name} must not be set so.", slots=((name, wanted, self._got(name)),))

    def _got(self, name: str) -> str:
        return repr(self.slots[name]) if name in self.slots else NOTHING

    def actions(self) -> list[str]:
        """The actions that ran in the turn, without Rasa's waiting for the next message."""
        names = [e.get("name") for e in self.events if e.get("event") == "action"]
        return [name for name in names if name and name != "action_listen"]

    def action_executed(self, names: tuple[str, ...]) -> Iterable[Problem]:
        ran = self.actions()
        yield from (Problem(f"The action {name} did not run.") for name in names if name not in ran)

    def intent_was(self, name: str) -> Iterable[Problem]:
        users = [e for e in self.events if e.get("event") == "user"]
        found = [((e.get("parse_data") or {}).get("intent") or {}).get("name") for e in users]
        if name not in found:
            yield Problem(f"The message was understood as {', '.join(map(str, found)) or 'nothing'}, not as {name}.")

    def handoff_contains(self, expected: dict[str, Any]) -> Iterable[Problem]:
        packet = self.slots.get("handoff")
        if packet is None:
            yield Problem("There is no packet for the agent.")
            return
        for path, wanted, got in _lacking(expected, packet):
            yield Problem(f"The packet for the agent has {path} = {got!r}, not {wanted!r}.")

    def backend_rows(self, expected: Rows) -> Iterable[Problem]:
        try:
            found = count(self.database, expected.table, expected.where)
        except BackendError as problem:
            yield Problem(f"{problem}.")
            return
        if found != expected.count if expected.count is not None else not found:
            wanted = "at least one" if expected.count is None else expected.count
            rows = f"{expected.table} {expected.where or ''}".strip()
            yield Problem(f"The backend has {found} rows of {rows}, not {wanted}.")

    def notified(self, expected: re.Pattern[str]) -> Iterable[Problem]:
        printed = [line for line in self.log().splitlines() if NOTIFICATION in line]
        if not any(expected.search(line) for line in printed):
            yield Problem(f"None of the {len(printed)} notifications of this turn matches /{expected.pattern}/.")


def _in_order(expected: tuple[tuple[str, str | None], ...], shown: tuple[tuple[str, str], ...]) -> bool:
    """Whether the expected buttons are among the shown ones, in this order; a payload that is not given is any."""
    rest = iter(shown)
    return all(any(t == title and p in (None, _unsigned(got)) for t, got in rest) for title, p in expected)


def _unsigned(payload: str) -> str:
    """A payload without the signature of the channels."""
    return payload.rpartition("#")[0] or payload if payload.startswith("/") else payload


def _lacking(expected: Any, got: Any, path: str = "") -> Iterable[tuple[str, Any, Any]]:
    """Where `got` does not hold what is expected of it: mappings and lists may hold more."""
    if isinstance(expected, dict) and isinstance(got, dict):
        for key, value in expected.items():
            yield from _lacking(value, got.get(key), f"{path}.{key}" if path else str(key))
    elif isinstance(expected, list) and isinstance(got, list):
        for value in expected:
            if not any(not list(_lacking(value, entry)) for entry in got):
                yield path, value, got
    elif expected != got:
        yield path, expected, got


CHECKS: dict[str, Callable[[Outcome, Any], Iterable[Problem]]] = {
    "bot": Outcome.bot,
    "utter": Outcome.utter,
    "bot_uttered": Outcome.bot_uttered,
    "bot_did_not_utter": Outcome.bot_did_not_utter,
    "slot_was_set": Outcome.slot_was_set,
    "slot_was_not_set": Outcome.slot_was_not_set,
    "action_executed": Outcome.action_executed,
    "intent_was": Outcome.intent_was,
    "handoff_contains": Outcome.handoff_contains,
    "backend_rows": Outcome.backend_rows,
    "notified": Outcome.notified,
}


def together(outcomes: list[Outcome], assertion: Assertion) -> list[Problem]:
    """What is wrong with an assertion about all answers of parallel turns."""
    expected = assertion.expected
    if assertion.kind in ("backend_rows", "notified"):
        return outcomes[0].check(assertion)
    if assertion.kind == "bot_did_not_utter":
        return [problem for outcome in outcomes for problem in outcome.check(assertion)]
    fitting = sum(any(o.fits(expected, message) for message in o.played.messages) for o in outcomes)
    if fitting != expected.count if expected.count is not None else not fitting:
        wanted = "at least one" if expected.count is None else expected.count
        return [Problem(f"{fitting} of {len(outcomes)} answers fit {expected}, not {wanted}.")]
    return []
