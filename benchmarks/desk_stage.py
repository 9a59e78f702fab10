"""What stands around the desk in its benchmark: the event database, a stand-in for Rasa's HTTP API, the process.

The stand-in echoes what the desk appends back into the event database, as Rasa's broker does.
"""

import asyncio
import json
import os
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import Process
from pathlib import Path
from typing import Any

import httpx

from desk import accounts
from desk.database import Database, migrate

ROOT = Path(__file__).parents[1]
PASSWORD = "benchmark-password"


class Events:
    """The event database, written as Rasa's SQL event broker writes it: one commit an event."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, timeout=30, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY, sender_id VARCHAR(255), data TEXT)"
        )

    def write(self, sender_id: str, *events: dict[str, Any]) -> None:
        with self._lock:
            for event in events:
                data = json.dumps({"sender_id": sender_id, "timestamp": time.time(), **event})
                self._connection.execute("INSERT INTO events (sender_id, data) VALUES (?, ?)", (sender_id, data))
                self._connection.commit()

    def all(self) -> list[tuple[str, dict[str, Any]]]:
        rows = self._connection.execute("SELECT sender_id, data FROM events ORDER BY id")
        return [(sender_id, json.loads(data)) for sender_id, data in rows]


def customer(text: str) -> dict[str, Any]:
    parsed = {"intent": {"name": "inform", "confidence": 0.9}}
    return {"event": "user", "text": text, "parse_data": parsed, "input_channel": "webchat"}


def handed_over(number: int) -> list[dict[str, Any]]:
    packet = {"id": f"packet-{number}", "reason": "customer_asked", "issue": "Wants a person", "queue": "general"}
    return [
        {"event": "slot", "name": "handoff", "value": packet},
        {"event": "slot", "name": "owner", "value": "queue"},
    ]


def stand_in(port: int, path: Path) -> None:
    """The HTTP APIs as far as the desk uses them here.

    Rasa's: appended events go to the broker, trackers know their owner. The action server's: every draft may be sent.
    """
    events, owners = Events(path), {}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if "/tracker/events" in self.path:
                sender_id = self.path.split("/")[2]
                events.write(sender_id, *body)
                for event in body:
                    if event.get("name") == "owner":
                        owners[sender_id] = event["value"]
            draft = (
                {"outcome": "allow", "rule": "", "text": body["text"], "message": ""} if "draft" in self.path else {}
            )
            self._answer(draft)

        def do_GET(self) -> None:
            self._answer({"slots": {"owner": owners.get(self.path.split("/")[2], "queue")}})

        def _answer(self, body: dict[str, Any]) -> None:
            data = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            """Quietly."""

    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def running_desk(folder: Path, agents: int) -> Iterator[str]:
    """A desk with this many agents over the stand-in; gives its address."""
    desk_port, assistant_port = free_port(), free_port()
    database_url = f"sqlite+aiosqlite:///{folder / 'desk.db'}"
    migrate(database_url)
    asyncio.run(add_agents(database_url, agents))
    env = {
        "PATH": os.environ["PATH"],
        "TANDEM_VAR": str(folder),
        "TANDEM_SECRET": "s" * 40,
        "RASA_TOKEN": "token",
        "ACTIONS_TOKEN": "token",
        "DESK_TOKEN": "token",
        "ASSISTANT_URL": f"http://127.0.0.1:{assistant_port}",
        "ACTIONS_URL": f"http://127.0.0.1:{assistant_port}",
        "DESK_PORT": str(desk_port),
    }
    assistant = Process(target=stand_in, args=(assistant_port, folder / "events.db"), daemon=True)
    assistant.start()
    with open(folder / "desk.log", "w") as log:
        desk = subprocess.Popen([sys.executable, "-m", "desk"], cwd=ROOT, env=env, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{desk_port}"
    try:
        wait_until_healthy(url)
        yield url
    finally:
        desk.terminate()
        desk.wait(10)
        assistant.terminate()
        assistant.join(10)
        lines = (folder / "desk.log").read_text().splitlines()
        troubles = [line for line in lines if line.startswith(("WARNING", "ERROR", "CRITICAL"))]
        for line in troubles[:10]:
            print(f"desk: {line}", file=sys.stderr)


async def add_agents(database_url: str, agents: int) -> None:
    database = Database(database_url)
    for number in range(agents):
        await accounts.add_user(database, f"agent{number}", f"Agent{number} Lee", "agent", PASSWORD)
    await database.close()


def wait_until_healthy(url: str) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            if httpx.get(f"{url}/health", trust_env=False).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise SystemExit("The desk did not start within 30 s: look at desk.log.")
