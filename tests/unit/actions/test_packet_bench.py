"""`python -m benchmarks.packets` on packets in JSON lines and in a database of events."""

import json
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import knowledge_fixtures
import pytest
from chat_events import random_chat, user
from rasa_sdk import Tracker

from actions import assurance
from actions.backends.protocols import Identity
from actions.packet import build_packet

articles = knowledge_fixtures.articles
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def packets(articles: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Packets of conversations that were drawn at random, each with its events."""
    monkeypatch.setattr(assurance, "current", lambda conversation_id: Identity(conversation_id=conversation_id))
    made = []
    for seed in range(4):
        events = [*random_chat(seed), user("a person please", "request_human")]
        message = {"text": "a person please", **events[-1]["parse_data"]}
        state = {"sender_id": f"c{seed}", "slots": {}, "latest_message": message, "events": events}
        packet = build_packet(Tracker.from_dict(state), "customer_asked")
        made.append((packet | {"told": "Somebody is coming."}, events))
    return made


def bench(source: Path | str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.packets", str(source), *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
    )


def test_complete_packets_in_a_database_and_poor_ones_in_a_file(
    packets: list[tuple[dict[str, Any], list[dict[str, Any]]]], tmp_path: Path
) -> None:
    database = tmp_path / "events.db"
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, sender_id TEXT, data TEXT)")
        for packet, events in packets:
            handoff = {"event": "slot", "name": "handoff", "value": packet}
            for event in (*events, handoff, {"event": "session_started"}, handoff):
                row = (packet["transcript"]["conversation"], json.dumps(event))
                connection.execute("INSERT INTO events (sender_id, data) VALUES (?, ?)", row)
    done = bench(database)
    sentences = sum(len(packet["summary"]) for packet, _ in packets)
    assert done.stdout.splitlines()[-1] == f"| all | 4 | 4 | 100.0 % | {sentences} | 0 |", done.stderr
    assert done.returncode == 0

    packet, events = packets[0]
    poor = packet | {"told": "", "summary": [*packet["summary"], {"text": "The fee is £99.", "turns": [1]}]}
    file = tmp_path / "packets.jsonl"
    file.write_text(json.dumps({"case": "x", "packet": poor, "events": events}) + "\n", encoding="utf-8")
    done = bench(file, "--show")
    assert f"| customer asked | 1 | 1 | 96.3 % | {len(poor['summary'])} | 1 |" in done.stdout, done.stderr
    assert "Not filled: told (1)" in done.stdout and "- The fee is £99." in done.stdout
    assert done.returncode == 1


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    done = bench(tmp_path / "none.jsonl")
    assert done.returncode == 2 and "cannot be read" in done.stderr
