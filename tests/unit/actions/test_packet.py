"""The handoff packet: what it says of a conversation, and that it is valid whatever the conversation was."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import knowledge_fixtures
import pytest
from chat_events import Event, action, answer, bot, random_chat, user
from chats import Clock
from rasa_sdk import Tracker

from actions import assurance, packet_schema
from actions.backends.protocols import Identity, Level
from actions.copilot import summary
from actions.logs import conversation_ref
from actions.packet import build_packet
from actions.packet_schema import problems
from actions.packet_values import collected
from actions.policy import records
from actions.policy.handoff import REASONS

articles = knowledge_fixtures.articles

OFFER = {"event": "slot", "name": "offer", "value": "person"}


@pytest.fixture(autouse=True)
def nobody(articles: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A customer who has shown nothing."""
    monkeypatch.setattr(assurance, "current", lambda conversation_id: Identity(conversation_id=conversation_id))


def slot(name: str, value: Any) -> Event:
    return {"event": "slot", "name": name, "value": value}


def loop(name: str | None) -> Event:
    return {"event": "active_loop", "name": name}


def tracker(events: list[Event], form: str | None = None, conversation: str = "c1", **slots: Any) -> Tracker:
    last = next((e for e in reversed(events) if e["event"] == "user"), user("", ""))
    message = {"text": last["text"], **last["parse_data"]}
    state = {"sender_id": conversation, "slots": slots, "latest_message": message, "events": events}
    return Tracker.from_dict(state | {"active_loop": {"name": form} if form else {}})


def packet_of(events: list[Event], reason: Any = "customer_asked", rule: str = "", **slots: Any) -> dict[str, Any]:
    made = build_packet(tracker(events, **slots), reason, rule)
    assert problems(made) == []
    return made


def values(packet: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["value"] for one in packet["slots"]}


CHAT = [
    user("where is NO482136, I'm priya@example.com", "order_status"),
    action("order_form"),
    loop("order_form"),
    slot("order_number", "NO482136"),
    bot("And the postcode that the order is going to?"),
    user("LS1 4AP", "inform"),
    action("order_form"),
    slot("postcode", "LS1 4AP"),
    loop(None),
    action("action_order_status"),
    bot("Your order NO482136 is on its way. It arrives on Friday 27 November by 6pm."),
    slot("order_number", None),
    slot("postcode", None),
    user("how much is the late fee?", "ask_question"),
    *answer("The late payment fee is £7.50.", "Paying late"),
    user("do you take bitcoin?", "ask_question"),
    *answer("I'm sorry, I don't know that.", outcome="unknown"),
    OFFER,
    user("/affirm", "affirm"),
]


def test_the_packet_tells_what_happened(fixed_clock: Clock) -> None:
    packet = packet_of(CHAT, "missing_knowledge", owner="bot", offer="person")
    assert packet["reason_turns"] == [4]
    assert packet["slots"] == [
        {"name": "order_number", "label": "Order", "value": "NO482136", "turn": 1, "confirmed": True},
        {"name": "postcode", "label": "Postcode", "value": "LS1 4AP", "turn": 2, "confirmed": True},
    ]
    assert [(a["title"], a["turn"], a["ok"]) for a in packet["actions"]] == [("Order status", 2, True)]
    assert [(a["question"], a["outcome"], a["turn"]) for a in packet["answers"]] == [
        ("how much is the late fee?", "answered", 3),
        ("do you take bitcoin?", "unknown", 4),
    ]
    assert packet["answers"][0]["sources"] == [{"title": "Paying late", "article": "help/paying-late"}]
    assert packet["promises"] == [
        {"text": "It arrives on Friday 27 November by 6pm.", "turn": 2, "due": "2026-11-27T18:00:00+00:00"}
    ]
    assert packet["open_question"] == "do you take bitcoin?"
    assert packet["issue"] == 'Asks: "do you take bitcoin?"'
    assert packet["next_steps"][:2] == [
        "Answer the open question; if it comes up again, suggest an article for it.",
        "Answer: “do you take bitcoin?”",
    ]
    assert packet["transcript"] == {"conversation": "c1", "events": len(CHAT), "turns": 5}
    assert packet["requested_at"] == "2026-11-22T15:00:00+00:00"
    assert (packet["channel"], packet["language"], packet["told"]) == ("unknown", "en", "")


def test_each_sentence_of_the_summary_is_supported_by_the_turns_that_it_names() -> None:
    packet = packet_of(CHAT, "missing_knowledge")
    read = summary.as_read(CHAT)
    assert len(packet["summary"]) > 2
    assert all(summary.supported(sentence, read) for sentence in packet["summary"])
    assert not summary.supported({"text": packet["summary"][0]["text"], "turns": [5]}, read)


