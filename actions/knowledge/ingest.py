"""Bring the vector store up to date with the articles' files.

Nothing is done when no file changed. Otherwise LangChain's indexing API compares chunks with the records of
the last run: unchanged ones are skipped, and a chunk whose text stayed the same while its dates or title
changed keeps its vector. An article that is malformed, or was deleted, leaves the index: what cannot be
validated is not served.
"""

import hashlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from langchain_core.embeddings import Embeddings

from actions.knowledge import articles, split, store
from actions.knowledge.encoder import MODEL_ID, MiniLM, encoder

Progress = Callable[[int, int], None]


@dataclass
class Summary:
    """Numbers of articles by what happened to them, and a reason for each that failed."""

    added: int = 0
    changed: int = 0
    deleted: int = 0
    skipped: int = 0
    failures: dict[str, str] = field(default_factory=dict)
    embedded: int = 0  # chunks that were given to the encoder

    def __str__(self) -> str:
        return (
            f"Knowledge: {self.added} added, {self.changed} changed, {self.deleted} deleted, "
            f"{self.skipped} unchanged, {len(self.failures)} failed"
        )


def ingest(folder: Path, progress: Progress = lambda done, total: None) -> Summary:
    """Index the articles in `folder`. `progress(done, total)` is called with numbers of articles.

    Raises ModelMissing, StoreError, MissingSetting, or NotADirectoryError when `folder` is no folder.
    """
    if not folder.is_dir():
        raise NotADirectoryError(
            f"The knowledge folder {folder} does not exist: create it, or correct TANDEM_KNOWLEDGE"
        )
    old = store.read_state()
    digests = {path.relative_to(folder).as_posix(): articles.digest(path) for path in articles.files(folder)}
    fingerprint = _fingerprint(digests)
    if old.get("fingerprint") == fingerprint and _stored(old):
        failures = dict(old["failures"])
        return Summary(skipped=len(digests) - len(failures), failures=failures)
    same_space = old.get("space") == _space()
    before: dict[str, str] = old.get("articles", {}) if same_space else {}
    summary = Summary()
    valid = _load(folder, list(digests), summary)
    for name in valid:
        known = before.get(name)
        summary.added += known is None
        summary.changed += known is not None and known != digests[name]
        summary.skipped += known is not None and known == digests[name]
    summary.deleted = len(before.keys() - valid.keys())
    number = _index(valid, summary, progress, anew=not same_space)
    store.write_state(
        {
            "fingerprint": fingerprint,
            "space": _space(),
            "articles": {name: digests[name] for name in valid},
            "failures": summary.failures,
            "chunks": number,
        }
    )
    return summary


def _space() -> str:
    """What makes chunks and vectors comparable: where they are, how they were cut and by what encoded."""
    return f"{store.server_url() or 'embedded'}|{MODEL_ID}|{split.VERSION}"


def _fingerprint(digests: dict[str, str]) -> str:
    lines = [_space(), *(f"{name} {digest}" for name, digest in sorted(digests.items()))]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _stored(state: dict[str, Any]) -> bool:
    """Whether the chunks of the last run are still where they were put."""
    if not store.server_url():
        return (store.folder() / "chroma.sqlite3").is_file()
    return store.open_collection(encoder())._collection.count() == state.get("chunks")


def _load(folder: Path, names: list[str], summary: Summary) -> dict[str, articles.Article]:
    valid: dict[str, articles.Article] = {}
    for name in names:
        try:
            valid[name] = articles.load(folder / name, folder)
        except articles.ArticleError as error:
            summary.failures[name] = str(error)
    return valid


class _Reusing(Embeddings):
    """Gives a chunk the vector that the store holds for the same text; the rest goes to the encoder."""

    def __init__(self, model: MiniLM, known: dict[str, Any], summary: Summary) -> None:
        self.model, self.known, self.summary = model, known, summary

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        fresh = [t for t in dict.fromkeys(texts) if t not in self.known]
        self.summary.embedded += len(fresh)
        vectors = dict(zip(fresh, self.model.embed_documents(fresh), strict=True)) if fresh else {}
        return [vectors[t] if t in vectors else [float(x) for x in self.known[t]] for t in texts]

    def embed_query(self, text: str) -> list[float]:
        return self.model.embed_query(text)


def _index(valid: dict[str, articles.Article], summary: Summary, progress: Progress, anew: bool) -> int:
    """Make the collection hold exactly the chunks of `valid`; gives their number.

    With `anew` the chunks were cut or encoded in another way: there are no records of the old ones, so all go.
    """
    from langchain_core.indexing import index

    logging.getLogger("langchain_core.indexing").setLevel(logging.ERROR)
    model = encoder()
    collection = store.open_collection(model)
    held = collection.get(include=["documents", "embeddings"])
    reusing = _Reusing(model, dict(zip(held["documents"], held["embeddings"], strict=True)), summary)
    collection = store.open_collection(reusing)
    if anew and held["ids"]:
        collection.delete(held["ids"])
    records = _records(empty=anew or not held["ids"])

    def documents() -> Iterator[Any]:
        for done, name in enumerate(sorted(valid)):
            yield from split.chunks(valid[name])
            progress(done + 1, len(valid))

    # "full" deletes every chunk that was not given; an empty run must delete all as well.
    index(
        documents(),
        records,
        collection,
        cleanup="full",
        source_id_key="article",
        key_encoder="sha256",
        batch_size=64,
    )
    return int(collection._collection.count())


def _records(empty: bool) -> Any:
    """LangChain's record of what is indexed; forgotten when the collection is empty: all is written anew."""
    from langchain_classic.indexes import SQLRecordManager

    place = store.folder() / "records.db"
    records = SQLRecordManager(f"{_space()}/{store.COLLECTION}", db_url=f"sqlite:///{place}")
    records.create_schema()
    if empty and (keys := records.list_keys()):
        records.delete_keys(keys)
    return records
