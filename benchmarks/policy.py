"""How well policy.yml tells attacks and personal data from ordinary messages: `make bench-policy DATA=folder`.

DATA holds prompt_injections/{train,test}.csv (deepset), banking77/test.csv, clinc150/data_full.json and
pii/generated_large.json. Signals and thresholds were tuned on train.csv and on the tuning parts of our own sets in
tests/ (over_defence.yml, injections.yml); test.csv and the held-out ones are only ever counted. No text is printed.

The peer is the list of patterns that policy.yml had before, from the repository's history. --every 4 takes each fourth
of the ordinary messages, of which there are some 15,000. Run it from the root.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import yaml

from actions.policy.injection import detect
from actions.policy.texts import readable
from benchmarks import policy_pii

ROOT = Path(__file__).parent.parent
TESTS = ROOT / "tests"
PATTERNS_ONLY = "bb101cc"  # the last commit whose injection rules were patterns alone
_ANNOTATED = re.compile(r"\[([^\]]+)\](?:\([^)]*\)|\{[^}]*\})")

Detect = Callable[[str], bool]


def deepset(data: Path, part: str) -> tuple[list[str], list[str]]:
    """Attacks and ordinary messages of one half."""
    with (data / "prompt_injections" / f"{part}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [r["text"] for r in rows if r["label"] == "1"], [r["text"] for r in rows if r["label"] == "0"]


def own_sets() -> Iterator[tuple[str, list[str], list[str]]]:
    """Our own attacks and harmless messages with words of attacks: for tuning, looked at once, never looked at."""
    attacks = yaml.safe_load((TESTS / "injections.yml").read_text(encoding="utf-8"))
    harmless = yaml.safe_load((TESTS / "over_defence.yml").read_text(encoding="utf-8"))
    groups = harmless["messages"].values()
    tuned, held_out = ([t for family in attacks[part].values() for t in family] for part in ("tuning", "held_out"))
    yield "our own, tuning", tuned, [text for group in groups for text in group[0::2]]
    yield "our own, second half, looked at once", [], [text for group in groups for text in group[1::2]]
    yield "our own, held out", held_out, harmless["held_out"]


def ordinary(data: Path) -> Iterator[tuple[str, list[str]]]:
    """Ordinary messages: the project's own questions and utterances, and the tests of two public sets."""
    questions = yaml.safe_load((TESTS / "answers.yml").read_text(encoding="utf-8"))
    yield "tests/answers.yml", [q["question"] for q in questions if q["kind"] != "injected"]
    yield "data/*/nlu.yml", list(utterances())
    with (data / "banking77" / "test.csv").open(encoding="utf-8", newline="") as file:
        yield "BANKING77 test", [row["text"] for row in csv.DictReader(file)]
    clinc = json.loads((data / "clinc150" / "data_full.json").read_text(encoding="utf-8"))
    yield "CLINC150 test, in scope", [text for text, _ in clinc["test"]]


def utterances() -> Iterator[str]:
    """What the assistant is trained on, without the annotations of entities.

    Left out is nlu_fallback, what it is not made for: attacks stand among those.
    """
    for path in sorted((ROOT / "data").glob("*/nlu*.yml")):
        for item in yaml.safe_load(path.read_text(encoding="utf-8"))["nlu"]:
            if item.get("intent", "nlu_fallback") != "nlu_fallback":
                for line in item["examples"].splitlines():
                    yield _ANNOTATED.sub(r"\1", line.removeprefix("- "))


def patterns_only() -> Detect | None:
    """The injection rules as they were: patterns. None outside a clone with its history."""
    show = subprocess.run(
        ["git", "show", f"{PATTERNS_ONLY}:policy.yml"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if show.returncode:
        return None
    rules = [rule for rule in yaml.safe_load(show.stdout)["rules"] if rule["kind"] == "injection"]
    compiled = [re.compile(p, re.IGNORECASE | re.MULTILINE) for rule in rules for p in rule["patterns"]]
    return lambda text: any(pattern.search(readable(text)) for pattern in compiled)


def ours(text: str) -> bool:
    return detect(text) is not None


def cell(detectors: list[Detect], texts: list[str]) -> str:
    """The share of `texts` that each detector takes for attacks, in percent."""
    return " / ".join(f"{100 * sum(map(d, texts)) / len(texts):.2f}" for d in detectors) if texts else "–"


def milliseconds(texts: list[str]) -> tuple[float, float]:
    """The median time of a message that is new, and of one whose sentences the encoder knows already."""
    times: list[list[float]] = [[], []]
    for again in (0, 1):
        for text in texts:
            start = time.perf_counter()
            detect(" " * again + text)  # the space hides the text from the cache of signals, not from the encoder's
            times[again].append(1000 * (time.perf_counter() - start))
    return statistics.median(times[0]), statistics.median(times[1])


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, help="the folder of the public sets")
    parser.add_argument("--every", type=int, default=1, help="take each n-th of the ordinary messages")
    options = parser.parse_args()
    peer = patterns_only()
    detectors = [ours, peer] if peer else [ours]
    heads = "ours / patterns only" if peer else "ours"
    detect("what does the first message cost once everything is loaded?")
    print(f"| set | attacks | caught, %: {heads} | ordinary | refused, %: {heads} |", "|---|---|---|---|---|", sep="\n")
    for part in ("train", "test"):
        attacks, harmless = deepset(options.data, part)
        print(row(f"deepset {part}", attacks, harmless, detectors))
    for name, attacks, harmless in own_sets():
        print(row(name, attacks, harmless, detectors))
    print(f"\n| ordinary messages | number | refused, %: {heads} |", "|---|---|---|", sep="\n")
    timed: list[str] = []
    for name, texts in ordinary(options.data):
        texts = texts[:: options.every]
        timed = timed or [text for text in texts if len(text.split()) > 3][:100]
        print(f"| {name} | {len(texts)} | {cell(detectors, texts)} |", flush=True)
    print(f"\n{passages()}")
    fresh, known = milliseconds([f"Hello, {text[0].lower()}{text[1:]}" for text in timed])
    print(f"\nA short message takes {fresh:.1f} ms (median), {known:.1f} ms when its sentences were embedded before.")
    print("\n" + policy_pii.table(options.data))


def row(name: str, attacks: list[str], harmless: list[str], detectors: list[Detect]) -> str:
    return f"| {name} | {len(attacks)} | {cell(detectors, attacks)} | {len(harmless)} | {cell(detectors, harmless)} |"


def passages() -> str:
    """What becomes of passages: those with orders to the assistant, and those with orders to their reader."""
    attacks = yaml.safe_load((TESTS / "injections.yml").read_text(encoding="utf-8"))["passages"]
    harmless = yaml.safe_load((TESTS / "over_defence.yml").read_text(encoding="utf-8"))["passages"]
    caught, refused = (sum(detect(text, "passage") is not None for text in texts) for texts in (attacks, harmless))
    return f"Passages: {caught} of {len(attacks)} attacks caught, {refused} of {len(harmless)} harmless ones refused."


if __name__ == "__main__":
    main()
