"""What the protection of personal data costs in a turn, beside Rasa's own SQL tracker store and event broker.

Run from the root: `.venv/bin/python -m benchmarks.privacy`. A turn is what Rasa does with its store for one message:
load the tracker, add the turn's events, save them; NLU, policies and actions are left out, so the ratio of a whole turn
is much nearer to 1. Both stores run turn by turn in the same process, on SQLite, and are told the same. Prints a
Markdown table.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import secrets
import statistics
import tempfile
import time
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

from rasa.core.brokers.sql import SQLEventBroker
from rasa.core.tracker_store import SQLTrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, BotUttered, Event, SlotSet, UserUttered

from assistant.privacy import redactor
from assistant.privacy.broker import PrivateEventBroker
from assistant.privacy.tracker_store import PrivateTrackerStore

ROOT = Path(__file__).parents[1]
HISTORIES = (0, 50, 200)  # turns that the conversation had before


def turn(number: int, personal: bool) -> list[Event]:
    """The events of one turn; a personal one brings an e-mail address that was not there before."""
    text = f"my email is person{number}@example.com" if personal else f"is order NO{100_000 + number} on its way?"
    ranking = [{"name": f"intent_{rank}", "confidence": 1 / (rank + 2)} for rank in range(10)]
    parsed: dict[str, Any] = {"intent": ranking[0], "entities": [], "intent_ranking": ranking, "text": text}
    answer = f"Thank you. You wrote: {text} I'll look at it now and tell you what I find."
    return [
        UserUttered(text, ranking[0], [], parsed, input_channel="rest"),
        ActionExecuted("order_form", policy="RulePolicy", confidence=1.0),
        SlotSet("order_number", f"NO{100_000 + number}"),
        SlotSet("message_text", text),
        SlotSet("requested_slot", "postcode"),
        BotUttered(answer, {"buttons": [{"title": "Yes", "payload": "/affirm"}]}, {"utter_action": "utter_x"}),
        ActionExecuted("action_listen", policy="RulePolicy", confidence=1.0),
    ]


async def one_turn(store: SQLTrackerStore, conversation: str, events: list[Event]) -> float:
    """Milliseconds of a turn's work with the store."""
    start = time.perf_counter()
    tracker = await store.get_or_create_tracker(conversation)
    for event in events:
        tracker.update(event)
    await store.save(tracker)
    return (time.perf_counter() - start) * 1000


async def measure(stores: dict[str, SQLTrackerStore], turns: int) -> list[list[str]]:
    """Rows of the table: history, kind of turn, medians, ratio."""
    rows = []
    for history in HISTORIES:
        for personal in (False, True):
            conversation = f"{history}-{personal}"
            for store in stores.values():
                tracker = await store.get_or_create_tracker(conversation)
                for number in range(history):
                    for event in turn(number, personal=number % 10 == 0):
                        tracker.update(event)
                await store.save(tracker)
            times: dict[str, list[float]] = {name: [] for name in stores}
            # Conversations of about this length: few turns are added, alternately to both stores.
            for number in range(history, history + turns):
                for name, store in stores.items():
                    times[name].append(await one_turn(store, conversation, turn(number, personal)))
            own, ours = (statistics.median(times[name]) for name in ("Rasa's", "private"))
            kind = "with a new value" if personal else "without personal data"
            rows.append([str(history), kind, f"{own:.1f}", f"{ours:.1f}", f"{ours / own:.2f}"])
    return rows


def redactions(folder: Path) -> float:
    """Microseconds for a message, over the NLU's examples."""
    lines = [line.strip(" -\n") for file in folder.glob("data/*/nlu.yml") for line in file.read_text().splitlines()]
    start = time.perf_counter()
    for line in lines:
        redactor.redact(line)
    return (time.perf_counter() - start) / len(lines) * 1_000_000


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=20, help="measured turns for each row")
    arguments = parser.parse_args()
    domain = Domain.load(str(ROOT / "domain.yml"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["TANDEM_VAR"] = name
        os.environ["TANDEM_VAULT_KEY"] = urlsafe_b64encode(secrets.token_bytes(32)).decode()
        plain = SQLEventBroker(db=str(folder / "events.db"))
        hidden = PrivateEventBroker(SQLEventBroker(db=str(folder / "private-events.db")))
        stores = {
            "Rasa's": SQLTrackerStore(domain, db=str(folder / "tracker.db"), event_broker=plain),
            "private": PrivateTrackerStore(domain, db=str(folder / "private.db"), event_broker=hidden),
        }
        rows = asyncio.run(measure(stores, arguments.turns))
        sizes = [(folder / f).stat().st_size / 1024 for f in ("tracker.db", "private.db", "vault.db")]
    print("| turns before | turn | Rasa's, ms | private, ms | ratio |\n|---|---|---|---|---|")
    print("\n".join(f"| {' | '.join(row)} |" for row in rows))
    print(f"\nRedacting a message: {redactions(ROOT):.0f} µs.")
    print("Size on disk, KB (Rasa's, private, vault): " + ", ".join(f"{size:.0f}" for size in sizes) + ".")
    print(json.dumps({"python": platform.python_version(), "cores": os.cpu_count(), "load": os.getloadavg()[0]}))


if __name__ == "__main__":
    main()
