"""What operators see of the language model at GET /model."""

import asyncio
import socket
import time
from pathlib import Path

import httpx
import llm_fixtures
import pytest
from sanic import Sanic

from actions.executor import SafeExecutor
from actions.llm import ModelUnavailable, chat_model
from actions.server import build
from tests.model_server import ModelServer

server = llm_fixtures.server


@pytest.fixture
def endpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "endpoints.yml"
    monkeypatch.setenv("TANDEM_ENDPOINTS", str(path))
    return path


def state() -> httpx.Response:
    """GET /model of the real server, without the skills."""
    Sanic._app_registry.clear()
    app = build(SafeExecutor(5), "token", skills=(), apis=("actions.llm_api",))
    app.config.TOUCHUP = False

    async def ask() -> httpx.Response:
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.setblocking(False)
        running = await app.create_server(sock=listener, return_asyncio_server=True)
        await running.startup()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/model"
        async with httpx.AsyncClient(trust_env=False) as client:
            assert (await client.get(url)).status_code == 401
            response = await client.get(url, headers={"Authorization": "Bearer token"})
        running.close()
        return response

    return asyncio.run(ask())


def test_without_a_model_it_says_so(endpoints: Path) -> None:
    assert state().json() == {"configured": False}


def test_an_open_breaker_is_seen(endpoints: Path, server: ModelServer) -> None:
    endpoints.write_text(
        f"llm: {{model: small, model_provider: openai, base_url: '{server.url}', api_key: not-a-real-key, retries: 0, "
        "breaker_failures: 1}\n"
    )
    server.status = 500
    model = chat_model()
    assert model is not None
    with pytest.raises(ModelUnavailable):
        model.complete("system", "user")
    seen = state().json()
    assert (seen["configured"], seen["model"], seen["breaker"], seen["budget_seconds"]) == (True, "small", "open", 6)
    assert "not-a-real-key" not in str(seen)


def test_a_model_that_was_configured_since_the_start_begins_to_load(endpoints: Path, server: ModelServer) -> None:
    llm = f"{{model: small, model_provider: openai, base_url: '{server.url}', api_key: not-a-real-key}}"
    endpoints.write_text(f"llm: {llm}\n")
    until = time.monotonic() + 60
    while not state().json()["loaded"]:
        assert time.monotonic() < until
    assert server.requests == []


def test_a_provider_that_is_not_installed_is_told_at_the_start(
    endpoints: Path, caplog: pytest.LogCaptureFixture
) -> None:
    endpoints.write_text("llm: {model: m, model_provider: groq}\n")
    model = chat_model()
    assert model is not None
    model.warm()
    (record,) = [r for r in caplog.records if r.message == "llm_cannot_be_used"]
    assert "langchain-groq" in record.reason  # type: ignore[attr-defined]
