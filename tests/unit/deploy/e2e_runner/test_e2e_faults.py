"""The proxy before the action server, the language model that fails, and the database put back or locked."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
import yaml

from tests.e2e_runner.backend import BackendError, Snapshot, count, database_of
from tests.e2e_runner.faults import ActionProxy, Endpoints, Faults
from tests.e2e_runner.model import Fault


class ActionServer:
    """Echoes what it got; refuses an action called action_rejected as rasa-sdk does."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                outer.requests.append((self.path, self.headers.get("Authorization", ""), body))
                self.send_response(400 if b"rejected" in body else 200)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps({"echo": body.decode()}).encode())

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def server() -> Iterator[ActionServer]:
    server = ActionServer()
    yield server
    server.close()


@pytest.fixture
def proxy(server: ActionServer) -> Iterator[ActionProxy]:
    proxy = ActionProxy(server.url, patience=0.3)
    yield proxy
    proxy.close()


def call(proxy: ActionProxy, action: str) -> httpx.Response:
    body = {"next_action": action, "tracker": {"text": "£"}}
    headers = {"Authorization": "Bearer x"}
    return httpx.post(f"{proxy.url}/webhook", json=body, headers=headers, timeout=5, trust_env=False)


def test_it_forwards_what_it_gets(proxy, server):
    answer = call(proxy, "action_a")
    assert answer.status_code == 200 and json.loads(answer.json()["echo"])["tracker"] == {"text": "£"}
    assert server.requests[0][:2] == ("/webhook", "Bearer x")
    assert call(proxy, "action_rejected").status_code == 400
    assert proxy.called == {"action_a", "action_rejected"} and not proxy.struck


def test_a_fault_strikes_its_action_alone(proxy, server):
    fault = Fault("action", "action_a", "500")
    proxy.faults = (fault,)
    assert call(proxy, "action_b").status_code == 200 and not proxy.struck
    assert call(proxy, "action_a").status_code == 500
    assert len(server.requests) == 1 and proxy.struck == {fault}
    proxy.faults = ()
    assert call(proxy, "action_a").status_code == 200


def test_down_is_a_connection_that_breaks_before_the_action_runs(proxy, server):
    proxy.faults = (Fault("action", "any", "down"),)
    with pytest.raises(httpx.RemoteProtocolError):
        call(proxy, "action_a")
    assert not server.requests


def test_a_timeout_loses_the_answer_of_an_action_that_ran(proxy, server):
    proxy.faults = (Fault("action", "action_a", "timeout"),)
    started = time.monotonic()
    with pytest.raises(httpx.RemoteProtocolError):
        call(proxy, "action_a")
    assert time.monotonic() - started >= 0.3 and len(server.requests) == 1


def test_an_action_server_that_is_really_down_looks_down(server):
    proxy = ActionProxy(server.url)
    server.close()
    try:
        with pytest.raises(httpx.RemoteProtocolError):
            call(proxy, "action_a")
    finally:
        proxy.close()
        server.server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
        threading.Thread(target=server.server.serve_forever, daemon=True).start()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A database in WAL mode, as the action server has it."""
    path = tmp_path / "backend.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE visits (account TEXT)")
    connection.execute("INSERT INTO visits VALUES ('NA1')")
    connection.commit()
    connection.close()
    return path


def test_a_restore_is_seen_by_a_connection_that_stays_open(database):
    other = sqlite3.connect(database, isolation_level=None)
    snapshot = Snapshot(database)
    other.execute("INSERT INTO visits VALUES ('NA2')")
    other.execute("CREATE TABLE added (x)")
    snapshot.restore()
    assert other.execute("SELECT account FROM visits").fetchall() == [("NA1",)]
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        other.execute("SELECT * FROM added")
    other.execute("BEGIN IMMEDIATE")
    other.execute("INSERT INTO visits VALUES ('NA3')")
    other.execute("COMMIT")
    assert other.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    snapshot.restore()  # the copy is as good as before
    assert count(database, "visits", {}) == 1
    other.close()


def test_a_restore_is_one_step_for_a_reader_and_waits_for_a_writer(database):
    reader, writer = (sqlite3.connect(database, isolation_level=None, check_same_thread=False) for _ in range(2))
    snapshot = Snapshot(database)
    writer.execute("INSERT INTO visits VALUES ('NA2')")
    reader.execute("BEGIN")
    assert len(reader.execute("SELECT * FROM visits").fetchall()) == 2
    writer.execute("BEGIN IMMEDIATE")
    threading.Timer(0.2, lambda: writer.execute("ROLLBACK")).start()
    started = time.monotonic()
    snapshot.restore()
    assert time.monotonic() - started >= 0.15
    assert len(reader.execute("SELECT * FROM visits").fetchall()) == 2  # its own transaction is as it was
    reader.execute("COMMIT")
    assert len(reader.execute("SELECT * FROM visits").fetchall()) == 1
    reader.close()
    writer.close()


def test_a_database_that_is_never_let_go_is_an_error(database, monkeypatch):
    monkeypatch.setattr("tests.e2e_runner.backend.PATIENCE", 0.2)
    snapshot = Snapshot(database)
    holder = sqlite3.connect(database, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(BackendError, match="held by others"):
        snapshot.restore()
    holder.close()


def test_only_sqlite_can_be_put_back(tmp_path):
    assert database_of({}, tmp_path) == tmp_path / "backend.db"
    assert database_of({"BACKEND_DATABASE_URL": "sqlite:////var/b.db"}, tmp_path) == Path("/var/b.db")
    for url in ("postgresql+psycopg://u:p@h/db", "sqlite://"):
        with pytest.raises(BackendError, match="unset BACKEND_DATABASE_URL"):
            database_of({"BACKEND_DATABASE_URL": url}, tmp_path)


@pytest.fixture
def endpoints(tmp_path: Path) -> Endpoints:
    original = tmp_path / "original.yml"
    original.write_text("action_endpoint: {url: '${ACTIONS_URL}/webhook'}\nllm: {model: real}\n")
    return Endpoints(original, tmp_path / "endpoints.yml")


def test_a_model_is_configured_for_the_step_alone(endpoints):
    plain = yaml.safe_load(endpoints.path.read_text())
    assert plain == {"action_endpoint": {"url": "${ACTIONS_URL}/webhook"}}
    with endpoints.model("500"):
        llm = yaml.safe_load(endpoints.path.read_text())["llm"]
        answer = httpx.post(f"{llm['base_url']}/chat/completions", json={}, timeout=5, trust_env=False)
        assert answer.status_code == 500
    with endpoints.model("down"), pytest.raises(httpx.ConnectError):
        llm = yaml.safe_load(endpoints.path.read_text())["llm"]
        httpx.post(f"{llm['base_url']}/chat/completions", json={}, timeout=5, trust_env=False)
    assert yaml.safe_load(endpoints.path.read_text()) == plain


def test_faults_tell_which_of_them_nothing_ran_into(proxy, endpoints, database, monkeypatch):
    monkeypatch.setattr("tests.e2e_runner.faults.MODEL_NOTICED", 0.1)
    hit, missed = Fault("action", "action_a", "500"), Fault("action", "action_b", "down")
    slow, locked = Fault("model", "", "slow"), Fault("backend", "", "locked")
    with Faults(proxy, endpoints, database).injected((hit, missed, slow, locked)) as idle:
        assert call(proxy, "action_a").status_code == 500
        other = sqlite3.connect(database, isolation_level=None, timeout=0.01)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
    assert idle == [slow, missed] and proxy.faults == ()
    other.execute("BEGIN IMMEDIATE")
    other.close()
