"""Find the passages for a question: public, valid today and about the customer's product and region, whatever
is asked.

A passage's score has three parts: the cosine of the question with the whole passage, the best one with a
sentence of it or with an example question that its author wrote (MiniLM), and BM25 over its maximum (stemmed). A
question is searched for with our words for what it names (`words.our_words`). What a customer may read is a condition
of each of the searches, before anything is ranked: Chroma's `where`, and the same of the search index
(`index.Index.readable`). Whatever Chroma then gives out is held against it once more.

Two searches change their way as the knowledge grows. A filter in Chroma costs 6 ms or more for each 1,000 chunks
that it lets through, so above CHROMA_CHUNKS the question is compared with all readable vectors here, exactly, and
Chroma gives the texts. And above SENTENCE_CHUNKS sentences no longer propose passages: those of the candidates alone
are compared, 40 at most.
"""

import threading
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np

from actions import clock
from actions.knowledge import store
from actions.knowledge.articles import as_int, scope
from actions.knowledge.encoder import encoder
from actions.knowledge.index import Index
from actions.knowledge.words import our_words, sentences, stems

# Chosen on the tuning half of tests/answers.yml by how often the first five passages hold the answer: 27 of
# 27 questions, with 0.35 / 0.35 / 0.3 26 and without sentences (0.7 / 0 / 0.3) 25.
PASSAGE_WEIGHT = 0.45
SENTENCE_WEIGHT = 0.45
LEXICAL_WEIGHT = 0.1
CANDIDATES = 20  # from each of the three searches
INTERNAL = 3  # passages for colleagues alone that a search for agents adds at most
CHROMA_CHUNKS = 500
SENTENCE_CHUNKS = 5000


@dataclass(frozen=True)
class Sentence:
    """A sentence of a passage. `cosine` is its mean cosine to the question with and without its headings."""

    text: str
    cosine: float
    vector: np.ndarray = field(repr=False, compare=False)  # of the sentence alone


@dataclass(frozen=True)
class Passage:
    """A chunk of an article with its scores: `cosine` and `lexical` are at most 1, `score` fuses them with
    the best of its sentences. `audience` is public, unless the search was for agents (`Retriever.for_agents`)."""

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
    asked: float = 0.0  # the cosine of the closest example question
    example: str = ""  # and its text
    audience: str = "public"


def conditions(today: date, product: str = "", region: str = "", audience: str = "public") -> dict[str, Any]:
    """Chroma's `where`: what a customer may read today; with the audience `internal` what agents may read besides.
    With a product or region, what is about all of them or about this one."""
    day = as_int(today)
    named = [key for key in (product and scope("product", product), region and scope("region", region)) if key]
    return {
        "$and": [
            {"audience": {"$eq": audience}},
            {"valid_from": {"$lte": day}},
            {"valid_until": {"$gte": day}},
            *({"$or": [{key: True}, {f"{key.partition('_')[0]}_all": True}]} for key in named),
        ]
    }


def meets(meta: dict[str, Any], where: dict[str, Any]) -> bool:
    """Whether a chunk's metadata meets `conditions`."""
    (key, value), *_ = where.items()
    if key in ("$and", "$or"):
        return (all if key == "$and" else any)(meets(meta, part) for part in value)
    if not isinstance(value, dict):
        return bool(meta.get(key) == value)
    (how, limit), held = *value.items(), meta.get(key)
    return held is not None and bool({"$eq": held == limit, "$lte": held <= limit, "$gte": held >= limit}[how])


