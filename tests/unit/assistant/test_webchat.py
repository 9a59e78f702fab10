import json
import queue
import time

import httpx
import pytest
import socketio
import websocket

from assistant.channels import sentences, signing
from assistant.channels.webchat import OriginsMissing, WebChatInput
from tests.unit.assistant.test_tokens import token

DESK = "http://localhost:8080"
WAIT = 5
QUIET = 0.3


class Page:
    """A customer's browser."""

    def __init__(self, server, conversation, origin=DESK, transport="websocket", **claims):
        # A page that leaves in the middle of a long poll waits for its end: websockets are quicker to test.
        self.client = socketio.Client(websocket_extra_options={"origin": origin})
        self.bubbles, self.confirmed, self.expired = queue.Queue(), queue.Queue(), queue.Queue()
        self.partials = queue.Queue()
        self.client.on("bot_uttered", self.bubbles.put)
        self.client.on("bot_partial", self.partials.put)
        self.client.on("session_confirm", self.confirmed.put)
        self.client.on("session_expired", lambda *_: self.expired.put(True))
        self.client.connect(
            server.url,
            headers={"Origin": origin} if transport != "websocket" else {},
            auth={"token": token(sub=conversation, **claims)},
            transports=[transport],
        )

    def say(self, message, **more):
        self.client.emit("user_uttered", {"message": message, **more})

    def read(self):
        return self.bubbles.get(timeout=WAIT)

    def reads_nothing(self):
        try:
            return self.bubbles.get(timeout=QUIET) is None
        except queue.Empty:
            return True

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.disconnect()


@pytest.mark.parametrize("transport", ["polling", "websocket"])
def test_a_message_and_its_answer(server, transport, mine):
    with Page(server, mine, transport=transport) as page:
        page.say("hello")
        assert page.read() == {
            "text": "You said hello",
            "quick_replies": [],
            "author": "bot",
            "agent_name": None,
            "sources": [],
            "reply_id": None,
        }
        [message] = server.agent.received
        assert (message.sender_id, message.input_channel, message.metadata) == (mine, "webchat", {})


def test_the_conversation_is_the_tokens_whatever_the_client_says(server, mine, theirs):
    with Page(server, mine) as alice, Page(server, theirs) as bob:
        bob.client.emit("session_request", {"session_id": mine})
        assert bob.confirmed.get(timeout=WAIT) == theirs
        bob.say("it's me", session_id=mine)
        assert bob.read()["text"] == "You said it's me"
        assert server.agent.received[0].sender_id == theirs
        alice.say("private")
        assert alice.read()["text"] == "You said private"
        assert bob.reads_nothing()
        assert alice.reads_nothing()


@pytest.mark.parametrize(
    "claims",
    [{"secret": "the wrong secret, of more than 32 characters"}, {"exp": int(time.time()) - 60}, {"aud": "desk"}],
)
def test_a_wrong_or_expired_token_is_refused(server, claims, mine):
    with pytest.raises(socketio.exceptions.ConnectionError):
        Page(server, mine, **claims)


def test_the_page_learns_why_it_was_refused(server, mine):
    reasons = queue.Queue()
    client = socketio.Client(websocket_extra_options={"origin": DESK})
    client.on("connect_error", reasons.put)
    with pytest.raises(socketio.exceptions.ConnectionError):
        expired = token(sub=mine, exp=int(time.time()) - 60)
        client.connect(server.url, auth={"token": expired}, transports=["websocket"])
    assert reasons.get(timeout=WAIT) == {"message": "token_expired"}


def test_a_message_that_is_sent_again_is_handled_once(server, mine):
    with Page(server, mine) as page:
        for text, message_id in (("hello", "m1"), ("hello", "m1"), ("hello", "m2")):
            page.say(text, message_id=message_id)
        assert page.read()["text"] == page.read()["text"] == "You said hello"
        assert page.reads_nothing()
    assert len(server.agent.received) == 2


def test_an_attachment_gets_a_sentence(server, mine):
    with Page(server, mine) as page:
        page.say("", attachments=[{"kind": "image", "name": "bill.png", "bytes": 5}])
        assert page.read()["text"]
    assert not any("bill.png" in (message.text or "") for message in server.agent.received)


EVIL = ["http://evil.example", "http://localhost:8081", "null", "https://localhost:8080", "http://localhost:8080.evil"]


@pytest.mark.parametrize("transport", ["polling", "websocket"])
@pytest.mark.parametrize("origin", EVIL)
def test_other_sites_pages_are_refused(server, origin, transport, mine):
    with pytest.raises(socketio.exceptions.ConnectionError):
        Page(server, mine, origin=origin, transport=transport)


