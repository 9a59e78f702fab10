"""What can fail between the services: a proxy before the action server, a locked database, a language model."""

from __future__ import annotations

import http.client
import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from tests.e2e_runner.model import Fault
from tests.model_server import ModelServer

PATIENCE = 2.0  # seconds that the proxy waits for an action, as a gateway with a limit would
FORWARD_TIMEOUT = 60.0  # seconds
MODEL_BUDGET = 2.0  # seconds that the action server gives the model
MODEL_NOTICED = 5.0  # seconds until a call must have come through
MODEL_LOADED = 60.0  # seconds that the action server may take to load LangChain
POLL = 0.05  # seconds
HOP_HEADERS = frozenset({"connection", "keep-alive", "transfer-encoding", "host", "content-length"})


class ActionProxy:
    """Stands between assistant and action server on a free port of loopback, and forwards every request.

    While faults are set, calls of the actions that they name fail. `struck` holds the faults that a call ran into,
    `called` the names of all actions that were called.
    """

    def __init__(self, upstream: str, patience: float = PATIENCE) -> None:
        """`upstream` is the action server's URL; `patience` is in seconds."""
        self.host = urlsplit(upstream).netloc
        self.patience = patience
        self.faults: tuple[Fault, ...] = ()
        self.struck: set[Fault] = set()
        self.called: set[str] = set()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                proxy.handle(self)

            do_POST = do_OPTIONS = do_GET

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(POLL,), daemon=True).start()

    def close(self) -> None:
        """Stop the server."""
        self.server.shutdown()
        self.server.server_close()

    def handle(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request: from upstream, or as the fault of its action says."""
        started = time.monotonic()
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        action = _action_of(handler, body)
        self.called.update([action] if action else [])
        fault = next((fault for fault in self.faults if action and fault.name in (action, "any")), None)
        if fault:
            self.struck.add(fault)
        kind = fault.kind if fault else ""
        if kind == "500":
            _send(handler, 500, {"Content-Type": "application/json"}, b'{"error": "This action failed."}')
        elif kind != "down":
            answer = self._forward(handler, body)
            if kind == "timeout":
                time.sleep(max(0.0, self.patience - (time.monotonic() - started)))
            elif answer:
                _send(handler, *answer)
        handler.close_connection = True  # without an answer the caller sees a connection that broke

    def _forward(self, handler: BaseHTTPRequestHandler, body: bytes) -> tuple[int, dict[str, str], bytes] | None:
        headers = {name: value for name, value in handler.headers.items() if name.lower() not in HOP_HEADERS}
        connection = http.client.HTTPConnection(self.host, timeout=FORWARD_TIMEOUT)
        try:
            connection.request(handler.command, handler.path, body, headers)
            response = connection.getresponse()
            kept = {name: value for name, value in response.getheaders() if name.lower() not in HOP_HEADERS}
            return response.status, kept, response.read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()


def _action_of(handler: BaseHTTPRequestHandler, body: bytes) -> str | None:
    """The action that a request calls; None for anything else."""
    if handler.command != "POST" or not handler.path.startswith("/webhook"):
        return None
    try:
        return json.loads(body).get("next_action")
    except (ValueError, AttributeError):
        return None


def _send(handler: BaseHTTPRequestHandler, status: int, headers: dict[str, str], body: bytes) -> None:
    try:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)
    except OSError:
        handler.close_connection = True  # the caller has given up


class Endpoints:
    """The endpoints file of the services; the action server reads its section `llm` again when the file changes."""

    def __init__(self, original: Path, path: Path, noticed: Callable[[], None] = lambda: None) -> None:
        """Copies `original`, without a model, to `path`; `noticed` returns when the action server can use a new one."""
        self.path, self.noticed = path, noticed
        self.content = yaml.safe_load(original.read_text(encoding="utf-8"))
        self.content.pop("llm", None)
        self._write(self.content)

    @contextmanager
    def model(self, kind: str) -> Iterator[ModelServer]:
        """A language model that fails in this way: slow, 500 or down."""
        server = ModelServer()
        server.reply = "It costs nothing at all."
        server.status = 500 if kind == "500" else 200
        server.wait = 10 * MODEL_BUDGET if kind == "slow" else 0.0
        if kind == "down":
            server.close()
        llm = {"model": "small", "model_provider": "openai", "base_url": server.url, "api_key": "not-a-real-key"}
        self._write(self.content | {"llm": llm | {"timeout_seconds": MODEL_BUDGET}})
        try:
            self.noticed()
            yield server
        finally:
            self._write(self.content)
            if kind != "down":
                server.close()

    def _write(self, content: dict) -> None:
        new = self.path.with_suffix(".new")
        new.write_text(yaml.safe_dump(content), encoding="utf-8")
        os.replace(new, self.path)  # nobody reads half a file


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Nobody else can read or write the SQLite database meanwhile, as its readers start with BEGIN IMMEDIATE."""
    lock = sqlite3.connect(database, isolation_level=None, timeout=10)
    lock.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        lock.execute("ROLLBACK")
        lock.close()


class Faults:
    """Injects the faults of a step."""

    def __init__(self, proxy: ActionProxy, endpoints: Endpoints, database: Path) -> None:
        self.proxy, self.endpoints, self.database = proxy, endpoints, database

    @contextmanager
    def injected(self, faults: tuple[Fault, ...]) -> Iterator[list[Fault]]:
        """The faults strike within; afterwards the list holds those that nothing ran into.

        That a locked database or a model that is down was met cannot be seen from outside, so these always count.
        """
        idle: list[Fault] = []
        models: list[tuple[Fault, ModelServer]] = []
        self.proxy.struck.clear()
        self.proxy.faults = tuple(fault for fault in faults if fault.target == "action")
        try:
            with ExitStack() as running:
                for fault in faults:
                    if fault.target == "backend":
                        running.enter_context(locked(self.database))
                    elif fault.target == "model":
                        models.append((fault, running.enter_context(self.endpoints.model(fault.kind))))
                yield idle
                idle += [fault for fault, server in models if fault.kind != "down" and not _asked(server)]
                idle += [fault for fault in self.proxy.faults if fault not in self.proxy.struck]
        finally:
            self.proxy.faults = ()


def _asked(server: ModelServer) -> bool:
    until = time.monotonic() + MODEL_NOTICED
    while not server.requests and time.monotonic() < until:
        time.sleep(POLL)
    return bool(server.requests)
