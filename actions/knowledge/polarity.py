"""Whether a sentence says the opposite of another: by a negation, or by a word that means the opposite.

Each clause of the one is laid beside the clauses of the other that share most of its words. They contradict
when just one of the two is negated, or when one has "before" where the other has "after"; "not free" and
"charged" agree, since both differ.
"""

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import lru_cache

from actions.knowledge.equivalents import covered
from actions.knowledge.words import STEMMER, stems, straight

# Each line: words of one sense / words of the opposite.
_OPPOSITES = """
before earlier prior / after afterwards later following
more extra above / less fewer below
higher high increase increases increased rise rises raised raise / lower low decrease decreased fall reduce reduced
include includes included including inclusive / exclude excludes excluded excluding
free / charge charged charges charging costs cost fee fees pay pays payable chargeable
allowed allow allows permitted / forbidden prohibited banned disallowed refused refuse refuses
accept accepts accepted / reject rejects rejected decline declined refuse refused refuses
start starts started begin begins began / end ends ended stop stops stopped finish finishes
first / last
minimum / maximum
cheaper / dearer pricier
faster quicker / slower
incoming receiving / outgoing
download downloads / upload uploads
open opens opened / closed closes close shut
on / off
add adds added / remove removes removed
automatic automatically / manual manually
temporary temporarily / permanent permanently
prepaid / postpaid
inside indoors / outside outdoors
same / different
fixed / variable
mandatory compulsory required must / optional voluntary may
all every each / some
connect connects connected / disconnect disconnects disconnected
activate activates activated / deactivate deactivates deactivated
encrypted / unencrypted
weekday weekdays / weekend weekends
sender / recipient
lost / found
continue continues goes / stop stops stopped end ends cease ceases
good / bad
light / heavy
steady solid / flashing blinking
red / green blue white amber
morning / afternoon evening
domestic / international
new / old existing
monthly / yearly annually annual
"""
# "More than" and "less than" before a number are its bound, and figures.py compares bounds.
_BOUND = re.compile(
    r"\b(?:(?:no |not )?(?:more|less|fewer|later|earlier|longer|greater|higher|lower) than|at least|at most"
    r"|or (?:more|less|fewer|later))\b"
)
_NEGATION = re.compile(
    r"\b(?:no longer|not|no|never|none|nothing|nobody|neither|nor|without|cannot|unable|waived?|waives|nil"
    r"|fails? to|failed to)\b|n't\b",
    re.I,
)
_FREE = re.compile(r"\bfree of charge\b|\b(?:at|for) no (?:extra |additional |further )?(?:charge|cost)\b", re.I)
_NOT_NEGATING = re.compile(
    r"\b(?:not only|no later than|no more than|not more than|no less than|not less than|no fewer than|no earlier than"
    r"|no matter|whether or not|or not|if not|nothing (?:but|more)|no longer than|not later than|not exceed(?:ing)?"
    r"|do not hesitate|don't hesitate|don't forget|do not forget|why not)\b",
    re.I,
)
_CLAUSE = re.compile(
    r"(?:\s*[;:–—]\s+|,\s+"
    r"|\s+(?=(?:but|if|unless|when|while|because|so that|which|who|where|although|though|until|once|and|or)\b))"
)
# Where what a negation denies ends, when something stands between.
_SCOPE_ENDS = re.compile(
    r"[,;:.]|\b(?:after|before|within|when|while|if|unless|until|for|on|in|at|by|with|from|to|of|and|or|but|that|which|who"
    r"|because|inside|outside|during|than|as|is|are|was|were)\b"
)
_PREFIX = re.compile(r"^(?:un|non-?|in|dis|ir|im)(?=[a-z]{4})")


@dataclass(frozen=True)
class Clause:
    """A part of a sentence: its stemmed content words, all its words, and what each negation in it denies."""

    stems: frozenset[str]
    words: frozenset[str]
    denied: tuple[frozenset[str], ...]

    def denies(self, others: AbstractSet[str]) -> bool:
        """Whether it denies something of which `others` speaks: an odd number of its negations do."""
        return sum(any(covered(stem, others) for stem in scope) for scope in self.denied) % 2 == 1

    def only_denied(self, others: AbstractSet[str]) -> frozenset[str]:
        """What is denied in words that `others` lacks."""
        scopes = [scope for scope in self.denied if not any(covered(stem, others) for stem in scope)]
        return frozenset().union(*scopes)


