import asyncio
import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace

import pytest
from jsonschema import Draft202012Validator
from rasa.core.brokers.broker import EventBroker
from rasa.core.lock_store import InMemoryLockStore
from rasa.core.tracker_store import InMemoryTrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActiveLoop, BotUttered, SessionStarted, SlotSet, UserUttered

from assistant.channels import recovery

DOMAIN = Domain.from_yaml(
    """
    intents: [request_human, escalate, affirm, greet]
    slots:
      owner: {type: categorical, values: [bot, queue, agent], initial_value: bot, mappings: [{type: custom}]}
      handoff: {type: any, mappings: [{type: custom}]}
      offer: {type: categorical, values: [person], mappings: [{type: custom}]}
    forms: {order_form: {required_slots: []}}
    """
)


SCHEMA = json.loads((Path(__file__).parents[3] / "actions/handoff.schema.json").read_text(encoding="utf-8"))


class Published(EventBroker):
    def __init__(self):
        self.events = []

    def publish(self, event):
        self.events.append(event)


class Conversation:
    """An agent's stores around one conversation."""

    def __init__(self, *events):
        self.broker = Published()
        self.store = InMemoryTrackerStore(DOMAIN, event_broker=self.broker)
        self.agent = SimpleNamespace(
            is_ready=lambda: True,
            domain=DOMAIN,
            lock_store=InMemoryLockStore(),
            processor=SimpleNamespace(get_tracker=self.store.get_or_create_tracker, save_tracker=self.store.save),
        )
        asyncio.run(self._begin(events))
        self.broker.events.clear()

    async def _begin(self, events):
        tracker = await self.store.get_or_create_tracker("c")
        tracker.update_with_events(list(events), DOMAIN)
        await self.store.save(tracker)

    def speak_up(self):
        return asyncio.run(recovery.speak_up(self.agent, "c"))

    def tracker(self):
        return asyncio.run(self.store.retrieve("c"))


def said(text, intent):
    return UserUttered(text, {"name": intent, "confidence": 1.0})


def test_the_customer_is_told_and_the_agent_will_see_it():
    conversation = Conversation(ActiveLoop("order_form"), said("where is it", "greet"))
    assert conversation.speak_up() == recovery.NOT_DONE
    tracker = conversation.tracker()
    assert isinstance(tracker.events[-1], BotUttered)
    assert tracker.events[-1].text == recovery.NOT_DONE["text"]
    assert tracker.active_loop_name == "order_form"
    assert tracker.get_slot("owner") == "bot"


@pytest.mark.parametrize(
    "events",
    [
        [said("a person please", "request_human")],
        [said("I'll sue you", "escalate")],
        [SlotSet("offer", "person"), said("yes", "affirm")],
    ],
)
def test_who_asked_for_a_person_is_queued_here(events):
    conversation = Conversation(said("hi", "greet"), ActiveLoop("order_form"), *events)
    assert conversation.speak_up() == recovery.QUEUED
    tracker = conversation.tracker()
    assert tracker.get_slot("owner") == "queue"
    assert tracker.get_slot("offer") is None
    assert tracker.active_loop_name is None
    packet = tracker.get_slot("handoff")
    assert list(Draft202012Validator(SCHEMA).iter_errors(packet)) == []
    assert packet["reason"] == "tool_failure"
    assert (packet["transcript"]["turns"], packet["reason_turns"]) == (2, [2])
    told = {sentence["text"]: sentence["turns"] for sentence in packet["summary"]}
    assert told["The customer wrote: “hi”"] == [1]
    assert told[f"The customer wrote: “{events[-1].text}”"] == [2]
    assert packet["told"] == recovery.QUEUED["text"]
    age = datetime.now(timezone.utc) - datetime.fromisoformat(packet["requested_at"])
    assert timedelta(0) <= age < timedelta(minutes=1)
    slots = {event["name"]: event["value"] for event in conversation.broker.events if event["event"] == "slot"}
    assert slots["owner"] == "queue"
    assert slots["handoff"] == packet


def test_an_affirmation_of_something_else_queues_nobody():
    conversation = Conversation(said("yes", "affirm"))
    assert conversation.speak_up() == recovery.NOT_DONE
    assert conversation.tracker().get_slot("owner") == "bot"


@pytest.mark.parametrize("owner", ["queue", "agent"])
def test_silence_is_right_while_a_person_owns_the_conversation(owner):
    conversation = Conversation(SlotSet("owner", owner), said("a person please", "request_human"))
    assert conversation.speak_up() is None
    assert conversation.broker.events == []


def test_something_is_said_when_the_tracker_cannot_be_read(caplog):
    conversation = Conversation(said("hi", "greet"))

    async def locked(_):
        raise OSError("database is locked: 'my secret words'")

    conversation.agent.processor.get_tracker = locked
    assert conversation.speak_up() == recovery.NOT_RECEIVED
    assert "OSError" in caplog.text
    assert "secret" not in caplog.text


def test_something_is_said_when_there_is_no_agent():
    assert asyncio.run(recovery.speak_up(None, "c")) == recovery.NOT_RECEIVED


def test_the_packet_is_of_this_session_and_valid_without_any_message():
    def packet_of(*events):
        return recovery._packet(Conversation(*events).tracker())

    assert list(Draft202012Validator(SCHEMA).iter_errors(packet_of())) == []
    packet = packet_of(said("long ago", "greet"), SessionStarted(), said("/request_human", "request_human"))
    assert packet["transcript"]["turns"] == 1 and "long ago" not in json.dumps(packet)
