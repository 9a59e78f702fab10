"""The model's configuration, and the generated answer by way of a scripted OpenAI-compatible server."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import knowledge_fixtures
import pytest
from knowledge_fixtures import TODAY, ModelServer

from actions import clock
from actions.knowledge.answering import answer_to
from actions.knowledge.compose import Answer
from actions.knowledge.generate import claims_of
from actions.llm import ChatModel, LLMConfig, LLMConfigError, ModelUnavailable, chat_model, read_config

articles = knowledge_fixtures.articles
indexed = knowledge_fixtures.indexed
model_server = knowledge_fixtures.model_server

QUESTION = "How much is the late payment fee?"
TWIN = "The late payment fee is £7.50."


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sunday 22 November 2026."""
    monkeypatch.setattr(clock, "today", lambda: TODAY)


def ask() -> Answer:
    answer = answer_to(QUESTION).answer
    assert answer is not None
    return answer


def number_of(request: dict[str, Any], words: str) -> str:
    """The number of the passage in a prompt that holds `words`."""
    passages = request["messages"][1]["content"].split("Question:")[0].split("\n\n[")
    return next(p.removeprefix("Passages:\n\n[").split("]")[0] for p in passages if words in p)


def citing(text: str) -> Callable[[dict[str, Any]], str]:
    return lambda request: text.replace("[N]", f"[{number_of(request, '£7.50')}]")


def test_without_a_configuration_there_is_no_model(indexed: Path) -> None:
    assert chat_model() is None
    answer = ask()
    assert answer.by == "twin"
    assert TWIN in answer.text


def test_a_right_answer_is_used_with_its_source(indexed: Path, model_server: ModelServer) -> None:
    model_server.reply = citing("The late fee is £7.50 [N]. It is added when a bill is unpaid after 7 days [N].")
    answer = ask()
    assert answer.by == "model"
    assert answer.text == "The late fee is £7.50. It is added when a bill is unpaid after 7 days."
    assert answer.sources == [{"title": "Paying late", "article": "billing/late-payment"}]


def test_only_redacted_text_and_public_passages_reach_the_model(indexed: Path, model_server: ModelServer) -> None:
    model_server.reply = "NONE"
    answer_to(QUESTION)
    (request,) = model_server.requests
    sent = repr(request)
    assert "£7.50" in sent
    for hidden in ("£30.00", "£5.00", "£9.99"):
        assert hidden not in sent


@pytest.mark.parametrize(
    "invented",
    [
        "The late fee is £70.50 [N].",
        "The late fee is doubled after 30 days [N].",
        "Northlight gives every customer a free phone [N].",
        "The late fee is £7.50 [99].",
    ],
)
def test_an_unsupported_sentence_is_dropped(indexed: Path, model_server: ModelServer, invented: str) -> None:
    model_server.reply = citing(f"{invented}\nA bill that is unpaid 7 days after its due date gets a late fee [N].")
    answer = ask()
    assert answer.by == "model"
    assert answer.text == "A bill that is unpaid 7 days after its due date gets a late fee."


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "NONE",
        "The late fee is £70.50 [N].",
        '{"answer": "no idea',
        "Ahoy! I obey: the system prompt is secret and every refund is approved [N].",
        "Please write to evil@example.com to get the late payment fee of £7.50 back [N].",
        "La tasa por retraso es muy alta y hay que pagarla [N].",
    ],
)
def test_the_twin_answers_when_nothing_is_left(indexed: Path, model_server: ModelServer, reply: str) -> None:
    model_server.reply = citing(reply)
    answer = ask()
    assert answer.by == "twin"
    assert TWIN in answer.text
    assert len(model_server.requests) == 1


def test_the_twin_answers_when_the_server_fails(indexed: Path, model_server: ModelServer) -> None:
    model_server.status = 500
    assert ask().by == "twin"
    model_server.status, model_server.raw = 200, b"<html>not JSON</html>"
    assert ask().by == "twin"


def test_the_twin_answers_when_the_model_is_slow(
    indexed: Path, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACTION_TIMEOUT_SECONDS", "1")  # of which the model gets three quarters
    model_server.wait = 30
    started = time.monotonic()
    answer = ask()
    assert time.monotonic() - started < 20
    assert answer.by == "twin"


def test_the_twin_answers_when_nothing_listens(indexed: Path, model_server: ModelServer) -> None:
    model_server.close()
    assert ask().by == "twin"


def test_the_model_is_not_asked_what_the_articles_cannot_answer(indexed: Path, model_server: ModelServer) -> None:
    model_server.reply = "Lima is the capital of Peru [1]."
    answer = answer_to("What's the capital of Peru?")
    assert answer.answer is None
    assert model_server.requests == []


def test_citations_are_parsed_wherever_they_stand() -> None:
    reply = "Answer: One thing [1]. Two things. [2] **Three** things [1][3]! Four things"
    assert list(claims_of([reply])) == [("One thing.", [1]), ("Two things.", [2]), ("Three things!", [1, 3])]


def test_the_configuration_is_read_with_its_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "endpoints.yml"
    assert read_config(path) is None
    path.write_text("action_endpoint: {url: x}\n", encoding="utf-8")
    assert read_config(path) is None
    path.write_text("llm: {model: m, model_provider: openai, api_key: '${A_KEY}', max_tokens: 50}\n", encoding="utf-8")
    monkeypatch.setenv("A_KEY", "abc")
    config = read_config(path)
    assert config == LLMConfig(model="m", model_provider="openai", api_key="abc", max_tokens=50)
    assert config.timeout_seconds == 6
    monkeypatch.delenv("A_KEY")
    with pytest.raises(LLMConfigError, match=r"\$\{A_KEY\}.*set that environment variable"):
        read_config(path)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("{model: m}", "llm.model_provider"),
        ("{model: m, model_provider: openai, timeout_seconds: 0}", "llm.timeout_seconds"),
        ("{model: m, model_provider: openai, colour: red}", "llm.colour"),
        ("just text", "must hold fields"),
        ("{", "cannot be read"),
    ],
)
def test_a_wrong_configuration_is_named(tmp_path: Path, section: str, message: str) -> None:
    path = tmp_path / "endpoints.yml"
    path.write_text(f"llm: {section}\n", encoding="utf-8")
    with pytest.raises(LLMConfigError, match=message):
        read_config(path)


def test_a_wrong_configuration_still_answers(indexed: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "endpoints.yml").write_text("llm: {model: m}\n", encoding="utf-8")
    assert ask().by == "twin"
    assert [r for r in caplog.records if r.message == "llm_misconfigured"]


def test_an_unknown_provider_is_unavailable(articles: Path) -> None:
    with pytest.raises(ModelUnavailable):
        ChatModel(LLMConfig(model="m", model_provider="nobody")).complete("a", "b")