def test_other_sites_may_not_upgrade_a_connection_of_the_desks(server):
    base = server.url + "/socket.io/?EIO=4&transport="
    opened = httpx.get(f"{base}polling", headers={"Origin": DESK}, trust_env=False)
    sid = json.loads(opened.text[1:])["sid"]
    with pytest.raises(websocket.WebSocketBadStatusException, match="400"):
        websocket.create_connection(f"{base}websocket&sid={sid}".replace("http", "ws"), origin=EVIL[0], timeout=WAIT)
    refused = httpx.post(f"{base}polling&sid={sid}", headers={"Origin": EVIL[0]}, content="40", trust_env=False)
    assert refused.status_code == 400


def test_both_names_of_this_machine_are_the_desk(server, mine):
    with Page(server, mine, origin="http://127.0.0.1:8080") as page:
        page.say("hello")
        assert page.read()["text"] == "You said hello"


@pytest.mark.parametrize("typed", ["/restart", "/affirm", "\u200b/session_start", "\uff0frestart"])
def test_a_slash_is_text(server, typed, mine):
    with Page(server, mine) as page:
        page.say(typed)
        page.read()
    [message] = server.agent.received
    assert message.parse_data is None
    assert not message.text.startswith("/")


def test_a_button_that_we_sent_is_an_intent_and_a_forged_one_is_not(server, mine, theirs):
    server.agent.answer = lambda _: {"text": "Shall I?", "buttons": [{"title": "Yes", "payload": "/affirm"}]}
    with Page(server, mine) as alice, Page(server, theirs) as bob:
        alice.say("book it")
        [button] = alice.read()["quick_replies"]
        alice.say(button["title"], payload=button["payload"])
        alice.read()
        bob.say(button["title"], payload=button["payload"])
        bob.read()
        bob.say("Yes", payload="/affirm")
        bob.read()
    pressed, stolen, forged = server.agent.received[1:]
    assert (pressed.text, pressed.parse_data["intent"]["name"]) == ("Yes", "affirm")
    assert (stolen.text, stolen.parse_data) == ("Yes", None)
    assert (forged.text, forged.parse_data) == ("Yes", None)


@pytest.mark.parametrize(
    "data", [{"message": 5}, {"message": ["a"]}, {"message": "a", "payload": {}}, "text", None, [], {}]
)
def test_what_is_no_text_gets_a_sentence(server, data, mine):
    with Page(server, mine) as page:
        page.client.emit("user_uttered", data)
        assert page.read()["text"] == sentences.EMPTY
    assert server.agent.received == []


def test_ten_thousand_characters_get_a_sentence(server, mine):
    with Page(server, mine) as page:
        page.say("😀" * 10_000)
        assert page.read()["text"] == sentences.too_long(1_000)


def test_an_answer_is_one_bubble_with_its_sources(server, mine):
    sources = [{"title": "Moving home", "article": "moving-home"}]
    server.agent.answer = lambda _: {"text": "One.\n\nTwo.", "metadata": {"sources": sources}}
    with Page(server, mine) as page:
        page.say("hello")
        bubble = page.read()
        assert bubble["text"] == "One.\n\nTwo."
        assert bubble["sources"] == sources
        assert page.reads_nothing()


def test_an_agents_message_reaches_the_customers_room(server, mine, theirs):
    channel = server.channels[0]
    with Page(server, mine) as page, Page(server, mine) as second_tab, Page(server, theirs) as bob:
        output = channel.get_output_channel()
        assert (channel.name(), output.name()) == ("webchat", "webchat")
        buttons = [{"title": "Yes", "payload": "/affirm"}]
        message = {"text": "Hello, I'm Alex", "author": "agent", "agent_name": "Alex", "buttons": buttons}
        server.call(output.send_response(mine, message))
        for tab in (page, second_tab):
            bubble = tab.read()
            assert (bubble["text"], bubble["author"], bubble["agent_name"]) == ("Hello, I'm Alex", "agent", "Alex")
            assert signing.verify(bubble["quick_replies"][0]["payload"], mine) == "/affirm"
        assert bob.reads_nothing()


def test_other_origins_come_from_the_credentials(monkeypatch):
    channel = WebChatInput.from_credentials(
        {"desk_url": "https://desk.example", "allowed_origins": ["https://shop.example"]}
    )
    assert channel._origins == ["https://desk.example", "https://shop.example"]
    monkeypatch.setenv("CHAT_ORIGINS", "https://a.example, https://b.example:8443")
    assert WebChatInput.from_credentials({"desk_url": "https://desk.example"})._origins[1:] == [
        "https://a.example",
        "https://b.example:8443",
    ]
    monkeypatch.delenv("CHAT_ORIGINS")
    monkeypatch.setenv("DESK_URL", "http://127.0.0.1:9000/")
    assert WebChatInput.from_credentials(None)._origins == ["http://localhost:9000", "http://127.0.0.1:9000"]


def test_no_origin_at_all_is_an_error_that_says_what_to_do(monkeypatch):
    monkeypatch.delenv("DESK_URL", raising=False)
    with pytest.raises(OriginsMissing, match="DESK_URL is not set: start Tandem with `make run`"):
        WebChatInput.from_credentials({"allowed_origins": []})