class Retriever:
    """Opened at the first question and again whenever the indexer has changed the knowledge."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._version: str | None = None
        self._opened: _Opened | None = None

    def open(self) -> None:
        """Load what the indexer wrote last, unless it is loaded. Raises StoreError."""
        self._now()

    def _now(self) -> "_Opened | None":
        """The knowledge as it is now, or None when nothing is indexed. A search keeps what it was given."""
        with self._lock:
            version = f"{store.server_url() or store.folder()} {store.version()}"
            if version != self._version:
                self._opened = _open(first=self._version is None)
                self._version = version
            return self._opened

    def rarity(self, word: str) -> float:
        """How telling a stem is: its inverse document frequency, 0 (in every passage) to 1 (in none)."""
        opened = self._now()
        if opened is None or not len(opened.index):
            return 1.0
        number = len(opened.index)
        return float(np.log((number + 1) / (opened.index.frequency(word) + 1)) / np.log(number + 1))

    def search(
        self, question: str, k: int = 5, today: date | None = None, *, product: str = "", region: str = ""
    ) -> list[Passage]:
        """The `k` best passages for `question`, best first; those about another product or region than the
        customer's are left out, when these are given. Raises ModelMissing, StoreError."""
        opened = self._now()
        if opened is None or not len(opened.index):
            return []
        day = today or clock.today()
        asked = in_our_words(question)
        vector = encoder().embed_cached([asked])[0]
        allowed = opened.index.readable(day, product and scope("product", product), region and scope("region", region))
        where = conditions(day, product, region)
        lexical = np.where(allowed, opened.index.lexical(stems(asked)), 0.0)
        cosines = opened.dense(vector, where, allowed)
        examples = opened.by_example(vector, allowed)
        numbers = list(dict.fromkeys([*cosines, *_best(lexical), *opened.by_sentence(vector, allowed), *examples]))
        scored = _scored(opened.index, numbers, vector, cosines, lexical, examples)
        texts = opened.texts([each.number for each in scored[: 2 * k]], where)  # some may have gone meanwhile
        passages = [_passage(each, *texts[each.number]) for each in scored[: 2 * k] if each.number in texts]
        return sorted(passages, key=lambda p: (-p.score, p.article, p.position))[:k]

    def for_agents(self, question: str, k: int = 5, today: date | None = None) -> list[Passage]:
        """The `k` best passages for `question` that an agent may read: those of `search`, and with the audience
        `internal` up to INTERNAL that are for colleagues alone. Never what is expired or not yet valid.

        A way of its own, beside the search index, which holds nothing internal: `search`, by which customers are
        answered, has nothing that could be switched to it. Raises ModelMissing, StoreError.
        """
        opened = self._now()
        if opened is None:
            return []
        asked = in_our_words(question)
        where = conditions(today or clock.today(), audience="internal")
        found = opened.internal(encoder().embed_cached([asked])[0], set(stems(asked)), where)
        public = self.search(question, k, today)
        return sorted([*public, *found], key=lambda p: (-p.score, p.article, p.position))[:k]


@dataclass(frozen=True)
class _Opened:
    """One version of the knowledge. `passages` [chunks, 384] and `sentences` [sentences, 384] are None where
    the number of chunks rules out that search; `examples` are the vectors of the example questions [questions, 384]."""

    collection: Any
    index: Index
    passages: np.ndarray | None
    sentences: np.ndarray | None
    examples: np.ndarray

    def dense(self, vector: np.ndarray, where: dict[str, Any], allowed: np.ndarray) -> dict[int, float]:
        """The readable chunks closest to `vector` with their cosines, by number."""
        if self.passages is not None:
            cosines = np.where(allowed, self.passages @ vector, -1.0)
            return {number: float(cosines[number]) for number in _best(cosines, above=-1.0)}
        found = self.collection.query(
            query_embeddings=[vector], n_results=CANDIDATES, where=where, include=["distances"]
        )
        pairs = zip(found["ids"][0], found["distances"][0], strict=True)
        numbers = ((self.index.number(i), 1.0 - distance) for i, distance in pairs)
        return {number: cosine for number, cosine in numbers if number is not None}

    def internal(self, vector: np.ndarray, asked: set[str], where: dict[str, Any]) -> list[Passage]:
        """The chunks outside the index that meet `where`, best first: Chroma compares the vectors of the whole chunks,
        and the share of the stems `asked` that they hold takes the place of BM25."""
        got = self.collection.query(
            query_embeddings=[vector], n_results=INTERNAL, where=where, include=["documents", "metadatas", "distances"]
        )
        held = zip(got["documents"][0], got["metadatas"][0], got["distances"][0], strict=True)
        passages = []
        for document, meta, distance in held:
            context, _, text = document.partition("\n")
            cosine, words = 1.0 - float(distance), len(asked & set(stems(document))) / (len(asked) or 1)
            passages.append(
                Passage(
                    text=text,
                    context=context,
                    title=str(meta["title"]),
                    article=str(meta["article"]),
                    position=int(meta["position"]),
                    valid_from=int(meta["valid_from"]),
                    cosine=cosine,
                    lexical=words,
                    score=(PASSAGE_WEIGHT + SENTENCE_WEIGHT) * cosine + LEXICAL_WEIGHT * words,
                    audience=str(meta["audience"]),
                )
            )
        return [passage for passage, meta in zip(passages, got["metadatas"][0], strict=True) if meets(meta, where)]

    def by_sentence(self, vector: np.ndarray, allowed: np.ndarray) -> list[int]:
        """The readable chunks with the sentences closest to `vector`, by number."""
        if self.sentences is None or not len(self.sentences):
            return []
        best = np.where(allowed, self.index.best_of_each(self.sentences @ vector), -1.0)
        return _best(best, above=-1.0)

    def by_example(self, vector: np.ndarray, allowed: np.ndarray) -> dict[int, tuple[float, str]]:
        """The readable chunks with the example questions closest to `vector`: cosine and text, by number."""
        cosines = self.examples @ vector
        found: dict[int, tuple[float, str]] = {}
        for row in _best(cosines):
            number = int(self.index.question_chunks[row])
            if allowed[number] and number not in found:
                found[number] = (float(cosines[row]), self.index.questions[row])
        return found

    def texts(self, numbers: list[int], where: dict[str, Any]) -> dict[int, tuple[str, dict[str, Any]]]:
        """The text and metadata of chunks by number, of those alone that meet `where`."""
        if not numbers:
            return {}
        ids = [self.index.ids[number].decode() for number in numbers]
        got = self.collection.get(ids=ids, include=["documents", "metadatas"])
        held = zip(got["ids"], got["documents"], got["metadatas"], strict=True)
        found = {self.index.number(i): (document, meta) for i, document, meta in held if meets(meta, where)}
        return {number: found[number] for number in numbers if number in found}


