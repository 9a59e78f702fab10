"""Rasa's HTTP server behind `assistant.server`, with an agent that fails as a database would."""

import os
import signal
import socket
import subprocess
import sys
import time
from types import SimpleNamespace

import httpx
import pytest

from deploy.local.environment import ROOT

TOKEN = "the-token-of-these-tests"
AUTH = {"Authorization": f"Bearer {TOKEN}"}
NAME = "Zebedee Quillfeather"
SERVER = f"""
import sys
from assistant import logs
logs.configure()
from rasa.server import create_app
from assistant.server import guard_api
from common import web

class Fails:
    model_filename = "model.tar.gz"
    model_id = "1"
    domain = None
    def is_ready(self): return True
    def __getattr__(self, name): raise ValueError("{NAME}")

web.HEADER_SECONDS = web.IDLE_SECONDS = web.BODY_SECONDS = 3
agent = Fails()
agent.processor = agent.tracker_store = agent.lock_store = agent
app = create_app(agent=agent, auth_token="{TOKEN}", cors_origins=[])
app.register_listener(guard_api, "main_process_start")

@app.get("/webhooks/broken/webhook")
async def broken(request):
    raise ValueError("{NAME}")

app.run(host="127.0.0.1", port=int(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    """The server in a process of its own: its url and its log."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("api") / "log"
    env = os.environ | {"PYTHONPATH": str(ROOT), "RASA_TOKEN": TOKEN, "TF_CPP_MIN_LOG_LEVEL": "3", "LOG_LEVEL": "DEBUG"}
    with log.open("w") as output:
        command = [sys.executable, "-W", "ignore", "-c", SERVER, str(port)]
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=output, stderr=output)
    found = SimpleNamespace(url=f"http://127.0.0.1:{port}", log=log, process=process)
    until = time.monotonic() + 180
    while not answers(found.url):
        assert process.poll() is None and time.monotonic() < until, log.read_text()
        time.sleep(0.2)
    yield found
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0


def answers(url):
    try:
        return httpx.get(f"{url}/health", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def ask(api, method, path, headers=AUTH, **more):
    return httpx.request(method, api.url + path, headers=headers, trust_env=False, timeout=30, **more)


@pytest.mark.parametrize(
    "path", ["/", "/version", "/status", "/conversations/x/tracker", "/model", "/nowhere", "/docs"]
)
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_everything_needs_the_token_in_the_header(api, method, path, headers):
    for query in ("", f"?token={TOKEN}"):
        answer = ask(api, method, path + query, headers)
        assert answer.status_code == 401 and "Authorization: Bearer" in answer.json()["error"]


def test_the_header_opens_what_is_needed_and_nothing_else(api):
    assert ask(api, "GET", "/status").json()["model_id"] == "1"
    assert ask(api, "GET", "/version").status_code == 200
    assert ask(api, "GET", f"/status?token={TOKEN}").status_code == 401
    for method, path in (
        ("PUT", "/model"),
        ("DELETE", "/model"),
        ("POST", "/model/train"),
        ("GET", "/"),
        ("GET", "/x"),
    ):
        assert ask(api, method, path).status_code == 404
    assert ask(api, "DELETE", "/status").status_code == 405


def test_no_other_page_may_read_an_answer(api):
    """Rasa's own answer to OPTIONS comes before ours: it is empty, and allows nobody."""
    for headers in ({}, AUTH):
        asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET", **headers}
        for method in ("OPTIONS", "GET"):
            answer = ask(api, method, "/status", asked)
            assert "access-control-allow-origin" not in answer.headers
            assert method == "GET" or answer.content == b""


def test_an_error_says_nothing_about_the_cause(api):
    event = {"event": "user", "text": {"x": NAME}}
    calls = [
        ask(api, "GET", "/conversations/x/tracker"),
        ask(api, "POST", "/conversations/x/tracker/events", json={"event": "restart"}),
        ask(api, "GET", "/webhooks/broken/webhook", {}),
        ask(api, "POST", "/model/parse", content=NAME),
        ask(api, "POST", "/conversations/x/tracker/events", json=event),
    ]
    assert [answer.status_code for answer in calls[:3]] == [500, 500, 500] and calls[4].status_code == 400
    for answer in calls:
        assert set(answer.json()) <= {"error", "reference"}
        assert not any(word in answer.text for word in ("Zebedee", "Traceback", ".py", "3.6", "rasa.com"))
        assert (
            answer.headers["cache-control"] == "no-store" and "default-src" in answer.headers["content-security-policy"]
        )
    log = api.log.read_text()
    assert calls[0].json()["reference"] in log and "ValueError" in log
    assert "Zebedee" not in log and TOKEN not in log


def test_a_large_body_is_refused(api):
    assert ask(api, "POST", "/conversations/x/tracker/events", content=b"x" * 1_100_000).status_code == 413


@pytest.mark.parametrize("token", ["", f"Authorization: Bearer {TOKEN}\r\n"])
@pytest.mark.parametrize(
    "head", ["GET /health HTTP/1.1\r\n{}X: ", "POST /model/parse HTTP/1.1\r\n{}Content-Length: 900\r\n\r\n"]
)
def test_a_request_that_drips_in_is_cut_off(api, head, token):
    began, seen = time.monotonic(), b""
    with socket.create_connection(("127.0.0.1", int(api.url.rsplit(":", 1)[1])), timeout=0.2) as client:
        client.sendall(head.format(token).encode())
        while time.monotonic() - began < 25:
            try:
                piece = client.recv(4096)
                seen += piece
                if not piece:
                    break
            except TimeoutError:
                client.sendall(b"x")
            except OSError:
                break
    assert time.monotonic() - began < 20
    assert TOKEN.encode() not in seen and (b" 408 " in seen) == (head.startswith("POST") and bool(token))
