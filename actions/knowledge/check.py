"""The claim check: may a sentence be said on the strength of a passage?

It needs three things: a meaning close to something that the passage says, content words that occur there,
and every number, amount, percentage, time and month of it stated there. No language model is asked.
"""

from dataclasses import dataclass

import numpy as np

from actions.knowledge.encoder import encoder
from actions.knowledge.words import figures, months, negated, sentences, stems

# Chosen on one half of the development sets of BEGIN (Dziri et al., 2022); of 307 responses of the other half
# 88 % were judged as the annotators did.
MIN_SIMILARITY = 0.5
MIN_COVERAGE = 0.85


@dataclass(frozen=True)
class Evidence:
    """Why a sentence is supported or not. `similarity` is the best cosine to a sentence of the passage or
    the whole passage, `coverage` the share of the sentence's content words in it (0 to 1), `missing` what
    it does not state."""

    similarity: float
    coverage: float
    missing: tuple[str, ...] = ()

    @property
    def supported(self) -> bool:
        return not self.missing and self.similarity >= MIN_SIMILARITY and self.coverage >= MIN_COVERAGE


def evidence(sentence: str, passage: str, context: str = "") -> Evidence:
    """Compare `sentence` with `passage`, whose headings are `context`."""
    told = f"{context}\n{passage}"
    missing = [f"{f.kind} {f.value:g}" for f in figures(sentence) if not f.stated_in(figures(told))]
    missing += sorted(months(sentence) - months(told))
    words = set(stems(sentence))
    coverage = len(words & set(stems(told))) / len(words) if words else 0.0
    parts = sentences(passage)
    vectors = encoder().embed_cached([sentence, *parts, passage])
    similarities = vectors[1:] @ vectors[0]
    nearest = parts[int(np.argmax(similarities[: len(parts)]))] if parts else passage
    if negated(sentence) != negated(nearest) and coverage > MIN_COVERAGE:
        missing.append("negation")
    return Evidence(float(similarities.max()), coverage, tuple(missing))
