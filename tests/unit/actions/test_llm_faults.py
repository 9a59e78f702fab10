"""A language model that is slow, fails, is cut off or is asked too often: what the caller gets, and how soon."""

import json
import threading
import time

import llm_fixtures
import pytest
from llm_fixtures import Configure, soon
from pydantic import BaseModel

from actions.llm import ModelUnavailable
from tests.model_server import ModelServer, Reply

server = llm_fixtures.server
configured = llm_fixtures.configured

TEXT = "The late payment fee is £7.50."


class Claim(BaseModel):
    """A structured reply."""

    text: str
    passages: list[int]


def took(started: float) -> float:
    return time.monotonic() - started


def test_the_text_arrives_in_pieces(server: ModelServer, configured: Configure) -> None:
    server.script = [Reply(TEXT, drip=0.1)]
    started = time.monotonic()
    pieces = configured().stream("system", "user")
    first = next(pieces)
    seen = took(started)
    rest = list(pieces)
    assert first + "".join(rest) == TEXT and len(rest) == 5
    assert seen < took(started) - 0.4


@pytest.mark.parametrize("reply", [Reply(TEXT, first=30), Reply(TEXT, drip=0.4)], ids=["no first token", "slow drip"])
def test_a_late_model_is_given_up_and_its_connection_closed(
    server: ModelServer, configured: Configure, reply: Reply
) -> None:
    model = configured(timeout_seconds=0.6)
    server.script = [reply]
    started = time.monotonic()
    with pytest.raises(ModelUnavailable, match="timed_out"):
        model.complete("system", "user")
    assert 0.5 < took(started) < 2
    assert soon(lambda: server.given_up == 1 and server.active == 0)
    assert len(server.requests) == 1  # a time-out is not tried again
    assert [t.name for t in threading.enumerate()].count("llm") == 1


def test_a_stream_that_nobody_reads_any_more_ends(server: ModelServer, configured: Configure) -> None:
    server.script = [Reply(TEXT * 20, drip=0.05)]
    pieces = configured().stream("system", "user")
    next(pieces)
    pieces.close()  # type: ignore[attr-defined]
    assert soon(lambda: server.given_up == 1 and server.active == 0)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_passing_fault_is_tried_again(server: ModelServer, configured: Configure, status: int) -> None:
    server.script = [Reply(status=status), Reply(TEXT)]
    assert configured().complete("system", "user") == TEXT
    assert len(server.requests) == 2


def test_a_lasting_fault_is_tried_so_often_and_no_more(server: ModelServer, configured: Configure) -> None:
    server.status = 500
    with pytest.raises(ModelUnavailable, match="status_500"):
        configured(retries=2, timeout_seconds=7).complete("system", "user")
    assert len(server.requests) == 3


@pytest.mark.parametrize("status", [400, 401, 404])
def test_a_refusal_is_not_tried_again(server: ModelServer, configured: Configure, status: int) -> None:
    server.status = status
    with pytest.raises(ModelUnavailable):
        configured().complete("system", "user")
    assert len(server.requests) == 1


def test_a_server_that_says_when_is_waited_for(server: ModelServer, configured: Configure) -> None:
    server.script = [Reply(status=429, headers={"Retry-After": "1"}), Reply(TEXT)]
    started = time.monotonic()
    assert configured().complete("system", "user") == TEXT
    assert took(started) >= 1


@pytest.mark.parametrize("asked", ["60", "Fri, 01 Jan 2100 00:00:00 GMT"])
def test_nobody_waits_beyond_the_budget(server: ModelServer, configured: Configure, asked: str) -> None:
    server.script = [Reply(status=429, headers={"Retry-After": asked}), Reply(TEXT)]
    started = time.monotonic()
    with pytest.raises(ModelUnavailable, match="status_429"):
        configured().complete("system", "user")
    assert took(started) < 2
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "reply",
    [
        Reply(TEXT, cut=2),
        Reply(raw=b"<html>not JSON</html>"),
        Reply(raw=b'data: {"choices": [{"delta": \n\n'),
        Reply(""),
        Reply(" \n "),
    ],
    ids=["cut off", "HTML", "broken event", "empty", "blank"],
)
def test_what_is_no_text_is_no_reply(server: ModelServer, configured: Configure, reply: Reply) -> None:
    server.reply = ""
    server.script = [reply]
    with pytest.raises(ModelUnavailable):
        configured(retries=0).complete("system", "user")


def test_a_text_that_was_begun_is_not_begun_again(server: ModelServer, configured: Configure) -> None:
    server.script = [Reply(TEXT, cut=2), Reply(TEXT)]
    pieces = configured().stream("system", "user")
    with pytest.raises(ModelUnavailable):
        list(pieces)
    assert len(server.requests) == 1


