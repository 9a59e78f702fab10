"""The deterministic composer: quotes the best supported sentences of the passages, or says nothing.

Each sentence of each passage is scored by its meaning, by the question's words in it and its headings (a rare
word counts for more), by its passage's score, by its place, and by whether it holds the kind of figure that
the question asks for. The best one leads; others follow when they come close, those of the same section more
easily, none that repeats another. Whether they answer the question is decided in `answerable`: if not, the answer
is None, which means "I don't know".
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from actions.knowledge.answerable import MIN_SUPPORT, support
from actions.knowledge.figures import figures
from actions.knowledge.followup import Exchange, rewrite
from actions.knowledge.retrieve import Passage, Sentence, in_our_words, retriever
from actions.knowledge.words import stems

MAX_SENTENCES = 3
MAX_ARTICLES = 2
MAX_CHARACTERS = 450  # of an answer with more than one sentence: about what fits on a phone's screen

# All below were chosen by trying a few values of each on the tuning half of tests/answers.yml
# (`python -m benchmarks.answers`) and on other questions written for it; neighbouring values do about as well.
PASSAGE_WEIGHT = 0.8
COVER_WEIGHT = 0.15
FIGURE_BONUS = 0.15
FIRST_BONUS = 0.15  # for a section's first sentence, half of it for the second, ...: sections begin with the point
EXAMPLE_COST = 0.1
ROW_COST = 0.03  # prose before a table's row
MARGIN = 0.1  # how far behind the best sentence another one may be
SAME_SECTION = 0.2  # how much farther in the section of the best one
SAME = 0.88  # cosine of two sentences that say the same
SAME_WORDS = 0.8  # or the share of the one's words that the other has, with all its figures
MAX_OF_PART = 2  # sentences for each half of a question

_ASKS_MONEY = re.compile(
    r"how much|\bcosts?\b|\bprices?\b|\bfees?\b|\bcharges?\b|what (?:do|will|would|does) .{0,20}\bpay\b", re.I
)
_ASKS_NUMBER = re.compile(
    r"\bhow (?:long|many|soon|quick|quickly|early|late|often|far|fast)\b|\bwhen\b"
    r"|\bwhat (?:time|hours|days?|date)\b",
    re.I,
)
_JOINT = re.compile(
    r"\?\s+|,?\s+(?:and|&)\s+(?=(?:also )?(?:what|whats|how|when|where|which|who|do|does|can|will|is|are)\b)", re.I
)
_SAME_WORD = re.compile(  # "what do I get for A and for B"
    r"(?P<asks>(?:what|how|when|where|which|who|do|does|can|is|are)\b.+?) (?P<link>for|on|in|with|from) (?P<first>.+?)"
    r",? (?:and|&) (?P=link) (?P<second>.+)",
    re.I,
)
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
    """At most three claims in reading order. `support` is how likely the answer is right (0 to 1), `by` says who wrote
    it, `evidence` what the claim check decided about each sentence of a model and why."""

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
    chosen = choose(question, passages)
    if not chosen:
        return None
    found = support(question, [(c.passage, c.sentence.text) for c in chosen], passages)
    if found < MIN_SUPPORT:
        return None
    lead = chosen[0].passage.article
    chosen.sort(key=lambda c: (c.passage.article != lead, c.passage.article, c.passage.position, _place(c)))
    return Answer(tuple(Claim(c.sentence.text, c.passage) for c in chosen), found)


def joined(answers: Sequence[Answer]) -> Answer:
    """One answer from those to the parts of a question: up to two sentences of each, from its first article."""
    claims: dict[str, Claim] = {}
    for answer in answers:
        lead = answer.claims[0].passage.article
        for claim in [c for c in answer.claims if c.passage.article == lead][:MAX_OF_PART]:
            claims.setdefault(claim.text, claim)
    return Answer(tuple(claims.values()), min(a.support for a in answers))


def parts(question: str) -> list[str]:
    """The two questions of "how long is A and what is B?", or nothing when it is one."""
    found = [part.strip() for part in _JOINT.split(question, maxsplit=1)]
    if len(found) == 1 and (same := _SAME_WORD.match(question)):
        found = [f"{same['asks']} {same['link']} {same['first']}", f"{same['asks']} {same['link']} {same['second']}"]
    if len(found) != 2 or any(len(part.split()) < 3 or not stems(part) for part in found):
        return []
    return [found[0], rewrite(found[1], [Exchange(found[0])]).text]


def choose(question: str, passages: Sequence[Passage]) -> list[_Candidate]:
    """The sentences that answer the question best, the best first, whether or not they do."""
    candidates = _without_rows(_scored(question, passages))
    return _choose(candidates) if candidates else []


def _scored(question: str, passages: Sequence[Passage]) -> list[_Candidate]:
    """Every sentence with its score, best first."""
    weights = {word: retriever().rarity(word) for word in set(stems(in_our_words(question)))}
    known = {word: weight for word, weight in weights.items() if weight < 1.0}
    found = []
    for passage in passages:
        headings = set(stems(passage.context))
        for place, sentence in enumerate(passage.sentences):
            if sentence.text.endswith((":", "?")):
                continue
            told = headings | set(stems(sentence.text))
            cover = sum(known[w] for w in told & known.keys()) / (sum(known.values()) or 1.0)
            score = (
                sentence.cosine
                + PASSAGE_WEIGHT * passage.score
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


def _choose(candidates: list[_Candidate]) -> list[_Candidate]:
    """The best candidate and those close to it, no two saying the same."""
    chosen: list[_Candidate] = []
    section = candidates[0].passage.context
    bonus = {id(c): SAME_SECTION * (c.passage.context == section) for c in candidates}
    close = [c for c in candidates if c.score + bonus[id(c)] >= candidates[0].score - MARGIN]
    for c in sorted(close, key=lambda c: -c.score - bonus[id(c)]):
        articles = {o.passage.article for o in chosen} | {c.passage.article}
        new = not any(c.repeats(o) or o.repeats(c) for o in chosen)
        length = len(c.sentence.text) + sum(len(o.sentence.text) for o in chosen)
        fits = len(chosen) < MAX_SENTENCES and (length <= MAX_CHARACTERS or not chosen)
        if new and fits and len(articles) <= MAX_ARTICLES:
            chosen.append(c)
    return chosen


def _place(candidate: _Candidate) -> int:
    """Where the sentence stands in its passage."""
    return candidate.passage.text.find(candidate.sentence.text)
