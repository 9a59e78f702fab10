"""The indexer: what changed is indexed, what did not is left alone, what is malformed is named."""

import json
import os
import subprocess
import sys
from pathlib import Path

import knowledge_fixtures
import pytest
from knowledge_fixtures import ARTICLES, TODAY, write
from langchain_core.documents import Document

from actions.knowledge import split, store
from actions.knowledge.__main__ import main
from actions.knowledge.articles import Article
from actions.knowledge.encoder import MiniLM, ModelMissing, encoder
from actions.knowledge.ingest import ingest
from actions.knowledge.retrieve import retriever

articles = knowledge_fixtures.articles
indexed = knowledge_fixtures.indexed


def held() -> list[str]:
    return sorted({m["article"] for m in store.open_collection(encoder()).get()["metadatas"]})


def test_the_first_run_adds_every_article(articles: Path) -> None:
    summary = ingest(articles)
    assert str(summary) == "Knowledge: 6 added, 0 changed, 0 deleted, 0 unchanged, 0 failed"
    assert held() == sorted(ARTICLES)


def test_an_unchanged_folder_opens_neither_model_nor_store(indexed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise AssertionError("nothing changed")

    monkeypatch.setattr(store, "open_collection", forbidden)
    monkeypatch.setattr(MiniLM, "embed", forbidden)
    assert ingest(indexed).skipped == len(ARTICLES)


def test_only_the_chunk_that_changed_is_embedded(indexed: Path) -> None:
    front, body = ARTICLES["billing/late-payment"]
    write(indexed, "billing/late-payment", front, body.replace("3 days", "4 days"))
    summary = ingest(indexed)
    assert (summary.changed, summary.skipped, summary.embedded) == (1, 5, 1)
    assert "4 days" in " ".join(p.text for p in retriever().search("late fee reminder", today=TODAY))


def test_a_new_date_changes_the_filter_without_embedding(indexed: Path) -> None:
    front, body = ARTICLES["moving/moving-home"]
    write(indexed, "moving/moving-home", front | {"valid_until": "2026-10-31"}, body)
    summary = ingest(indexed)
    assert (summary.changed, summary.embedded) == (1, 0)
    assert "moving/moving-home" not in {p.article for p in retriever().search("moving home", today=TODAY)}


def test_a_deleted_article_leaves_the_index(indexed: Path) -> None:
    (indexed / "broadband/router.md").unlink()
    summary = ingest(indexed)
    assert (summary.deleted, summary.embedded) == (1, 0)
    assert "broadband/router" not in held()


def test_chunks_that_were_cut_in_another_way_go(indexed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def whole(article: Article) -> list[Document]:
        first, *rest = chunks(article)
        return [Document("\n".join(c.page_content for c in [first, *rest]), metadata=first.metadata)]

    chunks = split.chunks
    monkeypatch.setattr(split, "chunks", whole)
    monkeypatch.setattr(split, "VERSION", "other")
    ingest(indexed)
    assert len(store.open_collection(encoder()).get()["ids"]) == len(ARTICLES)


def test_everything_is_deleted_when_no_article_is_left(indexed: Path) -> None:
    for path in indexed.rglob("*.md"):
        path.unlink()
    assert ingest(indexed).deleted == len(ARTICLES)
    assert held() == []
    assert retriever().search("late fee", today=TODAY) == []


def test_a_lost_store_is_filled_again(indexed: Path) -> None:
    store.open_collection(encoder()).delete_collection()
    (store.folder() / "state.json").unlink()
    assert ingest(indexed).added == len(ARTICLES)
    assert held() == sorted(ARTICLES)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"just text", "no front matter"),
        (b"---\ntitle: [\n---\ntext", "not valid YAML"),
        (
            b"---\ntitle: A title\naudience: everyone\nvalid_from: 2026-01-01\nowner: me\n---\ntext",
            "audience",
        ),
        (b"---\ntitle: A title\naudience: public\nvalid_from: soon\nowner: me\n---\ntext", "valid_from"),
        (b"---\ntitle: A title\naudience: public\nvalid_from: 20260101\nowner: me\n---\ntext", "2026-11-01"),
        (b"---\ntitle: A title\naudience: public\nvalid_from: 2026-01-01\nowner: me\n---\n \n", "no text"),
        (
            b"---\ntitle: A title\naudience: public\nvalid_from: 2026-01-01\nowner: me\nx: 1\n---\nt",
            "x: Extra",
        ),
        (
            b"---\ntitle: A title\naudience: public\nvalid_from: 2026-02-01\nvalid_until: 2026-01-01\n"
            b"owner: me\n---\ntext",
            "valid_until lies before valid_from",
        ),
        ("---\ntitle: é\n---\ntext".encode("latin-1"), "not UTF-8"),
    ],
)
def test_a_malformed_article_is_named_and_the_rest_goes_on(articles: Path, content: bytes, reason: str) -> None:
    (articles / "billing" / "broken.md").write_bytes(content)
    summary = ingest(articles)
    assert list(summary.failures) == ["billing/broken.md"]
    assert reason in summary.failures["billing/broken.md"]
    assert summary.added == len(ARTICLES)
    assert ingest(articles).failures == summary.failures  # the quick run says so again


def test_an_article_that_becomes_malformed_is_no_longer_served(indexed: Path) -> None:
    (indexed / "billing" / "late-payment.md").write_text("The fee is £700.", encoding="utf-8")
    ingest(indexed)
    assert "billing/late-payment" not in held()


def test_the_command_prints_one_line_and_its_exit_code(
    articles: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main([]) == 0
    assert capsys.readouterr().out == "Knowledge: 6 added, 0 changed, 0 deleted, 0 unchanged, 0 failed\n"
    (articles / "broken.md").write_text("no front matter", encoding="utf-8")
    assert main([]) == 1
    printed = capsys.readouterr()
    assert printed.out == "Knowledge: 0 added, 0 changed, 0 deleted, 6 unchanged, 1 failed\n"
    assert printed.err.startswith("broken.md: there is no front matter")
    monkeypatch.setenv("TANDEM_KNOWLEDGE", str(articles / "nowhere"))
    assert main([]) == 2
    assert "correct TANDEM_KNOWLEDGE" in capsys.readouterr().err


def test_a_missing_model_is_one_clear_sentence(articles: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINILM_MODEL", str(articles / "gone.onnx"))
    with pytest.raises(ModelMissing, match=r"MINILM_MODEL names .*gone.onnx, which is not a file"):
        MiniLM().warm()
    (articles / "gone.onnx").write_bytes(b"not a model")
    with pytest.raises(ModelMissing, match="cannot be read"):
        MiniLM().warm()


def test_a_running_retriever_sees_what_another_process_indexed(indexed: Path) -> None:
    assert not [p for p in retriever().search("gift card", today=TODAY) if "gift" in p.text]
    write(indexed, "billing/gift", {"title": "Gift cards"}, "A gift card is sent within 30 days.\n")
    root = Path(__file__).resolve().parents[4]
    run = subprocess.run(
        [sys.executable, "-m", "actions.knowledge"],
        cwd=root,
        env=os.environ,
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.startswith("Knowledge: 1 added")
    assert retriever().search("gift card", today=TODAY)[0].article == "billing/gift"


def test_the_state_is_readable(indexed: Path) -> None:
    state = json.loads((store.folder() / "state.json").read_text(encoding="utf-8"))
    assert set(state["articles"]) == {f"{name}.md" for name in ARTICLES}
