"""The handoff packets of the cases, one JSON object a line: what `make bench-packets` reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


class Packets:
    """Appends each packet with the conversation before it to a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)

    def add(self, case: str, tracker: dict[str, Any]) -> None:
        """Keep the packets of one conversation: {case, conversation, packet, events}, the events up to the packet."""
        events = tracker["events"]
        with self.path.open("a", encoding="utf-8") as file:
            for place, event in enumerate(events):
                if event.get("event") == "slot" and event.get("name") == "handoff" and event.get("value"):
                    line = {
                        "case": case,
                        "conversation": tracker.get("sender_id"),
                        "packet": event["value"],
                        "events": events[:place],
                    }
                    file.write(json.dumps(line, ensure_ascii=False) + "\n")
