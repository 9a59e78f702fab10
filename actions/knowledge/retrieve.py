"""Find the passages for a question: public and valid today, whatever is asked.

A passage's score has three parts: the cosine of the question with the whole passage, the best one with a
sentence of it (MiniLM), and BM25 over its maximum (stemmed). A question is searched for with our words for
what it names (`words.our_words`). The audience and the dates are conditions of every query to Chroma;
the sentence vectors and the lexical index propose candidates only, and Chroma gives them out under the
same conditions.
"""

import hashlib
import logging
import os
import threading
import zipfile
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import bm25s
import numpy as np

from actions import clock
from actions.knowledge import store
from actions.knowledge.articles import as_int
from actions.knowledge.encoder import DIMENSION, MODEL_ID, encoder
from actions.knowledge.words import our_words, sentences, stems

logging.getLogger("bm25s").setLevel(logging.WARNING)  # it sets itself to DEBUG

# Chosen on the tuning half of tests/answers.yml by how often the first five passages hold the answer: 27 of
# 27 questions, with 0.35 / 0.35 / 0.3 26 and without sentences (0.7 / 0 / 0.3) 25.
PASSAGE_WEIGHT = 0.45
SENTENCE_WEIGHT = 0.45
LEXICAL_WEIGHT = 0.1
CANDIDATES = 20  # from each of the three searches


@dataclass(frozen=True)
class Sentence:
    """A sentence of a passage. `cosine` is its mean cosine to the question with and without its headings."""

    text: str
    cosine: float
    vector: np.ndarray = field(repr=False, compare=False)  # of the sentence alone


@dataclass(frozen=True)
class Passage:
    """A chunk of an article with its scores: `cosine` and `lexical` are at most 1, `score` fuses them with
    the best of its sentences."""

    text: str
    context: str  # title and headings, "Title > Heading"
    title: str
    article: str
    position: int
    valid_from: int
    cosine: float
    lexical: float
    score: float
    sentences: tuple[Sentence, ...] = ()


def conditions(today: date) -> dict[str, Any]:
    """Chroma's `where`: what a customer may read today."""
    day = as_int(today)
    return {
        "$and": [
            {"audience": {"$eq": "public"}},
            {"valid_from": {"$lte": day}},
            {"valid_until": {"$gte": day}},
        ]
    }


