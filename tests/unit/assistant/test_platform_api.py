import asyncio
import time

import pytest

from assistant.channels import platform_api
from assistant.channels.platform_api import DeliveryFailed, PlatformAPI, Problem, is_temporary
from tests.platform_server import Answer


def reading(status, pause, answer):
    return None if status == 200 else Problem(f"status {status}", is_temporary(status), pause)


def call(url, patience=5.0):
    async def run():
        api = PlatformAPI(url, reading, {"X-Token": "t"})
        try:
            return await api.call("send", {"text": "é"}, patience)
        finally:
            await api.close()

    return asyncio.run(run())


@pytest.fixture
def server(platform):
    platform.reset()
    return platform


def test_a_call_carries_its_headers_and_gives_the_answer(server):
    server.script = [Answer(body={"id": 5})]
    assert call(server.url + "/base/") == {"id": 5}
    assert server.calls[0].path == "base/send" and server.calls[0].body == {"text": "é"}
    assert server.calls[0].headers["X-Token"] == "t"


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_busy_server_is_asked_again_after_a_pause(server, status):
    server.script = [Answer(status), Answer(body={"id": 1})]
    started = time.monotonic()
    assert call(server.url) == {"id": 1}
    assert time.monotonic() - started >= platform_api.FIRST_PAUSE


def test_the_pause_is_the_one_that_the_server_asks_for(server):
    server.script = [Answer(429, headers={"Retry-After": "1"}), Answer(body={"id": 1})]
    started = time.monotonic()
    assert call(server.url) == {"id": 1}
    assert time.monotonic() - started >= 1


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_refusal_is_final(server, status):
    server.script = [Answer(status)]
    with pytest.raises(DeliveryFailed, match=f"status {status}"):
        call(server.url)
    assert len(server.calls) == 1


def test_patience_ends(server):
    server.script = [Answer(503)] * 9
    with pytest.raises(DeliveryFailed, match="status 503"):
        call(server.url, patience=2.0)
    assert len(server.calls) == 3  # after 0.5 and 1 seconds


def test_a_slow_server_is_not_asked_twice(server, monkeypatch):
    monkeypatch.setattr(platform_api, "TIMEOUT", platform_api.aiohttp.ClientTimeout(total=0.3))
    server.script = [Answer(seconds=1.0)]
    with pytest.raises(DeliveryFailed, match="no answer in time"):
        call(server.url)
    assert len(server.calls) == 1


def test_a_server_that_is_not_there(server):
    with pytest.raises(DeliveryFailed, match="cannot be reached"):
        call("http://127.0.0.1:9/secret-in-path", patience=0.0)


def test_an_answer_that_is_no_json_object_is_an_empty_one(server):
    server.script = [Answer(body=[1, 2])]
    assert call(server.url) == {}
