"""The claim check on BEGIN (Dziri et al., 2022): `make bench-grounding DATA=folder`.

DATA/grounding/begin_dev_{wow,tc,cmu}.tsv hold a piece of knowledge, a response that a dialogue system wrote, and what
annotators said of it. "Unsupported" is every response that is not "Fully attributable": a generic one ("haha", "I
agree") states nothing that a passage could support, and the product would not send it as an answer. A second line
leaves the generic ones out.

A response's score is the lowest of its sentences' scores by `actions.knowledge.check.evidence`: one unsupported
sentence makes it unsupported. Nothing is fitted but the threshold, by 5-fold cross-validation over all three sets: each
response is judged by the threshold that was best on the four other folds. The peers are judged in the same way.
"""

from __future__ import annotations

import argparse
import csv
import re
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from actions.knowledge.check import evidence
from actions.knowledge.encoder import encoder
from actions.knowledge.words import sentences, stems

SETS = ("wow", "tc", "cmu")
FOLDS = 5

Row = tuple[str, str, str, str]  # set, knowledge, response, label


def load(folder: Path) -> list[Row]:
    """The development sets, with the spaces of their tokeniser taken out ("do n't" becomes "don't")."""
    rows: list[Row] = []
    for name in SETS:
        with (folder / "grounding" / f"begin_dev_{name}.tsv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
                rows.append((name, _joined(row["knowledge"]), _joined(row["response"]), row["begin_label"]))
    return rows


def _joined(text: str) -> str:
    text = re.sub(r" (?=(?:n't|'s|'re|'ve|'ll|'m|'d)\b)", "", text)
    text = re.sub(r" (?=[.,!?;:%)])|(?<=[(£$]) ", "", text)
    return re.sub(r"(?<=\w) - (?=\w)", "-", text)


def product(knowledge: str, response: str) -> float:
    """The lowest score of a sentence of the response."""
    return min((evidence(s, knowledge).score for s in sentences(response)), default=0.0)


def cosine(knowledge: str, response: str) -> float:
    """Peer: the best cosine of the response to a sentence of the knowledge."""
    vectors = encoder().embed_cached([response, *sentences(knowledge)])
    return float((vectors[1:] @ vectors[0]).max()) if len(vectors) > 1 else 0.0


def words(knowledge: str, response: str) -> float:
    """Peer: the share of the response's content words that the knowledge holds."""
    said = stems(response)
    return sum(word in set(stems(knowledge)) for word in said) / len(said) if said else 0.0


def auc(scores: np.ndarray, unsupported: np.ndarray) -> float:
    """The chance that an unsupported response scores below a supported one; ties count half."""
    low, high = scores[unsupported][:, None], scores[~unsupported][None, :]
    return float(((low < high) + 0.5 * (low == high)).mean())


def best_threshold(scores: np.ndarray, unsupported: np.ndarray) -> float:
    """The threshold with the highest accuracy; below it a response counts as unsupported."""
    values = np.unique(scores)
    cuts = np.concatenate([[-1.0], (values[1:] + values[:-1]) / 2, [2.0]])
    right = [((scores < cut) == unsupported).mean() for cut in cuts]
    return float(cuts[int(np.argmax(right))])


def out_of_fold(scores: np.ndarray, unsupported: np.ndarray) -> tuple[np.ndarray, list[float]]:
    """Each response judged by the threshold of the other folds, and these thresholds."""
    order = np.random.default_rng(0).permutation(len(scores))
    judged, thresholds = np.zeros(len(scores), dtype=bool), []
    for fold in range(FOLDS):
        held = np.zeros(len(scores), dtype=bool)
        held[order[fold::FOLDS]] = True
        thresholds.append(best_threshold(scores[~held], unsupported[~held]))
        judged[held] = scores[held] < thresholds[-1]
    return judged, thresholds


def line(name: str, scores: np.ndarray | None, judged: np.ndarray, unsupported: np.ndarray) -> str:
    """A row of the table: accuracy, then precision, recall and F1 for "unsupported", and AUC."""
    hit = int((judged & unsupported).sum())
    precision, recall = hit / max(1, int(judged.sum())), hit / max(1, int(unsupported.sum()))
    f1 = 2 * precision * recall / (precision + recall) if hit else 0.0
    area = f"{auc(scores, unsupported):.3f}" if scores is not None else "0.500"
    accuracy = float((judged == unsupported).mean())
    return f"| {name} | {len(judged)} | {accuracy:.3f} | {precision:.3f} | {recall:.3f} | {f1:.3f} | {area} |"


def speed(rows: list[Row]) -> str:
    """Median and 95th percentile of `evidence` in ms, when the passage has been seen and the sentence hasn't."""
    taken = []
    for n, (_, knowledge, response, _) in enumerate(rows[:: max(1, len(rows) // 100)]):
        start = time.perf_counter()
        evidence(f"{response} ({n})", knowledge)
        taken.append(1000 * (time.perf_counter() - start))
    return f"evidence(): {statistics.median(taken):.1f} ms median, {statistics.quantiles(taken, n=20)[-1]:.1f} ms p95"


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Accuracy of the claim check on the BEGIN development sets.")
    parser.add_argument("data", type=Path, help="the folder that holds grounding/")
    rows = load(parser.parse_args().data)
    names = np.array([name for name, *_ in rows])
    labels = np.array([label for *_, label in rows])
    unsupported = labels != "Fully attributable"
    print("| method and set | responses | accuracy | precision | recall | F1 | AUC |")
    print("|---|---|---|---|---|---|---|")
    methods: dict[str, Callable[[str, str], float]] = {
        "claim check": product,
        "cosine alone": cosine,
        "content words alone": words,
    }
    for title, method in methods.items():
        scores = np.array([method(knowledge, response) for _, knowledge, response, _ in rows])
        judged, thresholds = out_of_fold(scores, unsupported)
        print(line(f"**{title}**, all", scores, judged, unsupported))
        groups = [(name, names == name) for name in SETS]
        for name, chosen in [*groups, ("all, generic left out", labels != "Generic")]:
            print(line(f"{title}, {name}", scores[chosen], judged[chosen], unsupported[chosen]))
        print(f"  thresholds of {title}: {', '.join(f'{t:.3f}' for t in thresholds)}", file=sys.stderr)
    print(line("majority class, all", None, np.ones(len(rows), dtype=bool), unsupported))
    print(speed(rows), file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
