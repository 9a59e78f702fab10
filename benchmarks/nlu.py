"""The assistant's NLU on BANKING77 with ten examples an intent: `python -m benchmarks.nlu DATA_DIR [--peer]`.

Reads DATA_DIR/banking77/fewshot/train_10.tsv and DATA_DIR/banking77/test.csv, trains the pipeline of config.yml through
Rasa (without FallbackClassifier and PolicyEscalation, which are not about these intents) and prints a row of a Markdown
table. With --peer, a row for the pipeline that `rasa init` gives follows; it trains for several minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import csv
import logging
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import yaml
from rasa.core.agent import Agent
from rasa.model_training import train_nlu
from rasa.utils.common import configure_logging_and_warnings
from rasa.utils.log_utils import configure_structlog
from sklearn.metrics import accuracy_score, f1_score

ROOT = Path(__file__).parent.parent
LEFT_OUT = ("FallbackClassifier", "PolicyEscalation")
WARM_UP = 20
PEER = [
    {"name": "WhitespaceTokenizer"},
    {"name": "RegexFeaturizer"},
    {"name": "LexicalSyntacticFeaturizer"},
    {"name": "CountVectorsFeaturizer"},
    {"name": "CountVectorsFeaturizer", "analyzer": "char_wb", "min_ngram": 1, "max_ngram": 4},
    {"name": "DIETClassifier", "epochs": 100, "constrain_similarities": True},
]

Example = tuple[str, str]  # text, intent


def read(data: Path) -> tuple[list[Example], list[Example]]:
    """BANKING77's few-shot training examples and its test set."""
    folder = data / "banking77"
    with (folder / "fewshot" / "train_10.tsv").open(encoding="utf-8", newline="") as file:
        train = [(text, intent) for intent, text in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]
    with (folder / "test.csv").open(encoding="utf-8", newline="") as file:
        test = [(row["text"], row["category"]) for row in csv.DictReader(file)]
    unknown = {intent for _, intent in test} - {intent for _, intent in train}
    if unknown:
        raise SystemExit(f"{folder}: the test set has intents that the training set lacks: {sorted(unknown)[:3]}.")
    return train, test


def our_pipeline() -> list[dict]:
    """The NLU pipeline of config.yml as far as it serves these intents."""
    pipeline = yaml.safe_load((ROOT / "config.yml").read_text())["pipeline"]
    return [entry for entry in pipeline if not entry["name"].endswith(LEFT_OUT)]


def train_model(pipeline: list[dict], examples: list[Example], folder: Path) -> str:
    """Trains through Rasa and returns the model's path."""
    by_intent: dict[str, list[str]] = {}
    for text, intent in examples:
        by_intent.setdefault(intent, []).append(" ".join(text.split()))
    nlu = [
        {"intent": intent, "examples": "".join(f"- {text}\n" for text in texts)} for intent, texts in by_intent.items()
    ]
    config = {"recipe": "default.v1", "language": "en", "assistant_id": "benchmark", "pipeline": pipeline}
    (folder / "nlu.yml").write_text(yaml.safe_dump({"version": "3.1", "nlu": nlu}, allow_unicode=True))
    (folder / "config.yml").write_text(yaml.safe_dump(config))
    with contextlib.redirect_stdout(sys.stderr):
        model = train_nlu(str(folder / "config.yml"), str(folder / "nlu.yml"), str(folder))
    if not model:
        raise SystemExit("Rasa trained no model: see its messages above.")
    return model


async def parse_all(model: str, texts: list[str]) -> tuple[list[str], list[float]]:
    """The intent of each text, and the milliseconds that each took."""
    agent = Agent.load(model)
    intents, durations = [], []
    for text in texts[:WARM_UP] + texts:
        started = time.perf_counter()
        parsed = await agent.parse_message(text)
        durations.append((time.perf_counter() - started) * 1000)
        intents.append(parsed["intent"]["name"])
    return intents[WARM_UP:], durations[WARM_UP:]


def row(name: str, pipeline: list[dict], train: list[Example], test: list[Example]) -> str:
    """Trains, tests, and writes a row of the table."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["RASA_CACHE_DIRECTORY"] = str(Path(folder) / "cache")  # a cached training would cost nothing
        started = time.process_time()
        model = train_model(pipeline, train, Path(folder))
        seconds = time.process_time() - started
        predicted, durations = asyncio.run(parse_all(model, [text for text, _ in test]))
    gold = [intent for _, intent in test]
    accuracy, f1 = accuracy_score(gold, predicted), f1_score(gold, predicted, average="macro")
    return f"| {name} | {accuracy:.1%} | {f1:.1%} | {seconds:.0f} | {statistics.median(durations):.1f} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder that holds banking77/")
    parser.add_argument("--peer", action="store_true", help="also train the pipeline that `rasa init` gives")
    arguments = parser.parse_args()
    os.environ["RASA_TELEMETRY_ENABLED"] = "false"
    os.environ.pop("TANDEM_VAR", None)  # no cached vectors either

    # Rasa's default is a line of log for each message.
    configure_logging_and_warnings(log_level=logging.ERROR)
    configure_structlog(log_level=logging.ERROR)

    train, test = read(arguments.data)
    print("| pipeline | accuracy | macro F1 | training CPU-s | ms a message |", "|---|---|---|---|---|", sep="\n")
    print(row("Tandem", our_pipeline(), train, test), flush=True)
    if arguments.peer:
        print(row("Rasa's default (DIET, 100 epochs)", PEER, train, test))


if __name__ == "__main__":
    main()