def negated(text: str) -> bool:
    """Whether `text` denies something: it holds an odd number of negations."""
    return len(_NEGATION.findall(_readable(text))) % 2 == 1


def _readable(text: str) -> str:
    """Lower-case `text` without what only looks like a negation."""
    return _NOT_NEGATING.sub(" ", _FREE.sub("free", straight(text).lower()))


def _scope(text: str, negation: re.Match[str]) -> frozenset[str]:
    """The content words that a negation denies: those after it up to a preposition ("not settled after 8 weeks");
    where nothing follows ("the customer need not"), those before it."""
    before, after = re.split(r"[,;:]|\b(?:but|and|or)\b", text[: negation.start()])[-1], text[negation.end() :]
    if negation.group() == "waived":
        return frozenset(stems(before))
    for stop in _SCOPE_ENDS.finditer(after):
        if found := stems(after[: stop.start()]):
            return frozenset(found)
    return frozenset(stems(after) or stems(before))


@lru_cache(maxsize=4096)
def clauses(sentence: str) -> tuple[Clause, ...]:
    """The clauses of a sentence; one with a single content word goes with the one before it."""
    parts: list[str] = []
    for part in (p for p in _CLAUSE.split(straight(sentence)) if p and p.strip()):
        if parts and (len(stems(part)) < 2 or len(stems(parts[-1])) < 2):
            parts[-1] += f" {part}"
        else:
            parts.append(part)
    return tuple(map(_clause, parts))


@lru_cache(maxsize=4096)
def _clause(text: str) -> Clause:
    spoken = _readable(text)
    words = frozenset(re.findall(r"[a-z][a-z'-]*", _BOUND.sub(" ", spoken)))
    return Clause(frozenset(stems(text)), words, tuple(_scope(spoken, m) for m in _NEGATION.finditer(spoken)))


def contradiction(claim: str, told: str) -> str:
    """What of `claim` the sentence `told` says the other way round: "negation" or a word, "" when nothing.

    Clauses of which less than half the content words stand in `told` are about something else.
    """
    others = clauses(told)
    whole = _clause(told)
    for clause in clauses(claim):
        if not clause.stems or not others:
            continue
        shared = [sum(covered(s, other.stems) for s in clause.stems) / len(clause.stems) for other in others]
        best = max(shared)
        near = [other for other, share in zip(others, shared, strict=True) if share >= best - 0.01]
        if sum(covered(s, whole.stems) for s in clause.stems) / len(clause.stems) > best:
            best, near = 1.0, [whole]
        if best < 0.5:
            continue
        against = [_against(clause, other) for other in near]
        if all(against):
            return against[0]
    return ""


def _against(clause: Clause, other: Clause) -> str:
    """How two clauses about the same thing contradict each other, "" when they don't."""
    flips = _flips(clause, other)
    if clause.denies(other.stems) == other.denies(clause.stems):
        return flips[0] if flips else ""
    return "" if len(flips) == 1 else "negation"


def _flips(clause: Clause, other: Clause) -> list[str]:
    """The words of `clause` whose opposites stand in `other`, which lacks the words themselves. "No charge" and
    "free" are none: the opposite is denied, and nothing else is."""
    ours, theirs = clause.words, other.words
    denied = clause.only_denied(other.stems) | other.only_denied(clause.stems)
    found = []
    for one, opposite in _SIDES:
        said, against = ours & one, theirs & opposite
        apart = said and against and not theirs & one and not ours & opposite
        if apart and denied.isdisjoint(STEMMER.stemWords([*said, *against])):
            found.append(min(said))
    stemmed = {STEMMER.stemWord(w) for w in theirs}
    bare = {STEMMER.stemWord(_PREFIX.sub("", w)) for w in theirs if _PREFIX.match(w)}
    for word in sorted(ours):
        stem, stripped = STEMMER.stemWord(word), STEMMER.stemWord(_PREFIX.sub("", word))
        if stem in stemmed:
            continue
        if (stripped != stem and stripped in stemmed) or stem in bare:
            found.append(word)
    return found


def _sides() -> list[tuple[frozenset[str], frozenset[str]]]:
    """Every pair of opposites, both ways."""
    found = []
    for line in _OPPOSITES.strip().splitlines():
        one, other = (frozenset(side.split()) for side in line.split("/"))
        found += [(one, other), (other, one)]
    return found


_SIDES = _sides()
