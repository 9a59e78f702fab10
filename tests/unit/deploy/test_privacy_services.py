"""Export, erasure and retention with the three services' own commands on their own stores, beside a running desk.

What the assistant has stored is written by its tracker store and broker; Rasa's server itself is not needed.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import time
import zipfile
from datetime import datetime, timedelta, timezone

import httpx
import pytest
from rasa.core.brokers.sql import SQLEventBroker
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import BotUttered, SlotSet, UserUttered

from assistant.privacy.tracker_store import PrivateTrackerStore
from assistant.privacy.vault import shared_vault
from deploy.local.environment import ROOT
from deploy.local.stack import Stack

ACCOUNT, ON_FILE = "NA936105", ["Grace Lambert", "grace@example.com", "0191 498 0123", "40 Bridge Road"]
NAME, EMAIL, PHONE = "Zebedee Markworth", "zebedee.markworth@example.org", "07700 900888"
THEIRS, OLDER, OTHERS = "webchat-marked", "sms-marked", "webchat-other"
DOMAIN = Domain.from_yaml("slots: {email: {type: text, mappings: [{type: custom}]}}")
SEED = (
    "from actions.backends.schema import upgrade; from actions.backends.seed import seed; from actions import settings;"
    " upgrade(settings.backend_url()); seed()"
)


@pytest.fixture
def stack(tmp_path, monkeypatch):
    """The stores of all services as conversations have left them, and a desk that runs."""
    stack = Stack(tmp_path / "var")
    for name, value in stack.env.items():
        monkeypatch.setenv(name, value)
    seeded = subprocess.run([ROOT / "actions/.venv/bin/python", "-c", SEED], cwd=ROOT, env=stack.env, timeout=120)
    assert seeded.returncode == 0
    now = time.time()
    remember(stack, OLDER, now - 60, UserUttered(f"please call {PHONE}, this is {ON_FILE[1]}", timestamp=now - 60))
    remember(
        stack,
        THEIRS,
        now,
        UserUttered(f"my name is {NAME}, my email is {EMAIL}, account {ACCOUNT}", timestamp=now),
        SlotSet("email", EMAIL, timestamp=now + 0.1),
        BotUttered(f"Thank you, {NAME}.", timestamp=now + 0.2),
    )
    remember(stack, OTHERS, now, UserUttered("where is order NO482136?", timestamp=now))
    prove(stack, THEIRS)
    stack.start("desk")
    yield stack
    stack.stop("desk")
    stack.http.close()
    shared_vault().close()


def remember(stack, conversation, at, *events):
    """Store events as the assistant does."""

    async def save():
        broker = SQLEventBroker(db=str(stack.var / "events.db"))
        store = PrivateTrackerStore(DOMAIN, db=str(stack.var / "tracker.db"), event_broker=broker)
        tracker = await store.get_or_create_tracker(conversation, append_action_listen=False)
        tracker.update_with_events(list(events), DOMAIN, override_timestamp=False)
        await store.save(tracker)
        store.engine.dispose()
        broker.engine.dispose()

    asyncio.run(save())


def prove(stack, conversation):
    """Somebody has verified the account in the conversation."""
    with sqlite3.connect(stack.var / "backend.db") as backend:
        row = (conversation, f"account:{ACCOUNT}", 2, "2026-01-01 00:00:00", "2099-01-01 00:00:00", "")
        backend.execute("INSERT INTO assurance VALUES (?, ?, ?, ?, ?, ?)", row)


def privacy(stack, *arguments):
    argv = [sys.executable, "-m", "deploy.local.privacy", *arguments]
    return subprocess.run(argv, cwd=ROOT, env={**os.environ, **stack.env}, capture_output=True, text=True, timeout=300)


def holding(var, *marks):
    files = [path for path in var.rglob("*") if path.is_file()]
    return [
        f"{path.name}: {mark}" for path in files for mark in marks if mark.lower().encode() in path.read_bytes().lower()
    ]


def at_the_desk(stack, count):
    """Wait until the desk has read this many messages."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with sqlite3.connect(stack.var / "desk.db") as desk:
            if desk.execute("SELECT count(*) FROM messages").fetchone()[0] >= count:
                return
        time.sleep(0.1)
    raise AssertionError("the desk has not read the events")


