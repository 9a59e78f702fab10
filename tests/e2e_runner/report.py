"""What a run has shown: a table of skills and behaviours, and what of the domain the cases touched."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e_runner.domain import NO_INTENT, Domain
from tests.e2e_runner.model import BEHAVIOURS

UNTAGGED = "no tag"
IGNORED_INTENTS = frozenset({"session_start", "restart", "back"})


@dataclass
class Results:
    """Collects the outcome of each case."""

    rows: list[tuple[str, tuple[str, ...], bool]] = field(default_factory=list)

    def add(self, skill: str, tags: tuple[str, ...], passed: bool) -> None:
        """Count one case."""
        self.rows.append((skill, tags or (UNTAGGED,), passed))

    def table(self) -> list[str]:
        """Lines with passed and all cases by skill and behaviour; a case counts once in `all`."""
        used = {tag for _, tags, _ in self.rows for tag in tags}
        columns = [tag for tag in (*BEHAVIOURS, UNTAGGED) if tag in used]
        skills = sorted({skill for skill, _, _ in self.rows})
        table = [["", *columns, "all"]]
        for skill in (*skills, "all"):
            rows = [row for row in self.rows if skill in (row[0], "all")]
            cells = [_share([row for row in rows if tag in row[1]]) for tag in columns]
            table.append([skill, *cells, _share(rows)])
        widths = [max(len(line[i]) for line in table) for i in range(len(table[0]))]
        return [
            "  ".join([line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))])
            for line in table
        ]


def _share(rows: list[tuple[str, tuple[str, ...], bool]]) -> str:
    return f"{sum(row[2] for row in rows)}/{len(rows)}" if rows else "-"


@dataclass
class Coverage:
    """What the cases' trackers hold of a domain's names."""

    domain: Domain
    intents: set[str] = field(default_factory=set)
    actions: set[str] = field(default_factory=set)
    responses: set[str] = field(default_factory=set)

    def add(self, tracker: dict[str, Any]) -> None:
        """Count the events of one conversation."""
        for event in tracker["events"]:
            kind = event.get("event")
            if kind == "user":
                self.intents.add(((event.get("parse_data") or {}).get("intent") or {}).get("name") or NO_INTENT)
            elif kind in ("action", "action_execution_rejected"):
                self.actions.add(event.get("name") or "")
            elif kind == "bot":
                self.responses.add((event.get("metadata") or {}).get("utter_action") or "")

    def summary(self) -> dict[str, dict[str, Any]]:
        """For intents, actions and responses: how many the domain has, how many ran, and which never did."""
        responses = self.responses | {name for name in self.actions if name in self.domain.responses}
        found = {
            "intents": (self.domain.intents - IGNORED_INTENTS, self.intents),
            "actions": (self.domain.actions, self.actions),
            "responses": (frozenset(self.domain.responses), responses),
        }
        return {
            kind: {"all": len(names), "touched": len(names & ran), "untouched": sorted(names - ran)}
            for kind, (names, ran) in found.items()
        }

    def write(self, path: Path) -> str:
        """Write the summary as JSON; returns it as one line."""
        found = self.summary()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        counts = ", ".join(f"{part['touched']} of {part['all']} {kind}" for kind, part in found.items())
        return f"The cases touched {counts}; the rest is in {path}."