class Retriever:
    """Opened at the first question and again whenever the indexer has changed the knowledge."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._version: str | None = None
        self._collection: Any = None
        self._lexical: bm25s.BM25 | None = None
        self._ids: list[str] = []
        self._frequency: dict[str, int] = {}
        # By chunk id: the sentences, their vectors alone and with their headings [sentences, 384].
        self._sentences: dict[str, tuple[list[str], np.ndarray, np.ndarray]] = {}

    def open(self) -> None:
        """Load what the indexer wrote last, unless it is loaded. Raises StoreError."""
        with self._lock:
            version = f"{store.server_url() or store.folder()} {store.version()}"
            if version == self._version and self._collection is not None:
                return
            if not store.server_url() and self._collection is not None:
                _forget_clients()  # the embedded engine would go on reading the old vectors
            self._collection = store.open_collection(encoder())
            held = self._collection.get(where={"audience": "public"}, include=["documents"])
            tokens = [stems(text) for text in held["documents"]]
            self._ids, self._lexical = held["ids"], None
            self._frequency = {}
            for words in tokens:
                for word in set(words):
                    self._frequency[word] = self._frequency.get(word, 0) + 1
            if self._frequency:
                self._lexical = bm25s.BM25()
                self._lexical.index(tokens, show_progress=False)
            self._sentences = _split(self._ids, held["documents"])
            self._version = version

    def rarity(self, word: str) -> float:
        """How telling a stem is: its inverse document frequency, 0 (in every passage) to 1 (in none)."""
        number = len(self._ids)
        if not number:
            return 1.0
        return float(np.log((number + 1) / (self._frequency.get(word, 0) + 1)) / np.log(number + 1))

    def search(self, question: str, k: int = 5, today: date | None = None) -> list[Passage]:
        """The `k` best passages for `question`, best first. Raises ModelMissing, StoreError."""
        self.open()
        where = conditions(today or clock.today())
        asked = in_our_words(question)
        vector = encoder().embed_cached([asked])[0]
        lexical = self._lexical_scores(stems(asked))
        told = self._sentence_scores(vector)
        found = self._collection._collection.query(
            query_embeddings=[vector],
            n_results=CANDIDATES,
            where=where,
            include=["documents", "metadatas", "distances"],
        )
        rows = {
            i: (document, meta, 1.0 - distance)
            for i, document, meta, distance in zip(
                found["ids"][0],
                found["documents"][0],
                found["metadatas"][0],
                found["distances"][0],
                strict=True,
            )
        }
        extra = [i for i in _best(lexical) + _best({i: max(c) for i, c in told.items()}) if i not in rows]
        if extra:
            got = self._collection.get(
                ids=list(dict.fromkeys(extra)), where=where, include=["documents", "metadatas", "embeddings"]
            )
            for i, document, meta, other in zip(
                got["ids"], got["documents"], got["metadatas"], got["embeddings"], strict=True
            ):
                rows[i] = (document, meta, float(np.dot(vector, other)))
        return self._fuse(rows, lexical, told)[:k]

    def _lexical_scores(self, words: list[str]) -> dict[str, float]:
        """BM25 by chunk id, of the chunks that share a word with the question."""
        words = [w for w in words if w in self._frequency]
        if not words or self._lexical is None:
            return {}
        scores = self._lexical.get_scores(words)
        return {self._ids[i]: float(scores[i]) for i in np.flatnonzero(scores > 0)}

    def _sentence_scores(self, vector: np.ndarray) -> dict[str, list[float]]:
        """The cosine of each sentence by chunk id."""
        return {
            i: (0.5 * (alone @ vector) + 0.5 * (in_context @ vector)).tolist()
            for i, (_, alone, in_context) in self._sentences.items()
        }

    def _fuse(
        self,
        rows: dict[str, tuple[str, dict[str, Any], float]],
        lexical: dict[str, float],
        told: dict[str, list[float]],
    ) -> list[Passage]:
        top = max((lexical.get(i, 0.0) for i in rows), default=0.0) or 1.0
        passages = []
        for i, (document, meta, cosine) in rows.items():
            words = lexical.get(i, 0.0) / top
            context, _, text = document.partition("\n")
            texts, vectors, _ = self._sentences.get(i, ([], np.zeros((0, 0)), None))
            spoken = tuple(Sentence(*s) for s in zip(texts, told.get(i, []), vectors, strict=True))
            best = max((s.cosine for s in spoken), default=float(cosine))
            passages.append(
                Passage(
                    text=text,
                    context=context,
                    title=str(meta["title"]),
                    article=str(meta["article"]),
                    position=int(meta["position"]),
                    valid_from=int(meta["valid_from"]),
                    cosine=float(cosine),
                    lexical=words,
                    score=PASSAGE_WEIGHT * float(cosine) + SENTENCE_WEIGHT * best + LEXICAL_WEIGHT * words,
                    sentences=spoken,
                )
            )
        return sorted(passages, key=lambda p: (-p.score, p.article, p.position))


def in_our_words(question: str) -> str:
    """The question followed by what our articles call the things in it."""
    ours = our_words(question)
    return f"{question} ({', '.join(ours)})" if ours else question


def _split(ids: list[str], documents: list[str]) -> dict[str, tuple[list[str], np.ndarray, np.ndarray]]:
    """The sentences of each chunk with their vectors."""
    spoken = [sentences(document.partition("\n")[2]) for document in documents]
    alone = [s for part in spoken for s in part]
    in_context = [f"{d.partition(chr(10))[0]}: {s}" for d, part in zip(documents, spoken, strict=True) for s in part]
    vectors = _remembered(alone + in_context)
    found, start = {}, 0
    for i, part in zip(ids, spoken, strict=True):
        here = slice(start, start + len(part))
        found[i] = (part, vectors[: len(alone)][here], vectors[len(alone) :][here])
        start += len(part)
    return found


def _best(scores: dict[str, float]) -> list[str]:
    return sorted(scores, key=lambda i: -scores[i])[:CANDIDATES]


def _remembered(texts: list[str]) -> np.ndarray:
    """Vectors of `texts`, from the file of those of the last time where they are in it; the file is renewed
    when they are not. It lies beside the store and may be deleted."""
    path = store.folder() / f"sentences-{MODEL_ID}.npz"
    keys = [hashlib.sha256(text.encode()).hexdigest() for text in texts]
    known: dict[str, np.ndarray] = {}
    try:
        with np.load(path, allow_pickle=False) as held:
            known = dict(zip(held["keys"].tolist(), held["vectors"], strict=True))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        known = {}
    fresh = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
    if fresh:
        known.update(zip(fresh, encoder().embed(list(fresh.values())), strict=True))
    vectors = np.array([known[key] for key in keys], dtype=np.float32).reshape(-1, DIMENSION)
    if fresh:
        new = path.with_suffix(f".{os.getpid()}.npz")
        np.savez(new, keys=np.array(keys), vectors=vectors)
        new.replace(path)
    return vectors


def _forget_clients() -> None:
    from chromadb.api.client import SharedSystemClient

    SharedSystemClient.clear_system_cache()


_retriever = Retriever()


def retriever() -> Retriever:
    """The process's one retriever."""
    return _retriever
