"""Plays a case: sends its turns, checks what came back, and stops at the first step that fails."""

from __future__ import annotations

import os
import re
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx

from tests.e2e_runner.assertions import NOTIFICATION, SEEN_BY_REPLY, Outcome, together
from tests.e2e_runner.backend import BackendError
from tests.e2e_runner.domain import Domain
from tests.e2e_runner.model import CODE, DEFAULT_CONVERSATION, Assertion, Case, Step, Turn
from tests.e2e_runner.transcript import Message, Played, Problem, report

# Just under the limit of the channels (assistant/channels/guard.py).
MESSAGES, SECONDS = 19, 10.5
CODE_WAIT = 3.0  # seconds until a code that was sent has been printed


class CaseFailed(Exception):
    """A case did not go as expected; the text is the whole report."""


class Stage(Protocol):
    """What a case is played on (stage.py)."""

    stack: Any
    faults: Any
    database: Any

    def reset(self) -> None: ...

    def called(self) -> set[str]: ...


@dataclass
class Actor:
    """One conversation of a case."""

    conversation: Any
    shown: list[Message] = field(default_factory=list)
    last: Played | None = None
    sent: deque[float] = field(default_factory=lambda: deque(maxlen=MESSAGES))

    def keep_pace(self) -> None:
        """Wait when one more message would run into the channels' limit."""
        if len(self.sent) == MESSAGES:
            time.sleep(max(0.0, self.sent[0] + SECONDS - time.monotonic()))
        self.sent.append(time.monotonic())


