"""Answers kept in memory by what the question means, for as long as neither the articles nor the policy change.

A kept answer is given again only when nothing could make another answer right: the questions' meanings are almost
the same, and so are their content words in order, their figures, their negations, what they ask for ("how much",
"can I", "do I have to") and the small words that turn a meaning round ("before", "after", "from", "to"). A wrong
hit is worse than a miss. Answers to questions that held personal data are not kept.
"""

import re
import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from actions.knowledge.figures import figures
from actions.knowledge.polarity import negated
from actions.knowledge.words import stems, straight

SAME = 0.93  # cosine of two wordings of one question
ENTRIES = 1000

T = TypeVar("T")

_TURNING_WORDS = """
before after from to into out without with off on under over up down more less most least than until till since only
first last again already still never not no each both either between during if unless while
"""
_TURNING = frozenset(_TURNING_WORDS.split())
_ASKS = re.compile(
    r"\b(?:(?P<how>how (?:much|many|long|often|soon|early|late|far|fast|quick(?:ly)?))"
    r"|(?P<word>how|what|when|where|which|who|whose|why)|(?P<must>(?:do|does) \w+ (?:have|need) to|must|should)"
    r"|(?P<may>can|could|may|allowed)|(?P<will>will|would)|(?P<yes>is|are|do|does|did|has|have))\b",
    re.I,
)


@dataclass(frozen=True)
class Signature:
    """What two questions must have in common, apart from their meaning, to have the same answer."""

    words: tuple[str, ...]
    turning: tuple[str, ...]
    figures: frozenset[tuple[str, float]]
    negated: bool
    asks: tuple[str, ...]


def signature(question: str) -> Signature:
    """The signature of a question."""
    text = re.sub(r"\b(what|where|who|how|when|that)'?s\b", r"\1 is", straight(question).lower())
    small = [word for word in re.findall(r"[a-z']+", text) if word in _TURNING]
    asks = [m.group().split()[0] if m.lastgroup == "must" else m.group() for m in _ASKS.finditer(text)]
    kinds = [m.lastgroup or "" for m in _ASKS.finditer(text)]
    return Signature(
        words=tuple(stems(text)),
        turning=tuple(small),
        figures=frozenset(f.base for f in figures(text)),
        negated=negated(text),
        asks=tuple(
            f"{kind}:{word}" if kind in ("how", "word") else kind for kind, word in zip(kinds, asks, strict=True)
        ),
    )


class AnswerCache(Generic[T]):
    """Keeps up to `size` answers; those of another `scope` (versions and filters) are dropped. Thread-safe."""

    def __init__(self, size: int = ENTRIES) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._versions: Hashable = None
        # By scope and signature: the vectors of the wordings and their answers.
        self._kept: OrderedDict[tuple[Hashable, Signature], list[tuple[np.ndarray, T]]] = OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def find(self, question: str, vector: np.ndarray, versions: Hashable, scope: Hashable = ()) -> T | None:
        """The kept answer to a question with this meaning, or None. `vector` has unit length."""
        key = (scope, signature(question))
        with self._lock:
            if versions != self._versions:
                self._forget(versions)
            for known, answer in self._kept.get(key, ()):
                if float(known @ vector) >= SAME:
                    self._kept.move_to_end(key)
                    return answer
        return None

    def keep(self, question: str, vector: np.ndarray, answer: T, versions: Hashable, scope: Hashable = ()) -> None:
        """Keep an answer that was found under these versions and filters."""
        key = (scope, signature(question))
        with self._lock:
            if versions != self._versions:
                self._forget(versions)
            self._kept.setdefault(key, []).append((vector, answer))
            self._kept.move_to_end(key)
            self._count += 1
            while self._count > self._size:
                _, oldest = self._kept.popitem(last=False)
                self._count -= len(oldest)

    def _forget(self, versions: Hashable) -> None:
        self._kept.clear()
        self._count = 0
        self._versions = versions
