"""How like an attack a sentence is, learnt from the examples of injection.yml: logistic regression over MiniLM vectors.

The file lies beside policy.yml; compliance people add to it what got through and what was refused wrongly. It is fitted
when it is first needed and again when it changes; the vectors are kept in TANDEM_VAR.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import get_args

import numpy as np
import yaml

from actions.knowledge.encoder import encoder
from actions.policy.meaning import kept
from actions.policy.rules import Family, PolicyError
from actions.policy.source import decided_by
from actions.settings import policy_file

RIDGE = 0.3  # by cross-validation over the examples, between 0.02 and 1


@dataclass(frozen=True)
class Attack:
    """An example of an attack, and the family that it stands in."""

    text: str
    family: Family


@dataclass(frozen=True)
class Likeness:
    """`weights` [385]: a sentence's vector with a 1 behind it, times these, gives log-odds of an attack.

    `vectors` [attacks, 384] belong to `attacks`.
    """

    weights: np.ndarray
    attacks: list[Attack]
    vectors: np.ndarray

    def of(self, sentences: list[str]) -> tuple[float, Attack]:
        """The highest log-odds of the sentences (0 is undecided, 2 an attack), and that sentence's nearest attack."""
        vectors = encoder().embed_cached(sentences)
        odds = vectors @ self.weights[:-1] + self.weights[-1]
        most = int(odds.argmax())
        return float(odds[most]), self.attacks[int((self.vectors @ vectors[most]).argmax())]


def examples_file() -> Path:
    """injection.yml beside the configured policy, or else the project's own."""
    return decided_by(policy_file())[0]


def read_examples(path: Path) -> tuple[list[Attack], list[str]]:
    """The attacks and the harmless messages of a file. Raises PolicyError."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        attacks = [Attack(text, family) for family, texts in content["attacks"].items() for text in texts]
        harmless = [text for texts in content["harmless"].values() for text in texts]
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError(f"{path} cannot be read: restore it from the repository ({error})") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise PolicyError(f"{path.name}{where}: not valid YAML, put the example in double quotes") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise PolicyError(f"{path.name}: write lists of examples under attacks and harmless, by family") from error
    if wrong := [attack.family for attack in attacks if attack.family not in get_args(Family)]:
        raise PolicyError(f"{path.name}: {wrong[0]!r} is no family of attacks, use {', '.join(get_args(Family))}")
    if wrong := [text for text in [a.text for a in attacks] + harmless if not isinstance(text, str)]:
        raise PolicyError(f"{path.name}: {wrong[0]!r} is not a text, put the example in double quotes")
    if not attacks or not harmless:
        raise PolicyError(f"{path.name}: write at least one example under attacks and one under harmless")
    return attacks, harmless


def fit(vectors: np.ndarray, attack: np.ndarray) -> np.ndarray:
    """Weights of a ridge logistic regression, both classes counting alike, by Newton's method.

    `vectors` float [examples, n], `attack` bool [examples]; the result has n + 1 values, the last is the bias.
    """
    inputs = np.hstack([vectors, np.ones((len(vectors), 1))]).astype(np.float64)
    share = np.where(attack, 0.5 / attack.mean(), 0.5 / (1 - attack.mean()))
    ridge = np.full(inputs.shape[1], RIDGE)
    ridge[-1] = 1e-6
    weights = np.zeros(inputs.shape[1])
    for _ in range(25):
        chance = 1 / (1 + np.exp(-inputs @ weights))
        gradient = inputs.T @ (share * (chance - attack)) + ridge * weights
        curvature = (inputs.T * (share * chance * (1 - chance))) @ inputs + np.diag(ridge)
        move = np.linalg.solve(curvature, gradient)
        weights -= move
        if np.abs(move).max() < 1e-6:
            break
    return weights.astype(np.float32)


@lru_cache(maxsize=2)
def _fitted(path: str, changed: int) -> Likeness:
    attacks, harmless = read_examples(Path(path))
    vectors = kept("attacks", [attack.text for attack in attacks] + harmless)
    weights = fit(vectors, np.arange(len(vectors)) < len(attacks))
    return Likeness(weights, attacks, vectors[: len(attacks)])


def likeness() -> Likeness:
    """What the examples teach, fitted anew when their file changes. Raises PolicyError and ModelMissing."""
    path = examples_file()
    return _fitted(str(path), path.stat().st_mtime_ns)
