"""Fixtures: a migrated database, events as the assistant's broker writes them, and a real desk process."""

import asyncio
import itertools
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from sqlalchemy import create_engine, text

from desk.database import Database, migrate

ROOT = Path(__file__).parents[3]
PASSWORD = "correct-horse-battery"
_clock = itertools.count(int(time.time()))


class Stream:
    """The event database, written as Rasa's SQL event broker writes it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = f"sqlite+aiosqlite:///{path}"

    def create(self) -> "Stream":
        with sqlite3.connect(self.path, timeout=5) as connection:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY, sender_id VARCHAR(255), data TEXT)"
            )
        return self

    def publish(self, sender_id: str, *events: dict[str, Any]) -> None:
        with sqlite3.connect(self.path, timeout=5) as connection:
            for event in events:
                self.write(connection, sender_id, json.dumps(raw(sender_id, event)))

    def write(self, connection: sqlite3.Connection, sender_id: str, data: str) -> None:
        connection.execute("INSERT INTO events (sender_id, data) VALUES (?, ?)", (sender_id, data))


def raw(sender_id: str, event: dict[str, Any]) -> dict[str, Any]:
    """The event with its sender and, unless it has one, a time a second after the last."""
    return {"sender_id": sender_id, "timestamp": float(next(_clock)), **event}


def user(text: str, intent: str = "ask_question", confidence: float = 0.9, **more: Any) -> dict[str, Any]:
    parsed = {"intent": {"name": intent, "confidence": confidence}, "entities": []}
    return {"event": "user", "text": text, "parse_data": parsed, "input_channel": "webchat", **more}


def bot(text: str, buttons: list[dict[str, str]] | None = None, **metadata: Any) -> dict[str, Any]:
    return {"event": "bot", "text": text, "data": {"buttons": buttons}, "metadata": metadata}


def slot(name: str, value: Any, **metadata: Any) -> dict[str, Any]:
    return {"event": "slot", "name": name, "value": value, "metadata": metadata}


def handed_over(issue: str = "Wants a refund") -> list[dict[str, Any]]:
    packet = {"version": 1, "reason": "customer_asked", "summary": f"Summary: {issue}", "issue": issue}
    return [slot("handoff", {**packet, "slots": {"order_number": "NO482136"}}), slot("owner", "queue")]


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    url = f"sqlite+aiosqlite:///{tmp_path / 'desk.db'}"
    migrate(url)
    return url


@pytest.fixture
def run() -> Iterator[Callable[[Any], Any]]:
    """Run coroutines of one test in one event loop."""
    with asyncio.Runner() as runner:
        yield runner.run


@pytest.fixture
def database(database_url: str, run: Callable[[Any], Any]) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    run(opened.close())


@pytest.fixture
def stream(tmp_path: Path) -> Stream:
    return Stream(tmp_path / "events.db")


@dataclass
class ScriptedAssistant:
    """Stands in for the assistant's HTTP API: keeps what it was sent and answers with `status`."""

    port: int = 0
    status: int = 200
    requests: list[tuple[str, Any]] = field(default_factory=list)
    authorizations: list[str | None] = field(default_factory=list)


@pytest.fixture(scope="session")
def scripted_server() -> Iterator[ScriptedAssistant]:
    script = ScriptedAssistant()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if script.status == 200:
                script.requests.append((self.path, json.loads(body)))
                script.authorizations.append(self.headers["Authorization"])
            self.send_response(script.status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *arguments: Any) -> None:
            """Keep the test output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    script.port = server.server_port
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield script
    server.shutdown()


@pytest.fixture
def assistant(scripted_server: ScriptedAssistant) -> ScriptedAssistant:
    """The scripted assistant with a clean sheet."""
    scripted_server.status = 200
    scripted_server.requests.clear()
    scripted_server.authorizations.clear()
    return scripted_server


@dataclass
class ScriptedActions:
    """Stands in for the action server: answers each path with what `answers` holds, and keeps what it was asked."""

    port: int = 0
    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)


@pytest.fixture(scope="session")
def scripted_actions() -> Iterator[ScriptedActions]:
    script = ScriptedActions()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            self.answer(path, dict(parse_qsl(query)))

        def do_POST(self) -> None:
            self.answer(self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def answer(self, path: str, asked: dict[str, Any]) -> None:
            script.requests.append((path, asked))
            script.tokens.add(self.headers["Authorization"])
            status, answer = script.answers.get(path, (404, {"error": "There is nothing here."}))
            body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: Any) -> None:
            """Keep the test output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    script.port = server.server_port
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield script
    server.shutdown()


