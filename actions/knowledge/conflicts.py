"""Two passages that state different figures of the same thing: the newer one wins, and the answer says since when.

"The same thing" is judged strictly, since two products' prices are no conflict: both sentences have the same words but
for what their headings supply, the same kinds of figures in the same order, and differ in just one kind; plan numbers,
contract lengths ("24-month") and names tell things apart and must be equal. The headings must fit as well.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache

from actions.knowledge.compose import Claim
from actions.knowledge.days import Day, days, weekdays, without_days
from actions.knowledge.encoder import encoder
from actions.knowledge.equivalents import covered
from actions.knowledge.figures import Figure, read
from actions.knowledge.polarity import negated
from actions.knowledge.retrieve import Passage
from actions.knowledge.words import STEMMER, STOP_WORDS, names, sentences, stems, straight

SAME_SUBJECT = 0.75  # cosine of two sentences that may speak of the same thing

# What a heading says of an article's age tells no two things apart.
_AGE = frozenset(
    stems("new old current previous price prices list change changes changed valid 2024 2025 2026 2027 2028")
)
_STOP_STEMS = frozenset(STEMMER.stemWords(sorted(STOP_WORDS)))  # "takes" says no more than "take"
_QUALIFIER = re.compile(r"^\d+-")  # "24-month" in "a 24-month contract"
_ENDPOINT = re.compile(
    r"\b(?:until|till|by|before|from|since|after|due|(?:is|ends?|starts?|begins?|expires?|closes?|opens?)(?: on)?)"
    r"\s+(?:the\s+)?$",
    re.I,
)


@dataclass(frozen=True)
class Conflict:
    """A sentence of an older passage, and the sentence of a newer one that states another figure of the same thing."""

    old: str
    new: str
    older: Passage
    newer: Passage

    @property
    def since(self) -> str:
        """From when the newer one is valid: "1 November 2026"."""
        return said(self.newer.valid_from)


def said(day: int) -> str:
    """A day yyyymmdd as one says it: 20261101 is "1 November 2026"."""
    found = date(day // 10000, day // 100 % 100, day % 100)
    return f"{found.day} {found:%B %Y}"


def conflicts(passages: Sequence[Passage]) -> list[Conflict]:
    """The conflicts among `passages`, of different ages and articles. Raises ModelMissing."""
    found = []
    for older in passages:
        for newer in passages:
            if (
                older.valid_from >= newer.valid_from
                or older.article == newer.article
                or not _same_headings(older, newer)
            ):
                continue
            found += [
                Conflict(old, new, older, newer)
                for old in sentences(older.text)
                for new in sentences(newer.text)
                if _differ(old, new, older, newer)
            ]
    return found


def current(passages: Sequence[Passage], found: Iterable[Conflict]) -> list[Passage]:
    """`passages` without the sentences that a newer one replaces; one of which nothing is left is left out."""
    outdated = {(c.older.article, c.older.position, c.old) for c in found}
    kept = []
    for passage in passages:
        gone = {
            text for article, position, text in outdated if (article, position) == (passage.article, passage.position)
        }
        text = passage.text
        for sentence in gone:
            text = text.replace(sentence, "")
        lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
        spoken = tuple(s for s in passage.sentences if s.text not in gone)
        if lines:
            kept.append(replace(passage, text="\n".join(lines), sentences=spoken) if gone else passage)
    return kept


def dated(claim: Claim, found: Iterable[Conflict]) -> Claim:
    """The claim with since when it is so, when its passage states it against an older one."""
    for conflict in found:
        if (claim.passage.article, claim.passage.position) != (conflict.newer.article, conflict.newer.position):
            continue
        if claim.text.startswith("Since ") or not _states_the_change(claim.text, conflict):
            continue
        text = claim.text if claim.text.split()[0].isupper() or names(f"Is {claim.text}") else _lower(claim.text)
        return replace(claim, text=f"Since {conflict.since}, {text}")
    return claim


def resolve(claims: Sequence[Claim], passages: Sequence[Passage]) -> list[Claim]:
    """The claims of an answer with conflicts among `passages` settled.

    A claim that quotes an outdated sentence is replaced by the newer sentence, and a claim that states what changed
    begins with "Since 1 November 2026,"; nothing is said twice. For an answer whose claims are complete; `generate`
    calls `conflicts`, `current` and `dated` itself, since its claims come one by one. Raises ModelMissing.
    """
    found = conflicts(passages)
    settled: list[Claim] = []
    for claim in claims:
        for conflict in found:
            place = (conflict.older.article, conflict.older.position)
            if (claim.passage.article, claim.passage.position) == place and claim.text == conflict.old:
                claim = Claim(conflict.new, conflict.newer)
        claim = dated(claim, found)
        if claim not in settled:
            settled.append(claim)
    return settled


def context(passage: Passage) -> str:
    """The headings of a passage with its first day, which a sentence may name: the context for the claim check."""
    return f"{passage.context}\nValid since {said(passage.valid_from)}."


def _same_headings(one: Passage, other: Passage) -> bool:
    """Whether one's headings hold nothing that the other passage lacks."""
    return _unmatched(one.context, other) == set() or _unmatched(other.context, one) == set()


