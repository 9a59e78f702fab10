"""A chat model that talks to the scripted server."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from actions.llm import ChatModel, LLMConfig
from tests.model_server import ModelServer

Configure = Callable[..., ChatModel]


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    """The scripted server, and a run-time folder of the test's own."""
    monkeypatch.setenv("TANDEM_VAR", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("ACTION_TIMEOUT_SECONDS", raising=False)
    made = ModelServer()
    yield made
    made.close()


@pytest.fixture
def configured(server: ModelServer) -> Configure:
    """Makes a chat model of the server with these settings; LangChain is loaded already."""

    def configured(**settings: Any) -> ChatModel:
        given = {"model": "small", "model_provider": "openai", "base_url": server.url, "api_key": "not-a-real-key"}
        model = ChatModel(LLMConfig(**given | {"timeout_seconds": 5} | settings))
        model._load()
        return model

    return configured


def soon(happened: Callable[[], bool], seconds: float = 3.0) -> bool:
    """Whether it happens within some seconds."""
    until = time.monotonic() + seconds
    while not happened() and time.monotonic() < until:
        time.sleep(0.01)
    return happened()