def test_a_person_is_exported_and_erased_from_all_services(stack, tmp_path):
    at_the_desk(stack, 4)
    assert holding(stack.var, NAME, EMAIL, PHONE) == []  # tokens everywhere already
    to = tmp_path / "person.zip"
    done = privacy(stack, "export", ACCOUNT, "--to", str(to))
    assert done.returncode == 0, done.stdout + done.stderr
    with zipfile.ZipFile(to) as archive:
        account = json.loads(archive.read("account.json"))
        told = "".join(archive.read(name).decode() for name in archive.namelist() if name.startswith("conversations/"))
    assert account["contacts"][0]["name"] == ON_FILE[0] and account["invoices"]
    assert f"my name is {NAME}, my email is {EMAIL}" in told and f"Thank you, {NAME}." in told
    assert f"please call {PHONE}" in told  # found by the address on file
    assert "NO482136" not in told

    done = privacy(stack, "erase", ACCOUNT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing of the person is left" in done.stdout
    assert holding(stack.var, *ON_FILE, ACCOUNT, THEIRS, OLDER, NAME, EMAIL, PHONE) == []
    for name in ("tracker.db", "events.db"):
        with sqlite3.connect(stack.var / name) as database:
            assert database.execute("SELECT count(*) FROM events WHERE sender_id = ?", (OTHERS,)).fetchone()[0] > 0
    with sqlite3.connect(stack.var / "vault.db") as vault:
        assert vault.execute("SELECT count(*) FROM keys WHERE conversation != ?", (OTHERS,)).fetchone() == (0,)

    again = privacy(stack, "erase", THEIRS)
    assert again.returncode == 0, again.stdout + again.stderr
    assert httpx.get(f"{stack.env['DESK_URL']}/health", trust_env=False).status_code == 200
    remember(stack, THEIRS, time.time(), UserUttered("hello again", timestamp=time.time()))
    at_the_desk(stack, 2)  # the stream is read on: no event is lost after the erasure


def test_an_erasure_without_the_desk_is_finished_by_the_next(stack):
    at_the_desk(stack, 4)
    env, stack.env = stack.env, {**stack.env, "DESK_DATABASE_URL": f"sqlite+aiosqlite:///{stack.var}"}
    done = privacy(stack, "erase", ACCOUNT)
    assert done.returncode == 1 and "LEFT TO DO: The desk has erased nothing" in done.stdout, done.stdout
    assert ON_FILE[0] not in done.stdout and "still holds" in done.stdout
    stack.env = env
    done = privacy(stack, "erase", ACCOUNT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert holding(stack.var, *ON_FILE, ACCOUNT, THEIRS) == []


def test_retention_reaches_all_services(stack):
    at_the_desk(stack, 4)
    old = (datetime.now(timezone.utc) - timedelta(days=400)).timestamp()
    with sqlite3.connect(stack.var / "tracker.db") as tracker:
        tracker.execute("UPDATE events SET timestamp = ? WHERE sender_id = ?", (old, OLDER))
    with sqlite3.connect(stack.var / "desk.db") as desk:
        desk.execute(
            "UPDATE conversations SET last_activity = '2020-01-01 00:00:00.000000' WHERE sender_id = ?", (OLDER,)
        )
    counted = privacy(stack, "retention", "--dry-run", "--json")
    assert counted.returncode == 0, counted.stderr
    done = privacy(stack, "retention", "--json")
    assert done.returncode == 0, done.stderr
    stores = {(line["store"], line["kind"]) for line in json.loads(done.stdout)["lines"]}
    assert {("tracker.db", "events of conversations"), ("desk.db", "messages")} <= stores
    assert {(line["store"], line["kind"]) for line in json.loads(counted.stdout)["lines"]} <= stores
    assert holding(stack.var, OLDER) == []
    assert holding(stack.var, THEIRS)
