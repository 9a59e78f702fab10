"""What a classifier's margins on unseen examples say: honest confidences, and where its knowledge ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from rasa.shared.constants import DEFAULT_NLU_FALLBACK_INTENT_NAME as OUT_OF_SCOPE
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from assistant.nlu.svm import HybridSVM

# What a fine-tuned featurizer leaves at each training message for the calibration: the vector of an encoder that had
# not yet seen the held-out examples, and whether this example is one of them.
REHEARSAL = "rehearsal_vector"
HELD_OUT = "rehearsal_held_out"

SMALLEST_SAMPLE = 20
# A threshold below every score, which JSON can hold.
NEVER = -1e9
# Softer than any fit on real data: for training sets with too few examples to fit on.
CAUTIOUS_SHARPNESS = 3.0


def folds(intents: np.ndarray, count: int, seed: int = 0) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows to train and rows to hold out, `count` times, every intent spread evenly.

    The only example of an intent is never held out. Yields nothing when nothing can be held out.
    """
    rng = np.random.default_rng(seed)
    fold_of = np.full(len(intents), -1)
    offset = 0
    for intent in np.unique(intents):
        rows = rng.permutation(np.flatnonzero(intents == intent))
        if len(rows) > 1:
            fold_of[rows] = (np.arange(len(rows)) + offset) % count
            offset += len(rows)
    for fold in range(count):
        held_out = np.flatnonzero(fold_of == fold)
        if len(held_out):
            yield np.flatnonzero(fold_of != fold), held_out


@dataclass(frozen=True)
class Sample:
    """Examples as a classifier sees them that was trained without them."""

    labels: list[str]
    intents: np.ndarray  # (examples,)
    margins: np.ndarray  # (examples, labels)
    cosines: np.ndarray  # (examples,): see nearest()

    @property
    def gold(self) -> np.ndarray:
        """The right column of each row of margins."""
        return np.searchsorted(self.labels, self.intents)


def unseen(
    vectors: np.ndarray,
    texts: Sequence[str],
    intents: np.ndarray,
    splits: Iterable[tuple[np.ndarray, np.ndarray]],
    fit: Callable[[np.ndarray, Sequence[str], np.ndarray], HybridSVM],
    neighbours: int,
) -> Sample:
    """Margins and cosines of the held-out rows of each split.

    Args:
        vectors: unit length, shape (texts, dimensions).
        texts: the training examples.
        intents: the intent of each, shape (texts,).
        splits: pairs of rows to train and rows to hold out; see folds().
        fit: trains a classifier on vectors, texts and intents.
        neighbours: the k of nearest(), which looks at in-scope examples alone.
    """
    labels = sorted(set(intents))
    rows, margins, cosines = [np.zeros(0, np.int64)], [np.zeros((0, len(labels)))], [np.zeros(0)]
    for train, held_out in splits:
        model = fit(vectors[train], [texts[i] for i in train], intents[train])
        rows.append(held_out)
        margins.append(model.margins(vectors[held_out], [texts[i] for i in held_out]))
        known = vectors[train][intents[train] != OUT_OF_SCOPE]
        cosines.append(nearest(vectors[held_out], known, neighbours))
    return Sample(labels, intents[np.concatenate(rows)], np.concatenate(margins), np.concatenate(cosines))


def fit_sharpness(margins: np.ndarray, gold: np.ndarray) -> float:
    """The factor that makes softmax(factor × margins) most likely on unseen examples.

    This is temperature scaling (Guo et al. 2017) with the temperature's inverse.

    Args:
        margins: of unseen examples, shape (examples, labels).
        gold: the right column of each, shape (examples,).
    """
    if len(gold) < SMALLEST_SAMPLE or margins.shape[1] < 2:
        return CAUTIOUS_SHARPNESS

    def loss(log_factor: float) -> float:
        return -float(log_softmax(np.exp(log_factor) * margins, axis=1)[np.arange(len(gold)), gold].mean())

    found = minimize_scalar(loss, bounds=(np.log(0.1), np.log(50.0)), method="bounded")
    return float(np.exp(found.x))


def confidences(margins: np.ndarray, sharpness: float) -> np.ndarray:
    """Probabilities of shape (examples, labels); each row sums to 1."""
    return softmax(sharpness * margins, axis=1)


@dataclass(frozen=True)
class Scope:
    """Whether a message is one of the kinds that the training data knows.

    The score adds the highest margin and the cosine to the k-th nearest training example, each in standard deviations
    of unseen in-scope examples. Nearest neighbours as an out-of-distribution score: Sun et al. 2022.
    """

    margin_mean: float = 0.0
    margin_spread: float = 1.0
    cosine_mean: float = 0.0
    cosine_spread: float = 1.0
    threshold: float = NEVER

    @classmethod
    def fit(cls, margins: np.ndarray, cosines: np.ndarray, right: np.ndarray, keep: float) -> Scope:
        """From unseen in-scope examples.

        Args:
            margins: the highest margin of each, shape (examples,).
            cosines: see nearest(), shape (examples,).
            right: whether its intent was found, shape (examples,).
            keep: share of the rightly classified that must stay in scope; 1 rejects nothing.
        """
        if keep >= 1 or right.sum() < SMALLEST_SAMPLE:
            return cls()
        scale = cls(margins.mean(), max(margins.std(), 1e-6), cosines.mean(), max(cosines.std(), 1e-6))
        threshold = np.quantile(scale.scores(margins, cosines)[right], 1 - keep)
        return cls(**{name: float(value) for name, value in {**asdict(scale), "threshold": threshold}.items()})

    def scores(self, margins: np.ndarray, cosines: np.ndarray) -> np.ndarray:
        """Higher is more at home, shape (examples,)."""
        return (margins - self.margin_mean) / self.margin_spread + (cosines - self.cosine_mean) / self.cosine_spread

    def rejects(self, margins: np.ndarray, cosines: np.ndarray) -> np.ndarray:
        """Which examples are out of scope, shape (examples,)."""
        return self.scores(margins, cosines) < self.threshold


def nearest(vectors: np.ndarray, known: np.ndarray, k: int) -> np.ndarray:
    """Cosine of each row of `vectors` to its k-th nearest row of `known`, or to the farthest where there are fewer.

    Both hold unit vectors; the result has shape (len(vectors),), zeros when nothing is known.
    """
    if not len(known):
        return np.zeros(len(vectors), np.float32)
    k = min(k, len(known))
    return np.partition(vectors @ known.T, -k, axis=1)[:, -k]