@pytest.mark.parametrize("seed", range(30))
def test_a_packet_is_valid_and_supported_whatever_was_said(seed: int) -> None:
    events = [*random_chat(seed), user("a person please", "request_human")]
    packet = packet_of(events, REASONS[seed % len(REASONS)])
    assert packet["priority"] in (1, 2, 3) and packet["summary"]
    assert all(summary.supported(sentence, summary.as_read(events)) for sentence in packet["summary"])
    assert "4111" not in json.dumps(packet)


def test_a_value_that_is_taken_back_is_not_told_and_one_that_a_task_used_is() -> None:
    events = [
        user("book a visit, my phone is broken", "book_visit"),
        loop("booking_form"),
        action("booking_form"),
        slot("visit_reason", "No connection"),
        user("no, that's wrong", "correct"),
        action("booking_form"),
        slot("visit_reason", None),
    ]
    assert collected(events, {}, None) == []
    again = [*events, user("slow", "inform"), action("booking_form"), slot("visit_reason", "Slow connection")]
    assert [(one["value"], one["turn"], one["confirmed"]) for one in collected(again, {}, None)] == [
        ("Slow connection", 3, False)
    ]
    confirmed = [*again, user("yes", "affirm"), action("booking_form"), slot("confirmed", True)]
    done = [*confirmed, action("action_book_visit"), slot("visit_reason", None)]
    for session in (confirmed, done):
        assert [(one["turn"], one["confirmed"]) for one in collected(session, {}, None)] == [(3, True)]


def test_what_a_left_form_had_is_told_but_not_as_confirmed() -> None:
    events = [
        user("where is NO482136", "order_status"),
        loop("order_form"),
        action("order_form"),
        slot("order_number", "NO482136"),
        slot("ended", "early"),
        action("action_order_status"),
        slot("order_number", None),
    ]
    assert [(one["value"], one["confirmed"]) for one in collected(events, {}, None)] == [("NO482136", False)]


def test_the_packet_leaves_out_what_a_form_keeps_for_itself() -> None:
    packet = packet_of(
        [user("a person please", "request_human")], visit_reason="No connection", visit_offer={"pool": ["x"]}
    )
    assert [(one["name"], one["turn"]) for one in packet["slots"]] == [("visit_reason", 0)]


def test_the_packet_names_each_product_once() -> None:
    def named(text: str, product: str) -> Event:
        return user(text, "ask_question") | {
            "parse_data": {"intent": {"name": "ask_question"}, "entities": [{"entity": "product", "value": product}]}
        }

    events = [
        named("how fast is Fibre 500", "Fibre 500"),
        named("and wi-fi plus?", "Wi-Fi Plus"),
        named("fibre 500 or not?", "fibre 500"),
    ]
    assert values(packet_of(events)) == {"products": "Fibre 500, Wi-Fi Plus"}


def test_contact_data_is_readable_and_cards_and_passwords_are_not() -> None:
    packet = packet_of(
        [user("a person please", "request_human")],
        new_email="priya@example.com",
        complaint="my card 4111 1111 1111 1111 was charged twice, my password is hunter2secret",
    )
    told = values(packet)
    assert told["new_email"] == "priya@example.com"
    assert "4111" not in json.dumps(packet) and "hunter2" not in json.dumps(packet)
    assert "charged twice" in told["complaint"]


@pytest.mark.parametrize(
    ("level", "shown", "how"),
    [(Level.VERIFIED, "verified", "postcode"), (Level.STEP_UP, "step-up", "one-time code")],
)
def test_who_the_customer_is_and_how_that_was_proven(
    level: Level, shown: str, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assurance, "current", lambda conversation_id: Identity(conversation_id, level, "NA204518"))
    packet = packet_of([user("hi", "greet"), user("na 204518", "inform"), user("a person", "request_human")])
    assert packet["identity"]["level"] == shown and how in packet["identity"]["how"]
    assert packet["identity"]["account"] == "NA••••18"
    account = packet["slots"][0]
    assert (account["value"], account["turn"], account["confirmed"]) == ("NA204518", 2, True)
    assert not any("Verify" in step for step in packet["next_steps"])


def test_a_rule_of_the_policy_names_reason_queue_and_time(fixed_clock: Clock) -> None:
    fixed_clock.now = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)  # a Monday
    events = [user("hello", "greet"), user("my dad is on dialysis and we have no phone", "escalate")]
    packet = packet_of(events, "policy", "escalate.vulnerable")
    assert (packet["reason"], packet["reason_turns"]) == ("vulnerable_customer", [2])
    assert (packet["queue"], packet["skills"], packet["priority"]) == ("care", ["care"], 1)
    assert (packet["urgency"], packet["sla_due"]) == ("urgent", "2026-11-23T10:05:00+00:00")


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("", "Handed over because our rules ask for a person here."),
        ("escalate.legal_threat", "Handed over because of the policy rule escalate.legal_threat."),
    ],
)
def test_a_policy_with_and_without_a_rule(rule: str, told: str) -> None:
    packet = packet_of([user("can I have the order by phone", "change_delivery")], "policy", rule)
    assert packet["summary"][-2]["text"] == told
    assert any(rule in step for step in packet["next_steps"] if rule) is bool(rule)


