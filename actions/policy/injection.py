"""Finds attempts to misuse the assistant, without a language model.

A text is read in every way in which it may be disguised (injection_text), each reading is searched for named signals
(signals.yml), and what these leave open is decided by likeness to the examples of injection.yml
(injection_examples). A finding names what fired and never quotes the text.
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from actions.knowledge.encoder import ModelMissing
from actions.logs import get_logger
from actions.policy.injection_examples import likeness
from actions.policy.injection_signals import signals
from actions.policy.injection_text import clipped, fold, spelt, views, visible
from actions.policy.rules import Family

log = get_logger(__name__)

DECIDES = 0.8  # sum of weights at which a text is an attack
SENTENCES = 12  # the first so many sentences of a text are compared with the examples
WORDS = 4  # a shorter sentence says too little to be compared

# Log-odds of an attack become a weight: 1.3 decide alone, half of that with a signal of weight 0.4. Where the encoder
# doesn't know the language (it read English only), likeness can confirm a signal but decides nothing.
LIKENESS = 0.8 / 1.3
FOREIGN = 0.4

_SHOUTED = re.compile(r"(?:(?<!\w)[A-ZÄÖÜ']{2,}(?!\w)[ ,!\"]*){5,}")
_SPELT = re.compile(
    r"ignore|instruct|prompt|forget|saythat|write|system|pretend|reveal|previous|youare|rules|disregard"
)
_ENGLISH = re.compile(
    r"\b(?:the|an?|to|of|in|on|is|are|was|were|be|i|you|my|your|it|this|that|and|or|for|with|what|how|why|when|who|do|does|"
    r"did|can|could|would|will|me|we|not|no|all|as|at|by|if|from|have|has|just|please|now)\b"
)


@dataclass(frozen=True)
class Signalled:
    """A signal that was found."""

    weight: float
    family: Family
    name: str


@dataclass(frozen=True)
class Finding:
    """An attempt of a family: `score` from 0.5 (just decided) to 1, `evidence` names the signals, strongest first."""

    score: float
    family: Family
    evidence: tuple[str, ...]


def sentences(text: str) -> list[str]:
    """What is compared with the examples: each sentence of some length, and a short text of several as a whole."""
    parts = [part.strip() for part in re.split(r"(?<=[.!?:])\s+|\n+", text)]
    long = [part for part in parts if len(part.split()) >= WORDS]
    whole = [text] if len(parts) > 1 and WORDS <= len(text.split()) <= 60 else []
    return long[:SENTENCES] + whole


def _english(folded: str) -> bool:
    """Whether a fifth of the words are those that English sentences are held together with."""
    return 5 * len(_ENGLISH.findall(folded)) >= len(folded.split())


@lru_cache(maxsize=1024)  # passages come again, and a message is asked about by several actions
def _found(text: str, stage: Literal["message", "passage"]) -> tuple[Signalled, ...]:
    """The signals in a text; a disguise that hid one is a signal itself."""
    found: dict[str, Signalled] = {}
    for disguise, reading in views(text):
        for signal in signals(stage):
            known = found.get(signal.name)
            if (known is None or known.weight < signal.weight) and signal.found(reading):
                found[signal.name] = Signalled(signal.weight, signal.family, signal.name)
                if disguise != "plain":
                    found[disguise] = Signalled(0.5, signal.family, f"disguised: {disguise}")
    if _SPELT.search(spelt(text)):
        found["spelt"] = Signalled(1.0, "override", "an order spelt letter by letter")
    if found and _SHOUTED.search(text) and re.search(r"(?:\b[a-z]{2,} ){2}", text):
        found["shouted"] = Signalled(0.4, "override", "an order in capitals inside a question")
    return tuple(found.values())


def _decided(found: Sequence[Signalled]) -> Finding | None:
    total = sum(signal.weight for signal in found)
    if total < DECIDES:
        return None
    strongest = sorted(found, key=lambda signal: -signal.weight)
    score = 1 / (1 + math.exp(-2 * (total - DECIDES)))
    return Finding(round(score, 3), strongest[0].family, tuple(signal.name for signal in strongest))


def detect(
    text: str, stage: Literal["message", "passage"] = "message", clean: Callable[[str], str] = lambda text: text
) -> Finding | None:
    """The attempt to misuse the assistant in a customer's message or in a passage of an article, or None.

    A passage may give orders to its reader; only orders to the assistant count there, and disguised or forged turns.
    `clean` takes personal data out of what the encoder sees. Raises PolicyError when injection.yml cannot be used.
    """
    found = _found(text, stage)
    if (finding := _decided(found)) or stage == "passage":
        return finding
    seen = clean(visible(clipped(text)))
    parts = sentences(seen)
    return _decided([*found, *_like_attacks(parts, _english(fold(seen)))]) if parts else None


def _like_attacks(parts: list[str], english: bool) -> list[Signalled]:
    """Likeness to a known attack as a signal; without the encoder the others decide alone."""
    try:
        log_odds, attack = likeness().of(parts)
    except ModelMissing as error:
        log.error("policy_without_likeness", extra={"reason": str(error)})
        return []
    weight = max(-FOREIGN, log_odds * LIKENESS)
    return [Signalled(weight if english else min(weight, FOREIGN), attack.family, f"like {attack.text!r}")]
