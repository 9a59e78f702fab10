"""The deterministic composer: quotes the best supported sentences of the passages, or says nothing.

Each sentence of each passage is scored by its meaning, by the question's words in it and its headings (a rare
word counts for more), by its passage's score, by its place, and by whether it holds the kind of figure that
the question asks for. The best one leads, or the best one for each part of "how long is A and what is B?";
others follow when they come close, those of the same section more easily, none that repeats another.

Support is the best sentence's passage score less two costs. The pull: those words of the question that the
answer lacks and without which the question would be closer to it, such as "bitcoin" in "can I pay in bitcoin".
And names that the articles do not hold. Below a threshold the answer is None, which means "I don't know".
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from actions.knowledge.encoder import encoder
from actions.knowledge.figures import figures
from actions.knowledge.retrieve import Passage, Sentence, in_our_words, retriever
from actions.knowledge.words import names, our_words, stems

MAX_SENTENCES = 3
MAX_ARTICLES = 2
MAX_CHARACTERS = 450  # of an answer with more than one sentence: about what fits on a phone's screen

# All below were chosen by trying a few values of each on the tuning half of tests/answers.yml
# (`python -m benchmarks.answers`) and on other questions written for it; neighbouring values do about as well.
PASSAGE_WEIGHT = 0.8
COVER_WEIGHT = 0.15
FIGURE_BONUS = 0.15
FIRST_BONUS = 0.2  # for a section's first sentence, half of it for the second, ...: sections begin with the point
EXAMPLE_COST = 0.1
ROW_COST = 0.03  # prose before a table's row
MARGIN = 0.1  # how far behind the best sentence another one may be
SAME_SECTION = 0.2  # how much farther in the section of the best one
SAME = 0.88  # cosine of two sentences that say the same
SAME_WORDS = 0.8  # or the share of the one's words that the other has, with all its figures
PULL_WEIGHT = 20.0
NAME_COST = 0.1
MIN_SUPPORT = 0.44

_ASKS_MONEY = re.compile(
    r"how much|\bcosts?\b|\bprices?\b|\bfees?\b|\bcharges?\b|what (?:do|will|would|does) .{0,20}\bpay\b", re.I
)
_ASKS_NUMBER = re.compile(
    r"\bhow (?:long|many|soon|quick|quickly|early|late|often|far|fast)\b|\bwhen\b"
    r"|\bwhat (?:time|hours|days?|date)\b",
    re.I,
)
_JOINT = re.compile(r"\?\s+|,?\s+and\s+(?=(?:what|how|when|where|which|who|do|does|can|will|is|are)\b)", re.I)
_REFERS = re.compile(r"\b(?:it|that|this|they|them|one)\b", re.I)
# "£40.00 or more" limits something and is not its price.
_LIMIT = re.compile(r"(?:less|more) than £[\d.,]*\d|(?:above|below) £[\d.,]*\d|£[\d.,]*\d or (?:more|less)")
_ROW = re.compile(r"[^.:;]{2,60}: [^;]*$")  # "Saturday: customer care 09:00 to 17:00."


@dataclass(frozen=True)
class Claim:
    """A sentence of an answer with the passage that supports it."""

    text: str
    passage: Passage


@dataclass(frozen=True)
class Answer:
    """At most three claims in reading order. `support` is the composer's score, `by` says who wrote it, `evidence` what
    the claim check decided about each sentence of a model and why."""

    claims: tuple[Claim, ...]
    support: float
    by: str = "twin"
    evidence: tuple[dict[str, Any], ...] = ()

    @property
    def text(self) -> str:
        return " ".join(claim.text for claim in self.claims)

    @property
    def sources(self) -> list[dict[str, str]]:
        """The quoted articles in the order of the claims, each once: {"title", "article"}."""
        found = {c.passage.article: {"title": c.passage.title, "article": c.passage.article} for c in self.claims}
        return list(found.values())


@dataclass(frozen=True)
class _Candidate:
    """A sentence that may be quoted."""

    passage: Passage
    sentence: Sentence
    score: float

    @property
    def row(self) -> bool:
        """Whether it was a row of a table."""
        return bool(_ROW.match(self.sentence.text))

    def repeats(self, other: "_Candidate") -> bool:
        """Whether it says nothing that `other` does not say."""
        words, told = set(stems(self.sentence.text)), set(stems(other.sentence.text))
        return float(self.sentence.vector @ other.sentence.vector) > SAME or (
            figures(self.sentence.text) <= figures(other.sentence.text) and len(words & told) >= SAME_WORDS * len(words)
        )


def compose(question: str, passages: Sequence[Passage]) -> Answer | None:
    """Quote the sentences that answer `question`, or None when the passages don't support an answer."""
    candidates = _without_rows(_scored(question, passages))
    if not candidates:
        return None
    leads = [_without_rows(_scored(part, passages, anew=True))[0] for part in parts(question)] or candidates[:1]
    chosen = _choose(leads, candidates)
    support = (
        candidates[0].passage.score
        - PULL_WEIGHT * _pull(question, chosen)
        - NAME_COST * _unknown_names(question, chosen)
    )
    if support < MIN_SUPPORT:
        return None
    lead = chosen[0].passage.article
    chosen.sort(key=lambda c: (c.passage.article != lead, c.passage.article, c.passage.position, _place(c)))
    return Answer(tuple(Claim(c.sentence.text, c.passage) for c in chosen), support)


