"""What each `keep_in_scope` costs and saves: `python -m benchmarks.fallback_thresholds [--data DATA_DIR]`.

The threshold itself is computed whenever the assistant is trained; this shows what the share in config.yml means. The
components of config.yml learn four fifths of the training data, as they are and without the examples of out_of_scope.
Messages in scope are those of the other fifth; messages out of scope are in out_of_scope.yml (never trained on) and,
with --data, CLINC150's for training and validation (DATA_DIR/clinc150/data_full.json).

A question and a fallback lead to the same action, so confusing these two costs nothing. What costs is
- a message in scope that falls back although its intent was right ("lost"), and
- a message out of scope that starts a task or calls a person ("tasks").
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.shared.importers.importer import TrainingDataImporter
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from assistant.nlu.calibration import folds
from assistant.nlu.classifier import SVMIntentClassifier
from assistant.nlu.featurizer import MiniLMFeaturizer
from benchmarks.nlu_data import out_of_scope_validation

HERE = Path(__file__).parent
ROOT = HERE.parent
SHARES = [0.9, 0.95, 0.97, 0.98, 0.99, 1]
OUT_OF_SCOPE = "out_of_scope"  # learned from examples
FALLBACK = {"nlu_fallback", OUT_OF_SCOPE}
# One action answers these, or they are small talk: to mistake something foreign for one of them does no harm.
HARMLESS = {"ask_question", "report_problem", *FALLBACK, "greet", "goodbye", "thank", "help", "bot_challenge"}


class Component:
    """A component of config.yml, trained on `data` in a folder of its own."""

    def __init__(self, kind: Any, folder: Path, data: TrainingData, **changes: Any) -> None:
        pipeline = yaml.safe_load((ROOT / "config.yml").read_text())["pipeline"]
        options = next(entry for entry in pipeline if entry["name"].endswith(kind.__name__))
        config = {**kind.get_default_config(), **options, **changes}
        folder.mkdir()
        place = LocalModelStorage.create(folder), Resource(kind.__name__), ExecutionContext(GraphSchema({}))
        kind.create(config, *place).train(data)
        self.loaded = kind.load(config, *place)


def examples() -> list[tuple[str, str]]:
    """The project's training examples."""
    project = TrainingDataImporter.load_from_dict(training_data_paths=[str(ROOT / "data")])
    return [(example.get("text"), example.get("intent")) for example in project.get_nlu_data().intent_examples]


def rows(known: list[tuple[str, str]], unseen: list[tuple[str, str]], outside: dict[str, list[str]]) -> list[list[str]]:
    """One row of the table for each share to keep."""
    gold = np.array([intent for _, intent in unseen])
    table = []
    with tempfile.TemporaryDirectory() as folder:
        data = TrainingData([Message({"text": text, "intent": intent}) for text, intent in known])
        featurizer = Component(MiniLMFeaturizer, Path(folder) / "encoder", data).loaded
        featurizer.process_training_data(data)
        for share in SHARES:
            place = Path(folder) / str(share)
            classifier = Component(SVMIntentClassifier, place, data, keep_in_scope=share).loaded

            def understand(texts: list[str], classifier: SVMIntentClassifier = classifier) -> np.ndarray:
                messages = classifier.process(featurizer.process([Message({"text": text}) for text in texts]))
                return np.array([message.get("intent")["name"] for message in messages])

            found = {name: understand(texts) for name, texts in outside.items()}
            table.append((share, understand([text for text, _ in unseen]), found))
    right = table[-1][1] == gold
    counted = right & ~np.isin(gold, list(HARMLESS))
    return [
        [
            f"{share:g}",
            f"{(predicted == gold)[gold != OUT_OF_SCOPE].mean():.1%}",
            f"{np.isin(predicted[counted], list(FALLBACK)).mean():.1%}",
            *(f"{(~np.isin(found, list(HARMLESS))).mean():.1%}" for found in foreign.values()),
        ]
        for share, predicted, foreign in table
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder that holds clinc150/data_full.json")
    arguments = parser.parse_args()

    project = examples()
    train, held_out = next(folds(np.array([intent for _, intent in project]), 5))
    known, unseen = [project[i] for i in train], [project[i] for i in held_out]
    outside = {"out_of_scope.yml": yaml.safe_load((HERE / "out_of_scope.yml").read_text())["messages"]}
    if arguments.data:
        outside["CLINC150"] = out_of_scope_validation(arguments.data)
    counts = ", ".join(f"{len(texts)} of {name}" for name, texts in outside.items())
    print(f"{len(known)} examples to learn, {len(unseen)} to test; out of scope: {counts}\n")
    head = ["examples of out_of_scope", "keep_in_scope", "right", "lost", *(f"tasks: {name}" for name in outside)]
    print("| " + " | ".join(head) + " |", "|---" * len(head) + "|", sep="\n")
    without = [(text, intent) for text, intent in known if intent != OUT_OF_SCOPE]
    for name, some in [("learned", known), ("left out", without)]:
        for cells in rows(some, unseen, outside):
            print("| " + " | ".join([name, *cells]) + " |", flush=True)


if __name__ == "__main__":
    main()
