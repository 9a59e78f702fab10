"""action_handoff: the reason, the packet, and what the customer is told."""

import asyncio
import json
from pathlib import Path
from typing import Any

import knowledge_fixtures
import pytest
from chats import Clock
from desk_server import DeskServer
from knowledge_fixtures import ModelServer
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions import assurance, queues
from actions.backends.protocols import Identity
from actions.handoff import ActionHandoff
from actions.packet_reason import reason_for
from actions.packet_schema import problems

articles = knowledge_fixtures.articles
model_server = knowledge_fixtures.model_server


@pytest.fixture(autouse=True)
def nobody(articles: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A customer who has shown nothing."""
    monkeypatch.setattr(assurance, "current", lambda conversation_id: Identity(conversation_id=conversation_id))


def user(text: str, intent: str, **entities: str) -> dict[str, Any]:
    found = [{"entity": name, "value": value} for name, value in entities.items()]
    return {"event": "user", "text": text, "parse_data": {"intent": {"name": intent}, "entities": found}}


def action(name: str) -> dict[str, Any]:
    return {"event": "action", "name": name}


def bot(text: str, **metadata: Any) -> dict[str, Any]:
    return {"event": "bot", "text": text, "metadata": {"metadata": metadata} if metadata else {}}


def slot(name: str, value: Any) -> dict[str, Any]:
    return {"event": "slot", "name": name, "value": value}


OFFER = slot("offer", "person")


def tracker(events: list[dict[str, Any]], form: str | None = None, **slots: Any) -> Tracker:
    last = next((e for e in reversed(events) if e["event"] == "user"), user("", ""))
    message = {"text": last["text"], **last["parse_data"]}
    state = {"sender_id": "c1", "slots": slots, "latest_message": message, "events": events}
    return Tracker.from_dict(state | {"active_loop": {"name": form} if form else {}})


def messages(made: Tracker) -> list[dict[str, Any]]:
    dispatcher = CollectingDispatcher()
    asyncio.run(ActionHandoff().run(dispatcher, made, {}))
    return dispatcher.messages


def titles(message: dict[str, Any]) -> list[str]:
    return [button["title"] for button in message["buttons"]]


def run(made: Tracker) -> tuple[str, dict[str, Any], list[dict[str, Any]]]:
    """What is said, the slots that change, and all events."""
    dispatcher = CollectingDispatcher()
    events = asyncio.run(ActionHandoff().run(dispatcher, made, {}))
    assert len(dispatcher.messages) in (1, 2)  # the announcement, and the card where there is something to show
    slots = {e["name"]: e["value"] for e in events if e["event"] == "slot"}
    return dispatcher.messages[0]["text"], slots, events


def test_a_person_takes_over_in_the_middle_of_a_form() -> None:
    made = tracker(
        [user("I want to book a visit", "book_visit"), user("get me a human", "request_human")],
        form="booking_form",
        owner="bot",
        requested_slot="visit_reason",
        offer="person",
        tries=2,
    )
    said, slots, events = run(made)
    assert "They can see what we've said here" in said
    assert next(e for e in events if e["event"] == "active_loop")["name"] is None
    assert (slots["owner"], slots["requested_slot"], slots["offer"]) == ("queue", None, None)
    assert problems(slots["handoff"]) == []
    assert slots["handoff"]["reason"] == "customer_asked"
    assert slots["handoff"]["issue"] == "Wants to book a technician visit"
    json.dumps(slots["handoff"])


@pytest.mark.parametrize(("owner", "words"), [("queue", "already in the queue"), ("agent", "is with you already")])
def test_it_is_not_done_twice(owner: str, words: str) -> None:
    said, slots, _ = run(tracker([user("a person please", "request_human")], owner=owner))
    assert words in said
    assert slots == {"offer": None}


def test_an_escalation_names_its_rule_and_says_its_words() -> None:
    made = tracker([user("I want to kill myself", "escalate", policy_rule="escalate.self_harm")], owner="bot")
    said, slots, _ = run(made)
    assert said.startswith("I'm really sorry that you feel like this.")
    assert "116 123" in said
    assert (slots["handoff"]["rule"], slots["handoff"]["queue"]) == ("escalate.self_harm", "care")


def test_an_escalation_that_only_the_engine_saw() -> None:
    assert reason_for(tracker([user("I will sue you", "ask_question")]))[:2] == (
        "policy",
        "escalate.legal_threat",
    )


def test_a_customer_cannot_name_a_rule() -> None:
    made = tracker([user("a person", "request_human", policy_rule="escalate.fraud")])
    assert reason_for(made) == ("customer_asked", "", "")


@pytest.mark.parametrize(
    ("before", "reason"),
    [
        ([action("action_answer"), bot("I don't know", outcome="unknown"), OFFER], "missing_knowledge"),
        ([action("action_answer"), bot("Sorry", offer_reason="tool_failure"), OFFER], "tool_failure"),
        ([action("action_answer"), bot("Still lost", offer_reason="low_confidence"), OFFER], "low_confidence"),
        ([action("action_route"), bot("Sales can", offer_reason="unsupported_task"), OFFER], "unsupported_task"),
        ([action("action_route"), OFFER, action("action_listen")], "unsupported_task"),
        (
            [slot("requested_slot", "postcode"), action("validate_balance_form"), bot("?"), OFFER],
            "verification_failed",
        ),
        (
            [slot("requested_slot", "visit_slot"), action("validate_booking_form"), bot("?"), OFFER],
            "customer_asked",
        ),
        ([action("action_balance"), bot("Sorry, I can't reach our billing system"), OFFER], "tool_failure"),
        ([], "customer_asked"),
    ],
)
def test_an_accepted_offer_has_the_reason_of_the_offer(before: list[dict[str, Any]], reason: str) -> None:
    events = [user("hm", "ask_question"), *before, user("/affirm", "affirm")]
    assert reason_for(tracker(events, offer="person"))[0] == reason


@pytest.mark.parametrize("between", [[], [user("thanks", "thank"), bot("You're welcome. Anything else?")]])
def test_a_yes_accepts_the_offer_of_the_turn_before_and_no_older_one(between: list[dict[str, Any]]) -> None:
    offer = [user("why is the sky blue", "nlu_fallback"), bot("A person?", offer_reason="missing_knowledge"), OFFER]
    changed = run(tracker([*offer, *between, user("yes", "affirm")], offer="person"))[1]
    assert changed.get("owner") == (None if between else "queue")
    assert changed["offer"] is None


def test_a_person_is_reached_when_the_file_of_queues_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise queues.QueuesProblem("queues.yml: no")

    monkeypatch.setattr(queues, "queues", broken)
    said, slots, _ = run(tracker([user("a person please", "request_human")], owner="bot"))
    assert "to one of my colleagues" in said and slots["handoff"]["queue"] == "general"


def test_a_person_is_reached_when_database_and_policy_are_down(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def broken(_: str) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(assurance, "current", broken)
    monkeypatch.setenv("TANDEM_POLICY", str(tmp_path / "gone.yml"))
    said, slots, _ = run(tracker([user("a person, I'm priya@example.com", "request_human")], owner="bot"))
    assert "to one of my colleagues" in said
    assert slots["owner"] == "queue"
    assert "priya" not in json.dumps(slots["handoff"])


def test_a_failing_model_does_not_hold_up_the_handoff(model_server: ModelServer) -> None:
    model_server.status = 500
    _, slots, _ = run(tracker([user("a person", "request_human")], owner="bot"))
    assert slots["handoff"]["summary"][-1]["text"] == "Handed over because the customer asked for a person."


BILL = [user("can you explain my bill", "explain_bill"), user("a person please", "request_human")]
CHOICES = ["Keep waiting", "Call me back", "Leave a message", "Back to the assistant"]


def test_the_customer_hears_place_and_wait_and_may_choose(fixed_clock: Clock, desk: DeskServer) -> None:
    fixed_clock.move(days=1)  # Monday, 3pm
    desk.estimates["billing"] = {"waiting": 1, "position": 2, "wait_minutes": 6, "agents": 1, "open": True}
    told, card = messages(tracker(BILL, owner="bot"))
    assert "our billing team" in told["text"]
    assert "You're second in line; it should take about 6 minutes. They'll reply" in told["text"]
    assert told["metadata"] == {"handoff": "customer_asked", "wait_minutes": 6}
    assert card["text"] == "Here's what I'm passing on: you want to have a bill explained. Is that right?"
    assert titles(card) == ["Correct it", *CHOICES] and titles(told) == []


def test_what_was_told_is_in_the_packet(fixed_clock: Clock, desk: DeskServer) -> None:
    fixed_clock.move(days=1)
    desk.estimates["general"] = {"waiting": 0, "position": 1, "wait_minutes": None, "agents": 2, "open": True}
    made = tracker([user("a person please", "request_human")], owner="bot")
    _, slots, _ = run(made)
    assert slots["handoff"]["told"] == messages(made)[0]["text"]
    assert "You're next in line. They'll reply" in slots["handoff"]["told"] and problems(slots["handoff"]) == []


def test_a_desk_that_is_down_gives_no_numbers_and_the_customer_is_queued(fixed_clock: Clock, desk: DeskServer) -> None:
    fixed_clock.move(days=1)
    desk.status = 503
    said, slots, _ = run(tracker(BILL, owner="bot"))
    assert "line" not in said and "They'll reply in this conversation." in said and slots["owner"] == "queue"


def test_out_of_hours_there_is_no_waiting(fixed_clock: Clock, desk: DeskServer) -> None:
    told, card = messages(tracker(BILL, owner="bot"))
    assert "They're back tomorrow at 8am" in told["text"] and "line" not in told["text"]
    assert titles(card) == ["Correct it", *CHOICES[1:]] and desk.asked == []


def test_in_an_emergency_nothing_is_shown_to_be_corrected(fixed_clock: Clock) -> None:
    [told] = messages(tracker([user("I want to kill myself", "escalate", policy_rule="escalate.self_harm")]))
    assert told["text"].startswith("I'm really sorry") and titles(told) == CHOICES[1:]
