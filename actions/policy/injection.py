"""Finds attempts to misuse the assistant, without a language model.

A text is read in every way in which it may be disguised (injection_text), each reading is searched for named signals
(injection_signals), and what these leave open is decided by likeness to the examples of injection.yml
(injection_examples). A finding names what fired and never quotes the text.
"""

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from actions.policy.injection_examples import likeness
from actions.policy.injection_signals import PASSAGE_SIGNALS, SIGNALS, Family, Signal
from actions.policy.injection_text import clipped, fold, spelt, views, visible

DECIDES = 1.0  # weight of signals, and of likeness, at which a text is an attack
SENTENCES = 12  # the first so many sentences of a text are compared with the examples
WORDS = 4  # a shorter sentence says too little to be compared

# Log-odds of an attack count as weight: 1.7 decides alone, half of that with a signal of weight 0.5. Where the encoder
# doesn't know the language (it read English only), likeness can confirm a signal but decides nothing.
_LIKENESS = 1 / 1.7
_FOREIGN_LIKENESS = 0.4

_SHOUTED = re.compile(r"(?:(?<!\w)[A-ZÄÖÜ']{2,}(?!\w)[ ,!\"]*){5,}")
_SPELT = re.compile(r"ignore|instruct|prompt|forget|saythat|write|system|pretend|reveal|previous|youare|rules|disregard")
_ENGLISH = frozenset(
    "the a an to of in on is are was were be i you my your it this that and or for with what how why when who do does did can"
    " could would will me we not no all as at by if from have has just please now".split()
)


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


def _english(text: str) -> bool:
    words = re.findall(r"[a-z']+", text)
    return len(words) > 0 and 5 * sum(word in _ENGLISH for word in words) >= len(words)


def _signals(text: str, signals: tuple[Signal, ...]) -> dict[str, tuple[float, Family]]:
    """The signals in a text by name, with weight and family; a disguise that hid one is a signal itself."""
    found: dict[str, tuple[float, Family]] = {}
    for disguise, reading in views(text):
        for signal in signals:
            if signal.weight > found.get(signal.name, (0.0, ""))[0] and signal.found(reading):
                found[signal.name] = (signal.weight, signal.family)
                if disguise != "plain":
                    found[f"disguised: {disguise}"] = (0.5, signal.family)
    if _SPELT.search(spelt(text)):
        found["an order spelt letter by letter"] = (1.0, "instructions")
    if found and _SHOUTED.search(text) and re.search(r"(?:\b[a-z]{2,} ){2}", text):
        found["an order in capitals inside a question"] = (0.4, "instructions")
    return found


def _decided(found: dict[str, tuple[float, Family]]) -> Finding | None:
    total = sum(weight for weight, _ in found.values())
    if total < DECIDES:
        return None
    strongest = sorted(found, key=lambda name: -found[name][0])
    score = 1 / (1 + math.exp(-2 * (total - DECIDES)))
    return Finding(round(score, 3), found[strongest[0]][1], tuple(strongest))


@lru_cache(maxsize=1024)
def detect(text: str, stage: Literal["message", "passage"] = "message") -> Finding | None:
    """The attempt to misuse the assistant in a customer's message or in a passage of an article, or None.

    A passage may give orders to its reader; only orders to the assistant count there, and disguised or forged turns.
    Raises PolicyError when injection.yml cannot be used, ModelMissing when the encoder's files are missing.
    """
    if stage == "passage":
        return _decided(_signals(text, PASSAGE_SIGNALS))
    found = _signals(text, SIGNALS)
    if finding := _decided(found):
        return finding
    seen = visible(clipped(text))
    if parts := sentences(seen):
        weight = max(-0.4, likeness().of(parts) * _LIKENESS)
        if not _english(fold(seen)):
            weight = min(weight, _FOREIGN_LIKENESS)
        family = max(found.values())[1] if found else "instructions"
        found["like known attacks"] = (weight, family)
    return _decided(found)
