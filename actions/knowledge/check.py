"""The claim check: may a sentence be said on the strength of a passage? No language model is asked.

Three things are needed. Its words must stand in the passage or its headings, or words that a paraphrase may put for
them. Every number, amount, rate, date, weekday, address and name of it must be stated there, of the same thing, and
nothing may be denied or turned into its opposite. And its meaning must be close to something that the passage says.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from actions.knowledge.days import Day, days, weekdays, without_days
from actions.knowledge.encoder import encoder
from actions.knowledge.equivalents import covered
from actions.knowledge.figures import Figure, in_digits, rates, read
from actions.knowledge.polarity import clauses, contradiction
from actions.knowledge.words import STEMMER, STOP_WORDS, capitals, sentences, stems, straight

# The threshold that was best on each of five folds of BEGIN's development sets (Dziri et al., 2022) is 0.766 or 0.768:
# see benchmarks/grounding.py. The other numbers here are fitted to nothing.
MIN_SCORE = 0.77
MIN_SIMILARITY = 0.45
CLOSE = 0.85  # a similarity that forgives words which the passage lacks ...
MIN_SCORE_CLOSE = 0.7  # ... down to this score

LONGEST_CLAIM = 600  # characters: comparing figures takes time by their square, and a longer text is no claim
FUNCTION_WORD = 0.3  # weight of "the" and "will" beside 1 for a word with a topic
CONTRADICTED = 0.5  # what a figure, name or denial that the passage lacks leaves of the score

_WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")
# What the speaker feels or did is in no passage: such words weigh as much as those with a topic.
_SPEAKER = frozenset(["i", "me", "my", "mine", "myself", "i'm", "i've", "i'd", "i'll", "im"])
_ADDRESS = re.compile(
    r"\b[\w.+-]+@[\w-]+\.[\w.-]+\w|\b(?:https?://|www\.)\S+\w"
    r"|\b[\w-]+(?:\.[\w-]+)*\.(?:com|uk|org|net|example)\b(?:/\S*\w)?"
)
_PRONOUN = re.compile(r"(?:it|its|they|them|their|this|these|that|those|he|she|his|her)\b", re.I)
_LONG_NUMBER = re.compile(r"\+?\d(?:[ -]?\d){6,}")
_PAYS = {
    "company": re.compile(
        r"\b(?:northlight|we|company) (?:also |then |will |must )?(?:pays?|refunds?|credits?|compensates?|gives?)\b"
        r"|\b(?:you|customers?) (?:will |then )?(?:gets?|receives?)\b|\brefunded\b|\bcompensation\b"
    ),
    "customer": re.compile(
        r"\b(?:northlight|we|company) (?:also |then |will |must )?charges?\b"
        r"|\b(?:you|customers?) (?:will |must )?pays?\b"
        r"|\b(?:are|is|be|you're) charged\b|\bcosts?\b"
    ),
}
_WEEKDAY_NAMES = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


@dataclass(frozen=True)
class Evidence:
    """Why a sentence is supported or not.

    `similarity` is the best cosine to a sentence of the passage or the whole passage, `coverage` the share of the
    sentence's weighted words that the passage and its best sentence hold (0 to 1), `missing` what contradicts the
    passage or isn't stated in it, each as "kind what".
    """

    similarity: float
    coverage: float
    missing: tuple[str, ...] = ()

    @property
    def score(self) -> float:
        """How far the passage supports the sentence, 0 to 1."""
        return self.coverage * (CONTRADICTED if self.missing else 1.0)

    @property
    def supported(self) -> bool:
        needed = MIN_SCORE_CLOSE if self.similarity >= CLOSE else MIN_SCORE
        return not self.missing and self.similarity >= MIN_SIMILARITY and self.score >= needed

    def record(self, passage: str) -> dict[str, Any]:
        """The decision for logs and metadata. It tells the kinds of what is missing and no word of the sentence,
        which may hold personal data; `passage` names the passage."""
        return {
            "decision": "kept" if self.supported else "dropped",
            "passage": passage,
            "similarity": round(self.similarity, 3),
            "coverage": round(self.coverage, 3),
            "missing": sorted({entry.partition(" ")[0] for entry in self.missing}),
        }


@dataclass(frozen=True)
class _Said:
    """What a text states: stems, figures, the periods of rates, dates and weekdays."""

    text: str
    stems: frozenset[str]
    figures: tuple[Figure, ...]
    rates: frozenset[str]
    days: tuple[Day, ...]
    weekdays: frozenset[int]


@lru_cache(maxsize=4096)
def _said(text: str) -> _Said:
    words = STEMMER.stemWords(_WORD.findall(straight(text).lower()))
    rest = without_days(text)
    return _Said(
        text,
        frozenset(words),
        tuple(read(rest)),
        frozenset(rates(text)),
        tuple(days(text)),
        frozenset(weekdays(text)),
    )


@lru_cache(maxsize=512)
def _parts(passage: str) -> tuple[str, ...]:
    return tuple(sentences(passage))


@lru_cache(maxsize=512)
def _spoken(passage: str) -> tuple[str, ...]:
    """The sentences of a passage; one that begins with "It" or "They" follows the sentence that says what it is."""
    spoken: list[str] = []
    for part in _parts(passage):
        spoken.append(f"{spoken[-1]} {part}" if spoken and _PRONOUN.match(part) else part)
    return tuple(spoken)


def evidence(sentence: str, passage: str, context: str = "") -> Evidence:
    """Compare `sentence` with `passage`, whose headings are `context`. Raises ModelMissing."""
    parts = _parts(passage)
    whole = _said(f"{context}\n{passage}")
    vectors = encoder().embed_cached([sentence, *parts, passage])
    similarity = float((vectors[1:] @ vectors[0]).max())
    if _bare(sentence) in map(_bare, parts):
        return Evidence(similarity, 1.0)
    if len(sentence) > LONGEST_CLAIM:
        return Evidence(similarity, 0.0, ("length",))
    spoken = [_coverage(sentence, _said(f"{context}\n{part}")) for part in _spoken(passage)]
    coverage = (_coverage(sentence, whole) + max(spoken, default=0.0)) / 2
    missing = [*_unstated(sentence, whole), *_elsewhere(sentence, parts), *_contradicted(sentence, parts)]
    return Evidence(similarity, coverage, tuple(dict.fromkeys(missing)))


def _bare(sentence: str) -> str:
    """A sentence as it is compared word for word."""
    return " ".join(straight(sentence).casefold().split()).rstrip(" .!")


def _coverage(sentence: str, told: _Said) -> float:
    """The share of the sentence's words that `told` holds, weighted; a figure that it states counts whole."""
    ours = _said(sentence)
    rest = without_days(sentence)
    held = total = 0.0
    for figure in ours.figures:
        tokens = len(figure.said.split())
        total += tokens
        held += tokens * figure.stated_in(told.figures)
        rest = re.sub(rf"(?<!\w){re.escape(figure.said)}(?!\w)", " ", straight(rest).lower(), count=1)
    for day in ours.days:
        total += 1
        held += day.stated_in(told.days)
    for word in _WORD.findall(straight(rest).lower()):
        if named := weekdays(word):
            total += 1
            held += named <= told.weekdays
            continue
        weight = FUNCTION_WORD if (word in STOP_WORDS or len(word) < 2) and word not in _SPEAKER else 1.0
        total += weight
        held += weight * covered(STEMMER.stemWord(word), told.stems)
    return held / total if total else 0.0


