"""Collects tests/e2e/<skill>.yml: conversations in the format of Rasa Pro's end-to-end tests.

A test case has steps; a step is what the `user` says (or `press`es: a button's title) with `assertions` on the turn:
`bot_uttered: {text_matches: regular expression}`, `bot_did_not_utter: {text_matches: …}`,
`slot_was_set: [{name, value}]`, and of our own `handoff_contains: {slots: {…}}` on the packet for the agent. Every case
runs against the real assistant and the real action server.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Take the YAML files of this folder as test files."""
    if file_path.suffix == ".yml" and file_path.parent == Path(__file__).parent:
        return ConversationFile.from_parent(parent, path=file_path)
    return None


class ConversationFile(pytest.File):
    """A file with `test_cases`."""

    def collect(self) -> Iterator[pytest.Item]:
        for case in yaml.safe_load(self.path.read_text())["test_cases"]:
            yield ConversationCase.from_parent(self, name=case["test_case"], steps=case["steps"])


class ConversationCase(pytest.Function):
    """One conversation from its first word to its last."""

    def __init__(self, *, steps: list[dict], **kwargs: object) -> None:
        def conversation(stack: object) -> None:
            Player(stack, steps).play()

        super().__init__(callobj=conversation, **kwargs)


class Player:
    """Plays the steps of one case and keeps the transcript for a failure's message."""

    def __init__(self, stack, steps: list[dict]) -> None:
        self.customer, self.steps = stack.conversation(), steps
        self.transcript: list[str] = []

    def play(self) -> None:
        for step in self.steps:
            said = step.get("user") or step["press"]
            reply = self.customer.press(said) if "press" in step else self.customer.say(said)
            self.transcript += [f"customer: {said}", *(f"     bot: {line}" for line in reply.splitlines())]
            for assertion in step.get("assertions", []):
                for kind, expected in assertion.items():
                    getattr(self, kind)(expected, reply)

    def bot_uttered(self, expected: dict, reply: str) -> None:
        self.check(re.search(expected["text_matches"], reply, re.I | re.S), "expected", expected)

    def bot_did_not_utter(self, expected: dict, reply: str) -> None:
        self.check(not re.search(expected["text_matches"], reply, re.I | re.S), "did not expect", expected)

    def slot_was_set(self, expected: list[dict], reply: str) -> None:
        slots = self.customer.slots()
        for slot in expected:
            self.check(slots.get(slot["name"]) == slot["value"], "expected the slot", slot, slots)

    def handoff_contains(self, expected: dict, reply: str) -> None:
        packet = self.customer.slots()["handoff"] or {}
        self.check(expected["slots"].items() <= packet.get("slots", {}).items(), "expected", expected, packet)

    def check(self, holds: object, *what: object) -> None:
        if not holds:
            pytest.fail("\n".join([*self.transcript, " ".join(str(part) for part in what)]), pytrace=False)