def test_when_all_places_are_taken_the_next_one_does_not_queue(server: ModelServer, configured: Configure) -> None:
    model = configured(max_concurrent=1)
    server.script = [Reply(TEXT, drip=0.3), Reply(TEXT)]
    pieces = model.stream("system", "user")
    next(pieces)
    started = time.monotonic()
    with pytest.raises(ModelUnavailable, match="busy"):
        model.complete("system", "user")
    assert took(started) < 1
    pieces.close()  # type: ignore[attr-defined]
    assert model.complete("system", "user") == TEXT


def test_places_are_free_again_after_faults(server: ModelServer, configured: Configure) -> None:
    model = configured(max_concurrent=1, retries=0)
    server.script = [Reply(status=500), Reply(TEXT, cut=1), Reply(""), Reply(TEXT)]
    for _ in range(3):
        with pytest.raises(ModelUnavailable):
            model.complete("system", "user")
    assert model.complete("system", "user") == TEXT


def test_the_breaker_opens_lets_one_try_and_closes(
    server: ModelServer, configured: Configure, caplog: pytest.LogCaptureFixture
) -> None:
    model = configured(retries=0, breaker_failures=2, breaker_seconds=0.5, timeout_seconds=7)
    server.status = 500
    for _ in range(2):
        with pytest.raises(ModelUnavailable, match="status_500"):
            model.complete("system", "user")
    assert model.guard.state == "open"
    started = time.monotonic()
    with pytest.raises(ModelUnavailable, match="circuit_open"):
        model.complete("system", "user")
    assert took(started) < 0.2 and len(server.requests) == 2
    time.sleep(0.5)
    with pytest.raises(ModelUnavailable, match="status_500"):
        model.complete("system", "user")
    assert model.guard.state == "open"
    time.sleep(0.5)
    server.script = [Reply(TEXT, drip=0.2)]
    probe = model.stream("system", "user")
    next(probe)
    assert model.guard.state == "half-open"
    with pytest.raises(ModelUnavailable, match="circuit_open"):
        model.complete("system", "user")  # only one tries
    list(probe)
    assert model.guard.state == "closed" and len(server.requests) == 4
    changes = [(r.old, r.new) for r in caplog.records if r.message == "llm_breaker"]  # type: ignore[attr-defined]
    assert changes == [
        ("closed", "open"),
        ("open", "half-open"),
        ("half-open", "open"),
        ("open", "half-open"),
        ("half-open", "closed"),
    ]


def test_an_object_is_asked_for_in_the_provider_s_way(server: ModelServer, configured: Configure) -> None:
    server.reply = json.dumps({"text": TEXT, "passages": [1]})
    assert configured().structured("system", "user", Claim) == Claim(text=TEXT, passages=[1])
    wanted = server.requests[0]["response_format"]["json_schema"]
    assert wanted["strict"] is True and set(wanted["schema"]["properties"]) == {"text", "passages"}


def test_a_server_without_schemas_is_asked_in_words_from_then_on(server: ModelServer, configured: Configure) -> None:
    model = configured()
    server.reply = f'Of course!\n```json\n{{"text": "{TEXT}", "passages": [1, 2]}}\n```'
    server.script = [Reply(status=400)]
    for _ in range(2):
        assert model.structured("system", "user", Claim) == Claim(text=TEXT, passages=[1, 2])
    first, *others = server.requests
    assert "response_format" in first and len(others) == 2
    for request in others:
        assert "response_format" not in request and '"passages"' in request["messages"][0]["content"]


def test_a_broken_object_is_repaired_once(server: ModelServer, configured: Configure) -> None:
    server.script = [Reply('{"text": "Half'), Reply(json.dumps({"text": TEXT, "passages": []}))]
    assert configured().structured("system", "user", Claim) == Claim(text=TEXT, passages=[])
    *_, shown, asked = server.requests[1]["messages"]
    assert shown["content"] == '{"text": "Half' and "cannot be read" in asked["content"]


def test_an_object_that_stays_broken_is_given_up(server: ModelServer, configured: Configure) -> None:
    model = configured()
    server.reply = '{"text": 7'
    with pytest.raises(ModelUnavailable, match="unreadable"):
        model.structured("system", "user", Claim)
    assert len(server.requests) == 2
    assert model.guard.state == "closed"


def test_a_repair_stays_within_the_budget(server: ModelServer, configured: Configure) -> None:
    server.script = [Reply('{"text": "Half', first=0.8), Reply(json.dumps({"text": TEXT, "passages": []}), first=5)]
    started = time.monotonic()
    with pytest.raises(ModelUnavailable, match="timed_out"):
        configured(timeout_seconds=1.5).structured("system", "user", Claim)
    assert took(started) < 3


def test_a_streamed_object_arrives_as_its_text(server: ModelServer, configured: Configure) -> None:
    server.reply = json.dumps({"text": TEXT, "passages": [1]})
    assert "".join(configured().stream("system", "user", Claim)) == server.reply