def _unstated(sentence: str, told: _Said) -> Iterable[str]:
    """Figures, dates, weekdays, names and addresses of the sentence that the passage does not hold."""
    ours = _said(sentence)
    long_numbers = [re.sub(r"\D", "", m) for m in _LONG_NUMBER.findall(sentence)]
    digits = re.sub(r"\D", "", told.text)
    yield from (f"number {n}" for n in long_numbers if n not in digits)
    yield from (f"{f.kind.replace(' ', '-')} {f.said}" for f in ours.figures if not f.stated_in(told.figures))
    yield from (f"rate {r}" for r in sorted(ours.rates - told.rates))
    yield from (f"date {d.said}" for d in ours.days if not d.stated_in(told.days))
    yield from (f"weekday {_WEEKDAY_NAMES[n]}" for n in sorted(ours.weekdays - told.weekdays))
    written = straight(told.text).casefold()
    yield from (f"address {a}" for a in _ADDRESS.findall(sentence) if a.casefold() not in written)
    yield from (f"name {n}" for n in sorted(capitals(sentence)) if not covered(n, told.stems))
    if sentence.rstrip().endswith("?"):
        yield "question"


def _elsewhere(sentence: str, parts: Iterable[str]) -> Iterable[str]:
    """Figures that the passage states of something else: where another piece of it, with another figure of that kind,
    shares more words with what the claim says of it."""
    told = [piece for part in parts for piece in _pieces(part)]
    for piece in _pieces(sentence):
        for figure in piece.figures:
            about = set(stems(in_digits(straight(piece.text).lower()).replace(figure.said, " ", 1)))
            holding = [t for t in told if figure.stated_in(t.figures)]
            rivals = [
                t
                for t in told
                if t not in holding and any(figure.same_kind(f) and f.value != figure.value for f in t.figures)
            ]
            if not holding or not rivals or not about:
                continue
            nearest = max(sum(s in t.stems for s in about) for t in holding)
            rival = max(sum(s in t.stems for s in about) for t in rivals)
            if rival > nearest and rival >= 0.6 * len(about):
                yield f"elsewhere {figure.said}"