@pytest.fixture
def actions(scripted_actions: ScriptedActions) -> ScriptedActions:
    """The scripted action server with a clean sheet: it answers 404 until a test says more."""
    scripted_actions.answers.clear()
    scripted_actions.requests.clear()
    return scripted_actions


@dataclass
class RunningDesk:
    """A desk process and the event database that it follows."""

    process: subprocess.Popen[str]
    url: str
    stream: Stream
    secret: str

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=10, trust_env=False)

    def logged_in(self, name: str = "alex") -> "Member":
        return Member(self.client(), name)

    def chat(self) -> SimpleNamespace:
        """A customer's new session: session_id, token, renewal, expires_in and assistant_url."""
        return SimpleNamespace(**httpx.post(f"{self.url}/chat/session", trust_env=False).json())


class Member:
    """A logged-in browser."""

    def __init__(self, client: httpx.Client, name: str) -> None:
        self.client = client
        form = client.get("/desk/login")
        response = client.post(
            "/desk/login", data={"name": name, "password": PASSWORD, "csrf_token": hidden(form.text)}
        )
        assert response.status_code == 303, response.text
        self.csrf_token = hidden(client.get("/desk").text)

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.client.get(path, **more)

    def post(self, path: str, htmx: bool = False, **fields: str) -> httpx.Response:
        headers = {"HX-Request": "true"} if htmx else {}
        return self.client.post(path, data={"csrf_token": self.csrf_token, **fields}, headers=headers)

    def reply(self, address: str, text: str) -> httpx.Response:
        """Reply as the page's script does."""
        fields = {"csrf_token": self.csrf_token, "text": text}
        return self.client.post(f"{address}/reply", data=fields, headers={"Accept": "application/json"})

    def find(self, sender_id: str) -> str:
        """The address of a conversation, once the desk has read its events."""

        def address() -> str | None:
            page = self.get("/desk/inbox?view=all").text
            before = page.split(f'data-sender="{sender_id}"')[0]
            return before.rsplit('id="row-', 1)[1].split('"')[0] if before != page else None

        return f"/desk/conversations/{wait_for(address)}"


def hidden(page: str, name: str = "csrf_token") -> str:
    return page.split(f'name="{name}" value="', 1)[1].split('"', 1)[0]


def tables_of(desk: RunningDesk) -> Callable[..., list[Any]]:
    """Asks the running desk's database: rows(query, name=value)."""

    def rows(query: str, **values: Any) -> list[Any]:
        engine = create_engine(f"sqlite:///{desk.stream.path.parent / 'desk.db'}")
        with engine.connect() as connection:
            found = list(connection.execute(text(query), values).all())
        engine.dispose()
        return found

    return rows


def wait_for(condition: Callable[[], Any], seconds: float = 5) -> Any:
    """The condition's first true value."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.03)
    raise AssertionError(f"not within {seconds} s")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def desk_environment(folder: Path, port: int, assistant_port: int, actions_port: int = 1) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "TANDEM_VAR": str(folder),
        "TANDEM_SECRET": "s" * 40,
        "RASA_TOKEN": "rasa-token",
        "ACTIONS_TOKEN": "actions-token",
        "DESK_TOKEN": "desk-token",
        "ASSISTANT_URL": f"http://127.0.0.1:{assistant_port}",
        "ACTIONS_URL": f"http://127.0.0.1:{actions_port}",
        "DESK_PORT": str(port),
        "DESK_URL": f"http://localhost:{port}",
        "TANDEM_DEMO": "1",
        "DEMO_AGENT_PASSWORD": PASSWORD,
    }


def start_desk(folder: Path, assistant_port: int, actions_port: int = 1, **more: str) -> RunningDesk:
    port = free_port()
    env = desk_environment(folder, port, assistant_port, actions_port) | more
    process = subprocess.Popen([sys.executable, "-m", "desk"], cwd=ROOT, env=env, text=True, stderr=subprocess.PIPE)
    running = RunningDesk(process, f"http://127.0.0.1:{port}", Stream(folder / "events.db"), "s" * 40)

    def healthy() -> bool:
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        try:
            return httpx.get(f"{running.url}/health", trust_env=False).json() == {"status": "ok"}
        except httpx.TransportError:
            return False

    wait_for(healthy, 30)
    return running


def stop_desk(running: RunningDesk) -> int:
    running.process.send_signal(signal.SIGTERM)
    running.process.communicate(timeout=10)
    return running.process.returncode


@pytest.fixture(scope="session")
def desk(
    tmp_path_factory: pytest.TempPathFactory, scripted_server: ScriptedAssistant, scripted_actions: ScriptedActions
) -> Iterator[RunningDesk]:
    running = start_desk(tmp_path_factory.mktemp("var"), scripted_server.port, scripted_actions.port)
    running.stream.create()
    yield running
    stop_desk(running)
