"""The providers whose LangChain packages are locked, through their real clients: text, objects, counts and faults."""

import json
from typing import Any

import llm_fixtures
import pytest
from pydantic import BaseModel

from actions import metering
from actions.llm import ChatModel, LLMConfig, ModelUnavailable
from tests.model_server import ModelServer, Reply

server = llm_fixtures.server

TEXT = "The late payment fee is £7.50."


class Claim(BaseModel):
    """A structured reply."""

    text: str
    passages: list[int]


@pytest.fixture(params=["openai", "anthropic", "ollama"])
def model(request: pytest.FixtureRequest, server: ModelServer) -> ChatModel:
    """A chat model of this provider; all but OpenAI's clients add the version to the address themselves."""
    url = server.url if request.param == "openai" else server.url.removesuffix("/v1")
    settings: dict[str, Any] = {"model": "small", "model_provider": request.param, "base_url": url, "api_key": "none"}
    made = ChatModel(LLMConfig(**settings, timeout_seconds=7))
    made.warm()
    return made


def test_the_text_is_streamed_and_counted(model: ChatModel, server: ModelServer) -> None:
    server.script = [Reply(TEXT, usage=(30, 9))]
    with metering.in_conversation(model.config.model_provider):
        pieces = list(model.stream("system", "user"))
    assert "".join(pieces) == TEXT and len(pieces) == 6
    used = metering.spent(model.config.model_provider)
    assert (used.input, used.output, used.estimated) == (30, 9, 0)


def test_an_object_is_asked_for_by_its_schema(model: ChatModel, server: ModelServer) -> None:
    server.script = [Reply(json.dumps({"text": TEXT, "passages": [1]}))]
    assert model.structured("system", "user", Claim) == Claim(text=TEXT, passages=[1])
    (request,) = server.requests
    request.pop("messages")
    assert '"passages"' in json.dumps(request)


def test_a_passing_fault_is_tried_again(model: ChatModel, server: ModelServer) -> None:
    server.script = [Reply(status=503), Reply(status=429, headers={"Retry-After": "0"}), Reply(TEXT)]
    assert model.complete("system", "user") == TEXT


def test_a_refusal_is_told_by_its_status(model: ChatModel, server: ModelServer) -> None:
    server.status = 401
    with pytest.raises(ModelUnavailable, match="status_401"):
        model.complete("system", "user")
    assert len(server.requests) == 1


def test_a_connection_that_breaks_is_told(model: ChatModel, server: ModelServer) -> None:
    server.script = [Reply(TEXT, cut=2)]
    with pytest.raises(ModelUnavailable):
        model.complete("system", "user")


def test_a_late_reply_is_given_up(model: ChatModel, server: ModelServer) -> None:
    model.budget = 0.6
    server.script = [Reply(TEXT, first=20)]
    with pytest.raises(ModelUnavailable, match="timed_out"):
        model.complete("system", "user")
    assert llm_fixtures.soon(lambda: server.given_up == 1)


def test_nobody_listening_is_told(model: ChatModel, server: ModelServer) -> None:
    server.close()
    with pytest.raises(ModelUnavailable):
        model.complete("system", "user")
