"""Who is writing: a hint that ends by itself, told to the other side only."""

import threading

import pytest
from conftest import handed_over, user, wait_for

from desk.typing_state import SHOWN_SECONDS, TypingState


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def test_a_hint_ends_by_itself_and_is_news_once():
    clock = Clock()
    typing = TypingState(clock)
    assert typing.note(1, "agent", "Alex")
    assert not typing.note(1, "agent", "Alex")
    assert (typing.who(1, "agent"), typing.who(1, "customer"), typing.who(2, "agent")) == ("Alex", "", "")
    clock.now += SHOWN_SECONDS
    assert typing.who(1, "agent") == ""
    assert not typing.stop(1, "agent")
    assert typing.note(1, "agent", "Alex") and typing.stop(1, "agent")


def test_many_conversations_do_not_pile_up(monkeypatch):
    monkeypatch.setattr("desk.typing_state.MOST", 3)
    clock = Clock()
    typing = TypingState(clock)
    for number in range(3):
        typing.note(number, "customer")
    clock.now += SHOWN_SECONDS
    typing.note(9, "customer")
    assert len(typing._last) == 1


@pytest.fixture
def chat(desk, assistant):
    """A conversation that Alex has taken, and the token of its customer."""
    session = desk.chat()
    desk.stream.publish(session.session_id, user("hello"), *handed_over())
    alex = desk.logged_in("alex")
    address = alex.find(session.session_id)
    alex.post(f"{address}/take", seen_assignee="")
    desk.stream.publish(session.session_id, {"event": "slot", "name": "owner", "value": "agent"})
    wait_for(lambda: "You have this conversation" in alex.get(address).text)
    with desk.client() as client:
        client.headers["Authorization"] = f"Bearer {session.token}"
        yield alex, address, client


def test_the_customer_sees_the_agent_write_until_the_reply_is_sent(chat):
    alex, address, client = chat
    assert client.get("/chat/presence").json() == {"writing": None}
    assert alex.post(f"{address}/typing").status_code == 204
    assert client.get("/chat/presence").json() == {"writing": "Alex"}
    assert alex.reply(address, "Here I am").status_code == 200
    assert client.get("/chat/presence").json() == {"writing": None}


def test_only_the_agent_who_has_it_counts(desk, chat):
    _alex, address, client = chat
    assert desk.logged_in("sam").post(f"{address}/typing").status_code == 204
    assert client.get("/chat/presence").json() == {"writing": None}


def test_the_agents_page_hears_that_the_customer_writes(desk, chat):
    alex, address, client = chat
    ready, heard = threading.Event(), threading.Event()

    def listen():
        with alex.client.stream("GET", f"/desk/stream?open={address.rsplit('/', 1)[1]}") as stream:
            chunks = stream.iter_text()
            next(chunks)
            ready.set()
            while "event: typing" not in next(chunks):
                continue
            heard.set()

    threading.Thread(target=listen, daemon=True).start()
    assert ready.wait(5)
    assert client.post("/chat/typing", json={"writing": True}).status_code == 200
    assert heard.wait(2)
    assert "The customer is writing" in alex.get(f"{address}/typing").text
    client.post("/chat/typing", json={"writing": False})
    assert "writing" not in alex.get(f"{address}/typing").text


@pytest.mark.parametrize("body", [b"", b"[]", b'{"writing": "yes"}', b"nonsense"])
def test_odd_bodies_tell_nothing(chat, body):
    alex, address, client = chat
    assert client.post("/chat/typing", content=body).status_code in (200, 400)
    assert "writing" not in alex.get(f"{address}/typing").text


def test_a_token_is_needed(desk):
    with desk.client() as client:
        assert client.post("/chat/typing", json={"writing": True}).status_code == 401
        assert client.get("/chat/presence", headers={"Authorization": "Bearer x"}).status_code == 401
