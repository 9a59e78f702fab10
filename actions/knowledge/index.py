"""The search index: what a search needs beside Chroma, as files of arrays that are mapped into memory.

The indexer writes it after each change into a folder named by the knowledge's version. It holds public chunks
only: their conditions (days, products, regions), the word index (bm25s), which rows of the vector file are
theirs and their sentences', and the example questions of the articles, each with the chunk that answers it.
"""

import json
import logging
import shutil
from array import array
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import bm25s
import numpy as np

from actions.knowledge.articles import as_int
from actions.knowledge.vectors import Vectors, mapped
from actions.knowledge.words import sentences, stems

logging.getLogger("bm25s").setLevel(logging.WARNING)  # it sets itself to DEBUG

VERSION = 2  # raise it when the files change
PAGE = 2000  # chunks that are read from the store at a time


def spoken(document: str) -> tuple[list[str], list[str]]:
    """The sentences of a chunk, alone and with its headings, as they are embedded."""
    context, _, text = document.partition("\n")
    alone = sentences(text)
    return alone, [f"{context}: {sentence}" for sentence in alone]


def pages(collection: Any, **query: Any) -> Iterator[dict[str, Any]]:
    """All chunks of a Chroma collection, PAGE at a time."""
    start = 0
    while (page := collection.get(limit=PAGE, offset=start, **query))["ids"]:
        yield page
        start += len(page["ids"])


