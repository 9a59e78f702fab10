"""What one raw event says."""

import pytest
from conftest import bot, raw, slot, user

from desk.transcript import HandoffSet, Happened, OwnerSet, Said, identity, moment, read, readable

SIGNED = "/affirm#" + "a1" * 16
BUTTONS = [{"title": "Yes, please", "payload": "/affirm"}, {"title": "No", "payload": "/deny"}]


def test_a_customers_turn_carries_intent_confidence_and_channel():
    said = read(raw("c", user("Where is it?", "order_status", 0.87)))
    assert said == Said("customer", "Where is it?", "order_status", 0.87, channel="webchat")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (SIGNED, "Yes, please"),
        ("/affirm", "Yes, please"),
        ("/book_visit#" + "0" * 32, "Book visit"),
        ("plain", "plain"),
    ],
)
def test_a_payload_is_shown_by_its_title_and_never_with_its_signature(text, shown):
    assert readable(text, BUTTONS) == shown


def test_a_title_in_the_metadata_wins():
    assert read(raw("c", user(SIGNED, metadata={"title": "Go on"}))).text == "Go on"


def test_agent_replies_and_notices_are_told_from_the_assistant():
    assert read(raw("c", bot("Hi", author="agent", agent_name="Alex"))).who == "agent"
    assert read(raw("c", bot("Alex has joined.", author="system", notice="joined"))).who == "system"
    assert read(raw("c", bot("Hi"))).who == "bot"


@pytest.mark.parametrize("nested", [False, True])
def test_sources_are_found_where_actions_put_them(nested):
    sources = {"sources": [{"title": "Returns", "article": "returns"}]}
    event = bot("Free.", metadata=sources) if nested else bot("Free.", **sources)
    assert read(raw("c", event)).sources == [{"title": "Returns", "article": "returns"}]


def test_slots_that_matter():
    assert read(raw("c", slot("owner", "agent", desk_user="alex"))) == OwnerSet("agent", "alex")
    assert read(raw("c", slot("owner", None))) == OwnerSet("bot")
    assert read(raw("c", slot("handoff", {"reason": "policy"}))) == HandoffSet({"reason": "policy"})
    assert read(raw("c", {"event": "restart"})) == OwnerSet("bot")


def test_what_happened_within_a_turn():
    assert read(raw("c", slot("postcode", "LS1 4AP"))) == Happened("slot", "postcode", "LS1 4AP")
    assert read(raw("c", slot("new_marketing", False))) == Happened("slot", "new_marketing", "no")
    assert read(raw("c", {"event": "action", "name": "action_order_status"})) == Happened(
        "action", "action_order_status"
    )
    assert read(raw("c", {"event": "session_started"})) == Happened("session", "")
    entities = {
        "intent": {},
        "entities": [{"entity": "product", "value": "Fibre 500"}, {"entity": "code", "value": "1"}],
    }
    assert read(raw("c", user("x", parse_data=entities))).within == [Happened("entity", "product", "Fibre 500")]


@pytest.mark.parametrize(
    "event",
    [
        slot("code", "123456"),
        slot("requested_slot", "postcode"),
        slot("visit_offer", {"times": []}),
        slot("postcode", None),
        {"event": "action", "name": "action_listen"},
        {"event": "action", "name": None},
    ],
)
def test_what_the_assistant_keeps_for_itself_is_not_told(event):
    assert read(raw("c", event)) is None


def test_an_answer_tells_what_it_used():
    evidence = [{"passage": "fees#2"}, {"passage": "fees#2"}, {"decision": "dropped", "passage": ""}, "odd"]
    said = read(raw("c", bot("£45", outcome="answered", question="the fee?", evidence=evidence, sources=[])))
    used = {"question": "the fee?", "rule": "", "passages": ["fees#2"], "sources": []}
    assert said.within == [Happened("answer", "answered", used)]


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"event": "user", "text": None, "parse_data": 3},
        {"event": "user", "text": "/session_start"},
        {"event": "bot", "text": None, "data": [], "metadata": "x"},
        {"event": "slot", "name": "owner", "value": ["agent"]},
        {"event": "slot", "name": "owner", "value": {"a": 1}},
        {"event": "slot", "name": "handoff", "value": "x"},
    ],
)
def test_events_of_another_shape_mean_nothing(event):
    assert read(event) is None


def test_identity_tells_events_apart_and_survives_delivery():
    event = raw("c", user("yes"))
    assert identity(event) == identity({**event, "metadata": {"redelivered": True}})
    assert identity(event) != identity({**event, "timestamp": event["timestamp"] + 0.001})
    assert identity(event) != identity({**event, "sender_id": "d"})


@pytest.mark.parametrize("stamp", [None, "soon", float("nan"), -4, 1e300])
def test_an_impossible_time_becomes_now(stamp):
    assert abs(moment({"timestamp": stamp}).timestamp() - moment({}).timestamp()) < 5
