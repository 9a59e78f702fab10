import asyncio

import pytest
from rasa.core.tracker_store import SQLTrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import BotUttered, SessionStarted
from rasa.shared.core.trackers import DialogueStateTracker

from assistant.channels import handles, signing

LONG = '/inform{"order_number": "NO482136", "reason": "it arrived with a broken lid"}'
WORDS = "the order of 3 November with the two garden chairs and the parasol in green"


@pytest.fixture
def store(tmp_path):
    """A new tracker store on the same database each time, as after a restart."""

    def open_store():
        return SQLTrackerStore(Domain.empty(), db=str(tmp_path / "tracker.db"))

    return open_store


def save(store, conversation, *events):
    tracker = DialogueStateTracker(conversation, [])
    for event in events:
        tracker.update(event)
    asyncio.run(store.save(tracker))


def resolve(store, handle, conversation="telegram-1"):
    return asyncio.run(handles.resolve(handle, conversation, store))


@pytest.mark.parametrize("payload", [LONG, WORDS, "#hash"])
def test_a_handle_survives_a_restart(store, payload):
    offered = signing.sign(payload, "telegram-1") if payload.startswith("/") else payload
    handle = handles.fit(offered, "telegram-1", 64)
    assert handles.is_handle(handle) and len(handle.encode()) == 33
    buttons = [{"title": "Other", "payload": "/other"}, {"title": "This", "payload": payload}]
    save(store(), "telegram-1", BotUttered("Which?", {"buttons": buttons}), BotUttered("More?"))
    assert resolve(store(), handle) == offered


def test_a_handle_is_for_its_conversation_only(store):
    handle = handles.fit(signing.sign(LONG, "telegram-1"), "telegram-1", 64)
    for conversation in ("telegram-1", "telegram-2"):
        save(store(), conversation, BotUttered("Which?", {"buttons": [{"title": "This", "payload": LONG}]}))
    assert resolve(store(), handle, "telegram-1")
    assert resolve(store(), handle, "telegram-2") is None
    assert resolve(store(), handle, "telegram-3") is None


def test_a_former_sessions_buttons_are_old(store):
    handle = handles.fit(signing.sign(LONG, "telegram-1"), "telegram-1", 64)
    offer = BotUttered("Which?", {"buttons": [{"title": "This", "payload": LONG}]})
    save(store(), "telegram-1", SessionStarted(timestamp=1), offer, SessionStarted(timestamp=9e12))
    assert resolve(store(), handle) is None


@pytest.mark.parametrize("handle", ["#", "#" + "0" * 32, "#" + "é" * 32, "#\ud800"])
def test_a_forged_handle_stands_for_nothing(store, handle):
    save(store(), "telegram-1", BotUttered("Which?", {"buttons": [{"title": "This", "payload": LONG}]}))
    assert resolve(store(), handle) is None


@pytest.mark.parametrize("payload", ["/affirm", "words", "é" * 32])
def test_what_fits_goes_as_it_is(payload):
    offered = signing.sign(payload, "telegram-1") if payload.startswith("/") else payload
    assert handles.fit(offered, "telegram-1", 64) == offered
