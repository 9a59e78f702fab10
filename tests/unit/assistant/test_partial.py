"""Replies that grow on the customer's page, over real sockets: the test is the action server."""

import asyncio
import json
import queue
import uuid
from contextlib import contextmanager

import httpx
import pytest

from assistant.channels import guard, internal, partial
from tests.unit.assistant.test_webchat import QUIET, WAIT, Page

BOB = "b" * 32

TOKEN = {"Authorization": "Bearer from-the-actions"}
FIRST, SECOND = "The fee is £7.50.", "It is added to your next bill."


@pytest.fixture
def alice():
    """A conversation of the test's own: each one may send only so many messages in ten seconds."""
    return uuid.uuid4().hex


@contextmanager
def turn(server, page, text="hello"):
    """Yields the id of a message whose turn lasts as long as the context."""
    running, done = queue.Queue(), asyncio.Event()

    async def writing(message):
        running.put(message.message_id)
        await done.wait()

    async def end():
        done.set()

    server.agent.writing = writing
    page.say(text)
    try:
        yield running.get(timeout=WAIT)
    finally:
        server.call(end())


def post(server, sender, reply_id, seq=0, text=FIRST, headers=TOKEN):
    body = {"sender": sender, "id": reply_id, "seq": seq, "text": text}
    return httpx.post(f"{server.url}/webhooks/webchat/partial", json=body, headers=headers, trust_env=False)


def shown(page):
    return page.partials.get(timeout=WAIT)


def sees_nothing(page):
    try:
        return page.partials.get(timeout=QUIET) is None
    except queue.Empty:
        return True


def test_sentences_are_shown_while_the_turn_runs_and_the_message_takes_their_place(server, alice):
    server.agent.answer = lambda m: {"text": f"{FIRST} {SECOND}", "metadata": {"reply_id": m.message_id}}
    with Page(server, alice) as page, Page(server, alice) as second_tab, Page(server, BOB) as bob:
        with turn(server, page) as reply:
            assert post(server, alice, reply).status_code == 204
            assert shown(page) == shown(second_tab) == {"id": reply, "sentences": [FIRST], "done": False}
            assert post(server, alice, reply, 1, SECOND).status_code == 204
            assert shown(page)["sentences"] == [FIRST, SECOND]
            assert page.bubbles.empty()
        bubble = page.read()
        assert (bubble["text"], bubble["reply_id"]) == (f"{FIRST} {SECOND}", reply)
        assert shown(page) == {"id": reply, "sentences": [], "done": True}
        assert bob.reads_nothing() and sees_nothing(bob)


def test_a_turn_that_fails_withdraws_what_was_shown(server, alice):
    def fail(_):
        raise RuntimeError

    server.agent.answer = fail
    with Page(server, alice) as page:
        with turn(server, page) as reply:
            post(server, alice, reply)
            assert shown(page)["sentences"] == [FIRST]
        assert "something went wrong" in page.read()["text"]
        assert shown(page) == {"id": reply, "sentences": [], "done": True}


def test_nothing_is_shown_once_the_turn_is_over(server, alice):
    with Page(server, alice) as page:
        with turn(server, page) as reply:
            pass
        page.read()
        assert shown(page)["done"]
        assert post(server, alice, reply).status_code == 404
        assert sees_nothing(page)


def test_a_page_that_loads_in_the_middle_of_a_turn_sees_all_so_far(server, alice):
    with Page(server, alice) as page, turn(server, page) as reply:
        post(server, alice, reply)
        with Page(server, alice) as reloaded, Page(server, BOB) as bob:
            for other in (reloaded, bob):
                other.client.emit("session_request", {})
            assert shown(reloaded) == {"id": reply, "sentences": [FIRST], "done": False}
            assert sees_nothing(bob)


def test_a_page_that_loads_learns_that_a_turn_runs_and_when_it_is_over(server, alice):
    with Page(server, alice) as page, Page(server, alice) as reloaded:
        with turn(server, page) as reply:
            reloaded.client.emit("session_request", {})
            assert shown(reloaded) == {"id": reply, "sentences": [], "done": False}
        assert shown(reloaded) == {"id": reply, "sentences": [], "done": True}


