"""Answers written by a language model: a scripted OpenAI-compatible server on loopback stands in for a hosted one."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
import yaml

from deploy.local.environment import ROOT
from tests.model_server import ModelServer

QUESTION = "What does a late payment cost?"


@pytest.fixture(scope="module")
def model(stack, tmp_path_factory) -> Iterator[ModelServer]:
    """The action server configured for the model, by endpoints.yml alone."""
    server = ModelServer()
    llm = {"model": "small", "model_provider": "openai", "base_url": server.url, "api_key": "not-a-real-key"}
    endpoints = yaml.safe_load((ROOT / "endpoints.yml").read_text()) | {"llm": llm | {"timeout_seconds": 2}}
    path = tmp_path_factory.mktemp("endpoints") / "endpoints.yml"
    path.write_text(yaml.safe_dump(endpoints))
    before = dict(stack.env)
    stack.stop("actions")
    stack.env |= {"TANDEM_ENDPOINTS": str(path), "NO_PROXY": "127.0.0.1"}
    stack.start("actions")
    warm_up(stack, server)
    yield server
    server.close()
    stack.stop("actions")
    stack.env = before
    stack.start("actions")


def warm_up(stack, server: ModelServer) -> None:
    """Ask until the model has been called: at first the action server loads LangChain, and gives up meanwhile."""
    until = time.monotonic() + 60
    while not server.requests and time.monotonic() < until:
        stack.conversation().say(QUESTION)


@pytest.fixture
def ask(stack, model):
    """Ask in a new conversation, with the model replying as given; the passages are numbered in its prompt."""

    def ask(reply: str, question: str = QUESTION) -> str:
        model.requests.clear()
        model.reply = reply
        return stack.conversation().say(question)

    return ask


def passage_about(model: ModelServer, words: str) -> str:
    """The number that the prompt gives to the passage with these words."""
    prompt = model.requests[-1]["messages"][-1]["content"]
    return re.findall(r"\[(\d+)\]", prompt[: prompt.index(words)])[-1]


def test_its_words_are_used_when_the_passages_support_them(ask, model):
    ask("nothing yet")
    number = passage_about(model, "late payment fee is £7.50")
    assert "The fee for a late payment is £7.50" in ask(f"The fee for a late payment is £7.50. [{number}]")


def test_an_invented_amount_is_not_sent(ask, model):
    question = "How much is the fee for paying a bill late?"  # in words of its own: an answer that passed is kept
    ask("nothing yet", question)
    number = passage_about(model, "late payment fee is £7.50")
    reply = ask(f"The late payment fee is £99.00. [{number}]", question)
    assert "£99" not in reply and "£7.50" in reply


def test_a_failing_or_slow_model_gives_the_quoted_answer(ask, model):
    model.status = 500
    try:
        assert "£7.50" in ask("irrelevant")
    finally:
        model.status = 200
    model.wait = 10
    try:
        assert "£7.50" in ask("irrelevant")
    finally:
        model.wait = 0


def test_personal_data_does_not_reach_the_model(ask, model):
    ask("nothing", "My e-mail is priya@example.com and my phone is 07700 900123. What does a late payment cost?")
    assert model.requests
    assert not re.search(r"priya@example\.com|07700 900123", str(model.requests))
