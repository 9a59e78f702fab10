"""How complete handoff packets are: `python -m benchmarks.packets FILE`.

FILE is what `pytest tests/e2e --packets FILE` has written (JSON lines), or a database with Rasa's table of events: a
tracker store's or an event broker's (a SQLite file or a SQLAlchemy URL). Prints a Markdown table for each reason:
packets, those that the schema accepts, required fields that are filled, and summary sentences, each of which is checked
against the turns that it names.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import column, create_engine, select, table
from sqlalchemy.exc import SQLAlchemyError

from actions.copilot import summary
from actions.packet_schema import SCHEMA, problems
from actions.policy.rules import PolicyError
from actions.server import SKILLS

Record = tuple[dict[str, Any], list[dict[str, Any]]]
"""A packet, and the events before it."""


@dataclass
class Count:
    """What was found in the packets of one reason."""

    packets: int = 0
    valid: int = 0
    fields: int = 0
    filled: int = 0
    sentences: int = 0
    unsupported: list[str] = field(default_factory=list)
    lacking: dict[str, int] = field(default_factory=dict)

    def add(self, packet: dict[str, Any], events: list[dict[str, Any]]) -> None:
        """Count one packet. Raises PolicyError."""
        self.packets += 1
        self.valid += not problems(packet)
        missing = [
            name
            for name in SCHEMA["required"]
            if name not in packet or (name in SCHEMA["x-filled"] and not packet[name])
        ]
        self.fields += len(SCHEMA["required"])
        self.filled += len(SCHEMA["required"]) - len(missing)
        for name in missing:
            self.lacking[name] = self.lacking.get(name, 0) + 1
        read = summary.as_read(events)
        told = packet.get("summary")
        for sentence in told if isinstance(told, list) else [{"text": str(told), "turns": []}]:
            self.sentences += 1
            if not summary.supported(sentence, read):
                self.unsupported.append(str(sentence["text"]))

    def row(self, name: str) -> str:
        """A line of the table."""
        share = f"{100 * self.filled / self.fields:.1f} %" if self.fields else ""
        cells = [name, self.packets, self.valid, share, self.sentences, len(self.unsupported)]
        return f"| {' | '.join(map(str, cells))} |"


def records(source: str) -> Iterator[Record]:
    """Each packet once, with the events before it. Raises OSError, ValueError, SQLAlchemyError."""
    seen: set[str] = set()
    for packet, events in _lines(Path(source)) if source.endswith((".jsonl", ".json")) else _database(source):
        key = str(packet.get("id") or packet)
        if key not in seen:
            seen.add(key)
            yield packet, events


def _lines(path: Path) -> Iterator[Record]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            found = json.loads(line)
            yield found["packet"], found["events"]


def _database(source: str) -> Iterator[Record]:
    url = source if "://" in source else f"sqlite:///{Path(source).resolve(strict=True)}"
    rows = table("events", column("id"), column("sender_id"), column("data"))
    conversations: dict[str, list[dict[str, Any]]] = {}
    with create_engine(url).connect() as connection:
        for row in connection.execute(select(rows).order_by(rows.c.id)):
            event = json.loads(row.data)
            before = conversations.setdefault(row.sender_id, [])
            if event.get("event") == "slot" and event.get("name") == "handoff" and event.get("value"):
                yield event["value"], list(before)
            before.append(event)


def main() -> int:
    """Print the table; 0 when every packet is valid and complete and every sentence supported, 1 when not."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.packets", description=__doc__.splitlines()[0])
    parser.add_argument("source", metavar="FILE", help="JSON lines, a SQLite file, or a database's URL")
    parser.add_argument("--show", action="store_true", help="print the sentences that nothing supports")
    given = parser.parse_args()
    for name in SKILLS:  # what a task wants and is called is known once it is loaded
        importlib.import_module(name)
    counts: dict[str, Count] = {}
    total = Count()
    try:
        for packet, events in records(given.source):
            for count in (total, counts.setdefault(str(packet.get("reason")), Count())):
                count.add(packet, events)
    except (OSError, ValueError, KeyError, SQLAlchemyError, PolicyError) as error:
        print(f"The packets in {given.source} cannot be read: {error}", file=sys.stderr)
        return 2
    print("| reason | packets | valid | required fields | summary sentences | unsupported |")
    print("|---|---|---|---|---|---|")
    for name, count in sorted(counts.items()):
        print(count.row(name.replace("_", " ")))
    print(total.row("all"))
    if total.lacking:
        print("\nNot filled: " + ", ".join(f"{name} ({n})" for name, n in sorted(total.lacking.items())))
    if given.show and total.unsupported:
        print("\nUnsupported:\n" + "\n".join(f"- {text}" for text in total.unsupported))
    return 0 if total.valid == total.packets and total.filled == total.fields and not total.unsupported else 1


if __name__ == "__main__":
    sys.exit(main())
