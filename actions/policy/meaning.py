"""Whether a message is about a blocked topic in other words: its distance to the examples beside the rules.

The vectors of the examples are made once, when the first message comes, and kept in TANDEM_VAR under a hash of
the texts and the encoder, so that a start costs nothing. Only messages are compared: a customer's question looks
like the examples, a written answer does not.
"""

import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from actions.knowledge.encoder import MODEL_ID, ModelMissing, encoder
from actions.logs import get_logger
from actions.policy.rules import BlockRule
from actions.policy.texts import sentences, words
from actions.settings import MissingSetting, var_dir

log = get_logger(__name__)

MOST_SENTENCES = 4  # of a long message, beside the message as a whole
FEWEST_WORDS = 3  # of a sentence that is compared on its own


@dataclass(frozen=True)
class Near:
    """The rule whose topic a message is about, its nearest example, and both cosines."""

    rule: BlockRule
    example: str
    cosine: float
    passing: float

    @property
    def evidence(self) -> str:
        """For the record of the decision: the example is the policy's own text."""
        return f"like {self.example!r}, cosine {self.cosine:.2f}, nearest harmless example {self.passing:.2f}"


class Meaning:
    """The examples of all `block` rules, and the policy's ordinary messages, as vectors."""

    def __init__(self, rules: Sequence[BlockRule], ordinary: Sequence[str] = ()) -> None:
        self._rules = rules
        self._match = [(rule, str(text)) for rule in rules for text in rule.examples.match]
        self._passing = [str(text) for rule in rules for text in rule.examples.passing] + list(ordinary)
        self._lock = threading.Lock()
        self._vectors: np.ndarray | None = None

    def nearest(self, text: str, without: str = "") -> Near | None:
        """The topic that `text` is about, or None; `without` leaves an example out, to test the others with it."""
        if not self._match:
            return None
        parts = [part for part in sentences(text) if len(words(part)) >= FEWEST_WORDS]
        asked = list(dict.fromkeys([text, *parts[:MOST_SENTENCES]])) if len(parts) > 1 else [text]
        try:
            examples, vectors = self._embedded(), encoder().embed_cached(asked)
        except ModelMissing as error:
            log.error("policy_without_meaning", extra={"reason": str(error)})
            return None
        count = len(self._match)
        cosines = examples @ vectors.T
        if without:
            texts = [example for _, example in self._match] + self._passing
            cosines[[i for i, example in enumerate(texts) if example == without]] = -1.0
        passing = cosines[count:].max(axis=0)
        found = [near for part in range(len(asked)) if (near := self._topic(cosines[:count, part], passing[part]))]
        return max(found, key=lambda near: near.cosine - near.passing, default=None)

    def _topic(self, cosines: np.ndarray, passing: float) -> Near | None:
        """The rule of the nearest example, when it is near enough and clearly nearer than what may pass."""
        best = int(cosines.argmax())
        (rule, example), cosine = self._match[best], float(cosines[best])
        near = cosine >= rule.threshold and cosine - passing >= rule.margin
        return Near(rule, example, cosine, float(passing)) if near else None

    def _embedded(self) -> np.ndarray:
        """Vectors of the examples, float32 [match and then pass, 384]. Raises ModelMissing."""
        with self._lock:
            if self._vectors is None:
                self._vectors = kept("examples", [example for _, example in self._match] + self._passing)
            return self._vectors


def kept(part: str, texts: list[str]) -> np.ndarray:
    """The vectors of `texts` from the file of this part in TANDEM_VAR, or made now and kept there."""
    name = hashlib.sha256("\0".join([MODEL_ID, *texts]).encode("utf-8")).hexdigest()[:16]
    try:
        path = var_dir() / "policy" / f"{part}-{name}.npy"
        vectors = np.load(path)
        if vectors.shape[0] == len(texts):
            return vectors
    except (MissingSetting, OSError, ValueError):
        pass
    vectors = encoder().embed(texts)
    try:
        _keep(part, var_dir() / "policy" / f"{part}-{name}.npy", vectors)
    except (MissingSetting, OSError) as error:
        log.warning("policy_vectors_not_kept", extra={"reason": type(error).__name__})
    return vectors


def _keep(part: str, path: Path, vectors: np.ndarray) -> None:
    """Write the file whole or not at all, and remove those of earlier versions of the policy."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{threading.get_ident()}.tmp")
    with partial.open("wb") as file:
        np.save(file, vectors)
    partial.replace(path)
    for old in path.parent.glob(f"{part}-*.npy"):
        if old != path:
            old.unlink(missing_ok=True)
