"""The services on free ports with a run-time folder of their own, for tests and benchmarks."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import httpx
from honcho.environ import parse_procfile

from deploy.local.environment import ROOT, compose, free_ports
from deploy.local.prepare import index_knowledge, train
from deploy.local.run import answers, health_url

COMMANDS = parse_procfile((ROOT / "Procfile").read_text()).processes
CREDENTIALS = ROOT / "tests/credentials.yml"  # with the REST channel, which conversations use


class Stack:
    """Starts and stops the services of the Procfile; each one's output goes to `var/log/<name>.log`.

    `env` is for all services; `own` adds settings to a single one of them.
    """

    def __init__(self, var: Path, **settings: str) -> None:
        given = {"TANDEM_MODELS": str(ROOT / "var/models"), "TANDEM_CREDENTIALS": str(CREDENTIALS)}
        self.env = compose(var, free_ports()) | given | settings
        self.own: dict[str, dict[str, str]] = {}
        self.var = var
        # One client for all messages: making one costs more than a message. Shorter-lived than the server's keep-alive.
        self.http = httpx.Client(timeout=60, trust_env=False, limits=httpx.Limits(keepalive_expiry=2))
        self.processes: dict[str, subprocess.Popen] = {}
        (var / "log").mkdir(exist_ok=True)

    def __enter__(self) -> Stack:
        train(self.env)
        index_knowledge(self.env)
        try:
            self.start(*COMMANDS)
        except BaseException:
            self.stop(*self.processes)
            raise
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop(*self.processes)
        self.http.close()

    def start(self, *names: str) -> None:
        """Start the services `names` and wait until each of them answers."""
        for name in names:
            env = self.env | self.own.get(name, {})
            with (self.var / "log" / f"{name}.log").open("a") as log:
                self.processes[name] = subprocess.Popen(
                    COMMANDS[name], shell=True, cwd=ROOT, env=env, stdout=log, stderr=log, start_new_session=True
                )
        for name in names:
            self.wait(name)

    def wait(self, name: str, seconds: float = 180) -> None:
        """Wait until the service answers; fails with its log when it ends or takes too long."""
        until = time.monotonic() + seconds
        while not answers(health_url(name, self.env)):
            ended = self.processes[name].poll() is not None
            if ended or time.monotonic() > until:
                raise AssertionError(f"{name} did not start:\n{self.log(name)[-3000:]}")
            time.sleep(0.2)

    def stop(self, *names: str) -> None:
        """Stop the services `names`, gently first."""
        for name in list(names):
            process = self.processes.pop(name)
            if process.poll() is None:
                process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    @contextmanager
    def restarted(self, name: str, **settings: str) -> Iterator[None]:
        """The service runs with these settings as well, and as before afterwards."""
        before = self.own.get(name, {})
        try:
            self._restart(name, before | settings)
            yield
        finally:
            self._restart(name, before)

    def _restart(self, name: str, own: dict[str, str]) -> None:
        self.stop(*({name} & self.processes.keys()))
        self.own[name] = own
        self.start(name)

    def log(self, name: str, start: int = 0) -> str:
        """What the service has printed, from the byte `start` on."""
        with (self.var / "log" / f"{name}.log").open("rb") as file:
            file.seek(start)
            return file.read().decode(errors="replace")

    def log_size(self, name: str) -> int:
        """How many bytes the service has printed."""
        return (self.var / "log" / f"{name}.log").stat().st_size

    def conversation(self) -> Conversation:
        """A new customer on the REST channel."""
        return Conversation(self, uuid.uuid4().hex)

    def tracker(self, sender: str, events: str = "AFTER_RESTART") -> dict:
        """The assistant's tracker of a conversation, as its HTTP API gives it with these events (or ALL)."""
        token = {"token": self.env["RASA_TOKEN"], "include_events": events}
        return self.http.get(self._conversations(sender, "tracker"), params=token).raise_for_status().json()

    def append(self, sender: str, *events: dict) -> None:
        """Append events to a conversation's tracker, as the desk does."""
        token = {"token": self.env["RASA_TOKEN"]}
        url = self._conversations(sender, "tracker/events")
        self.http.post(url, params=token, json=list(events)).raise_for_status()

    def execute(self, sender: str, action: str) -> None:
        """Have the assistant run an action in a conversation."""
        token = {"token": self.env["RASA_TOKEN"]}
        self.http.post(self._conversations(sender, "execute"), params=token, json={"name": action}).raise_for_status()

    def _conversations(self, sender: str, what: str) -> str:
        return f"{self.env['ASSISTANT_URL']}/conversations/{sender}/{what}"


class Conversation:
    """One customer who writes on the REST channel."""

    def __init__(self, stack: Stack, sender: str) -> None:
        self.stack, self.sender = stack, sender
        self.last: list[dict] = []

    def post(self, **body: object) -> httpx.Response:
        """The raw answer of the channel to a JSON body."""
        url = f"{self.stack.env['ASSISTANT_URL']}/webhooks/rest/webhook"
        headers = {"Authorization": f"Bearer {self.stack.env['RASA_TOKEN']}"}
        return self.stack.http.post(url, json=body, headers=headers)

    def say(self, text: str) -> str:
        """Send a message; returns all that came back, one message a line."""
        self.last = self.post(sender=self.sender, message=text).raise_for_status().json()
        return "\n".join(message.get("text", "") for message in self.last)

    def press(self, title: str) -> str:
        """Press a button of the last answer by its title."""
        buttons = {b["title"]: b["payload"] for message in self.last for b in message.get("buttons", [])}
        return self.say(buttons[title])

    def slots(self) -> dict:
        """The conversation's slots now."""
        return self.stack.tracker(self.sender)["slots"]