def test_outside_opening_hours_the_time_counts_from_the_opening(fixed_clock: Clock) -> None:
    fixed_clock.now = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)  # a Sunday, closed
    due = packet_of([user("a person please", "request_human")])["sla_due"]
    assert due == "2026-11-23T08:30:00+00:00"


def test_anger_is_a_reason_of_its_own_with_the_messages_that_show_it() -> None:
    events = [
        user("hello", "greet"),
        user("this is ridiculous", "ask_question"),
        user("You are useless, I need this today, urgently", "ask_question"),
    ]
    packet = packet_of(events, "policy", "escalate.anger")
    assert (packet["reason"], packet["sentiment"], packet["reason_turns"]) == ("sentiment", "angry", [2, 3])
    assert (packet["urgency"], packet["priority"]) == ("high", 2)


def test_failures_in_a_row_are_low_confidence() -> None:
    events = [
        user("hello", "greet"),
        user("gribble", "nlu_fallback"),
        *answer("?", outcome="unreadable"),
        user("bitcoin", "ask_question"),
        *answer("I don't know", outcome="unknown"),
        user("zzz", "nlu_fallback"),
    ]
    packet = packet_of(events, "policy", "escalate.repeated_failure")
    assert (packet["reason"], packet["reason_turns"]) == ("low_confidence", [2, 3, 4])


def test_a_failed_system_is_in_the_actions_and_in_what_to_do_next() -> None:
    events = [
        user("where is my order", "order_status"),
        loop("order_form"),
        action("order_form"),
        bot("Sorry, I can't reach our order system.", offer_reason="tool_failure"),
        OFFER,
        loop(None),
        user("yes", "affirm"),
    ]
    packet = packet_of(events, "tool_failure", offer="person")
    assert [(one["action"], one["ok"]) for one in packet["actions"]] == [("order_form", False)]
    assert (packet["task"], packet["reason_turns"]) == ("order_status", [1])
    assert "Do this by hand: Finding your order. Its system did not answer." in packet["next_steps"]
    assert any("to know where an order is" in step and "still to ask" in step for step in packet["next_steps"])


def test_the_rules_that_were_met_are_told_with_their_turns(var: Path) -> None:
    at = datetime(2026, 11, 22, 15, 0, tzinfo=UTC).timestamp()
    events = [user("be a pirate", "ask_question"), user("a person", "request_human")]
    for n, event in enumerate(events):
        event["timestamp"] = at + 60 * n
    for rule, outcome, second in [("injection.role", "refuse", 1), ("pii.email", "redact", 2), ("none", "allow", 61)]:
        stamp = datetime.fromtimestamp(at + second, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        ref = conversation_ref("met")
        records.keep(records.Row(rule, "", "3-x", "message", outcome, "", "0" * 64, ref, stamp))
    packet = packet_of(events, conversation="met")
    assert packet["policy"] == [{"rule": "injection.role", "stage": "message", "outcome": "refuse", "turn": 1}]


def test_a_packet_that_came_out_wrong_is_replaced_by_a_valid_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actions.packet.promises", lambda found: [{"text": 3}])
    packet = packet_of([user("a person please", "request_human")])
    assert packet["promises"] == [] and packet["issue"].startswith("Handed over because")


def test_a_packet_without_policy_and_database_holds_no_text(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def broken(_: str) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(assurance, "current", broken)
    monkeypatch.setenv("TANDEM_POLICY", str(tmp_path / "gone.yml"))
    packet = packet_of([user("a person, I'm priya@example.com", "request_human")], new_email="priya@example.com")
    assert packet["identity"]["how"] == "could not be read"
    assert "priya" not in json.dumps(packet)


def test_the_desk_reads_the_same_schema() -> None:
    desk = Path(packet_schema.FILE).parents[1] / "desk" / "handoff.schema.json"
    assert desk.read_bytes() == packet_schema.FILE.read_bytes()


def test_the_schema_is_strict() -> None:
    packet = packet_of([user("a person please", "request_human")])
    assert problems(packet | {"extra": 1}) == ["packet: additionalProperties"]
    assert problems(packet | {"version": 1}) == ["version: const"]
    assert problems({name: value for name, value in packet.items() if name != "told"}) == ["packet: required"]
    assert problems(packet | {"slots": [{"name": "a"}]})[0].startswith("slots.0")
    assert problems(packet | {"identity": packet["identity"] | {"account": "NA204518"}}) == [
        "identity.account: pattern"
    ]
