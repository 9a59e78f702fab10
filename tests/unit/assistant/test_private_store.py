import asyncio
import json
import sqlite3
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from rasa.core.brokers.broker import EventBroker
from rasa.core.tracker_store import FailSafeTrackerStore, TrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    ActionExecuted,
    BotUttered,
    SessionStarted,
    SlotSet,
    UserUttered,
)
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig, read_endpoint_config

from assistant.privacy.broker import BrokerSettingsError, PrivateEventBroker
from assistant.privacy.keys import Unreadable, VaultError
from assistant.privacy.tracker_store import PrivateTrackerStore
from assistant.privacy.vault import ENTRIES, shared_vault
from assistant.stores import ConversationStoreError, without_fallback

DOMAIN = Domain.from_yaml(
    """
    intents: [inform]
    entities: [PERSON]
    slots:
      postcode: {type: text, mappings: [{type: custom}]}
      code: {type: text, mappings: [{type: custom}]}
      handoff: {type: any, mappings: [{type: custom}]}
      requested_slot: {type: any, mappings: [{type: custom}]}
    """
)
OTHER_KEY = "WldYWVpBQkNERUZHSElKS0xNTk9QUVJTVFVWVzIzNDU="
MARKED = (b"Markham", b"markham", b"900321", b"ZE9 9QQ", b"4111", b"482915", b"hunter2")


@pytest.fixture(autouse=True)
def var(environment, tmp_path):
    environment.setenv("TANDEM_VAR", str(tmp_path))
    environment.setenv("ACTIONS_URL", "http://127.0.0.1:1")
    environment.setenv("ACTIONS_TOKEN", "token")
    opened = shared_vault()
    yield tmp_path
    opened.close()


@pytest.fixture
def broker(tmp_path):
    settings = {"inner": {"type": "SQL", "dialect": "sqlite", "db": str(tmp_path / "events.db")}}
    endpoint = EndpointConfig(type="assistant.privacy.broker.PrivateEventBroker", **settings)
    made = asyncio.run(EventBroker.create(endpoint))
    assert isinstance(made, PrivateEventBroker)
    yield made
    made._inner.engine.dispose()


@pytest.fixture
def store(tmp_path, broker):
    endpoint = EndpointConfig(
        type="assistant.privacy.tracker_store.PrivateTrackerStore",
        dialect="sqlite",
        db=str(tmp_path / "tracker.db"),
        query={"timeout": "1"},
    )
    made = TrackerStore.create(endpoint, DOMAIN, broker)
    assert isinstance(made, PrivateTrackerStore)
    yield made
    made.engine.dispose()


def said(text, *entities):
    return UserUttered(text, {"name": "inform", "confidence": 1.0}, list(entities), input_channel="rest")


def save(store, *events, conversation="c"):
    async def scene():
        tracker = await store.get_or_create_full_tracker(conversation, append_action_listen=False)
        tracker.update_with_events(list(events), DOMAIN)
        await store.save(tracker)
        return tracker

    return asyncio.run(scene())


def dialogue():
    person = {"entity": "PERSON", "value": "Vera Markham", "start": 0, "end": 12}
    return [
        SessionStarted(),
        said("Vera Markham, vera.markham@example.com, 07700 900321", person),
        SlotSet("postcode", "ZE9 9QQ"),
        SlotSet("handoff", {"summary": [{"text": "Vera Markham wrote"}], "turns": [1]}),
        BotUttered("Hello Vera, is it ZE9 9QQ?", {"buttons": [{"title": "07700 900321", "payload": "/x"}]}),
        SlotSet("requested_slot", "code"),
        said("482915"),
        SlotSet("code", None),
        SlotSet("requested_slot", None),
        ActionExecuted("action_listen"),
    ]


def events_of(tracker):
    return [event.as_dict() for event in tracker.events]


def bytes_of(folder):
    return b"".join(file.read_bytes() for file in folder.iterdir())


def test_a_dialogue_comes_back_as_it_was_but_for_its_code(store):
    before = save(store, *dialogue())
    after = asyncio.run(store.retrieve("c"))
    expected = json.loads(json.dumps(events_of(before)).replace("482915", "[code removed]"))
    assert events_of(after) == expected
    assert after.get_slot("postcode") == "ZE9 9QQ" and after.get_slot("code") is None
    assert len(after.as_dialogue().events) == len(before.events)
    assert events_of(asyncio.run(store.retrieve_full_tracker("c"))) == expected


def test_no_byte_of_it_is_in_any_database(store, var):
    save(store, *dialogue())
    found = bytes_of(var)
    assert b"inform" in found and b"[[name:" in found
    assert [word for word in MARKED if word in found] == []


def test_the_broker_publishes_what_is_stored(store, var):
    save(store, *dialogue())
    with sqlite3.connect(var / "events.db") as events, sqlite3.connect(var / "tracker.db") as tracker:
        published = [json.loads(data) for (data,) in events.execute("SELECT data FROM events ORDER BY id")]
        stored = [json.loads(data) for (data,) in tracker.execute("SELECT data FROM events ORDER BY id")]
        intents = tracker.execute("SELECT intent_name FROM events WHERE type_name = 'user'").fetchall()
    assert published == [{"sender_id": "c", **event} for event in stored]
    assert intents == [("inform",), ("inform",)]