def _open(first: bool) -> _Opened | None:
    """Open the collection and the search index of the present state."""
    folder = store.index_folder()
    if folder is None:
        return None
    if not store.server_url() and not first:
        _forget_clients()  # the embedded engine would go on reading the old vectors
    try:
        index = Index(folder, store.folder())
    except (OSError, ValueError, KeyError) as error:
        raise store.StoreError(
            f"The search index {folder} cannot be read ({type(error).__name__}): run `python -m actions.knowledge`"
        ) from error
    return _Opened(
        collection=store.open_collection(encoder())._collection,
        index=index,
        passages=index.passage_vectors() if len(index) > CHROMA_CHUNKS else None,
        sentences=index.sentence_means() if len(index) <= SENTENCE_CHUNKS else None,
        examples=index.question_vectors(),
    )


@dataclass(frozen=True)
class _Candidate:
    """A chunk by its number, with the cosines of its sentences and their vectors alone [sentences, 384]."""

    number: int
    cosine: float
    lexical: float
    score: float
    told: list[float]
    vectors: np.ndarray
    asked: float
    example: str


def _scored(
    index: Index,
    numbers: list[int],
    vector: np.ndarray,
    cosines: dict[int, float],
    lexical: np.ndarray,
    asked: dict[int, tuple[float, str]],
) -> list[_Candidate]:
    """The chunks with their scores, best first. `cosines` are those known, `lexical` is BM25 of all chunks, `asked`
    the closest example questions."""
    top = max((float(lexical[number]) for number in numbers), default=0.0) or 1.0
    found = []
    for number in numbers:
        cosine = cosines[number] if number in cosines else float(index.vector(number) @ vector)
        words = float(lexical[number]) / top
        vectors = index.sentence_vectors(number)
        told = (vectors @ vector).mean(axis=1).tolist()
        like, example = asked.get(number, (0.0, ""))
        closest = max(max(told, default=cosine), like)
        score = PASSAGE_WEIGHT * cosine + SENTENCE_WEIGHT * closest + LEXICAL_WEIGHT * words
        found.append(_Candidate(number, cosine, words, score, told, vectors[:, 0], like, example))
    return sorted(found, key=lambda each: -each.score)


def _passage(candidate: _Candidate, document: str, meta: dict[str, Any]) -> Passage:
    context, _, text = document.partition("\n")
    spoken = zip(sentences(text), candidate.told, candidate.vectors, strict=True)
    return Passage(
        text=text,
        context=context,
        title=str(meta["title"]),
        article=str(meta["article"]),
        position=int(meta["position"]),
        valid_from=int(meta["valid_from"]),
        cosine=candidate.cosine,
        lexical=candidate.lexical,
        score=candidate.score,
        sentences=tuple(Sentence(*each) for each in spoken),
        asked=candidate.asked,
        example=candidate.example,
    )


def _best(scores: np.ndarray, above: float = 0.0) -> list[int]:
    """The numbers of the CANDIDATES highest scores, highest first."""
    some = np.argpartition(-scores, CANDIDATES)[:CANDIDATES] if len(scores) > CANDIDATES else np.arange(len(scores))
    return [int(number) for number in some[np.argsort(-scores[some], kind="stable")] if scores[number] > above]


def in_our_words(question: str) -> str:
    """The question followed by what our articles call the things in it."""
    ours = our_words(question)
    return f"{question} ({', '.join(ours)})" if ours else question


def _forget_clients() -> None:
    from chromadb.api.client import SharedSystemClient

    SharedSystemClient.clear_system_cache()


_retriever = Retriever()


def retriever() -> Retriever:
    """The process's one retriever."""
    return _retriever
