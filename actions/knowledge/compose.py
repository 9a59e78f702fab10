"""The deterministic composer: quotes the best supported sentences of the passages, or says nothing.

Each sentence of each passage is scored by its meaning (with and without its headings) and its passage's
score; a sentence that holds the kind of figure the question asks for gets a little more. The best one
leads; others follow when they come close. Support is the best score less the pull of the question's words
that the answer lacks: those without which the question would be closer to the answer, such as "bitcoin" in
"can I pay in bitcoin". Below a threshold the answer is None, which means "I don't know".
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from actions.knowledge.encoder import encoder
from actions.knowledge.retrieve import Passage
from actions.knowledge.words import figures, names, sentences, stems

MAX_SENTENCES = 3
MAX_ARTICLES = 2

# Chosen on every second question of tests/answers.yml, so that a wrong answer weighs twice as much as a
# right one.
MIN_SUPPORT = 1.0
MARGIN = 0.08
FIGURE_BONUS = 0.1
PULL_WEIGHT = 60.0
SAME = 0.92  # cosine of two sentences that say the same

_ASKS_MONEY = re.compile(
    r"how much|\bcosts?\b|\bprices?\b|\bfees?\b|\bcharges?\b|what (?:do|will|would|does) .{0,20}\bpay\b", re.I
)
_ASKS_NUMBER = re.compile(
    r"\bhow (?:long|many|soon|quick|quickly|early|late|often|far|fast)\b|\bwhen\b"
    r"|\bwhat (?:time|hours|days?|date)\b",
    re.I,
)


@dataclass(frozen=True)
class Claim:
    """A sentence of an answer with the passage that supports it."""

    text: str
    passage: Passage


@dataclass(frozen=True)
class Answer:
    """At most three claims in reading order. `support` is the composer's score, `by` says who wrote it."""

    claims: tuple[Claim, ...]
    support: float
    by: str = "twin"

    @property
    def text(self) -> str:
        return " ".join(claim.text for claim in self.claims)

    @property
    def sources(self) -> list[dict[str, str]]:
        """The quoted articles in the order of the claims, each once: {"title", "article"}."""
        found = {c.passage.article: {"title": c.passage.title, "article": c.passage.article} for c in self.claims}
        return list(found.values())


def compose(question: str, passages: Sequence[Passage]) -> Answer | None:
    """Quote the sentences that answer `question`, or None when the passages don't support an answer."""
    scored = _scored(question, passages)
    if not scored:
        return None
    chosen = _choose(scored)
    support = scored[0][0] - PULL_WEIGHT * _pull(question, chosen)
    if support < MIN_SUPPORT or not _names_known(question, chosen):
        return None
    lead = chosen[0].passage.article
    chosen.sort(key=lambda c: (c.passage.article != lead, c.passage.article, c.passage.position, _place(c)))
    return Answer(tuple(chosen), support)


def _scored(question: str, passages: Sequence[Passage]) -> list[tuple[float, Claim, np.ndarray]]:
    """Every sentence with its score and vector, best first."""
    claims = [Claim(s, p) for p in passages for s in sentences(p.text) if not s.endswith(":")]
    if not claims:
        return []
    alone = [c.text for c in claims]
    in_context = [f"{c.passage.context}: {c.text}" for c in claims]
    vectors = encoder().embed_cached([question, *alone, *in_context])
    similarity = (vectors[1 : len(claims) + 1] @ vectors[0] + vectors[len(claims) + 1 :] @ vectors[0]) / 2
    scores = [
        float(similarity[i]) + c.passage.score + FIGURE_BONUS * _has_figure(question, c.text)
        for i, c in enumerate(claims)
    ]
    order = sorted(range(len(claims)), key=lambda i: -scores[i])
    return [(scores[i], claims[i], vectors[i + 1]) for i in order]


def _has_figure(question: str, sentence: str) -> bool:
    """Whether the sentence holds the kind of figure that the question asks for."""
    if _ASKS_MONEY.search(question):
        return any(f.kind == "money" for f in figures(sentence))
    return bool(_ASKS_NUMBER.search(question)) and bool(figures(sentence))


def _choose(scored: list[tuple[float, Claim, np.ndarray]]) -> list[Claim]:
    """The best sentence and those close to it, no two saying the same."""
    chosen: list[tuple[Claim, np.ndarray]] = []
    for score, claim, vector in scored:
        if len(chosen) == MAX_SENTENCES or score < scored[0][0] - MARGIN:
            break
        articles = {c.passage.article for c, _ in chosen} | {claim.passage.article}
        if len(articles) <= MAX_ARTICLES and all(float(vector @ other) < SAME for _, other in chosen):
            chosen.append((claim, vector))
    return [claim for claim, _ in chosen]


def _pull(question: str, claims: list[Claim]) -> float:
    """How much the question's words that are not in the claims pull it away from them, 0 or more.

    A word's weight is how much the question's meaning changes without it, times how much closer the rest
    then is.
    """
    told = {word for c in claims for word in stems(f"{c.passage.context} {c.text}")}
    absent = [
        m for m in re.finditer(r"[A-Za-z0-9']+", question) if stems(m.group()) and told.isdisjoint(stems(m.group()))
    ]
    if not absent:
        return 0.0
    shorter = [question[: m.start()] + question[m.end() :] for m in absent]
    vectors = encoder().embed_cached([question, " ".join(c.text for c in claims), *shorter])
    matters = 1.0 - vectors[2:] @ vectors[0]
    closer = vectors[2:] @ vectors[1] - float(vectors[0] @ vectors[1])
    return float(np.sum(np.maximum(matters, 0.0) * np.maximum(closer, 0.0)))


def _names_known(question: str, claims: list[Claim]) -> bool:
    """Whether each place or product that the question names occurs in the quoted passages."""
    told = {word for c in claims for word in stems(f"{c.passage.context} {c.passage.text}")}
    return names(question) <= told


def _place(claim: Claim) -> int:
    """Where the sentence stands in its passage."""
    return claim.passage.text.find(claim.text)
