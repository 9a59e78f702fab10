"""The three servers as strangers find them: closed, silent about themselves, not held up by slow or large requests."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx
import pytest

from common.web import BODY_SECONDS, HEADER_SECONDS, IDLE_SECONDS
from tests.e2e_runner.faults import locked

MARK = "Zebedee Quillfeather"
TOKENS = {"assistant": "RASA_TOKEN", "actions": "ACTIONS_TOKEN", "desk": "DESK_TOKEN"}
# What each address answers without a token; with the token it is never 401.
CLOSED = {
    "assistant": [
        *("GET /", "GET /version", "GET /status", "GET /domain", "GET /model", "PUT /model", "DELETE /model"),
        *(
            "POST /model/train",
            "POST /model/parse",
            "POST /model/test/intents",
            "GET /docs",
            "GET /auth",
            "GET /nowhere",
        ),
        *("GET /conversations/x/tracker", "POST /conversations/x/tracker/events", "POST /conversations/x/messages"),
        *("POST /conversations/x/execute", "POST /conversations/x/trigger_intent", "GET /conversations/x/story"),
        *("HEAD /status", "POST /health", "GET /health/", "GET //status", "GET /webhooks"),
        *("GET /webhooks/../status", "GET /socket.io", "POST /webhooks/rest/webhook", "POST /webhooks/webchat/partial"),
    ],
    "actions": [
        *("GET /", "POST /webhook", "GET /actions", "GET /model", "GET /status", "GET /version", "GET /docs"),
        *("GET /copilot/docs", "GET /copilot/openapi.json", "POST /copilot/search", "GET /handoff/schema"),
        *("GET /policy/decisions", "GET /nowhere", "POST /health", "OPTIONS /webhook", "HEAD /health"),
    ],
    "desk": ["GET /api/health", "POST /api/callbacks", "GET /api/queues/x/estimate"],
}
OPEN = {
    "assistant": {"GET /health": 200, "GET /webhooks/rest/": 200, "GET /webhooks/nowhere": 404, "GET /webhooks/": 404}
    | {"GET /webhooks/rest/webhook": 405, "PUT /webhooks/rest/webhook": 405},
    "actions": {"GET /health": 200},
    "desk": {
        "GET /health": 200,
        "GET /": 200,
        "POST /": 405,
        "GET /nowhere": 404,
        "GET /desk": 303,
        "DELETE /desk": 405,
    }
    | {
        "GET /desk/users": 303,
        "GET /desk/audit": 303,
        "PUT /chat/session": 405,
        "GET /chat/history": 401,
        "HEAD /": 405,
    },
}
# With the token too: what loads, trains or tests models, and what is no address at all.
GONE = [
    "GET /",
    "GET /model",
    "PUT /model",
    "DELETE /model",
    "POST /model/train",
    "POST /model/test/intents",
    "GET /docs",
]
WANTED = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
}


def url(stack, service: str) -> str:
    return stack.env[f"{service.upper()}_URL"]


def ask(stack, service: str, call: str, token: str | None = None, **more) -> httpx.Response:
    method, path = call.split()
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return stack.http.request(method, url(stack, service) + path, headers=headers, **more)


@pytest.mark.parametrize(("service", "call"), [(name, call) for name, calls in CLOSED.items() for call in calls])
def test_without_the_token_nothing_answers(stack, service, call):
    for token in (None, "wrong", stack.env["TANDEM_SECRET"], ""):
        answer = ask(stack, service, call, token)
        assert answer.status_code == 401, call
        assert call.startswith("HEAD") or set(answer.json()) == {"error"}
    if "rest" not in call and "partial" not in call and call not in ("OPTIONS /webhook",):
        assert ask(stack, service, call, stack.env[TOKENS[service]]).status_code != 401


@pytest.mark.parametrize(
    ("service", "call", "status"),
    [(name, call, status) for name, calls in OPEN.items() for call, status in calls.items()],
)
def test_what_is_open_says_no_more_than_it_must(stack, service, call, status):
    answer = ask(stack, service, call)
    assert answer.status_code == status
    assert "Rasa" not in answer.text and "Sanic" not in answer.text and "3.6" not in answer.text
    assert "server" not in answer.headers and "x-powered-by" not in answer.headers


@pytest.mark.parametrize("call", GONE)
def test_what_nobody_needs_is_not_there_even_with_the_token(stack, call):
    assert ask(stack, "assistant", call, stack.env["RASA_TOKEN"]).status_code == 404
    assert ask(stack, "assistant", "DELETE /status", stack.env["RASA_TOKEN"]).status_code == 405


def test_a_token_in_the_address_is_refused_even_if_it_is_right(stack):
    right = stack.env["RASA_TOKEN"]
    for token in (None, right):
        answer = ask(stack, "assistant", f"GET /status?token={right}", token)
        assert answer.status_code == 401 and "Authorization: Bearer" in answer.json()["error"]
    assert ask(stack, "assistant", "GET /status", right).status_code == 200


def test_every_answer_has_its_headers(stack):
    for service, calls in {**OPEN, "actions": {"GET /copilot/docs": 401, "GET /health": 200}}.items():
        for call in calls:
            headers = ask(stack, service, call).headers
            assert {name: headers.get(name) for name in WANTED} == WANTED, (service, call)
            assert "default-src 'none'" in headers["content-security-policy"]
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
    page = ask(stack, "actions", "GET /copilot/docs", stack.env["ACTIONS_TOKEN"])
    assert "style-src 'sha256-" in page.headers["content-security-policy"] and page.text.startswith("<!doctype html>")


def failures(stack):
    """Calls that make each service fail on our side, with the customer's words in what they carry."""
    talk = {"sender_id": MARK, "slots": {}, "latest_message": {"text": MARK}, "events": []}
    conversation = f"/conversations/{uuid_of(stack)}"
    yield "actions", "POST /webhook", {"json": [MARK]}
    yield "actions", "POST /webhook", {"json": {"next_action": "action_balance", "tracker": MARK, "domain": {}}}
    yield "actions", "POST /webhook", {"json": {"tracker": talk}}
    yield "assistant", f"POST {conversation}/execute", {"json": {"name": MARK}}
    yield "assistant", f"POST {conversation}/trigger_intent", {"json": {"name": MARK}}
    yield "assistant", f"POST {conversation}/messages", {"json": {"text": MARK, "sender": "somebody"}}
    yield "assistant", f"POST {conversation}/tracker/events", {"json": {"event": "user", "text": {"x": MARK}}}
    yield "assistant", "POST /model/parse", {"content": f"{{{MARK}"}
    yield "assistant", "POST /model/parse", {"json": {"text": [MARK]}}
    yield "assistant", f"GET {conversation}/tracker?until={MARK.replace(' ', '+')}", {}


