"""The assistant's NLU on public data: `python -m benchmarks.nlu DATA_DIR [--sets ...] [--peer] [--peer-epochs N]`.

Trains the pipeline of config.yml (without PolicyEscalation, which is about this project's policy) through Rasa on each
set, tests it on the set's whole test split and prints a Markdown table. With --peer, rows for the pipeline that `rasa
init` gives follow; on the full sets that takes hours. Each training and each test has a process of its own, without
any cache. Nothing is tuned here, and no test split was used to choose an option.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import yaml
from sklearn.metrics import accuracy_score, f1_score

from benchmarks.nlu_data import SETS, Benchmark, Example, read

ROOT = Path(__file__).parent.parent
RESULTS = Path(os.environ.get("TANDEM_VAR") or ROOT / "var") / "results" / "bench-nlu.md"
FALLBACK = "nlu_fallback"
LEFT_OUT = ("PolicyEscalation",)
WARM_UP = 20
HEAD = [
    "set",
    "pipeline",
    "accuracy",
    "macro F1",
    "kept and right",
    "OOS recall",
    "OOS precision",
    "training CPU-s",
    "CPU ms a message",
    "MB",
]


def our_pipeline() -> list[dict]:
    """The NLU pipeline of config.yml as far as it serves these intents."""
    pipeline = yaml.safe_load((ROOT / "config.yml").read_text())["pipeline"]
    return [entry for entry in pipeline if not entry["name"].endswith(LEFT_OUT)]


def peer_pipeline(epochs: int) -> list[dict]:
    """What `rasa init` gives, as far as it classifies intents."""
    return [
        {"name": "WhitespaceTokenizer"},
        {"name": "RegexFeaturizer"},
        {"name": "LexicalSyntacticFeaturizer"},
        {"name": "CountVectorsFeaturizer"},
        {"name": "CountVectorsFeaturizer", "analyzer": "char_wb", "min_ngram": 1, "max_ngram": 4},
        {"name": "DIETClassifier", "epochs": epochs, "constrain_similarities": True},
        {"name": "FallbackClassifier", "threshold": 0.3, "ambiguity_threshold": 0.1},
    ]


def train_model(pipeline: list[dict], examples: list[Example], folder: str) -> tuple[str, float]:
    """Trains through Rasa; returns the model's path and the seconds of processor time."""
    from rasa.model_training import train_nlu

    by_intent: dict[str, list[str]] = {}
    for text, intent in examples:
        by_intent.setdefault(intent, []).append(" ".join(text.split()))
    nlu = [
        {"intent": intent, "examples": "".join(f"- {text}\n" for text in texts)} for intent, texts in by_intent.items()
    ]
    config = {"recipe": "default.v1", "language": "en", "assistant_id": "benchmark", "pipeline": pipeline}
    files = {"nlu.yml": {"version": "3.1", "nlu": nlu}, "config.yml": config}
    for name, content in files.items():
        (Path(folder) / name).write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    os.environ["RASA_CACHE_DIRECTORY"] = str(Path(folder) / "cache")  # a cached training would cost nothing
    started = time.process_time()
    with contextlib.redirect_stdout(sys.stderr):
        model = train_nlu(str(Path(folder) / "config.yml"), str(Path(folder) / "nlu.yml"), folder)
    if not model:
        raise SystemExit("Rasa trained no model: see its messages above.")
    return model, time.process_time() - started


def parse_all(model: str, texts: list[str]) -> tuple[list[dict[str, Any]], float, float]:
    """What Rasa understands, the median milliseconds of processor time a message, and the process's megabytes."""
    from rasa.core.agent import Agent

    async def parse() -> list[dict[str, Any]]:
        parsed = []
        for text in texts[:WARM_UP] + texts:
            started = time.process_time()
            parsed.append(await agent.parse_message(text))
            durations.append((time.process_time() - started) * 1000)
        return parsed[WARM_UP:]

    durations: list[float] = []
    agent = Agent.load(model)
    parsed = asyncio.run(parse())
    return parsed, statistics.median(durations[WARM_UP:]), psutil.Process().memory_info().rss / 1e6


