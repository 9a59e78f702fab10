"""Sentences on their way to the customer's page: a real server on loopback is the assistant."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from rasa_sdk import Tracker

from actions.streaming import PATH, live_reply

WAIT = 5.0


class Assistant:
    """Keeps the posts that it gets; answers with `status`, after `delay` seconds."""

    def __init__(self) -> None:
        self.posts: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.status, self.delay = 204, 0.0
        self.go_on = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.posts.append({"path": self.path, **body})
                outer.headers.append(dict(self.headers))
                outer.go_on.wait(outer.delay)
                try:
                    self.send_response(outer.status)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                except OSError:
                    self.close_connection = True

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=[0.02], daemon=True).start()

    def texts(self) -> list[str]:
        return [post["text"] for post in self.posts]


def until(holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + WAIT
    while not holds() and time.monotonic() < end:
        time.sleep(0.01)
    return holds()


@pytest.fixture
def assistant(monkeypatch: pytest.MonkeyPatch) -> Iterator[Assistant]:
    server = Assistant()
    monkeypatch.setenv("ASSISTANT_URL", server.url + "/")
    monkeypatch.setenv("ACTIONS_TOKEN", "secret")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")  # never used
    yield server
    server.go_on.set()
    server.server.shutdown()
    server.server.server_close()


def tracker(channel: str | None = "webchat", **message: Any) -> Tracker:
    events = [
        {"event": "user", "text": "hi", "input_channel": "rest", "message_id": "older"},
        {"event": "user", "text": "fees?", "input_channel": channel, "message_id": "m1", **message},
        {"event": "action", "name": "action_listen"},
    ]
    state = {"sender_id": "c1", "slots": {}, "latest_message": {}, "events": events, "active_loop": {}}
    return Tracker.from_dict(state)


def test_sentences_arrive_in_order_while_the_answer_is_made(assistant: Assistant) -> None:
    sentences = [f"Sentence {n}." for n in range(12)]
    with live_reply(tracker()) as show:
        show(sentences[0])
        assert until(lambda: assistant.texts() == sentences[:1]), "the first one did not wait for the others"
        for sentence in sentences[1:]:
            show(sentence)
        assert until(lambda: assistant.texts() == sentences)
    assert [post["seq"] for post in assistant.posts] == list(range(12))
    assert {(p["path"], p["sender"], p["id"]) for p in assistant.posts} == {(PATH, "c1", "m1")}
    assert {headers["Authorization"] for headers in assistant.headers} == {"Bearer secret"}
    assert show.metadata == {"reply_id": "m1"}


def test_a_slow_assistant_does_not_hold_up_the_answer(assistant: Assistant) -> None:
    assistant.delay = WAIT
    started = time.monotonic()
    with live_reply(tracker()) as show:
        for n in range(3):
            show(f"Sentence {n}.")
        assert time.monotonic() - started < 0.5
        assert until(lambda: len(assistant.posts) == 1)
    assert time.monotonic() - started < 1
    assistant.go_on.set()
    time.sleep(0.2)
    assert assistant.texts() == ["Sentence 0."], "sentences were sent after the end"


@pytest.mark.parametrize("status", [401, 404, 413, 500, 302])
def test_after_a_post_that_failed_no_other_is_tried(assistant: Assistant, status: int) -> None:
    assistant.status = status
    with live_reply(tracker()) as show:
        show("One.")
        assert until(lambda: len(assistant.posts) == 1)
        time.sleep(0.1)
        show("Two.")
        time.sleep(0.1)
    assert assistant.texts() == ["One."]


def test_an_assistant_that_is_not_there_is_no_error(assistant: Assistant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSISTANT_URL", "http://127.0.0.1:9")
    with live_reply(tracker()) as show:
        show("One.")
        time.sleep(0.2)
        show("Two.")
    assert assistant.posts == []


@pytest.mark.parametrize("channel", ["rest", "twilio", None])
def test_other_channels_hear_nothing_before_the_end(assistant: Assistant, channel: str | None) -> None:
    with live_reply(tracker(channel)) as show:
        show("One.")
        time.sleep(0.2)
    assert assistant.posts == []
    assert show.metadata == {}


@pytest.mark.parametrize("missing", ["ASSISTANT_URL", "ACTIONS_TOKEN"])
def test_without_the_assistants_address_or_a_token_nothing_is_sent(
    assistant: Assistant, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.delenv(missing)
    with live_reply(tracker()) as show:
        show("One.")
        time.sleep(0.2)
    assert assistant.posts == []


def test_an_answer_without_a_sentence_takes_no_place(assistant: Assistant) -> None:
    with live_reply(tracker()) as show:
        pass
    assert show.metadata == {}
    assert live_reply(tracker(message_id=None)).metadata == {}


def test_a_sentence_after_the_end_is_not_shown(assistant: Assistant) -> None:
    with live_reply(tracker()) as show:
        show("One.")
        assert until(lambda: assistant.texts() == ["One."])
    show("Two.")
    time.sleep(0.1)
    assert assistant.texts() == ["One."]


def test_a_failure_of_the_answer_is_not_hidden(assistant: Assistant) -> None:
    with pytest.raises(LookupError), live_reply(tracker()) as show:
        show("One.")
        raise LookupError