def uuid_of(stack) -> str:
    customer = stack.conversation()
    customer.say(MARK)
    return customer.sender


def test_an_error_never_shows_the_conversation_or_the_code(stack):
    statuses = set()
    for service, call, more in failures(stack):
        answer = ask(stack, service, call, stack.env[TOKENS[service]], **more)
        statuses.add(answer.status_code)
        hidden(answer)
    with locked(stack.var / "tracker.db"):
        answer = ask(stack, "assistant", "GET /conversations/x/tracker", stack.env["RASA_TOKEN"])
    statuses.add(answer.status_code)
    hidden(answer)
    assert 500 in statuses


def test_a_failing_desk_shows_a_page_without_the_cause(stack):
    with locked(stack.var / "desk.db"):
        answer = httpx.get(f"{url(stack, 'desk')}/desk", cookies={"tandem_desk": MARK}, timeout=30, trust_env=False)
    assert answer.status_code in (303, 500, 503)
    hidden(answer, json=False)


def hidden(answer: httpx.Response, json: bool = True) -> None:
    failed = answer.status_code >= 300  # else the customer is told, as an answer of the action
    assert not (json and failed) or set(answer.json()) <= {"error", "reference", "action_name"}, answer.text
    # What was understood of a text holds that text; a failure never does.
    assert not failed or "Zebedee" not in answer.text, answer.text
    for word in ("Traceback", ".py", "3.6.21", "/tmp", "site-packages", "sqlite", "SELECT", "Sanic"):
        assert word not in answer.text, answer.text


@pytest.mark.parametrize(("service", "size"), [("assistant", 2_000_000), ("actions", 21_000_000), ("desk", 300_000)])
def test_an_oversized_body_is_refused(stack, service, size):
    path = {"assistant": "/webhooks/rest/webhook", "actions": "/webhook", "desk": "/chat/session"}[service]
    try:
        answer = ask(stack, service, f"POST {path}", stack.env[TOKENS[service]], content=b"x" * size)
    except httpx.TransportError:
        return  # the server has closed the connection on what goes on being sent
    assert answer.status_code == 413 and "too" in answer.json()["error"]


def test_a_body_that_would_unpack_to_any_size_is_not_unpacked(stack):
    headers = {"Authorization": f"Bearer {stack.env['ACTIONS_TOKEN']}", "Content-Encoding": "deflate"}
    answer = stack.http.post(f"{url(stack, 'actions')}/webhook", content=b"x", headers=headers)
    assert answer.status_code == 415


def drip(address: str, head: bytes, piece: bytes, until: float) -> float:
    """Send `head`, then a piece every second; how long it took until the server closed the connection."""
    parts = urlsplit(address)
    began = time.monotonic()
    with socket.create_connection((parts.hostname, parts.port), timeout=1) as client:
        client.sendall(head)
        while time.monotonic() - began < until:
            try:
                if not client.recv(4096):
                    break
            except TimeoutError:
                pass
            except OSError:
                break
            try:
                client.sendall(piece)
            except OSError:
                break
    return time.monotonic() - began


def test_a_request_that_drips_in_is_cut_off(stack):
    """Six slow clients at once; meanwhile everybody else is answered."""
    header = b"GET /health HTTP/1.1\r\nHost: x\r\nX: "
    paths = {"assistant": "/webhooks/rest/webhook", "actions": "/webhook", "desk": "/chat/session"}
    limit = IDLE_SECONDS + HEADER_SECONDS + 8.0
    with ThreadPoolExecutor(6) as threads:
        heads = [threads.submit(drip, url(stack, name), header, b"x", limit) for name in paths]
        bodies = []
        for name, path in paths.items():
            token = stack.env[TOKENS[name]]
            head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: 5000\r\n\r\n"
            bodies.append(threads.submit(drip, url(stack, name), head.encode(), b"x", limit))
        assert stack.conversation().say("hello").strip()
        assert all(future.result() < limit for future in heads), "headers"
        assert all(future.result() < BODY_SECONDS + 8 for future in bodies), "bodies"
