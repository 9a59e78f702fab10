"""What `rasa test nlu` found, in a few lines: `python -m tests.nlu.report RESULTS_FOLDER [--cross-validation]`.

Prints macro-F1 over the intents, the weakest intents and the confusions that happen most, and fails when macro-F1 is
below the floor. The floors are for a change that breaks something; the tables are in docs/benchmarks.md. Entities are
for information: a pattern hardly misses, and people and dates are not annotated, so a score of theirs says little.
"""

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

HELD_OUT_FLOOR = 0.92  # the utterances in tests/nlu, which nobody trains on
CROSS_VALIDATION_FLOOR = 0.85  # the utterances in data/, each fold understood by the others; the goal is 0.93
PICTURE = "intent_confusion_matrix.png"
SHOWN = 10


def weakest(report: dict[str, Any], shown: int = SHOWN) -> list[tuple[str, float, int]]:
    """Intents with the lowest F1, worst first: name, F1, number of utterances."""
    intents = [(name, row["f1-score"], int(row["support"])) for name, row in report.items() if _is_intent(name, row)]
    return sorted(intents, key=lambda row: row[1])[:shown]


def confusions(errors: list[dict[str, Any]], shown: int = SHOWN) -> list[tuple[str, str, int]]:
    """Intents mistaken for others, most frequent first: what was meant, what was understood, how often."""
    pairs = Counter((error["intent"], error["intent_prediction"]["name"] or "nothing") for error in errors)
    return [(meant, understood, count) for (meant, understood), count in pairs.most_common(shown)]


def summary(folder: Path) -> tuple[float, list[str]]:
    """Macro-F1 over the intents, and the lines to print.

    Raises:
        FileNotFoundError: the folder holds no results of `rasa test nlu`.
    """
    report = json.loads((folder / "intent_report.json").read_text())
    mistakes = folder / "intent_errors.json"  # Rasa writes none when there are none
    errors = json.loads(mistakes.read_text()) if mistakes.is_file() else []
    average = report["macro avg"]
    lines = [f"macro-F1 {average['f1-score']:.3f} over {average['support']} utterances, {len(errors)} misunderstood"]
    lines += ["weakest intents (F1, utterances):"]
    lines += [f"  {f1:.3f}  {support:4d}  {name}" for name, f1, support in weakest(report)]
    lines += ["most frequent confusions (times, meant -> understood):"]
    lines += [f"  {count:3d}  {meant} -> {understood}" for meant, understood, count in confusions(errors)]
    entities = folder / "RegexEntityExtractor_report.json"
    if entities.is_file():
        f1 = json.loads(entities.read_text())["weighted avg"]["f1-score"]
        lines += [f"entities found by patterns and lists: weighted F1 {f1:.3f} (for information)"]
    if (folder / PICTURE).is_file():
        lines += [f"confusion matrix: {folder / PICTURE}"]
    return average["f1-score"], lines


def _is_intent(name: str, row: Any) -> bool:
    return isinstance(row, dict) and not name.endswith(" avg") and row["support"] > 0


def main() -> None:
    """Print the summary; leave with an error below the floor."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path, help="what `rasa test nlu --out` named")
    parser.add_argument("--cross-validation", action="store_true", help="the results are of --cross-validation")
    args = parser.parse_args()
    floor = CROSS_VALIDATION_FLOOR if args.cross_validation else HELD_OUT_FLOOR
    score, lines = summary(args.folder)
    print(f"rasa test nlu{' --cross-validation' * args.cross_validation}:", *lines, sep="\n")
    if score < floor:
        sys.exit(f"Macro-F1 is below {floor}: see {args.folder}/intent_errors.json for the utterances.")


if __name__ == "__main__":
    main()
