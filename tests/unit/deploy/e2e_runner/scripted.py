"""A stage without services: an assistant that answers from a script and writes its tracker as Rasa does."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

DOMAIN = """
intents: [greet, balance]
slots:
  owner: {type: text, mappings: [{type: custom}]}
  postcode: {type: text, mappings: [{type: custom}]}
actions: [action_balance]
forms: {balance_form: {required_slots: [postcode]}}
responses:
  utter_greet: [{text: "Hello!"}, {text: "Hello, {name}, and welcome."}]
  utter_unused: [{text: "Never."}]
"""
# What a message gives: texts (or whole messages) and events.
SCRIPT: dict[str, tuple[list[Any], list[dict[str, Any]]]] = {
    "hi": (["Hello!"], [{"event": "action", "name": "utter_greet"}]),
    "balance": (
        ["You owe £42.50.", {"text": "Anything else?", "buttons": [{"title": "Yes", "payload": "/affirm#abc"}]}],
        [{"event": "action", "name": "action_balance"}, {"event": "slot", "name": "owner", "value": "bot"}],
    ),
    "/affirm#abc": (["What is it?"], []),
    "fail": ([], []),
}


class ScriptedConversation:
    """One customer of the scripted assistant."""

    def __init__(self, stack: ScriptedStack) -> None:
        self.stack, self.sender = stack, uuid.uuid4().hex
        stack.trackers[self.sender] = {"events": [], "slots": {"owner": None, "postcode": None}}

    def post(self, **body: Any) -> httpx.Response:
        """The script's answer to `message`; an echo of what is not in it."""
        text = body["message"]
        self.stack.posted.append(body)
        replies, events = SCRIPT.get(text, ([f"You said {text}."], []))
        messages = [reply if isinstance(reply, dict) else {"text": reply} for reply in replies]
        user = {"event": "user", "text": text, "parse_data": {"intent": {"name": "greet"}}}
        said = [{"event": "bot", "text": message["text"]} for message in messages]
        self.stack.append(body["sender"], user, *events, *said)
        status = 400 if text == "fail" else 200
        return httpx.Response(status, json=messages, request=httpx.Request("POST", "http://127.0.0.1"))


class ScriptedStack:
    """Stands in for deploy.local.stack.Stack."""

    def __init__(self) -> None:
        self.trackers: dict[str, dict[str, Any]] = {}
        self.posted: list[dict[str, Any]] = []
        self.executed: list[str] = []
        self.printed = ""

    def conversation(self) -> ScriptedConversation:
        return ScriptedConversation(self)

    def tracker(self, sender: str, _events: str = "") -> dict[str, Any]:
        return self.trackers[sender]

    def append(self, sender: str, *events: dict[str, Any]) -> None:
        tracker = self.trackers[sender]
        tracker["events"] += [{"timestamp": time.time()} | event for event in events]
        tracker["slots"] |= {e["name"]: e["value"] for e in events if e["event"] == "slot"}

    def execute(self, _sender: str, action: str) -> None:
        self.executed.append(action)

    def log(self, _name: str, start: int = 0) -> str:
        return self.printed[start:]

    def log_size(self, _name: str) -> int:
        return len(self.printed)


class ScriptedStage:
    """Stands in for tests.e2e_runner.stage.Stage; `idle` is what the faults are told not to have struck."""

    def __init__(self, idle: bool = False) -> None:
        self.stack, self.idle = ScriptedStack(), idle
        self.database = Path("none.db")
        self.faults = self
        self.injections: list[tuple[Any, ...]] = []
        self.resets = 0

    def reset(self) -> None:
        self.resets += 1

    def called(self) -> set[str]:
        return {"action_balance"}

    @contextmanager
    def injected(self, faults: tuple[Any, ...]) -> Iterator[list[Any]]:
        self.injections.append(faults)
        yield list(faults) if self.idle else []