def _unmatched(heading: str, passage: Passage) -> set[str]:
    told = set(stems(f"{passage.context} {passage.text}"))
    return {s for s in stems(without_days(heading)) if s not in _AGE and not covered(s, told)}


def _differ(old: str, new: str, older: Passage, newer: Passage) -> bool:
    """Whether two sentences state different figures of the same thing."""
    changed = _changed(old, new)
    if not changed or negated(old) != negated(new) or weekdays(old) != weekdays(new):
        return False
    ours, theirs = _subject(old), _subject(new)
    if not ours or not theirs:
        return False
    extra = {s for s in ours if not covered(s, theirs | set(stems(newer.context)))}
    missing = {s for s in theirs if not covered(s, ours | set(stems(older.context)))}
    if extra or missing:
        return False
    vectors = encoder().embed_cached([old, new])
    return float(vectors[0] @ vectors[1]) >= SAME_SUBJECT


@lru_cache(maxsize=2048)
def _subject(text: str) -> frozenset[str]:
    """What a sentence is about: its content words without figures, dates and "Since ...,"."""
    rest = straight(without_days(text)).lower()
    for figure in read(rest):
        if figure.kind != "plain" and not _QUALIFIER.match(figure.said):
            rest = rest.replace(figure.said, " ", 1)
    return frozenset(stems(rest)) - _STOP_STEMS


def _changed(old: str, new: str) -> set[str]:
    """The one kind of figure in which two sentences differ, as a set; empty when they differ in none or several."""
    before, after = _values(old), _values(new)
    if [kind for kind, _ in before] != [kind for kind, _ in after]:
        return set()
    kinds = {kind for (kind, one), (_, other) in zip(before, after, strict=True) if one != other}
    return kinds if len(kinds) == 1 and not kinds & {"plain", "qualifier", "day"} else set()


@lru_cache(maxsize=2048)
def _values(text: str) -> list[tuple[str, object]]:
    """The figures and dates of a sentence with their kinds. A date that only says when something else holds is of the
    kind "day": it tells things apart."""
    found: list[tuple[str, object]] = []
    for figure in read(without_days(text)):
        found.append((_kind(figure), (figure.base, figure.per)))
    for day in days(text):
        ends = bool(_ENDPOINT.search(straight(text)[: straight(text).find(day.said)]))
        found.append(("date" if ends else "day", _parts(day)))
    return found


def _kind(figure: Figure) -> str:
    return "qualifier" if _QUALIFIER.match(figure.said) else figure.base[0]


def _parts(day: Day) -> tuple[int, int, int]:
    return day.day, day.month, day.year


def _states_the_change(text: str, conflict: Conflict) -> bool:
    """Whether a sentence states the newer figure, so that since when it holds is worth saying."""
    if text == conflict.new:
        return True
    kinds = _changed(conflict.old, conflict.new)
    mine = [value for value in _values(text) if value[0] in kinds]
    theirs = [value for value in _values(conflict.new) if value[0] in kinds]
    return bool(mine) and all(value in theirs for value in mine)


def _lower(text: str) -> str:
    """A sentence's first letter in lower case, unless its first word is a name or an abbreviation."""
    return text[:1].lower() + text[1:]
