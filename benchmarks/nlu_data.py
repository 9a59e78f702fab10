"""BANKING77 and CLINC150 as the benchmarks use them, read from a folder that is not part of the project."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from pathlib import Path

Example = tuple[str, str]  # text, intent

SETS = [f"{name}-{size}" for name in ("banking77", "clinc150") for size in ("5", "10", "full")]


@dataclass(frozen=True)
class Benchmark:
    """One training set with its test set; `outside` are test messages that no intent covers."""

    name: str
    train: list[Example]
    test: list[Example]
    outside: list[str] = field(default_factory=list)


def read(data: Path, name: str) -> Benchmark:
    """A benchmark such as banking77-10 (ten examples an intent, the fixed public draw) or clinc150-full.

    Raises:
        SystemExit: a file is missing or does not fit; the message says which.
    """
    source, size = name.split("-")
    try:
        read_source = {"banking77": _banking77, "clinc150": _clinc150}[source]
        train, test, outside = read_source(data / source)
        if size != "full":
            train = _draw(data / source / "fewshot" / f"train_{size}.tsv")
    except OSError as error:
        raise SystemExit(f"{error.filename} cannot be read ({error.strerror}): see docs/benchmarks.md.") from error
    unknown = {intent for _, intent in test} - {intent for _, intent in train}
    if unknown:
        raise SystemExit(f"{name}: the test set has intents that the training set lacks: {sorted(unknown)[:3]}.")
    return Benchmark(name, train, test, outside)


def out_of_scope_validation(data: Path) -> list[str]:
    """CLINC150's out-of-scope messages for training and validation: none of its test messages."""
    content = json.loads((data / "clinc150" / "data_full.json").read_text(encoding="utf-8"))
    return [text for text, _ in content["oos_train"] + content["oos_val"]]


def _banking77(folder: Path) -> tuple[list[Example], list[Example], list[str]]:
    parts = []
    for part in ("train", "test"):
        with (folder / f"{part}.csv").open(encoding="utf-8", newline="") as file:
            parts.append([(row["text"], row["category"]) for row in csv.DictReader(file)])
    return parts[0], parts[1], []


def _clinc150(folder: Path) -> tuple[list[Example], list[Example], list[str]]:
    content = json.loads((folder / "data_full.json").read_text(encoding="utf-8"))
    train, test = ([(text, intent) for text, intent in content[part]] for part in ("train", "test"))
    return train, test, [text for text, _ in content["oos_test"]]


def _draw(path: Path) -> list[Example]:
    with path.open(encoding="utf-8", newline="") as file:
        return [(text, intent) for intent, text in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]
