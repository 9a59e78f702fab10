"""The named signals of signals.yml: what an attempt to misuse the assistant looks like.

A signal has a family, whose rule answers the attempt, and a weight: 0.8 decides alone, less needs company. Who is meant
matters as much as the verb: "I ignored the instructions" and "can I ignore the last bill" are a customer's own
business, so a signal doesn't count where somebody else than the assistant does it (unless `own` is false, for what
only an attack holds).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import yaml

from actions.policy.injection_text import fold
from actions.policy.rules import Family

FILE = Path(__file__).with_name("signals.yml")


@dataclass(frozen=True)
class Signal:
    """`name` stands in the evidence; `own` tells whether only the assistant as the one who is meant counts."""

    name: str
    family: Family
    weight: float
    own: bool
    patterns: tuple[re.Pattern[str], ...]
    others: re.Pattern[str]
    about: re.Pattern[str]

    def found(self, text: str) -> bool:
        """Whether the signal stands in a folded text."""
        return any(not self.own or self._meant(text, m.start()) for p in self.patterns for m in p.finditer(text))

    def _meant(self, text: str, start: int) -> bool:
        """Whether what begins at `start` is said to the assistant, and not about somebody or, quoted, about attacks."""
        before = text[max(0, start - 60) : start]
        return not (self.others.search(before) or (before.endswith(("'", '"')) and self.about.search(text)))


def _filled(pattern: str, groups: Mapping[str, str]) -> str:
    return re.sub(r"\{([A-Z_]+)\}", lambda match: groups[match[1]], pattern)


def _group(lines: str) -> str:
    """A group of the alternatives in a word list: one a line, or parted by " | "."""
    parts = [fold(part.strip()) for line in lines.splitlines() for part in line.split(" | ")]
    return "(?:" + "|".join(part for part in parts if part) + ")"


@cache
def signals(stage: Literal["message", "passage"]) -> tuple[Signal, ...]:
    """The signals that count at a stage: an article may say more to its readers than a customer to the assistant."""
    content = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    groups: dict[str, str] = {}

    def compiled(pattern: str) -> re.Pattern[str]:
        return re.compile(_filled(pattern, groups), re.MULTILINE)

    for name, lines in content["words"].items():
        groups[name] = _group(_filled(lines, groups))
    others, about = compiled("|".join(content["others"])), compiled(content["about"])
    return tuple(
        Signal(
            name=entry["name"],
            family=entry["family"],
            weight=entry["weight"],
            own=entry.get("own", True),
            patterns=tuple(map(compiled, entry["patterns"])),
            others=others,
            about=about,
        )
        for entry in content["signals"]
        if stage in entry.get("stages", ["message"])
    )