def parts(question: str) -> list[str]:
    """The two questions of "how long is A and what is B?", or nothing when it is one, or the second refers to
    the first by "it" or "that"."""
    found = [part.strip() for part in _JOINT.split(question, maxsplit=1)]
    whole = len(found) == 2 and all(len(part.split()) >= 3 and stems(part) for part in found)
    return found if whole and not _REFERS.search(found[1]) else []


def _scored(question: str, passages: Sequence[Passage], anew: bool = False) -> list[_Candidate]:
    """Every sentence with its score, best first; `anew` when `passages` were found with another question."""
    vector = encoder().embed_cached([in_our_words(question)])[0] if anew else None
    weights = {word: retriever().rarity(word) for word in set(stems(in_our_words(question)))}
    known = {word: weight for word, weight in weights.items() if weight < 1.0}
    found = []
    for passage in passages:
        headings = set(stems(passage.context))
        for place, sentence in enumerate(passage.sentences):
            if sentence.text.endswith((":", "?")):
                continue
            told = headings | set(stems(sentence.text))
            cosine, about = sentence.cosine, passage.score
            if vector is not None:
                about = float(encoder().embed_cached([passage.context])[0] @ vector)
                cosine = (float(sentence.vector @ vector) + about) / 2
            cover = sum(known[w] for w in told & known.keys()) / (sum(known.values()) or 1.0)
            score = (
                cosine
                + PASSAGE_WEIGHT * about
                + COVER_WEIGHT * cover
                + FIGURE_BONUS * _has_figure(question, sentence.text)
                + FIRST_BONUS / (1 + place)
                - EXAMPLE_COST * sentence.text.startswith("For example")
                - ROW_COST * bool(_ROW.match(sentence.text))
            )
            found.append(_Candidate(passage, sentence, score))
    return sorted(found, key=lambda c: -c.score)


def _has_figure(question: str, sentence: str) -> bool:
    """Whether the sentence holds the kind of figure that the question asks for."""
    sentence = _LIMIT.sub("", sentence)
    if _ASKS_MONEY.search(question):
        return any(f.kind in ("money", "percent") for f in figures(sentence))
    return bool(_ASKS_NUMBER.search(question)) and bool(figures(sentence))


def _without_rows(candidates: list[_Candidate]) -> list[_Candidate]:
    """The candidates without table rows that prose of the same article repeats; the prose takes the row's score."""
    kept = [c for c in candidates if not c.row]
    for row in (c for c in candidates if c.row):
        same = [c for c in kept if c.passage.article == row.passage.article and row.repeats(c)]
        if same:
            best = max(same, key=lambda c: c.score)
            kept[kept.index(best)] = _Candidate(best.passage, best.sentence, max(best.score, row.score))
        else:
            kept.append(row)
    return sorted(kept, key=lambda c: -c.score)


def _choose(leads: list[_Candidate], candidates: list[_Candidate]) -> list[_Candidate]:
    """The leads and those of the candidates close to the best one, no two saying the same."""
    chosen: list[_Candidate] = []
    sections = {lead.passage.context for lead in leads}
    bonus = {id(c): SAME_SECTION * (c.passage.context in sections) for c in candidates}
    close = [c for c in candidates if c.score + bonus[id(c)] >= candidates[0].score - MARGIN]
    for c in [*leads, *sorted(close, key=lambda c: -c.score - bonus[id(c)])]:
        articles = {o.passage.article for o in chosen} | {c.passage.article}
        new = not any(c.repeats(o) or o.repeats(c) for o in chosen)
        length = len(c.sentence.text) + sum(len(o.sentence.text) for o in chosen)
        fits = len(chosen) < MAX_SENTENCES and (length <= MAX_CHARACTERS or not chosen)
        if new and fits and len(articles) <= MAX_ARTICLES:
            chosen.append(c)
    return chosen


def _pull(question: str, chosen: list[_Candidate]) -> float:
    """How much the question's words that are not in the answer pull it away from it, 0 or more.

    A word's weight is how much the question's meaning changes without it, times how much closer the rest
    then is.
    """
    told = {word for c in chosen for word in stems(f"{c.passage.context} {c.sentence.text}")}
    told |= {word for theirs in our_words(question).values() for word in theirs.split()}
    absent = [
        m for m in re.finditer(r"[A-Za-z0-9']+", question) if stems(m.group()) and told.isdisjoint(stems(m.group()))
    ]
    if not absent:
        return 0.0
    shorter = [question[: m.start()] + question[m.end() :] for m in absent]
    vectors = encoder().embed_cached([question, " ".join(c.sentence.text for c in chosen), *shorter])
    matters = 1.0 - vectors[2:] @ vectors[0]
    closer = vectors[2:] @ vectors[1] - float(vectors[0] @ vectors[1])
    return float(np.sum(np.maximum(matters, 0.0) * np.maximum(closer, 0.0)))


def _unknown_names(question: str, chosen: list[_Candidate]) -> bool:
    """Whether the question names a place or product that neither the quoted passages nor our words for it hold."""
    told = {word for c in chosen for word in stems(f"{c.passage.context} {c.passage.text}")}
    return not names(question) <= told and not our_words(question)


def _place(candidate: _Candidate) -> int:
    """Where the sentence stands in its passage."""
    return candidate.passage.text.find(candidate.sentence.text)
