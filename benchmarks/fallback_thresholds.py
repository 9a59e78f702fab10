"""Chooses the two thresholds of FallbackClassifier: `python -m benchmarks.fallback_thresholds [--data DATA_DIR]`.

In-scope messages are the training data, classified by five-fold cross-validation; out-of-scope ones are in
out_of_scope.yml (never trained on), every second of which chooses while the others report. Both go through the
encoder and the classifier of config.yml. With --data, CLINC150's out-of-scope test messages
(DATA_DIR/clinc150/data_full.json) report too.

A question and a fallback lead to the same action, so confusing these two costs nothing. What costs is
- a message in scope that the fallback takes away although its intent was right ("lost"), and
- a message out of scope that starts a task or calls a person ("tasks").
Of all pairs that lose at most 3 % of the former, the one with the fewest of the latter is recommended.
"""

from __future__ import annotations

import argparse
import itertools
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from rasa.shared.importers.importer import TrainingDataImporter
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from assistant.nlu.encoder import MAX_BATCH, Encoder

HERE = Path(__file__).parent
ROOT = HERE.parent
THRESHOLDS = [0.0, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6]
AMBIGUITIES = [0.0, 0.05, 0.1, 0.2]
MAX_LOST = 0.03
ANSWERED = {"ask_question", "report_problem", "nlu_fallback"}  # one action answers all of these
TASKS = {"order_status", "balance", "book_visit", "request_human", "escalate"}


@dataclass(frozen=True)
class Predictions:
    """Intent, its confidence and its lead over the second intent, one of each per message."""

    intents: np.ndarray
    confidence: np.ndarray
    lead: np.ndarray

    @classmethod
    def of(cls, probabilities: np.ndarray, labels: np.ndarray) -> Predictions:
        """From probabilities of shape (messages, labels)."""
        ordered = np.sort(probabilities, axis=1)
        return cls(labels[probabilities.argmax(axis=1)], ordered[:, -1], ordered[:, -1] - ordered[:, -2])

    def __getitem__(self, which: slice) -> Predictions:
        return Predictions(self.intents[which], self.confidence[which], self.lead[which])

    def fall_back(self, threshold: float, ambiguity: float) -> np.ndarray:
        """Which messages FallbackClassifier would turn into nlu_fallback."""
        return (self.confidence < threshold) | (self.lead < ambiguity)

    def tasks(self, threshold: float, ambiguity: float) -> float:
        """Share of the messages that start a task or call a person."""
        return float((np.isin(self.intents, list(TASKS)) & ~self.fall_back(threshold, ambiguity)).mean())


def component(name: str) -> dict:
    """The entry of config.yml's pipeline whose name ends in `name`."""
    pipeline = yaml.safe_load((ROOT / "config.yml").read_text())["pipeline"]
    return next(entry for entry in pipeline if entry["name"].endswith(name))


def vectors(texts: list[str]) -> np.ndarray:
    """Scaled sentence vectors, shape (len(texts), 384)."""
    encoder = Encoder.installed()
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    rows = np.empty((len(texts), 384), np.float32)
    for start in range(0, len(order), MAX_BATCH):
        batch = order[start : start + MAX_BATCH]
        rows[batch] = encoder.encode([texts[i] for i in batch])
    return rows * component("MiniLMFeaturizer").get("scale", 10.0)


def classifier() -> LogisticRegression:
    """What Rasa's LogisticRegressionClassifier builds."""
    options = component("LogisticRegressionClassifier")
    return LogisticRegression(
        class_weight="balanced", max_iter=options.get("max_iter", 100), tol=options.get("tol", 1e-4), random_state=42
    )


def lost(scope: Predictions, gold: np.ndarray, threshold: float, ambiguity: float) -> float:
    """Share of the rightly understood messages that the fallback takes away, questions and faults left out."""
    counted = (scope.intents == gold) & ~np.isin(gold, list(ANSWERED))
    return float(scope.fall_back(threshold, ambiguity)[counted].mean())


def recommend(scope: Predictions, gold: np.ndarray, out: Predictions) -> tuple[float, float]:
    """The pair with the fewest tasks started, then the most messages kept, then the lowest thresholds."""
    allowed = [pair for pair in itertools.product(THRESHOLDS, AMBIGUITIES) if lost(scope, gold, *pair) <= MAX_LOST]
    return min(allowed, key=lambda pair: (round(out.tasks(*pair), 4), round(lost(scope, gold, *pair), 4), *pair))


def clinc(data: Path) -> list[str]:
    """CLINC150's out-of-scope test messages."""
    return [text for text, _ in json.loads((data / "clinc150" / "data_full.json").read_text())["oos_test"]]


def main() -> None:
    """Print the table and the recommended pair."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder that holds clinc150/data_full.json")
    arguments = parser.parse_args()

    project = TrainingDataImporter.load_from_dict(training_data_paths=[str(ROOT / "data")])
    examples = project.get_nlu_data().intent_examples
    gold = np.array([example.get("intent") for example in examples])
    inside = vectors([example.get("text") for example in examples])
    trained = classifier().fit(inside, gold)
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    by_fold = cross_val_predict(classifier(), inside, gold, cv=folds, method="predict_proba")
    scope = Predictions.of(by_fold, trained.classes_)

    def outside(texts: list[str]) -> Predictions:
        return Predictions.of(trained.predict_proba(vectors(texts)), trained.classes_)

    messages = yaml.safe_load((HERE / "out_of_scope.yml").read_text())["messages"]
    both = outside(messages)
    choosing, reporting = both[::2], both[1::2]
    public = outside(clinc(arguments.data)) if arguments.data else None

    print(f"{len(gold)} messages in scope, {len(messages)} out of scope\n")
    print("| threshold | ambiguity | lost | tasks: choosing half | tasks: reporting half | tasks: CLINC150 |")
    print("|---|---|---|---|---|---|")
    best = recommend(scope, gold, choosing)
    for pair in itertools.product(THRESHOLDS, AMBIGUITIES):
        shares = [lost(scope, gold, *pair), choosing.tasks(*pair), reporting.tasks(*pair)]
        cells = [f"{share:.1%}" for share in shares] + [f"{public.tasks(*pair):.1%}" if public else "-"]
        mark = "**" if pair == best else ""
        print(f"| {mark}{pair[0]}{mark} | {mark}{pair[1]}{mark} | " + " | ".join(cells) + " |")
    print(f"\nRecommended for config.yml: threshold: {best[0]}, ambiguity_threshold: {best[1]}")


if __name__ == "__main__":
    main()
