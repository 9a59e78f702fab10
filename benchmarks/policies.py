"""Does TEDPolicy earn its cost? `python -m benchmarks.policies [--epochs N]`.

Trains the dialogue policies of config.yml, once as they are and once with TEDPolicy, replays tests/stories with both,
and prints a Markdown table: predictions that differ, training seconds (processor time), milliseconds an action, and the
memory that a loaded model takes. Each step runs in a process of its own, so that none warms another's caches.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import yaml

ROOT = Path(__file__).parent.parent
STORIES = ROOT / "tests" / "stories"


def with_ted(epochs: int) -> dict:
    """config.yml with Rasa's default TEDPolicy added."""
    config = yaml.safe_load((ROOT / "config.yml").read_text())
    ted = {"name": "TEDPolicy", "max_history": 5, "epochs": epochs, "constrain_similarities": True}
    return {**config, "policies": [*config["policies"], ted]}


def train(config: dict, folder: str) -> tuple[str, float]:
    """Trains the policies; returns the model's path and the seconds of processor time."""
    from rasa.model_training import train_core

    os.environ["RASA_CACHE_DIRECTORY"] = str(Path(folder) / "cache")
    path = Path(folder) / "config.yml"
    path.write_text(yaml.safe_dump(config))
    started = time.process_time()
    with contextlib.redirect_stdout(sys.stderr):
        model = train_core(str(ROOT / "domain.yml"), str(path), str(ROOT / "data"), folder)
    if not model:
        raise SystemExit("Rasa trained no model: see its messages above.")
    return model, time.process_time() - started


def replay(model: str) -> tuple[list[dict[str, Any]], float, float]:
    """Replays the test stories; returns the predicted actions, milliseconds an action, and the model's megabytes."""
    import rasa.core.test
    from rasa.core.agent import Agent

    process = psutil.Process()
    before = process.memory_info().rss
    agent = Agent.load(model)
    megabytes = (process.memory_info().rss - before) / 1e6
    started = time.perf_counter()
    with contextlib.redirect_stdout(sys.stderr):
        report = asyncio.run(rasa.core.test.test(str(STORIES), agent, disable_plotting=True))
    actions = report["actions"]
    return actions, (time.perf_counter() - started) * 1000 / len(actions), megabytes


def quietly(function: Callable, *arguments: Any) -> Any:
    """Calls `function` without Rasa's log lines, whose writing would be measured too."""
    from rasa.utils.common import configure_logging_and_warnings
    from rasa.utils.log_utils import configure_structlog

    configure_logging_and_warnings(log_level=logging.ERROR)
    configure_structlog(log_level=logging.ERROR)
    return function(*arguments)


def alone(function: Callable, *arguments: Any) -> Any:
    """Calls `function` in a new process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(quietly, (function, *arguments))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=100, help="TEDPolicy's epochs (default: 100, as `rasa init`)")
    arguments = parser.parse_args()
    os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", RASA_TELEMETRY_ENABLED="false")

    ours = yaml.safe_load((ROOT / "config.yml").read_text())
    baseline: list[dict[str, Any]] = []
    print(
        "| policies | wrong | differ | decided by TED | training CPU-s | ms an action | MB |",
        "|---" * 7 + "|",
        sep="\n",
    )
    for name, config in [("config.yml", ours), ("with TEDPolicy", with_ted(arguments.epochs))]:
        with tempfile.TemporaryDirectory() as folder:
            model, seconds = alone(train, config, folder)
            actions, milliseconds, megabytes = alone(replay, model)
        baseline = baseline or actions
        wrong = sum(action["predicted"] != action["action"] for action in actions)
        differ = sum(mine["predicted"] != its["predicted"] for mine, its in zip(baseline, actions, strict=True))
        ted = sum("TEDPolicy" in (action["policy"] or "") for action in actions)
        cells = [wrong, differ, f"{ted} of {len(actions)}", f"{seconds:.0f}", f"{milliseconds:.1f}", f"{megabytes:.0f}"]
        print("| " + " | ".join(map(str, [name, *cells])) + " |", flush=True)


if __name__ == "__main__":
    main()
