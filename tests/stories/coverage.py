"""How much of domain.yml and of the rules the test stories touch: `python -m tests.stories.coverage`.

Prints one line for intents, actions and forms each, with the names that no test story has.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
RASAS_OWN = ("action_ask_", "validate_")  # run inside forms, which stories do not tell


def steps(folder: Path) -> Iterator[dict[str, Any]]:
    """All steps of the stories in a folder."""
    for path in sorted(folder.glob("test_*.yml")):
        for story in yaml.safe_load(path.read_text(encoding="utf-8"))["stories"]:
            yield from story["steps"]


def coverage(domain: dict[str, Any], told: list[dict[str, Any]]) -> dict[str, tuple[set[str], set[str]]]:
    """For each kind of name: those in the domain, and those that a story tells."""
    intents = {next(iter(i)) if isinstance(i, dict) else i for i in domain["intents"]}
    rules = {name for name in domain["actions"] if not name.startswith(RASAS_OWN)}
    forms = set(domain["forms"])
    said = {name for step in told for name in [step.get("action")] if name}
    return {
        "intents": (intents, {step["intent"] for step in told if "intent" in step}),
        "actions": (rules, said),
        "forms": (forms, said),
    }


def main() -> None:
    """Print the coverage."""
    domain = yaml.safe_load((ROOT / "domain.yml").read_text(encoding="utf-8"))
    for kind, (all_names, told) in coverage(domain, list(steps(ROOT / "tests/stories"))).items():
        missing = sorted(all_names - told)
        rest = f"; no story has {', '.join(missing)}" if missing else ""
        print(f"test stories: {len(all_names & told)} of {len(all_names)} {kind}{rest}")


if __name__ == "__main__":
    main()
