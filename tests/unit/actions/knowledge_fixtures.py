"""Small articles in a folder of their own, indexed with the real encoder and the real Chroma."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from actions.knowledge import answering
from actions.knowledge.cache import AnswerCache
from actions.knowledge.ingest import ingest
from actions.llm import ChatModel, LLMConfig
from tests.model_server import ModelServer

TODAY = date(2026, 11, 22)

ARTICLES: dict[str, tuple[dict[str, str], str]] = {
    "billing/late-payment": (
        {"title": "Paying late"},
        "## The late fee\n\nThe late payment fee is £7.50. It is added when a bill is unpaid 7 days after "
        "its due date.\n\n## Reminders\n\nNorthlight sends a **reminder** text 3 days after the due date.\n",
    ),
    "billing/late-payment-2024": (
        {"title": "Paying late in 2024", "valid_from": "2024-01-01", "valid_until": "2024-12-31"},
        "The late payment fee is £5.00.\n",
    ),
    "billing/late-payment-2027": (
        {"title": "Paying late from 2027", "valid_from": "2027-01-01"},
        "The late payment fee is £9.99.\n",
    ),
    "billing/late-fee-waivers": (
        {"title": "Late fee waivers", "audience": "internal"},
        "Agents may waive the late payment fee of up to £30.00 twice a year.\n",
    ),
    "broadband/router": (
        {"title": "Router lights"},
        "A steady red light means that the router gets no signal. Restart the router when the light is "
        "red.\n\n| Light | Meaning |\n|---|---|\n| Flashing blue | Pairing a device |\n",
    ),
    "moving/moving-home": (
        {"title": "Moving home"},
        "Moving broadband to a new home costs £20.00. Please tell Northlight at least 14 days before the moving day.\n",
    ),
}


def write(folder: Path, name: str, front: dict[str, str] | None = None, body: str = "Some text.\n") -> Path:
    """Write an article and return its path."""
    fields = {"title": "A title", "audience": "public", "valid_from": "2026-01-01", "owner": "a@example.com"}
    lines = "\n".join(f"{key}: {value}" for key, value in (fields | (front or {})).items())
    path = folder / f"{name}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"---\n{lines}\n---\n\n{body}", encoding="utf-8")
    return path


@pytest.fixture
def articles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the articles above and a run-time folder of its own; nothing is indexed yet."""
    folder = tmp_path / "knowledge"
    for name, (front, body) in ARTICLES.items():
        write(folder, name, front, body)
    monkeypatch.setenv("TANDEM_VAR", str(tmp_path / "var"))
    monkeypatch.setenv("TANDEM_KNOWLEDGE", str(folder))
    monkeypatch.setenv("TANDEM_ENDPOINTS", str(tmp_path / "endpoints.yml"))
    for name in ("CHROMA_URL", "TANDEM_POLICY", "MINILM_MODEL", "MINILM_TOKENIZER", "ACTION_TIMEOUT_SECONDS"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def indexed(articles: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The articles above, indexed; no answer is kept from another test."""
    monkeypatch.setattr(answering, "_kept", AnswerCache())
    ingest(articles)
    return articles


@pytest.fixture
def model_server(articles: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    """The server, configured in the endpoints file of the test."""
    server = ModelServer()
    # On a busy machine LangChain loads longer than a model may take.
    ChatModel(LLMConfig(model="small", model_provider="openai", api_key="none")).warm()
    monkeypatch.setenv("MODEL_KEY", "not-a-real-key")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    (articles.parent / "endpoints.yml").write_text(
        f"llm:\n  model: small\n  model_provider: openai\n  base_url: {server.url}\n  "
        "api_key: ${MODEL_KEY}\n  timeout_seconds: 4\n",
        encoding="utf-8",
    )
    yield server
    server.close()