def test_a_sentence_is_shown_once_and_none_is_left_out(server, alice):
    with Page(server, alice) as page, turn(server, page) as reply:
        assert post(server, alice, reply, 1, SECOND).status_code == 404
        assert post(server, alice, reply).status_code == 204
        assert post(server, alice, reply).status_code == 204
        assert shown(page)["sentences"] == [FIRST]
        assert sees_nothing(page)


@pytest.mark.parametrize("given", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "from-the-actions"}])
def test_only_the_action_server_may_show_sentences(server, alice, given):
    with Page(server, alice) as page, turn(server, page) as reply:
        refused = post(server, alice, reply, headers=given)
        assert refused.status_code == 401
        assert "Authorization" in refused.json()["error"]
        assert sees_nothing(page)


def test_an_unknown_conversation_or_message_does_no_harm(server, alice):
    with Page(server, alice) as page, turn(server, page) as reply:
        assert post(server, "nobody", reply).status_code == 404
        assert post(server, BOB, reply).status_code == 404
        assert post(server, alice, "no message").status_code == 404
        assert sees_nothing(page)


@pytest.mark.parametrize("size", [partial.MAX_CHARACTERS + 1, internal.MAX_BODY_BYTES, 5_000_000])
def test_what_is_too_long_is_refused(server, alice, size):
    with Page(server, alice) as page, turn(server, page) as reply:
        assert post(server, alice, reply, text="x" * size).status_code in (400, 413)
        assert sees_nothing(page)
        assert post(server, alice, reply).status_code == 204


def test_a_body_without_an_announced_end_is_refused_once_it_is_too_long(server, alice):
    chunks = (b"x" * 1000 for _ in range(20))
    url = f"{server.url}/webhooks/webchat/partial"
    with Page(server, alice) as page, turn(server, page):
        assert httpx.post(url, content=chunks, headers=TOKEN, trust_env=False).status_code == 413


@pytest.mark.parametrize(
    "change",
    [{"sender": None}, {"id": 5}, {"seq": "0"}, {"seq": True}, {"seq": -1}, {"text": None}, {"text": " \u200b"}],
)
def test_a_body_of_another_shape_is_refused(server, alice, change):
    with Page(server, alice) as page, turn(server, page) as reply:
        body = {"sender": alice, "id": reply, "seq": 0, "text": FIRST} | change
        url = f"{server.url}/webhooks/webchat/partial"
        assert httpx.post(url, json=body, headers=TOKEN, trust_env=False).status_code == 400
        for content in (b"", b"{", b"[]", json.dumps(FIRST).encode()):
            assert httpx.post(url, content=content, headers=TOKEN, trust_env=False).status_code == 400
        assert sees_nothing(page)


def test_invisible_characters_are_removed_and_markup_is_only_text(server, alice):
    with Page(server, alice) as page, turn(server, page) as reply:
        post(server, alice, reply, text="<b>Fee\u202e</b>\x00 is £7.50.\n")
        assert shown(page)["sentences"] == ["<b>Fee</b> is £7.50."]


def test_a_customer_who_sees_a_reply_grow_is_not_told_to_wait(server, alice, monkeypatch):
    monkeypatch.setattr(guard, "STILL_WORKING_AFTER", 0.3)
    with Page(server, alice) as page:
        with turn(server, page) as reply:
            post(server, alice, reply)
            assert page.reads_nothing()
        assert page.read()["text"] == "You said hello"
        with turn(server, page):
            assert page.read()["text"] == guard.STILL_WORKING


def test_without_a_token_there_is_no_such_address(monkeypatch):
    from assistant.channels.webchat import WebChatInput

    def addresses(channel):
        return {route.uri for route in channel.blueprint(None)._future_routes}

    credentials = {"desk_url": "http://localhost:8080"}
    monkeypatch.delenv("ACTIONS_TOKEN", raising=False)
    assert "/partial" not in addresses(WebChatInput.from_credentials(credentials))
    monkeypatch.setenv("ACTIONS_TOKEN", "t")
    assert "/partial" in addresses(WebChatInput.from_credentials(credentials))