@lru_cache(maxsize=4096)
def _pieces(sentence: str) -> tuple[_Said, ...]:
    """The sentence where it joins statements with figures of their own, else the whole; a piece that begins with its
    figure ("..., £36.00 for Fibre 500") takes on the words before that of the first piece."""
    text = without_days(sentence)
    pieces = [p for p in re.split(r";\s+|,\s+(?:and\s+)?|\s+(?:and|but|while|whereas)\s+", text) if p.strip()]
    if len(pieces) < 2 or not all(read(p) and stems(p) for p in pieces):
        return (_said(sentence),)
    return tuple(_said(_led(piece, pieces[0])) for piece in pieces)


def _led(piece: str, first: str) -> str:
    """A piece with the words that `first` has before its figure of the same kind, unless it has words of its own."""
    figure = read(piece)[0]
    spoken = in_digits(straight(piece).lower())
    if stems(spoken[: spoken.find(figure.said)]):
        return piece
    lead = in_digits(straight(first).lower())
    same = next((f.said for f in read(first) if f.same_kind(figure)), "")
    return f"{lead[: lead.find(same)]} {piece}" if same else piece


def _contradicted(sentence: str, parts: Iterable[str]) -> Iterable[str]:
    """What the passage's nearest sentences deny, or say the opposite of."""
    ours = frozenset().union(*(c.stems for c in clauses(sentence)))
    if not ours:
        return
    shares = [(sum(covered(s, _said(p).stems) for s in ours) / len(ours), p) for p in parts]
    best = max((share for share, _ in shares), default=0.0)
    found = [contradiction(sentence, p) for share, p in shares if share >= best - 0.01]
    if best >= 0.5 and found and all(found):
        yield found[0] if found[0] == "negation" else f"opposite {found[0]}"
    money = [f for f in _said(sentence).figures if f.kind == "money"]
    paid = {_payer(p) for p in parts if any(f.stated_in(_said(p).figures) for f in money)}
    if money and {_payer(sentence), *paid} == {"company", "customer"} and _payer(sentence) not in paid:
        yield "opposite payer"


def _payer(sentence: str) -> str:
    """Who pays in a sentence: "customer", "company", or "" when it isn't said or both do."""
    text = straight(sentence).lower()
    found = {who for who, pattern in _PAYS.items() if pattern.search(text)}
    return found.pop() if len(found) == 1 else ""
