"""No text is embedded twice: after a kill, a move, a change of fields, or a copy of the vectors' file."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import knowledge_fixtures
import numpy as np
import pytest
from knowledge_fixtures import ARTICLES, TODAY, write

from actions.knowledge import articles as knowledge_articles
from actions.knowledge import index, split, store, vectors
from actions.knowledge.encoder import DIMENSION, MiniLM, encoder
from actions.knowledge.ingest import ingest
from actions.knowledge.retrieve import Retriever, retriever
from actions.knowledge.vectors import KEY, Vectors, key, mapped

articles = knowledge_fixtures.articles
indexed = knowledge_fixtures.indexed
ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Each text that the encoder is given."""
    texts: list[str] = []
    embed = MiniLM.embed

    def noted(self: MiniLM, part: list[str]) -> np.ndarray:
        texts.extend(part)
        return embed(self, part)

    monkeypatch.setattr(MiniLM, "embed", noted)
    yield texts


def keys_on_disk() -> list[bytes]:
    (file,) = store.folder().glob("vectors-*.keys")
    data = file.read_bytes()
    return [data[start : start + KEY] for start in range(0, len(data) // KEY * KEY, KEY)]


def every_text(folder: Path) -> list[str]:
    """What the indexer embeds of the documents in `folder`, each text once."""
    documents = [
        chunk.page_content
        for path in knowledge_articles.files(folder)
        for chunk in split.chunks(knowledge_articles.load(path, folder))
    ]
    return list(dict.fromkeys(text for d in documents for part in ([d], *index.spoken(d)) for text in part))


def test_a_killed_run_goes_on_where_it_stopped(articles: Path, given: list[str]) -> None:
    for path in articles.rglob("*.md"):
        path.unlink()
    for number in range(50):
        sections = "".join(f"## Part {p}\n\nFee {number}-{p} is £{p}.00.\n\n" for p in range(6))
        write(articles, f"fees/{number}", {"title": f"Fees {number}"}, sections)
    texts = every_text(articles)
    assert len(texts) == 50 * 6 * 3
    known, unknown = texts[:500], set(texts[500:])  # the first 500 get made-up vectors, which keeps the test short
    made_up = np.random.default_rng(0).normal(size=(len(known), DIMENSION))
    Vectors(store.folder(), encoder()).append([key(text) for text in known], made_up)

    process = subprocess.Popen([sys.executable, "-m", "actions.knowledge"], cwd=ROOT, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while len(keys_on_disk()) < 600:
        assert process.poll() is None and time.monotonic() < deadline, "it was to be killed half-way"
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = set(keys_on_disk())
    assert 600 <= len(done) < len(texts)
    assert store.version() == ""  # nobody is served half of it

    summary = ingest(articles)
    assert summary.added == 50
    assert {key(text) for text in given} == {key(text) for text in unknown} - done
    assert len(given) == len(texts) - len(done) == summary.embedded + summary.sentences
    assert sorted(keys_on_disk()) == sorted(key(text) for text in texts)
    assert store.open_collection(encoder())._collection.count() == 300
    given.clear()
    assert str(ingest(articles)).endswith("50 unchanged, 0 failed")
    assert given == []


def test_a_kill_before_the_index_was_written_costs_no_vector(
    articles: Path, given: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(index, "build", killed)
        ingest(articles)
    given.clear()
    assert ingest(articles).added == len(ARTICLES)
    assert given == []
    assert store.open_collection(encoder())._collection.count() == sum(1 for _ in store_ids())


def store_ids() -> Iterator[str]:
    for page in index.pages(store.open_collection(encoder())._collection, include=[]):
        yield from page["ids"]


def test_half_a_row_at_the_end_is_cut_off(indexed: Path, given: list[str]) -> None:
    (rows,) = store.folder().glob("vectors-*.f16")
    with rows.open("ab") as file:
        file.write(b"half a row")
    write(indexed, "billing/gift", {"title": "Gift cards"}, "A gift card is sent within 30 days.\n")
    given.clear()
    ingest(indexed)
    assert len(given) == 3
    held = Vectors(store.folder(), encoder())
    stored = mapped(held.path)[held.rows(given)].astype(np.float32)
    assert np.allclose(np.sum(stored * encoder().embed(list(given)[:3]), axis=1), 1.0, atol=0.01)


def test_a_moved_article_is_not_embedded_again(indexed: Path, given: list[str]) -> None:
    (indexed / "fees").mkdir()
    (indexed / "billing/late-payment.md").rename(indexed / "fees/late.md")
    given.clear()
    summary = ingest(indexed)
    assert (summary.added, summary.deleted, summary.embedded, given) == (1, 1, 0, [])
    assert retriever().search("late payment fee", today=TODAY)[0].article == "fees/late"


@pytest.mark.parametrize("fields", [{"owner": "b@example.com"}, {"products": "[Fibre]"}, {"valid_until": "2030-01-01"}])
def test_new_fields_are_not_embedded(indexed: Path, given: list[str], fields: dict[str, str]) -> None:
    front, body = ARTICLES["moving/moving-home"]
    write(indexed, "moving/moving-home", front | fields, body)
    given.clear()
    assert (ingest(indexed).changed, given) == (1, [])


def test_of_a_changed_sentence_only_what_holds_it_is_embedded(indexed: Path, given: list[str]) -> None:
    front, body = ARTICLES["billing/late-payment"]
    write(indexed, "billing/late-payment", front, body.replace("£7.50", "£8.00"))
    given.clear()
    ingest(indexed)
    assert len(given) == 3  # its chunk, the sentence, the sentence with its headings
    assert all("£8.00" in text for text in given)


def test_a_lost_collection_is_written_again_from_the_vectors(indexed: Path, given: list[str]) -> None:
    store.open_collection(encoder()).delete_collection()
    (store.folder() / "state.json").unlink()
    given.clear()
    assert ingest(indexed).added == len(ARTICLES)
    assert given == []


def test_lost_vectors_are_made_again(indexed: Path) -> None:
    before = Retriever().search("late payment fee", today=TODAY)
    for file in store.folder().glob("vectors-*"):
        file.unlink()
    ingest(indexed)
    after = Retriever().search("late payment fee", today=TODAY)
    assert [(p.article, p.position) for p in after] == [(p.article, p.position) for p in before]


def test_another_bad_file_leaves_the_search_index_alone(indexed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = store.index_folder()
    (indexed / "bad.md").write_text("no front matter")
    monkeypatch.setattr(index, "build", None)  # any new index would fail
    assert list(ingest(indexed).failures) == ["bad.md"]
    assert store.index_folder() == folder


def test_rows_of_texts_that_are_gone_are_dropped_in_the_end(
    indexed: Path, given: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    running = Retriever()
    before = running.search("late payment fee", today=TODAY)
    monkeypatch.setattr(vectors, "SPARE", 1)
    for name in ("broadband/router", "moving/moving-home", "billing/late-payment-2024", "billing/late-payment-2027"):
        (indexed / f"{name}.md").unlink()
    assert running.search("late payment fee", today=TODAY) == before  # the old files are still mapped
    given.clear()
    ingest(indexed)
    assert given == []
    internal = {key(text) for text in every_text(indexed) if "waive" in text and "\n" not in text}
    assert set(keys_on_disk()) == {key(text) for text in every_text(indexed)} - internal
    after = running.search("late payment fee", today=TODAY)
    assert [p.text for p in after][:1] == [p.text for p in before][:1]
    assert len(list(store.folder().glob("vectors-*"))) == 2


def test_two_indexers_wait_for_each_other(articles: Path) -> None:
    with store.lock():
        process = subprocess.Popen(
            [sys.executable, "-m", "actions.knowledge"], cwd=ROOT, env=os.environ, stdout=subprocess.PIPE, text=True
        )
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(4)
        assert not (store.folder() / "state.json").exists()
    assert "6 added" in process.communicate(timeout=120)[0]
