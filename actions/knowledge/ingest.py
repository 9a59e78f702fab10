"""Bring the vector store and the search index up to date with the documents' files.

Nothing is done when no file changed. Otherwise only the documents that changed are read and cut; LangChain's
indexing API compares their chunks with the records of the last run and writes those that are new. All vectors come
from `vectors`, which embeds no text twice, so a run that was killed goes on where it stopped. A document that is
malformed, or was deleted, leaves the index: what cannot be validated is not served.
"""

import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from langchain_core.documents import Document

from actions.knowledge import articles, index, split, store
from actions.knowledge.encoder import MODEL_ID, encoder
from actions.knowledge.loaders import ArticleError
from actions.knowledge.vectors import Vectors

Progress = Callable[[int, int], None]
T = TypeVar("T")
BATCH = 64  # chunks


@dataclass
class Summary:
    """Numbers of articles by what happened to them, and a reason for each that failed."""

    added: int = 0
    changed: int = 0
    deleted: int = 0
    skipped: int = 0
    failures: dict[str, str] = field(default_factory=dict)
    embedded: int = 0  # chunks that were given to the encoder
    sentences: int = 0  # and sentences of them, alone and with their headings

    def __str__(self) -> str:
        return (
            f"Knowledge: {self.added} added, {self.changed} changed, {self.deleted} deleted, "
            f"{self.skipped} unchanged, {len(self.failures)} failed"
        )


def ingest(folder: Path, progress: Progress = lambda done, total: None) -> Summary:
    """Index the documents in `folder`. `progress(done, total)` is called with numbers of chunks.

    Waits while another process does the same. Raises ModelMissing, StoreError, MissingSetting, or
    NotADirectoryError when `folder` is no folder.
    """
    if not folder.is_dir():
        raise NotADirectoryError(
            f"The knowledge folder {folder} does not exist: create it, or correct TANDEM_KNOWLEDGE"
        )
    with store.lock():
        return _ingest(folder, progress)


def _ingest(folder: Path, progress: Progress) -> Summary:
    old = store.read_state()
    digests = {path.relative_to(folder).as_posix(): articles.digest(path, folder) for path in articles.files(folder)}
    fingerprint = _fingerprint(digests)
    stored = _stored(old)
    if stored and old.get("fingerprint") == fingerprint:
        failures = dict(old["failures"])
        return Summary(skipped=len(digests) - len(failures), failures=failures)
    vectors = Vectors(store.folder(), encoder())
    collection = store.open_collection(vectors)
    known = old.get("space") == _space() and collection._collection.count() >= len(_records().list_keys())
    before: dict[str, str] = old.get("articles", {}) if known else {}
    summary = Summary(failures=articles.same_names(digests))
    names = [name for name in digests if name not in summary.failures]
    changed = [name for name in names if before.get(name) != digests[name]]
    spool = store.folder() / "pending.jsonl"
    total = _read(folder, changed, spool, summary)
    valid = [name for name in names if name not in summary.failures]
    summary.added = len([name for name in valid if name not in before])
    summary.changed = len([name for name in valid if name in before and before[name] != digests[name]])
    summary.skipped = len(valid) - summary.added - summary.changed
    gone = before.keys() - set(valid)
    summary.deleted = len(gone)
    if not known:
        (store.folder() / "records.db").unlink(missing_ok=True)
    _delete(collection, gone)
    _index(collection, vectors, _spooled(spool), total, summary, progress)
    _drop_strays(collection)
    target = fingerprint[:16]
    if stored and known and not summary.added and not summary.changed and not gone:
        target = str(old["index"])  # another document that cannot be used is all that is new
    else:
        index.build(collection._collection, vectors, store.folder() / "index" / target)
    store.write_state(
        {
            "fingerprint": fingerprint,
            "space": _space(),
            "articles": {name: digests[name] for name in valid},
            "failures": summary.failures,
            "chunks": collection._collection.count(),
            "index": target,
        }
    )
    spool.unlink()
    vectors.sweep()
    for path in (store.folder() / "index").iterdir():
        if path.name != target:
            shutil.rmtree(path, ignore_errors=True)
    return summary


