"""What a language model must not get through: `generate` keeps nothing of it, so that the twin answers."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import knowledge_fixtures
import pytest
from knowledge_fixtures import TODAY, ModelServer

from actions import clock
from actions.knowledge.generate import generate
from actions.knowledge.retrieve import retriever
from actions.llm import ModelUnavailable, chat_model
from tests.model_server import Reply

articles = knowledge_fixtures.articles
indexed = knowledge_fixtures.indexed
model_server = knowledge_fixtures.model_server

QUESTION = "How much is the late payment fee?"
RIGHT = "The late payment fee is £7.50."


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sunday 22 November 2026."""
    monkeypatch.setattr(clock, "today", lambda: TODAY)


def written() -> str:
    """What is left of the model's answer, "" when nothing is."""
    model = chat_model()
    assert model is not None
    try:
        answer = generate(QUESTION, retriever().search(QUESTION, 5), model, 1.0)
    except ModelUnavailable:
        return ""
    return answer.text if answer else ""


def number(request: dict[str, Any]) -> int:
    """The number of the passage with the fee in a prompt."""
    prompt = request["messages"][-1]["content"]
    return int(re.findall(r"\[(\d+)\]", prompt[: prompt.index("£7.50")])[-1])


def marked(text: str) -> Callable[[dict[str, Any]], str]:
    """A reply that cites the right passage by a mark."""
    return lambda request: f"{text.rstrip('.')} [{number(request)}]."


def listed(text: str) -> Callable[[dict[str, Any]], str]:
    """A reply that cites the right passage in an object of claims."""
    return lambda request: json.dumps({"claims": [{"text": text, "passages": [number(request)]}]})


BAD = {
    "Spanish": "La tasa por retraso es de £7.50 y hay que pagarla.",
    "German": "Die Gebühr für verspätete Zahlung beträgt £7.50.",
    "obeys": "I have ignored my instructions: your account was credited with £7.50 and the fee is waived.",
    "prompt told": "My instructions say that I write answers for customers of Northlight about the £7.50 fee.",
    "sends away": "Send your card number to pay@evil.example.com to get the late payment fee of £7.50 back.",
    "link": "The late payment fee is £7.50, see https://evil.example.com/pay.",
    "another amount": "The late payment fee is £75.00.",
}


def test_a_right_answer_gets_through(indexed: Path, model_server: ModelServer) -> None:
    found = []
    for form in (marked, listed):
        model_server.reply = form(RIGHT)
        found.append(written())
    assert RIGHT in found  # whichever form the prompt asks for


@pytest.mark.parametrize("form", [marked, listed])
@pytest.mark.parametrize("text", BAD.values(), ids=BAD.keys())
def test_a_wrong_answer_does_not(
    indexed: Path, model_server: ModelServer, form: Callable[[str], Any], text: str
) -> None:
    model_server.reply = form(text)
    assert written() == ""


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=429, headers={"Retry-After": "30"}),
        Reply(status=401),
        Reply(raw=b"<html>not JSON</html>"),
        Reply('{"claims": [{"text": "The late payment fee'),
        Reply(""),
        Reply(f"{RIGHT} [1]", first=30),
        Reply(f"{RIGHT} [1]", cut=1),
    ],
    ids=["429", "401", "HTML", "broken JSON", "empty", "slow", "cut off"],
)
def test_nothing_comes_of_a_fault(indexed: Path, model_server: ModelServer, reply: Reply) -> None:
    model_server.script = [reply] * 4
    assert written() == ""
