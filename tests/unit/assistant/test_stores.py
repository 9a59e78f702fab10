import asyncio
import sqlite3
from types import SimpleNamespace

import pytest
from rasa.core.tracker_store import FailSafeTrackerStore, SQLTrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import SlotSet, UserUttered

from assistant.stores import ConversationStoreError, without_fallback

DOMAIN = Domain.from_yaml("slots: {owner: {type: text, mappings: [{type: custom}]}}")


@pytest.fixture
def store(tmp_path):
    sql = SQLTrackerStore(DOMAIN, db=str(tmp_path / "tracker.db"), query={"timeout": "0.1"})
    safe = FailSafeTrackerStore(sql)
    without_fallback(SimpleNamespace(tracker_store=safe))
    yield safe
    sql.engine.dispose()


def save(store, *events):
    async def scene():
        tracker = await store.get_or_create_tracker("c")
        tracker.update_with_events(list(events), DOMAIN)
        await store.save(tracker)

    asyncio.run(scene())


def test_a_locked_database_is_an_error_and_loses_nothing(store, tmp_path):
    save(store, SlotSet("owner", "agent"))
    with sqlite3.connect(tmp_path / "tracker.db", isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(ConversationStoreError):
            asyncio.run(store.get_or_create_tracker("c"))
        other.execute("ROLLBACK")
    assert asyncio.run(store.retrieve("c")).get_slot("owner") == "agent"


def test_what_cannot_be_stored_is_an_error_that_keeps_the_words_to_itself(store, tmp_path, caplog):
    save(store, SlotSet("owner", "bot"))
    with sqlite3.connect(tmp_path / "tracker.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(ConversationStoreError, match=r"OperationalError") as error:
            save(store, UserUttered("my secret words"))
        other.execute("ROLLBACK")
    assert "secret" not in str(error.value) + caplog.text
