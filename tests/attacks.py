"""Keeps count of attacks on our own services, for the table in docs/security.md.

A test calls `attempt` for each thing it tried. `python -m tests.attacks` prints the table of what the last run of
`make attacks` recorded.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

RECORD = "TANDEM_ATTACKS"  # the file that attempts are appended to; nothing is recorded without it


def attempt(kind: str, what: str, blocked: bool) -> None:
    """Record one attempt and fail the test if it was not blocked.

    Args:
        kind: the row of the table, such as "IDOR".
        what: the attempt in a few words, without secrets.
        blocked: whether the attacker got nothing.
    """
    if file := os.environ.get(RECORD):
        line = json.dumps({"kind": kind, "what": what, "blocked": blocked}) + "\n"
        with Path(file).open("a", encoding="utf-8") as record:
            record.write(line)
    assert blocked, f"{kind}: {what} was not blocked"


def table(lines: list[str]) -> str:
    """The attempts by kind as a Markdown table."""
    attempts = [json.loads(line) for line in lines]
    tried, blocked = Counter(a["kind"] for a in attempts), Counter(a["kind"] for a in attempts if a["blocked"])
    rows = [f"| {kind} | {tried[kind]} | {blocked[kind]} |" for kind in sorted(tried)]
    total = f"| all | {tried.total()} | {blocked.total()} |"
    return "\n".join(["| attack | attempts | blocked |", "|---|---|---|", *rows, total])


if __name__ == "__main__":
    print(table(Path(os.environ[RECORD]).read_text(encoding="utf-8").splitlines()))
