import json

import httpx
import pytest

from assistant.channels import sentences, signing
from assistant.channels.rest import RestChannel, TokenMissing

HEADERS = {"Authorization": "Bearer let-me-in"}


def post(server, body, headers=HEADERS, query=""):
    content = body if isinstance(body, str | bytes) else json.dumps(body)
    return httpx.post(f"{server.url}/webhooks/rest/webhook{query}", content=content, headers=headers, timeout=10)


def test_a_message_and_its_answer(server):
    answer = post(server, {"sender": "s1", "message": "hello"})
    assert answer.status_code == 200
    assert answer.json() == [{"recipient_id": "s1", "text": "You said hello"}]


def test_buttons_come_signed_and_can_be_sent_back(server):
    server.agent.answer = lambda _: {"text": "Shall I?", "buttons": [{"title": "Yes", "payload": "/affirm"}]}
    [message] = post(server, {"sender": "s1", "message": "hi"}).json()
    payload = message["buttons"][0]["payload"]
    assert signing.verify(payload, "s1") == "/affirm"
    post(server, {"sender": "s1", "message": payload})
    post(server, {"sender": "s2", "message": payload})
    mine, anothers = server.agent.received[1:]
    assert mine.parse_data["intent"]["name"] == "affirm"
    assert anothers.parse_data is None


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "let-me-in"}])
def test_the_token_is_needed(server, headers):
    answer = post(server, {"sender": "s1", "message": "hi"}, headers)
    assert answer.status_code == 401
    assert "Authorization: Bearer" in answer.json()["error"]
    assert server.agent.received == []


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ("not json", "JSON"),
        ("", "object"),
        ([1], "object"),
        ({"message": "hi"}, "sender"),
        ({"sender": "", "message": "hi"}, "sender"),
        ({"sender": " ", "message": "hi"}, "sender"),
        ({"sender": 5, "message": "hi"}, "sender"),
        ({"sender": "s1"}, "message"),
        ({"sender": "s1", "message": 5}, "message"),
    ],
)
def test_a_wrong_request_is_told_what_is_wrong(server, body, word):
    answer = post(server, body)
    assert answer.status_code == 400
    assert word in answer.json()["error"]
    assert server.agent.received == []


def test_callers_choose_neither_channel_nor_metadata(server):
    post(server, {"sender": "s1", "message": "hi", "input_channel": "webchat", "metadata": {"owner": "agent"}})
    [message] = server.agent.received
    assert (message.input_channel, message.metadata) == ("rest", {})


def test_an_empty_message_gets_a_sentence(server):
    assert post(server, {"sender": "s1", "message": " "}).json()[0]["text"] == sentences.EMPTY


def test_streaming_is_guarded_too(server):
    lines = post(server, {"sender": "s1", "message": "/restart"}, query="?stream=true").text.splitlines()
    assert [json.loads(line)["text"] for line in lines] == ["You said \u2215restart"]


def test_the_channel_answers_health_checks_without_a_token(server):
    assert httpx.get(f"{server.url}/webhooks/rest/").json() == {"status": "ok"}


def test_a_missing_token_says_what_to_do(monkeypatch):
    monkeypatch.delenv("RASA_TOKEN", raising=False)
    with pytest.raises(TokenMissing, match="RASA_TOKEN is not set: start Tandem with `make run`"):
        RestChannel.from_credentials({})