class Player:
    """Plays one case; `actors` are its conversations by name."""

    def __init__(self, stage: Stage, case: Case, domain: Domain) -> None:
        self.stage, self.case, self.domain = stage, case, domain
        self.actors: dict[str, Actor] = {}
        self.played: list[Played] = []
        self.speaker = DEFAULT_CONVERSATION
        self.waiting = set(case.faults)  # those of the case that nothing has run into yet
        self.log_start = stage.stack.log_size("actions")

    def play(self) -> None:
        """Play the case. Raises CaseFailed."""
        line = self.case.line
        try:
            self.stage.reset()
            for step in self.case.steps:
                line = step.line
                self._step(step)
        except BackendError as error:
            raise self._failed(line, [str(error)]) from error
        except httpx.HTTPError as error:
            raise self._failed(line, [f"The assistant did not answer: {type(error).__name__}."]) from error
        if self.waiting:
            never = "; ".join(map(str, self.waiting))
            raise self._failed(self.case.line, [f"Nothing ran into a fault of this case ({never})."])

    def trackers(self) -> list[dict[str, Any]]:
        """The trackers of all conversations, with all events."""
        return [self.stage.stack.tracker(actor.conversation.sender, "ALL") for actor in self.actors.values()]

    def _step(self, step: Step) -> None:
        if step.restart:
            actor = self._actor(step.conversation or self.speaker)
            self.stage.stack.execute(actor.conversation.sender, "action_session_start")
        elif step.check:
            played = self._actor(step.conversation or self.speaker).last
            assert played, "parsing refuses a check before the first turn"
            outcome = self._outcome(played, [step.check])
            played.problems += outcome.check(step.check)
        else:
            self._turns(step)
        wrong = next((played for played in self.played if played.problems), None)
        if wrong:
            raise self._failed(step.line, [], wrong)

    def _turns(self, step: Step) -> None:
        faults = (*self.case.faults, *step.faults)
        ready = [self._prepare(turn) for turn in step.turns]
        with self.stage.faults.injected(faults) as idle:
            if len(ready) == 1:
                done = [self._send(*ready[0])]
            else:
                with ThreadPoolExecutor(len(ready)) as threads:
                    done = list(threads.map(lambda one: self._send(*one), ready))
        self.played += done
        self.speaker = step.turns[-1].conversation
        for played in done:
            self._actor(played.turn.conversation).last = played
        self.waiting &= set(idle)  # a case's faults need not strike in each of its steps
        never = [fault for fault in idle if fault in step.faults]
        done[-1].problems += [Problem(f"Nothing ran into the fault of this step ({fault}).") for fault in never]
        outcomes = [self._outcome(played, [*played.turn.assertions, *step.together]) for played in done]
        for outcome in outcomes:
            for assertion in outcome.played.turn.assertions:
                outcome.played.problems += outcome.check(assertion)
        for assertion in step.together:
            done[-1].problems += together(outcomes, assertion)

    def _actor(self, name: str) -> Actor:
        if name not in self.actors:
            self.actors[name] = Actor(self.stage.stack.conversation())
            slots = [{"event": "slot", "name": slot, "value": value} for slot, value in self.case.slots.items()]
            if slots:
                self.stage.stack.append(self.actors[name].conversation.sender, *slots)
        return self.actors[name]

    def _prepare(self, turn: Turn) -> tuple[Turn, str, dict[str, Any]]:
        """What the turn shows and the body that it sends."""
        actor = self._actor(turn.conversation)
        sender = actor.conversation.sender
        if turn.how == "raw":
            shown = turn.content if isinstance(turn.content, str) else str(turn.content)
            body = {"message": turn.content} if isinstance(turn.content, str) else turn.content
            return turn, shown, {"sender": sender} | body
        actor.keep_pace()
        if turn.how == "user":
            text = turn.content
            text = text.replace(CODE, self._code(turn)) if CODE in text else text
            return turn, text, {"sender": sender, "message": text, "metadata": turn.metadata}
        payload = self._payload(turn, actor)
        return turn, f"[{turn.content}]", {"sender": sender, "message": payload, "metadata": turn.metadata}

    def _payload(self, turn: Turn, actor: Actor) -> str:
        if turn.how == "press":
            messages = actor.last.messages if actor.last else []
        else:
            messages = self._actor(turn.source).shown if turn.source else actor.shown
        for message in reversed(messages):
            for title, payload in message.buttons:
                if title == turn.content:
                    return payload
        raise self._failed(turn.line, [f"There is no button “{turn.content}” to press."])

    def _code(self, turn: Turn) -> str:
        until = time.monotonic() + CODE_WAIT
        while True:
            log = self.stage.stack.log("actions", self.log_start)
            found = [re.findall(r"\b\d{6}\b", line) for line in log.splitlines() if NOTIFICATION in line]
            codes = [numbers[-1] for numbers in found if numbers]
            if codes:
                return codes[-1]
            if time.monotonic() > until:
                raise self._failed(turn.line, [f"No one-time code was sent, so {CODE} cannot be filled in."])
            time.sleep(0.05)

    def _send(self, turn: Turn, shown: str, body: dict[str, Any]) -> Played:
        actor = self.actors[turn.conversation]
        log_start, started = self.stage.stack.log_size("actions"), time.time()
        answer = actor.conversation.post(**body)
        if answer.is_success:
            messages = [Message.of(data) for data in answer.json()]
        else:
            messages = [Message(f"HTTP {answer.status_code}: {answer.text}")]
        actor.shown += messages
        return Played(turn, actor.conversation.sender, shown, started, log_start, messages)

    def _outcome(self, played: Played, assertions: list[Assertion]) -> Outcome:
        """The turn with what is needed to check these; the tracker is read only for those that look into it."""
        stack = self.stage.stack
        log = lambda: stack.log("actions", played.log_start)  # noqa: E731
        found = Outcome(played, self.domain, self.stage.database, log)
        if all(a.kind in SEEN_BY_REPLY or _only_text(a) for a in assertions):
            return found
        tracker = stack.tracker(played.sender, "ALL")
        events = [e for e in tracker["events"] if (e.get("timestamp") or 0) >= played.started]
        return Outcome(played, self.domain, self.stage.database, log, events, tracker["slots"])

    def _failed(self, line: int, sentences: list[str], wrong: Played | None = None) -> CaseFailed:
        actions: list[str] = []
        seen = wrong or (self.played[-1] if self.played else None)
        try:
            if seen:
                actions = self._outcome(seen, [Assertion("action_executed", (), 0)]).actions()
        except httpx.HTTPError:
            sentences.append("The assistant does not answer any more.")
        head = f"{os.path.relpath(self.case.file)}:{line}: “{self.case.name}” failed."
        return CaseFailed(report("\n  ".join([head, *sentences]), self.played, actions))


def _only_text(assertion: Assertion) -> bool:
    return assertion.kind in ("bot_uttered", "bot_did_not_utter") and not assertion.expected.utter_name