def _space() -> str:
    """What makes chunks and vectors comparable: where they are, how they were cut and by what encoded."""
    return f"{store.server_url() or 'embedded'}|{MODEL_ID}|{split.VERSION}"


def _fingerprint(digests: dict[str, str]) -> str:
    lines = [_space(), f"index {index.VERSION}", *(f"{name} {digest}" for name, digest in sorted(digests.items()))]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _stored(state: dict[str, Any]) -> bool:
    """Whether the chunks and the index of the last run are still where they were put."""
    target = store.index_folder()
    if target is None or not (target / "index.json").is_file():
        return False
    if not (store.folder() / json.loads((target / "index.json").read_text())["vectors"]).is_file():
        return False
    if not store.server_url():
        return (store.folder() / "chroma.sqlite3").is_file()
    return bool(store.open_collection(encoder())._collection.count() == state.get("chunks"))


def _read(folder: Path, names: Iterable[str], spool: Path, summary: Summary) -> int:
    """Read and cut documents into the file `spool`, a chunk a line, so that none are held in memory; gives the
    number of chunks. Why a document failed goes to `summary`."""
    number = 0
    with spool.open("w", encoding="utf-8") as file:
        for name in names:
            try:
                chunks = split.chunks(articles.load(folder / name, folder))
                if not chunks:
                    raise ArticleError("there is no text in it")
            except ArticleError as error:
                summary.failures[name] = str(error)
                continue
            number += len(chunks)
            for chunk in chunks:
                file.write(json.dumps([chunk.page_content, chunk.metadata]) + "\n")
    return number


def _spooled(spool: Path) -> Iterator[Document]:
    with spool.open(encoding="utf-8") as file:
        for line in file:
            text, metadata = json.loads(line)
            yield Document(page_content=text, metadata=metadata)


def _index(
    collection: Any, vectors: Vectors, chunks: Iterable[Document], total: int, summary: Summary, progress: Progress
) -> None:
    """Write `chunks` to the collection and delete what their articles held before."""
    from langchain_core.indexing import index as write

    logging.getLogger("langchain_core.indexing").setLevel(logging.ERROR)

    def embedded() -> Iterator[Document]:
        done = 0
        for batch in _batches(chunks, BATCH):
            texts = [chunk.page_content for chunk in batch]
            public = [chunk.page_content for chunk in batch if chunk.metadata["audience"] == "public"]
            spoken = [text for document in public for part in index.spoken(document) for text in part]
            summary.embedded += len(vectors.missing(texts))
            summary.sentences += len(vectors.missing(spoken))
            vectors.add([*texts, *spoken])
            yield from batch
            done += len(batch)
            progress(done, total)

    write(
        embedded(),
        _records(),
        collection,
        cleanup="incremental",
        source_id_key="article",
        key_encoder="sha256",
        batch_size=BATCH,
    )


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    source = iter(items)
    while batch := list(islice(source, size)):
        yield batch


def _delete(collection: Any, names: Iterable[str]) -> None:
    """Delete the chunks of documents that are gone."""
    records = _records()
    for name in names:
        article = Path(name).with_suffix("").as_posix()
        if keys := records.list_keys(group_ids=[article]):
            collection.delete(keys)
            records.delete_keys(keys)


def _drop_strays(collection: Any) -> None:
    """Delete chunks of which there is no record: those of another way of cutting, or of a run that was killed."""
    keys = set(_records().list_keys())
    if collection._collection.count() == len(keys):
        return
    held = [i for page in index.pages(collection._collection, include=[]) for i in page["ids"]]
    for part in _batches([i for i in held if i not in keys], index.PAGE):
        collection.delete(part)


def _records() -> Any:
    """LangChain's record of what is indexed."""
    from langchain_classic.indexes import SQLRecordManager

    place = store.folder() / "records.db"
    records = SQLRecordManager(f"{_space()}/{store.COLLECTION}", db_url=f"sqlite:///{place}")
    records.create_schema()
    return records
