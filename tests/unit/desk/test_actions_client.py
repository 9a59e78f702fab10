"""What the desk hears from the action server, and what it says when it hears nothing."""

import pytest
from conftest import free_port

from desk.actions_client import ActionsClient, ActionsError


@pytest.fixture
def client(actions, run):
    opened = ActionsClient(f"http://127.0.0.1:{actions.port}", "actions-token")
    yield opened
    run(opened.close())


def test_it_asks_with_its_token(client, actions, run):
    actions.answers["/copilot/search"] = (200, {"results": []})
    actions.answers["/policy/decisions"] = (200, {"decisions": [1]})
    assert run(client.post("/copilot/search", {"query": "fees"})) == {"results": []}
    assert run(client.get("/policy/decisions", {"conversation": "c&d"})) == {"decisions": [1]}
    assert actions.requests == [("/copilot/search", {"query": "fees"}), ("/policy/decisions", {"conversation": "c&d"})]
    assert "Bearer actions-token" in actions.tokens


@pytest.mark.parametrize(
    ("answer", "status", "sentence"),
    [
        ((403, {"error": "This needs a one-time code first."}), 403, "This needs a one-time code first."),
        ((401, {"error": "Bearer"}), 401, "The action server refused the desk's key. Tell an operator."),
        ((500, b"<html>Traceback"), 500, "The systems behind the assistant reported an error. Try again in a moment."),
        ((200, b"[1]"), 502, "The systems behind the assistant gave an answer that the desk can't read."),
    ],
)
def test_a_refusal_is_a_sentence(client, actions, run, answer, status, sentence):
    actions.answers["/copilot/run"] = answer
    with pytest.raises(ActionsError) as raised:
        run(client.post("/copilot/run", {}))
    assert (raised.value.status, str(raised.value)) == (status, sentence)


def test_nobody_there_is_a_sentence(run):
    client = ActionsClient(f"http://127.0.0.1:{free_port()}", "t")
    with pytest.raises(ActionsError, match="can't be reached") as raised:
        run(client.get("/copilot/articles"))
    assert raised.value.status == 0
    run(client.close())
