"""The whole path with the real local model, where it has been fetched (`make model`, `make setup MODEL=local`).

TANDEM_LOCAL_MODEL names the file elsewhere. Needs 1.3 GB of memory and two cores for some seconds.
"""

import importlib.util
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import knowledge_fixtures
import pytest
from pydantic import BaseModel

from actions import clock, metering
from actions.answers import answer_to
from actions.llm import ChatModel, ModelUnavailable, chat_model
from actions.policy.engine import check_generated
from actions.settings import ROOT

articles = knowledge_fixtures.articles
indexed = knowledge_fixtures.indexed

FOLDER = Path(os.environ.get("TANDEM_VAR") or ROOT / "var") / "language-model"
FILE = Path(os.environ.get("TANDEM_LOCAL_MODEL") or next(FOLDER.glob("*.gguf"), FOLDER / "none"))
PATIENCE = 240  # seconds: other work may have the cores

pytestmark = [
    pytest.mark.skipif(not FILE.is_file(), reason="no local language model: run `make model`"),
    pytest.mark.skipif(not importlib.util.find_spec("xllamacpp"), reason="run `make setup MODEL=local`"),
]


class Fee(BaseModel):
    """What the model is asked to read out of a sentence."""

    pounds: float
    days: int


@pytest.fixture(scope="module")
def server() -> Iterator[dict[str, str]]:
    """The model's server on a free port: its URL and key."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port, key = str(probe.getsockname()[1]), secrets.token_hex(8)
    env = os.environ | {"MODEL_PORT": port, "MODEL_API_KEY": key}
    command = [sys.executable, "-m", "deploy.local.model_server", str(FILE)]
    process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    until = time.monotonic() + PATIENCE
    while not _healthy(url):
        assert process.poll() is None and time.monotonic() < until, "the server did not start"
        time.sleep(0.2)
    yield {"url": url, "key": key}
    process.terminate()
    assert process.wait(20) == 0


def _healthy(url: str) -> bool:
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"{url}/health", timeout=2) as response:
            return response.status == 200
    except OSError:
        return False


@pytest.fixture
def model(server: dict[str, str], indexed: Path, monkeypatch: pytest.MonkeyPatch) -> ChatModel:
    """The action server's configuration for it."""
    monkeypatch.setattr(clock, "today", lambda: knowledge_fixtures.TODAY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("ACTION_TIMEOUT_SECONDS", str(2 * PATIENCE))
    section = "llm: {model: local, model_provider: openai, base_url: '%s/v1', api_key: %s, timeout_seconds: %s}\n"
    (indexed.parent / "endpoints.yml").write_text(section % (server["url"], server["key"], PATIENCE), encoding="utf-8")
    made = chat_model()
    assert made is not None
    return made


def test_an_answer_is_written_checked_and_metered(model: ChatModel) -> None:
    with metering.in_conversation("real"):
        answer, _ = answer_to("How much is the late payment fee?")
    assert answer is not None and "£7.50" in answer.text and answer.sources[0]["article"] == "billing/late-payment"
    # Whoever wrote it: no sentence may say what no passage says.
    for claim in answer.claims:
        assert check_generated(claim.text, [claim.passage.text]).allowed
    used = metering.spent("real")
    assert used.calls == 1 and used.input > 100 and used.output > 0 and used.estimated == 0


def test_an_object_follows_its_schema(model: ChatModel) -> None:
    fee = model.structured("Read the fee out of the sentence.", "A fee of £7.50 is added after 7 days.", Fee)
    assert fee == Fee(pounds=7.5, days=7)


def test_text_arrives_while_it_is_written_and_stops_when_nobody_reads(model: ChatModel) -> None:
    pieces = model.stream("You tell stories.", "Tell a story of a broadband router.")
    assert next(pieces) and next(pieces)
    pieces.close()  # type: ignore[attr-defined]
    started = time.monotonic()
    assert model.complete("Answer with one word.", "Say yes.")
    assert time.monotonic() - started < PATIENCE / 4  # the story was not told to its end first


def test_a_wrong_key_is_no_answer(model: ChatModel) -> None:
    stranger = ChatModel(model.config.model_copy(update={"api_key": "wrong", "breaker_failures": 1}))
    with pytest.raises(ModelUnavailable, match="status_401"):
        stranger.complete("system", "user")