def quietly(function: Callable, *arguments: Any) -> Any:
    """Calls `function` without Rasa's line of log for each message."""
    from rasa.utils.common import configure_logging_and_warnings
    from rasa.utils.log_utils import configure_structlog

    configure_logging_and_warnings(log_level=logging.ERROR)
    configure_structlog(log_level=logging.ERROR)
    return function(*arguments)


def alone(function: Callable, *arguments: Any) -> Any:
    """Calls `function` in a new process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(quietly, (function, *arguments))


def scores(parsed: list[dict[str, Any]], benchmark: Benchmark) -> list[str]:
    """Accuracy and F1 with fallbacks undone, then the share kept and right, OOS recall and OOS precision."""
    from rasa.nlu.classifiers.fallback_classifier import undo_fallback_prediction

    count = len(benchmark.test)
    gold = [intent for _, intent in benchmark.test]
    closed = [
        (undo_fallback_prediction(each) if each["intent"]["name"] == FALLBACK else each)["intent"]["name"]
        for each in parsed[:count]
    ]
    predicted = [each["intent"]["name"] for each in parsed]
    caught, lost = predicted[count:].count(FALLBACK), predicted[:count].count(FALLBACK)
    shares = [
        accuracy_score(gold, closed),
        f1_score(gold, closed, average="macro", zero_division=0),
        accuracy_score(gold, predicted[:count]),
    ]
    outside = len(benchmark.outside)
    rejected = [caught / outside, caught / max(caught + lost, 1)] if outside else []
    cells = [f"{share:.1%}" for share in shares + rejected]
    return cells + ["–"] * (5 - len(cells))


def row(name: str, pipeline: list[dict], benchmark: Benchmark) -> str:
    """Trains, tests, and writes a row of the table."""
    with tempfile.TemporaryDirectory() as folder:
        model, seconds = alone(train_model, pipeline, benchmark.train, folder)
        texts = [text for text, _ in benchmark.test] + benchmark.outside
        parsed, milliseconds, megabytes = alone(parse_all, model, texts)
    cost = [f"{seconds:.0f}", f"{milliseconds:.1f}", f"{megabytes:.0f}"]
    return "| " + " | ".join([benchmark.name, name, *scores(parsed, benchmark), *cost]) + " |"


def main() -> None:
    """Print the table, and keep it in var/results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder that holds banking77/ and clinc150/")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS, help="which sets (default: all)")
    parser.add_argument("--peer", action="store_true", help="also train the pipeline that `rasa init` gives")
    parser.add_argument("--only-peer", action="store_true", help="train that one alone")
    parser.add_argument("--peer-epochs", type=int, default=100, help="DIET's epochs (default: 100, as `rasa init`)")
    arguments = parser.parse_args()
    os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", RASA_TELEMETRY_ENABLED="false")
    os.environ.pop("TANDEM_VAR", None)  # no cached encoder and no cached vectors

    pipelines = {} if arguments.only_peer else {"Tandem": our_pipeline()}
    if arguments.peer or arguments.only_peer:
        pipelines[f"Rasa's default (DIET, {arguments.peer_epochs} epochs)"] = peer_pipeline(arguments.peer_epochs)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    with RESULTS.open("a", encoding="utf-8") as results:
        lines = [f"\n{time.strftime('%d %B %Y, %H:%M')}\n", "| " + " | ".join(HEAD) + " |", "|---" * len(HEAD) + "|"]
        for line in lines:
            print(line, file=results, flush=True)
        print(*lines[1:], sep="\n", flush=True)
        for name in arguments.sets:
            benchmark = read(arguments.data, name)
            for pipeline, components in pipelines.items():
                line = row(pipeline, components, benchmark)
                print(line, file=results, flush=True)
                print(line, flush=True)


if __name__ == "__main__":
    main()
