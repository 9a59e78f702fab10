"""Find the passages for a question: public and valid today, whatever is asked.

Dense (MiniLM in Chroma) and lexical (BM25, stemmed) search are fused by score: 0.7 x cosine + 0.3 x BM25
over its maximum, which beat reciprocal rank fusion on SQuAD paragraphs and MTRAG. The audience and the
dates are conditions of every query to Chroma; the lexical index proposes candidates only, and Chroma gives
them out under the same conditions.
"""

import logging
import threading
from dataclasses import dataclass
from datetime import date
from typing import Any

import bm25s
import numpy as np

from actions import clock
from actions.knowledge import store
from actions.knowledge.articles import as_int
from actions.knowledge.encoder import encoder
from actions.knowledge.words import stems

logging.getLogger("bm25s").setLevel(logging.WARNING)  # it sets itself to DEBUG

DENSE_WEIGHT = 0.7
CANDIDATES = 20  # from each of the two searches


@dataclass(frozen=True)
class Passage:
    """A chunk of an article with its scores: `cosine` and `lexical` are at most 1, `score` fuses them."""

    text: str
    context: str  # title and headings, "Title > Heading"
    title: str
    article: str
    position: int
    valid_from: int
    cosine: float
    lexical: float
    score: float


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
        vector = encoder().embed_cached([question])[0]
        lexical = self._lexical_scores(stems(question))
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
        extra = [i for i in sorted(lexical, key=lambda i: -lexical[i])[:CANDIDATES] if i not in rows]
        if extra:
            got = self._collection.get(ids=extra, where=where, include=["documents", "metadatas", "embeddings"])
            for i, document, meta, other in zip(
                got["ids"], got["documents"], got["metadatas"], got["embeddings"], strict=True
            ):
                rows[i] = (document, meta, float(np.dot(vector, other)))
        return _fuse(rows, lexical)[:k]

    def _lexical_scores(self, words: list[str]) -> dict[str, float]:
        """BM25 by chunk id, of the chunks that share a word with the question."""
        words = [w for w in words if w in self._frequency]
        if not words or self._lexical is None:
            return {}
        scores = self._lexical.get_scores(words)
        return {self._ids[i]: float(scores[i]) for i in np.flatnonzero(scores > 0)}


def _fuse(rows: dict[str, tuple[str, dict[str, Any], float]], lexical: dict[str, float]) -> list[Passage]:
    top = max((lexical.get(i, 0.0) for i in rows), default=0.0) or 1.0
    passages = []
    for i, (document, meta, cosine) in rows.items():
        words = lexical.get(i, 0.0) / top
        context, _, text = document.partition("\n")
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
                score=DENSE_WEIGHT * float(cosine) + (1 - DENSE_WEIGHT) * words,
            )
        )
    return sorted(passages, key=lambda p: (-p.score, p.article, p.position))


def _forget_clients() -> None:
    from chromadb.api.client import SharedSystemClient

    SharedSystemClient.clear_system_cache()


_retriever = Retriever()


def retriever() -> Retriever:
    """The process's one retriever."""
    return _retriever
