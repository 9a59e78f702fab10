import asyncio
import json
import sys
from datetime import datetime, timezone

import pytest
import sqlalchemy as sa
from rasa.core.brokers.sql import SQLEventBroker
from rasa.core.tracker_store import SQLTrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import BotUttered, SlotSet, UserUttered

from assistant.channels.addressbook import address_book, conversation_of
from assistant.privacy import __main__ as commands
from assistant.privacy.databases import EventTable
from assistant.privacy.keys import MasterKeys
from assistant.privacy.migration import migrate
from assistant.privacy.tracker_store import PrivateTrackerStore
from assistant.privacy.vault import ENTRIES, Vault, shared_vault

DOMAIN = Domain.from_yaml("slots: {postcode: {type: text, mappings: [{type: custom}]}}")
OTHER_KEY = "WldYWVpBQkNERUZHSElKS0xNTk9QUVJTVFVWVzIzNDU="
MARKED = (b"Markham", b"markham@", b"900321", b"ZE9 9QQ", b"4111", b"hunter2")
OLD, NEW = 1_700_000_000.0, 1_790_000_000.0


@pytest.fixture(autouse=True)
def var(environment, tmp_path):
    """A run-time folder as an assistant of before the vault has left it: two conversations, in clear."""
    environment.setenv("TANDEM_VAR", str(tmp_path))
    environment.setenv("ACTIONS_URL", "http://127.0.0.1:1")
    environment.setenv("ACTIONS_TOKEN", "token")
    broker = SQLEventBroker(db=str(tmp_path / "events.db"))
    store = SQLTrackerStore(DOMAIN, db=str(tmp_path / "tracker.db"), event_broker=broker)
    save(store, "old", *dialogue("Vera Markham", OLD))
    save(store, "new", *dialogue("Otto Markham", NEW))
    store.engine.dispose()
    broker.engine.dispose()
    opened = shared_vault()
    yield tmp_path
    opened.close()


def dialogue(name, at):
    return [
        UserUttered(f"my name is {name}, vera.markham@example.com, my card is 4111111111111111", timestamp=at),
        SlotSet("postcode", "ZE9 9QQ", timestamp=at + 1),
        UserUttered("my password is hunter2", timestamp=at + 2),
        BotUttered(f"{name}: ZE9 9QQ, 07700 900321", timestamp=at + 3),
    ]


def save(store, conversation, *events):
    async def scene():
        tracker = await store.get_or_create_full_tracker(conversation, append_action_listen=False)
        tracker.update_with_events(list(events), DOMAIN, override_timestamp=False)
        await store.save(tracker)

    asyncio.run(scene())


def load(var, conversation):
    store = PrivateTrackerStore(DOMAIN, db=str(var / "tracker.db"))
    tracker = asyncio.run(store.retrieve_full_tracker(conversation))
    store.engine.dispose()
    return tracker


def run(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["assistant.privacy", *arguments])
    with pytest.raises(SystemExit) as left:
        commands.main()
    output = capsys.readouterr()
    return left.value.code, json.loads(output.out) if output.out else output.err


@pytest.fixture
def command(environment, capsys):
    return lambda *arguments: run(environment, capsys, *arguments)


def marked(var):
    found = b"".join(file.read_bytes() for file in var.iterdir())
    return [word for word in MARKED if word in found]


def test_migrate_leaves_no_byte_and_changes_no_dialogue(command, var):
    assert marked(var) == list(MARKED)
    code, report = command("migrate")
    assert code == 0
    counts = {"conversations": 2, "events": 8, "rewritten": 8, "old_bytes_gone": True}
    assert report == {"tracker_store": counts, "event_stream": counts}
    assert marked(var) == []
    events = [e.as_dict() for e in load(var, "old").events]
    assert events[0]["text"] == "my name is Vera Markham, vera.markham@example.com, my card is [card number removed]"
    assert events[1]["value"] == "ZE9 9QQ"
    assert events[2]["text"] == "my password is [password removed]"
    assert events[3]["text"] == "Vera Markham: ZE9 9QQ, 07700 900321"


