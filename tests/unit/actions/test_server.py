"""The action server as a real process: token, errors, start and stop."""

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[3]
TOKEN = "token-for-tests"
AUTH = {"Authorization": f"Bearer {TOKEN}"}


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(var: Path, **more: str) -> dict[str, str]:
    """The environment of a server with its state in `var`; nothing else of Tandem's is set."""
    names = ("TANDEM_", "ACTION", "BACKEND_", "DESK_", "RASA_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(names)}
    return kept | {"TANDEM_VAR": str(var), "ACTIONS_TOKEN": TOKEN, "TANDEM_SECRET": "s", "TANDEM_DEMO": "1"} | more


def start(env: dict[str, str]) -> subprocess.Popen[str]:
    """Start `python -m actions`, its output in files' stead through pipes."""
    command = [sys.executable, "-m", "actions"]
    return subprocess.Popen(command, cwd=ROOT, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finished(env: dict[str, str]) -> tuple[int, str]:
    """Exit code and standard error of a server that cannot start."""
    process = start(env)
    _, errors = process.communicate(timeout=90)
    return process.returncode, errors


class Server:
    """A running server."""

    def __init__(self, var: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = var / "actions.log"
        with self.log.open("w") as log:
            env = environment(var, ACTIONS_PORT=str(self.port))
            command = [sys.executable, "-m", "actions"]
            self.process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=subprocess.STDOUT)
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text()
            try:
                if httpx.get(f"{self.url}/health").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        raise AssertionError(f"no answer within 90 s: {self.log.read_text()}")

    def call(self, action: str, **tracker: Any) -> httpx.Response:
        """Call an action as Rasa does."""
        state = {"sender_id": "customer-77", "slots": {}, "latest_message": {}, "events": [], **tracker}
        body = {"next_action": action, "tracker": state, "domain": {}, "version": "3.6.21"}
        return httpx.post(f"{self.url}/webhook", json=body, headers=AUTH, timeout=30)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for the tests that only call it."""
    running = Server(tmp_path_factory.mktemp("server"))
    yield running
    running.process.terminate()
    assert running.process.wait(30) == 0


def test_health_is_open(server: Server) -> None:
    assert httpx.get(f"{server.url}/health").json() == {"status": "ok"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/webhook"),
        ("GET", "/actions"),
        ("OPTIONS", "/webhook"),
        ("POST", "/health"),
        ("GET", "/nowhere"),
        ("GET", "/health/../actions"),
    ],
)
@pytest.mark.parametrize("header", [None, "Bearer wrong", f"Basic {TOKEN}", TOKEN, "Bearer", "Bearer tökén"])
def test_everything_else_needs_the_token(server: Server, method: str, path: str, header: str | None) -> None:
    headers = {"Authorization": header.encode()} if header else {}
    answer = httpx.request(method, server.url + path, headers=headers)
    assert answer.status_code == 401
    assert list(answer.json()) == ["error"]


def test_every_skill_is_registered(server: Server) -> None:
    names = {action["name"] for action in httpx.get(f"{server.url}/actions", headers=AUTH).json()}
    assert names >= {
        "action_stop",
        "validate_order_form",
        "action_order_status",
        "validate_balance_form",
        "action_balance",
        "validate_booking_form",
        "action_ask_visit_slot",
        "action_book_visit",
        "action_answer",
        "action_handoff",
        "action_decline_offer",
    }


def test_an_action_answers(server: Server) -> None:
    answer = server.call("action_stop")
    assert answer.status_code == 200
    assert "nothing in progress" in answer.json()["responses"][0]["text"]
    assert "access-control-allow-origin" not in answer.headers


def test_the_demo_data_is_there(server: Server) -> None:
    entities = [{"entity": "order_number", "value": "NO482136"}, {"entity": "postcode", "value": "LS1 4AP"}]
    message = {"text": "NO482136 LS1 4AP", "intent": {"name": "order_status"}, "entities": entities}
    events = [{"event": "user", "text": message["text"]}, {"event": "active_loop", "name": "order_form"}]
    loop = {"name": "order_form"}
    found = server.call("validate_order_form", latest_message=message, events=events, active_loop=loop).json()
    slots = {event["name"]: event["value"] for event in found["events"]}
    assert slots["order_number"] == "NO482136" and slots["requested_slot"] is None
    said = server.call("action_order_status", slots=slots).json()["responses"][0]["text"]
    assert "is on its way with Parcelway" in said


def test_an_error_never_repeats_the_request(server: Server) -> None:
    body = {"next_action": "action_stop", "tracker": "my secret LS1 4AP", "domain": {}}
    answer = httpx.post(f"{server.url}/webhook", json=body, headers=AUTH)
    assert "secret" not in answer.text
    broken = httpx.post(f"{server.url}/webhook", json=["my secret LS1 4AP"], headers=AUTH)
    assert broken.status_code == 500
    assert set(broken.json()) == {"error", "reference"} and "secret" not in broken.text
    assert broken.json()["reference"] in server.log.read_text()
    unread = httpx.post(f"{server.url}/webhook", content=b"my secret", headers=AUTH)
    assert unread.status_code == 400 and "secret" not in unread.text
    missing = httpx.get(f"{server.url}/secret", headers=AUTH)
    assert missing.status_code == 404 and "secret" not in missing.text
    unknown = server.call("action_unknown")
    assert unknown.status_code == 404


def test_the_log_is_one_line_an_event_and_names_nobody(server: Server) -> None:
    server.call("action_stop", latest_message={"text": "my secret LS1 4AP"})
    lines = server.log.read_text().splitlines()
    assert [line for line in lines if line[:2] != "20" or " event=" not in line] == []
    assert any("action=action_stop" in line and "conversation=" in line and " ms=" in line for line in lines)
    text = "\n".join(lines)
    assert not any(word in text for word in ("customer-77", "LS1", "secret", TOKEN, "might not be compatible"))


def test_it_listens_on_loopback_only(server: Server) -> None:
    listening = [
        line.split()
        for line in Path(f"/proc/{server.process.pid}/net/tcp").read_text().splitlines()[1:]
        if line.split()[1].endswith(f":{server.port:04X}") and line.split()[3] == "0A"
    ]
    assert [fields[1].split(":")[0] for fields in listening] == ["0100007F"]


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(tmp_path: Path, sign: signal.Signals) -> None:
    running = Server(tmp_path)
    running.process.send_signal(sign)
    assert running.process.wait(30) == 0
    log = running.log.read_text()
    assert "event=stopped" in log and "Traceback" not in log


def test_outside_the_demo_nobody_prints_codes_by_accident(tmp_path: Path) -> None:
    code, errors = finished(environment(tmp_path, TANDEM_DEMO="0"))
    assert code == 2 and errors.count("\n") == 1 and "NOTIFICATIONS is not set" in errors


def test_a_wrong_file_of_rules_is_one_sentence(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "actions/backends/data", tmp_path / "rules")
    (tmp_path / "rules/visits.yml").write_text("windows: []\n")
    code, errors = finished(environment(tmp_path, TANDEM_RULES=str(tmp_path / "rules")))
    assert code == 2 and errors.count("\n") == 1 and "visits.yml" in errors


@pytest.mark.parametrize("name", ["TANDEM_VAR", "ACTIONS_TOKEN", "TANDEM_SECRET"])
def test_a_missing_setting_is_one_sentence_and_exit_code_2(tmp_path: Path, name: str) -> None:
    env = environment(tmp_path)
    del env[name]
    sentence = f"{name} is not set: start Tandem with `make run`, or load var/env first\n"
    assert finished(env) == (2, sentence)


def test_a_bad_port_is_one_sentence(tmp_path: Path) -> None:
    code, errors = finished(environment(tmp_path, ACTIONS_PORT="http"))
    assert code == 2 and errors.count("\n") == 1 and "ACTIONS_PORT" in errors


def test_a_taken_port_is_one_sentence(tmp_path: Path, server: Server) -> None:
    code, errors = finished(environment(tmp_path, ACTIONS_PORT=str(server.port)))
    assert code == 1 and errors.count("\n") == 1 and f"Port {server.port} is taken" in errors


def test_a_locked_database_is_one_sentence(tmp_path: Path) -> None:
    holder = sqlite3.connect(tmp_path / "backend.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        code, errors = finished(environment(tmp_path, ACTIONS_PORT=str(free_port())))
    finally:
        holder.close()
    assert code == 1 and errors.count("\n") == 1 and "is locked by another program" in errors