def test_what_is_stored_is_neither_written_nor_looked_at_again(store, monkeypatch):
    save(store, *dialogue())
    seen = []
    protect = store._protector.protect
    monkeypatch.setattr(store._protector, "protect", lambda *args: seen.append(len(args[1])) or protect(*args))
    save(store, BotUttered("more"))
    assert seen == [1]
    assert len(asyncio.run(store.retrieve("c")).events) == len(dialogue()) + 1


def test_the_question_for_a_code_is_known_in_the_next_turn(store, var):
    save(store, SlotSet("requested_slot", "code"))
    save(store, said("it's 482 915"))
    assert b"482 915" not in bytes_of(var)
    assert asyncio.run(store.retrieve("c")).latest_message.text == "it's [code removed]"


def test_a_new_session_begins_and_the_old_one_stays_readable(store):
    save(store, *dialogue())
    again = SessionStarted()
    save(store, again, SlotSet("postcode", "ZE9 9QQ"), said("me again, Vera Markham"))
    latest = asyncio.run(store.retrieve("c"))
    assert [event.type_name for event in latest.events] == ["session_started", "slot", "user"]
    assert latest.latest_message.text == "me again, Vera Markham"
    full = asyncio.run(store.retrieve_full_tracker("c"))
    assert len(full.events) == len(dialogue()) + 3
    assert full.get_slot("postcode") == "ZE9 9QQ"


def test_another_process_reads_what_this_one_wrote(store, var):
    save(store, *dialogue())
    shared_vault().close()  # forgets what it has decrypted
    assert asyncio.run(store.retrieve("c")).get_slot("postcode") == "ZE9 9QQ"


def test_a_conversation_that_nobody_knows_is_none(store):
    assert asyncio.run(store.retrieve("nobody")) is None
    assert not asyncio.run(store.exists("nobody"))


def test_an_erased_key_leaves_a_conversation_that_says_nothing_of_anyone(store):
    save(store, *dialogue())
    shared_vault().forget("c")
    tracker = asyncio.run(store.retrieve("c"))
    assert "Markham" not in json.dumps(events_of(tracker)) and len(tracker.events) == len(dialogue())
    save(store, said("I'm Vera Markham"))
    assert asyncio.run(store.retrieve("c")).latest_message.text == "I'm Vera Markham"


def test_a_wrong_key_stops_the_start_with_a_clear_error(store, environment, var):
    save(store, *dialogue())
    environment.setenv("TANDEM_VAULT_KEY", OTHER_KEY)
    with pytest.raises(Unreadable, match="TANDEM_VAULT_KEY is not the key"):
        TrackerStore.create(EndpointConfig(type="assistant.privacy.tracker_store.PrivateTrackerStore"), DOMAIN)
    environment.delenv("TANDEM_VAULT_KEY")
    with pytest.raises(VaultError, match="TANDEM_VAULT_KEY is not set"):
        TrackerStore.create(EndpointConfig(type="assistant.privacy.tracker_store.PrivateTrackerStore"), DOMAIN)


def test_a_changed_blob_is_an_error_that_the_guard_sees(store):
    save(store, *dialogue())
    shared_vault().close()
    with shared_vault().engine.begin() as db:
        db.execute(sa.update(ENTRIES).values(ciphertext=b"changed" * 9))
    safe = FailSafeTrackerStore(store)
    without_fallback(SimpleNamespace(tracker_store=safe))
    with pytest.raises(ConversationStoreError, match="Unreadable"):
        asyncio.run(safe.retrieve("c"))
    with pytest.raises(ConversationStoreError, match="Unreadable"):
        save(safe, said("hello"))


def test_a_locked_database_is_an_error_and_nothing_is_lost(store, var):
    save(store, *dialogue())
    safe = FailSafeTrackerStore(store)
    without_fallback(SimpleNamespace(tracker_store=safe))
    with sqlite3.connect(var / "tracker.db", isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(ConversationStoreError):
            asyncio.run(safe.retrieve("c"))
        other.execute("ROLLBACK")
    assert asyncio.run(safe.retrieve("c")).get_slot("postcode") == "ZE9 9QQ"


def test_the_broker_protects_what_did_not_come_from_our_store(broker, var):
    broker.publish({"sender_id": "other", **said("I'm Vera Markham, vera.markham@example.com").as_dict()})
    assert not any(word in bytes_of(var) for word in MARKED)
    assert broker.is_ready()
    asyncio.run(broker.close())


def test_a_broker_without_an_inner_one_is_a_clear_error():
    with pytest.raises(BrokerSettingsError, match="`inner` block"):
        asyncio.run(EventBroker.create(EndpointConfig(type="assistant.privacy.broker.PrivateEventBroker")))


def test_endpoints_yml_uses_both(environment, var):
    store = read_endpoint_config("endpoints.yml", endpoint_type="tracker_store")
    broker = read_endpoint_config("endpoints.yml", endpoint_type="event_broker")
    made = asyncio.run(EventBroker.create(broker))
    tracker_store = TrackerStore.create(store, DOMAIN, made)
    save(tracker_store, *dialogue())
    assert {file.name for file in var.iterdir()} >= {"tracker.db", "events.db", "vault.db"}
    assert isinstance(asyncio.run(tracker_store.retrieve("c")), DialogueStateTracker)
    tracker_store.engine.dispose()
    made._inner.engine.dispose()