def test_migrate_again_changes_nothing(command, var):
    command("migrate")
    before = (var / "tracker.db").read_bytes()
    _, report = command("migrate")
    assert report["tracker_store"]["rewritten"] == report["event_stream"]["rewritten"] == 0
    assert (var / "tracker.db").read_bytes()[100:] == before[100:]  # but for the header's counters


def test_migrate_goes_on_where_it_was_stopped(command, var, monkeypatch):
    table, rewrite = EventTable(f"sqlite:///{var}/tracker.db"), EventTable.rewrite

    def stop_at_the_second(self, changed):
        monkeypatch.setattr(EventTable, "rewrite", stopped)
        rewrite(self, changed)

    def stopped(self, changed):
        raise KeyboardInterrupt

    monkeypatch.setattr(EventTable, "rewrite", stop_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        migrate(table, shared_vault())
    monkeypatch.setattr(EventTable, "rewrite", rewrite)
    table.close()
    _, report = command("migrate")
    assert report["tracker_store"]["rewritten"] == 4
    assert marked(var) == []


def test_rekey_takes_the_old_key_out_of_use(command, var, environment):
    command("migrate")
    key = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVoyMzQ1Njc="
    environment.setenv("TANDEM_VAULT_KEY", f"{OTHER_KEY},{key}")
    assert command("rekey") == (0, {"rewrapped": 2})
    environment.setenv("TANDEM_VAULT_KEY", OTHER_KEY)
    assert command("rekey") == (0, {"rewrapped": 0})
    code, report = command("check")
    assert code == 0 and report["conversations"] == 2 and report["values"] >= 8
    assert report["unreadable_conversations"] == [] and report["tokens_without_value"] == 0
    assert load(var, "old").get_slot("postcode") == "ZE9 9QQ"
    environment.setenv("TANDEM_VAULT_KEY", key)
    code, said = command("check")
    assert code == 2 and "TANDEM_VAULT_KEY is not the key" in said


def test_check_names_what_does_not_open(command, var):
    command("migrate")
    shared_vault().close()
    with shared_vault().engine.begin() as db:
        db.execute(sa.update(ENTRIES).where(ENTRIES.c.conversation == "old").values(ciphertext=b"changed" * 9))
    code, report = command("check")
    assert code == 1 and report["unreadable_conversations"] == ["old"]


def test_find_finds_a_person_however_the_value_is_written(command):
    command("migrate")
    assert command("find", "--value", "VERA.MARKHAM@example.com") == (0, {"conversations": ["new", "old"]})
    assert command("find", "--value", "+44 7700 900321")[1] == {"conversations": ["new", "old"]}
    assert command("find", "--value", "vera  markham")[1] == {"conversations": ["old"]}
    assert command("find", "--value", "nobody@example.com")[1] == {"conversations": []}


def test_find_knows_the_addresses_of_channels(command):
    conversation = conversation_of("sms", "+447700900999")
    address_book().remember(conversation, "+447700900999")
    assert command("find", "--value", "+447700900999")[1] == {"conversations": [conversation]}


def test_export_is_in_clear(command):
    command("migrate")
    _, report = command("export", "old")
    (exported,) = report["conversations"]
    assert exported["conversation"] == "old" and "ZE9 9QQ" in exported["values"]
    assert exported["events"][3]["text"] == "Vera Markham: ZE9 9QQ, 07700 900321"


def test_erase_leaves_nothing_of_one_conversation_and_all_of_another(command, var):
    command("migrate")
    code, report = command("erase", "old")
    assert code == 0
    assert {name: report[name] for name in ("conversations", "vault_keys", "tracker_events", "stream_events")} == {
        "conversations": 1, "vault_keys": 1, "tracker_events": 4, "stream_events": 4
    }  # fmt: skip
    assert report["vault_entries"] > 3 and report["old_bytes_gone"]
    assert load(var, "old") is None
    assert load(var, "new").get_slot("postcode") == "ZE9 9QQ"
    with shared_vault().engine.connect() as db:
        tokens = db.execute(sa.select(ENTRIES.c.token).where(ENTRIES.c.conversation == "new")).scalars().all()
    theirs = shared_vault().token("name", "Vera Markham")
    found = b"".join(file.read_bytes() for file in var.iterdir())
    assert theirs.encode() not in found and tokens[0].encode() in found
    assert command("erase", "old")[1]["tracker_events"] == 0


def test_erase_without_migration_leaves_no_byte_either(command, var):
    command("erase", "old", "new")
    assert marked(var) == []


def test_erase_takes_the_files_of_the_mail_channel(command, var):
    for box in ("inbox", "threads"):
        (var / "mail" / box).mkdir(parents=True)
        for name in ("old.1", ".old.2", "old-other.1", "new.1"):
            (var / "mail" / box / name).write_text("sealed")
    (var / "mail" / "lock").touch()
    assert command("erase", "old")[1]["mail_files"] == 4
    left = sorted(path.name for path in (var / "mail").rglob("*") if path.is_file())
    assert left == ["lock", "new.1", "new.1", "old-other.1", "old-other.1"]


def test_purge_deletes_what_ended_before_a_day(command, var):
    command("migrate")
    between = datetime.fromtimestamp((OLD + NEW) / 2, timezone.utc).date().isoformat()
    _, report = command("purge", "--before", between)
    assert report["conversations"] == 1 and report["tracker_events"] == 4
    assert load(var, "old") is None and load(var, "new") is not None
    assert command("purge", "--before", between)[1]["conversations"] == 0
    later = datetime.fromtimestamp(NEW + 86_400, timezone.utc).isoformat()
    _, report = command("purge", "--before", between, "--events-before", later)
    assert report["stream_events"] == 4 and load(var, "new") is not None


def test_a_dry_run_counts_what_purge_deletes(command):
    command("migrate")
    between = datetime.fromtimestamp((OLD + NEW) / 2, timezone.utc).date().isoformat()
    later = datetime.fromtimestamp(NEW + 86_400, timezone.utc).isoformat()
    given = ("purge", "--before", between, "--events-before", later)
    _, counted = command(*given, "--dry-run")
    _, done = command(*given)
    assert counted == {name: done[name] for name in counted}
    assert counted == {"conversations": 1, "tracker_events": 4, "stream_events": 8}
    assert set(command(*given, "--dry-run")[1].values()) == {0}


def test_the_number_of_an_erased_event_is_not_given_to_another(command, var):
    command("migrate")
    stream = sa.create_engine(f"sqlite:///{var}/events.db")
    with stream.connect() as db:
        newest = db.execute(sa.text("SELECT max(id) FROM events WHERE sender_id = 'new'")).scalar()
    assert command("erase", "new")[1]["stream_events"] == 4
    assert command("erase", "new")[1]["stream_events"] == 0
    with stream.begin() as db:
        db.execute(sa.text("INSERT INTO events (sender_id, data) VALUES ('next', '{}')"))
        assert db.execute(sa.text("SELECT id FROM events WHERE sender_id = 'next'")).scalar() == newest + 1
    stream.dispose()


def test_a_wrong_date_and_a_missing_key_are_clear(command, environment):
    assert command("purge", "--before", "yesterday")[0] == 2
    environment.setenv("TANDEM_VAULT_KEY", "nonsense")
    code, said = command("check")
    assert code == 2 and said.startswith("TANDEM_VAULT_KEY is not a key")
    environment.setenv("TANDEM_VAULT_KEY", OTHER_KEY)


def test_a_running_assistant_notices_an_erased_conversation(command, var):
    command("migrate")
    store = PrivateTrackerStore(DOMAIN, db=str(var / "tracker.db"))
    assert asyncio.run(store.retrieve("old")) is not None
    other = Vault(f"sqlite:///{var}/vault.db", MasterKeys.from_environment())  # as another process has it
    other.forget("old")
    other.close()
    assert "Markham" not in json.dumps([e.as_dict() for e in asyncio.run(store.retrieve("old")).events])
    store.engine.dispose()
