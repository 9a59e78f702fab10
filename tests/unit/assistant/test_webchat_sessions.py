"""How clients show their token, what a connection may do before it has, and what ends it."""

import asyncio
import queue
import time

import httpx
import pytest
import socketio
import websocket
from sanic.compat import Header

from assistant.channels import protocol, sessions
from assistant.channels.tokens import CLOCK_SKEW_SECONDS
from assistant.channels.workers import OneWorker
from tests.unit.assistant.test_tokens import token
from tests.unit.assistant.test_webchat import DESK, QUIET, WAIT, Page

SECRET_TOKEN = {"Authorization": "Bearer from-the-desk"}


class Widget:
    """An existing widget for Rasa's socket.io channel: it asks for a session and speaks in the one that it is told."""

    def __init__(self, server, auth=None, headers=None, path=""):
        self.client = socketio.Client(reconnection=False, websocket_extra_options={"origin": DESK})
        self.heard, self.closed = queue.Queue(), queue.Queue()
        for event in ("session_confirm", "session_expired", "bot_uttered"):
            self.client.on(event, lambda *data, event=event: self.heard.put((event, *data)))
        self.client.on("disconnect", lambda *_: self.closed.put(time.monotonic()))
        self.client.connect(server.url + path, headers=headers or {}, auth=auth, transports=["websocket"])

    def ask(self, session_id=None, **more):
        self.client.emit("session_request", {"session_id": session_id, **more})
        return self.heard.get(timeout=WAIT)

    def say(self, message, session_id, **more):
        self.client.emit("user_uttered", {"message": message, "session_id": session_id, "customData": {}, **more})
        return self.heard.get(timeout=WAIT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.disconnect()


@pytest.fixture
def short(monkeypatch):
    """A connection must show its token at once."""
    monkeypatch.setattr(sessions, "TOKEN_WITHIN_SECONDS", 0.4)


@pytest.mark.parametrize("place", ["auth", "header", "session_request", "customData"])
def test_existing_widgets_connect_with_their_token(server, mine, short, place):
    shown = token(sub=mine)
    handshake = {"auth": {"auth": {"token": shown}}, "header": {"headers": {"Authorization": f"Bearer {shown}"}}}
    asked = {"session_request": {"token": shown}, "customData": {"customData": {"language": "en", "token": shown}}}
    server.agent.answer = lambda _: {"text": "Shall I?", "buttons": [{"title": "Yes", "payload": "/affirm"}]}
    with Widget(server, **handshake.get(place, {})) as widget:
        event, session_id = widget.ask(session_id=None, **asked.get(place, {}))
        assert (event, session_id) == ("session_confirm", mine)
        event, bubble = widget.say("hello", session_id)
        assert (event, bubble["text"]) == ("bot_uttered", "Shall I?")
        [reply] = bubble["quick_replies"]
        assert reply["title"] == "Yes" and reply["payload"].startswith("/affirm")
        time.sleep(0.5)  # longer than a connection without a token lives
        widget.say(reply["payload"], session_id)
        assert widget.closed.empty()
    assert [message.sender_id for message in server.agent.received] == [mine, mine]
    assert server.agent.received[1].parse_data["intent"]["name"] == "affirm"


def test_a_token_in_the_first_message_is_enough(server, mine):
    with Widget(server) as widget:
        event, bubble = widget.say("hello", "whatever", customData={"token": token(sub=mine)})
        assert (event, bubble["text"]) == ("bot_uttered", "You said hello")
    assert server.agent.received[0].sender_id == mine


@pytest.mark.parametrize("data", [{}, {"token": "x"}, {"token": 5}, {"customData": "x"}, {"customData": {"token": []}}])
@pytest.mark.parametrize("event", ["session_request", "user_uttered", "session_renew"])
def test_before_a_token_nothing_is_done_and_the_connection_is_closed(server, event, data, mine):
    with Widget(server) as widget:
        widget.client.emit(event, {"message": "hello", "session_id": mine, **data})
        assert widget.heard.get(timeout=WAIT) == ("session_expired",)
        assert widget.closed.get(timeout=WAIT)
        assert widget.heard.empty()
    assert server.agent.received == []


def test_a_connection_that_shows_no_token_is_closed(server, short, mine):
    with Widget(server) as widget, Page(server, mine) as alice:
        assert widget.closed.get(timeout=WAIT)
        alice.say("hello")
        assert alice.read()["text"] == "You said hello"


def test_a_transport_that_never_speaks_socketio_is_closed(server, short):
    address = server.url.replace("http", "ws") + "/socket.io/?EIO=4&transport=websocket"
    connection = websocket.create_connection(address, origin=DESK, timeout=WAIT)
    assert connection.recv().startswith("0")
    while connection.recv() not in ("", "1"):
        pass


def test_a_token_in_the_address_is_not_read(server, mine):
    with Widget(server, path=f"?token={token(sub=mine)}&auth={token(sub=mine)}") as widget:
        assert widget.ask() == ("session_expired",)


@pytest.mark.parametrize("auth", [{"token": 1}, {"token": "x"}, {"token": []}])
def test_a_wrong_token_in_the_handshake_is_refused_at_once(server, auth):
    with pytest.raises(socketio.exceptions.ConnectionError):
        Widget(server, auth=auth)


def test_another_sessions_id_opens_nothing(server, mine, theirs):
    with Page(server, mine) as alice, Widget(server, auth={"token": token(sub=theirs)}) as thief:
        assert thief.ask(session_id=mine) == ("session_confirm", theirs)
        event, bubble = thief.say("it's me", mine, sender=mine, sender_id=mine)
        assert (event, bubble["text"]) == ("bot_uttered", "You said it's me")
        alice.say("private")
        assert alice.read()["text"] == "You said private"
        with pytest.raises(queue.Empty):
            thief.heard.get(timeout=QUIET)
    assert [message.sender_id for message in server.agent.received] == [theirs, mine]


def test_one_connection_never_changes_its_conversation(server, mine, theirs):
    with Widget(server, auth={"token": token(sub=theirs)}) as widget:
        assert widget.ask(token=token(sub=mine)) == ("session_expired",)
        assert widget.closed.get(timeout=WAIT)


def soon():
    """An end that comes in a second or two, with the skew of clocks that is allowed for."""
    return int(time.time()) + 2 - CLOCK_SKEW_SECONDS


def test_an_expired_token_closes_a_connection_that_only_listens(server, mine):
    with Widget(server, auth={"token": token(sub=mine, exp=soon())}) as widget:
        assert widget.heard.get(timeout=WAIT) == ("session_expired",)
        assert widget.closed.get(timeout=WAIT)


def test_a_renewed_token_keeps_it_open_and_a_stale_one_does_no_harm(server, mine):
    end = soon()
    stale = token(sub=mine, exp=end)
    with Widget(server, auth={"token": stale}) as widget:
        widget.client.emit("session_renew", {"token": token(sub=mine)})
        time.sleep(max(0, end + CLOCK_SKEW_SECONDS - time.time()) + 0.3)  # beyond the first token's end
        event, bubble = widget.say("hello", mine, customData={"token": stale})
        assert (event, bubble["text"]) == ("bot_uttered", "You said hello")


def revoke(server, body, headers=SECRET_TOKEN, path=""):
    return httpx.post(f"{server.url}/webhooks/webchat/revoke{path}", json=body, headers=headers, trust_env=False)


def test_revoking_disconnects_every_tab_and_refuses_the_tokens(server, theirs, mine):
    shown = {"token": token(sub=theirs)}
    with Widget(server, auth=shown) as first, Widget(server, auth=shown) as second, Page(server, mine) as alice:
        assert revoke(server, {"conversation": theirs, "seconds": 900}).status_code == 204
        assert first.closed.get(timeout=WAIT) and second.closed.get(timeout=WAIT)
        for fresh in (shown, {"token": token(sub=theirs)}):
            with pytest.raises(socketio.exceptions.ConnectionError):
                Widget(server, auth=fresh)
        with Widget(server) as again:
            assert again.ask(**shown) == ("session_expired",)
        alice.say("hello")
        assert alice.read()["text"] == "You said hello"
    assert [message.sender_id for message in server.agent.received] == [mine]


def test_a_page_learns_that_it_was_revoked(server, theirs):
    revoke(server, {"conversation": theirs, "seconds": 900})
    reasons, client = queue.Queue(), socketio.Client(websocket_extra_options={"origin": DESK})
    client.on("connect_error", reasons.put)
    with pytest.raises(socketio.exceptions.ConnectionError):
        client.connect(server.url, auth={"token": token(sub=theirs)}, transports=["websocket"])
    assert reasons.get(timeout=WAIT) == {"message": "token_revoked"}


@pytest.mark.parametrize(
    ("headers", "path"),
    [
        ({}, ""),
        ({}, "?token=from-the-desk"),
        ({"Authorization": "Bearer x"}, ""),
        ({"Authorization": "from-the-desk"}, ""),
        ({"Authorization": f"Bearer {token()}"}, ""),
    ],
)
def test_only_the_desk_revokes(server, headers, path, mine):
    with Page(server, mine) as alice:
        assert revoke(server, {"conversation": mine, "seconds": 900}, headers, path).status_code == 401
        alice.say("hello")
        assert alice.read()["text"] == "You said hello"


@pytest.mark.parametrize(
    "body", [None, [], {}, {"conversation": ""}, {"conversation": "a"}, {"conversation": 5, "seconds": 900}]
)
def test_revoking_wants_a_conversation_and_seconds(server, body):
    answer = revoke(server, body)
    assert answer.status_code == 400 and "conversation" in answer.json()["error"]


def test_what_one_worker_keeps_is_forgotten_in_time(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr("assistant.channels.workers.time.time", lambda: now[0])

    async def keep_for_ten_seconds():
        worker = OneWorker()
        await worker.keep("revoked:a", "1", 10)
        assert await worker.kept("revoked:a") == "1" and await worker.kept("revoked:b") is None
        now[0] += 10
        assert await worker.kept("revoked:a") is None
        await worker.keep("revoked:b", "1", 10)
        assert list(worker._kept) == ["revoked:b"]

    asyncio.run(keep_for_ten_seconds())


@pytest.mark.parametrize("message_id", [None, "", 5, "x" * 65, ["a"]])
def test_the_guard_gets_only_an_id_that_is_one(message_id):
    assert protocol.guard_metadata({"message_id": message_id}, None, "192.0.2.1")["message_id"] is None


def test_what_the_guard_gets():
    attachments = [{"kind": "image", "name": "a.png", "bytes": 12}, {"kind": "virus", "bytes": -1, "more": 1}, "x"]
    assert protocol.guard_metadata({"message_id": "m1", "attachments": attachments}, "/affirm", "192.0.2.1") == {
        "payload": "/affirm",
        "message_id": "m1",
        "address": "192.0.2.1",
        "attachments": [
            {"kind": "image", "name": "a.png", "bytes": 12},
            {"kind": "file", "name": "", "bytes": None},
            {"kind": "file", "name": "", "bytes": None},
        ],
    }


@pytest.mark.parametrize(
    ("proxies", "seen"), [(0, "127.0.0.1"), (1, "203.0.113.7"), (2, "198.51.100.2"), (3, "127.0.0.1")]
)
def test_the_address_is_what_the_trusted_proxies_saw(proxies, seen):
    class Request:
        ip = "127.0.0.1"
        headers = Header([("X-Forwarded-For", "198.51.100.2"), ("X-Forwarded-For", "203.0.113.7")])

    assert protocol.client_address(Request, proxies) == seen