def build(collection: Any, vectors: Vectors, folder: Path) -> None:
    """Write the index of a collection's public chunks to `folder`. Sentences without a vector are embedded."""
    ids: list[bytes] = []
    days, chunk_rows, alone_rows, context_rows, ends, hidden = (array("i") for _ in range(6))
    scopes: dict[str, array[int]] = {}  # of each product and region: the chunks that name it
    vocabulary: dict[str, int] = {}
    tokens: list[np.ndarray] = []
    examples = Examples()
    for page in pages(collection, include=["documents", "metadatas"]):
        for i, document, meta in zip(page["ids"], page["documents"], page["metadatas"], strict=True):
            if meta["audience"] != "public":
                vectors.add([document])
                hidden.extend(vectors.rows([document]))
                continue
            alone, in_context = spoken(document)
            vectors.add([document, *alone, *in_context])
            chunk_rows.extend(vectors.rows([document]))
            alone_rows.extend(vectors.rows(alone))
            context_rows.extend(vectors.rows(in_context))
            ends.append(len(alone_rows))
            days.extend((meta["valid_from"], meta["valid_until"]))
            for name in meta:
                if name.startswith(("product_", "region_")):
                    scopes.setdefault(name, array("i")).append(len(ids))
            examples.note(str(meta["article"]), str(meta.get("questions") or ""), len(ids))
            words = [vocabulary.setdefault(word, len(vocabulary)) for word in stems(document)]
            tokens.append(np.array(words, dtype=np.int32))
            ids.append(i.encode())
    chunk, alone_row, context_row = (np.array(rows, dtype=np.int32) for rows in (chunk_rows, alone_rows, context_rows))
    asked, question_row, question_chunk = examples.placed(vectors, chunk)
    numbers = vectors.compact(
        np.unique(np.concatenate([chunk, alone_row, context_row, question_row, np.array(hidden, dtype=np.int32)]))
    )
    if numbers is not None:
        chunk, alone_row, context_row, question_row = (
            numbers[rows] for rows in (chunk, alone_row, context_row, question_row)
        )
    arrays = {
        "ids": np.array(ids, dtype="S64"),
        "days": np.array(days, dtype=np.int32).reshape(-1, 2),
        "chunk_rows": chunk,
        "sentence_rows": np.stack([alone_row, context_row], axis=1),
        "starts": np.array([0, *ends], dtype=np.int32),
        "question_rows": question_row,
        "question_chunks": question_chunk,
    }
    arrays |= {f"scope_{number}": np.array(part, dtype=np.int32) for number, part in enumerate(scopes.values())}
    fresh = folder.with_suffix(".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    _write(fresh, arrays, tokens, vocabulary)
    (fresh / "index.json").write_text(
        json.dumps({"vectors": vectors.path.name, "scopes": list(scopes), "questions": asked})
    )
    shutil.rmtree(folder, ignore_errors=True)
    fresh.replace(folder)


def _write(folder: Path, arrays: dict[str, np.ndarray], tokens: list[np.ndarray], vocabulary: dict[str, int]) -> None:
    """Write the arrays, and the word index over `tokens`: the words of each chunk as numbers of `vocabulary`."""
    for name, values in arrays.items():
        np.save(folder / f"{name}.npy", values)
    if vocabulary:
        words = bm25s.BM25()
        words.index((tokens, vocabulary), show_progress=False)
        words.save(str(folder / "words"), show_progress=False)


class Examples:
    """The example questions of articles, and the chunks of each article by number."""

    def __init__(self) -> None:
        self._asked: dict[str, list[str]] = {}
        self._chunks: dict[str, list[int]] = {}

    def note(self, article: str, questions: str, number: int) -> None:
        """A chunk of an article whose questions are the lines of `questions`."""
        if questions:
            self._asked[article] = questions.splitlines()
            self._chunks.setdefault(article, []).append(number)

    def placed(self, vectors: Vectors, chunk_rows: np.ndarray) -> tuple[list[str], np.ndarray, np.ndarray]:
        """All questions, their rows in the vector file, and for each the chunk of its article that is closest."""
        texts, chunks = [], []
        for article, questions in self._asked.items():
            vectors.add(questions)
            held = mapped(vectors.path)
            numbers = np.array(self._chunks[article])
            asked = held[vectors.rows(questions)].astype(np.float32)
            near = (asked @ held[chunk_rows[numbers]].astype(np.float32).T).argmax(axis=1)
            texts += questions
            chunks += numbers[near].tolist()
        return texts, np.array(vectors.rows(texts), dtype=np.int32), np.array(chunks, dtype=np.int32)


class Index:
    """An index that `build` wrote. Chunks are numbered from 0 to len(index) - 1."""

    def __init__(self, folder: Path, vectors: Path) -> None:
        """Open the index in `folder`, whose vectors lie in the folder `vectors`. Raises OSError."""
        about = json.loads((folder / "index.json").read_text())
        read = {file.stem: np.load(file, mmap_mode="r") for file in folder.glob("*.npy")}
        self.ids: np.ndarray = read["ids"]
        self._number = {i: number for number, i in enumerate(self.ids.tolist())}
        self._days = np.array(read["days"])
        self._scopes = {name: read[f"scope_{number}"] for number, name in enumerate(about["scopes"])}
        self._vectors = mapped(vectors / about["vectors"])
        self._chunk_rows, self._sentence_rows, self._starts = (
            read[name] for name in ("chunk_rows", "sentence_rows", "starts")
        )
        self.questions: list[str] = about["questions"]
        self.question_chunks: np.ndarray = np.array(read["question_chunks"])
        self._question_rows: np.ndarray = read["question_rows"]
        words = folder / "words"
        self._words = bm25s.BM25.load(str(words), mmap=True, show_progress=False) if words.is_dir() else None

    def __len__(self) -> int:
        return len(self.ids)

    def number(self, i: str) -> int | None:
        """The number of a chunk by its id in Chroma."""
        return self._number.get(i.encode())

    def readable(self, today: date, product: str = "", region: str = "") -> np.ndarray:
        """Which chunks a customer may read: bool [chunks]. `product` and `region` are metadata keys."""
        day = as_int(today)
        allowed = (self._days[:, 0] <= day) & (self._days[:, 1] >= day)
        for name in filter(None, (product, region)):
            named = np.zeros(len(self), dtype=bool)
            for each in (name, f"{name.partition('_')[0]}_all"):
                named[self._scopes.get(each, [])] = True
            allowed &= named
        return allowed

    def lexical(self, words: list[str]) -> np.ndarray:
        """BM25 of stemmed words: float32 [chunks]."""
        known = [w for w in words if self._words is not None and w in self._words.vocab_dict]
        if self._words is None or not known:
            return np.zeros(len(self), dtype=np.float32)
        return self._words.get_scores(known)

    def frequency(self, word: str) -> int:
        """In how many chunks a stem occurs."""
        number = self._words.vocab_dict.get(word) if self._words is not None else None
        if self._words is None or number is None or not word:
            return 0
        starts = self._words.scores["indptr"]
        return int(starts[number + 1] - starts[number])

    def passage_vectors(self) -> np.ndarray:
        """float32 [chunks, 384], a copy."""
        return np.asarray(self._vectors[self._chunk_rows], dtype=np.float32)

    def sentence_means(self) -> np.ndarray:
        """The mean of each sentence's vectors alone and with its headings: float32 [sentences, 384], a copy."""
        alone, in_context = self._vectors[self._sentence_rows[:, 0]], self._vectors[self._sentence_rows[:, 1]]
        return (alone.astype(np.float32) + in_context.astype(np.float32)) / 2

    def best_of_each(self, scores: np.ndarray) -> np.ndarray:
        """The highest of `scores`, [sentences], for each chunk; -1 for one without sentences."""
        best = np.full(len(self), -1.0, dtype=np.float32)
        filled = np.flatnonzero(np.diff(self._starts))
        if len(filled):
            best[filled] = np.maximum.reduceat(scores, self._starts[:-1][filled])
        return best

    def question_vectors(self) -> np.ndarray:
        """Of the example questions: float32 [questions, 384], a copy."""
        return self._vectors[self._question_rows].astype(np.float32)

    def vector(self, number: int) -> np.ndarray:
        """A chunk's vector, float32 [384]."""
        return self._vectors[self._chunk_rows[number]].astype(np.float32)

    def sentence_vectors(self, number: int) -> np.ndarray:
        """The vectors of a chunk's sentences alone and with its headings: float32 [sentences, 2, 384]."""
        rows = self._sentence_rows[self._starts[number] : self._starts[number + 1]]
        return self._vectors[rows.reshape(-1)].astype(np.float32).reshape(len(rows), 2, -1)
