"""Handoff packets as the desk shows them: of both versions, of shapes that nobody planned, and by role."""

import copy
import json
from typing import Any

import pytest

from desk.models import Conversation, User
from desk.packet import packet, sees_values
from desk.packet_schema import problems

PACKET: dict[str, Any] = {
    "version": 2,
    "id": "0" * 32,
    "reason": "missing_knowledge",
    "reason_turns": [2],
    "rule": "",
    "identity": {"level": "verified", "how": "account number and postcode", "account": "NA••••18"},
    "issue": 'Asks: "do you take bitcoin?"',
    "slots": [{"name": "new_email", "label": "E-mail", "value": "priya@example.com", "turn": 1, "confirmed": True}],
    "actions": [{"action": "action_balance", "title": "Balance", "result": "£42.50", "turn": 1, "ok": False}],
    "answers": [
        {
            "question": "late fee?",
            "text": "£7.50",
            "outcome": "answered",
            "sources": [{"title": "Paying late", "article": "billing/late"}],
            "turn": 1,
        }
    ],
    "promises": [{"text": "You'll hear from us.", "turn": 1, "due": "2026-11-27T18:00:00+00:00"}],
    "policy": [{"rule": "injection.role", "stage": "message", "outcome": "refuse", "turn": 2}],
    "sentiment": "calm",
    "urgency": "high",
    "open_question": "do you take bitcoin?",
    "next_steps": ["Answer: do you take bitcoin?"],
    "task": "balance",
    "summary": [{"text": "The customer lives at LS1 4AP.", "turns": [1]}],
    "channel": "webchat",
    "language": "en",
    "queue": "billing",
    "skills": ["billing"],
    "priority": 2,
    "sla_due": "2026-11-23T10:05:00+00:00",
    "told": "I'm passing you on.",
    "transcript": {"conversation": "c1", "events": 12, "turns": 2},
    "requested_at": "2026-11-23T10:00:00+00:00",
}


def test_a_packet_is_readable():
    card = packet(PACKET, see=True)
    assert problems(PACKET) == [] and not card.incomplete
    assert (card.reason, card.team, card.priority) == ("No answer in the knowledge base", "Billing", 2)
    assert (card.identity.level, card.identity.account) == ("verified", "NA••••18")
    assert card.slots[0] | {"turn": 1} == PACKET["slots"][0]
    assert (card.actions[0]["title"], card.actions[0]["ok"]) == ("Balance", False)
    assert card.answers[0]["sources"][0]["title"] == "Paying late"
    assert card.promises[0]["due"].hour == 18 and card.sla_due.minute == 5


def test_without_the_right_the_customers_data_is_hidden():
    hidden = packet(PACKET)
    assert hidden.slots[0]["value"] == "••••om" and "LS1" not in hidden.summary[0]["text"]
    assert hidden.summary[0]["text"].startswith("The customer lives at")
    assert (hidden.reason, hidden.issue, hidden.next_steps) == (
        "No answer in the knowledge base",
        PACKET["issue"],
        PACKET["next_steps"],
    )


@pytest.mark.parametrize(
    ("role", "mine", "sees"),
    [
        ("agent", True, True),
        ("agent", False, False),
        ("supervisor", False, True),
        ("designer", False, False),
        ("auditor", True, False),
        ("admin", True, False),
    ],
)
def test_who_sees_the_customers_data(role: str, mine: bool, sees: bool):
    assert sees_values(User(id=7, role=role), Conversation(assigned_to=7 if mine else 8)) is sees


def test_a_packet_of_version_1_is_still_shown():
    card = packet(
        {
            "version": 1,
            "reason": "verification_failed",
            "summary": "Could not verify.",
            "issue": "Balance",
            "slots": {"account_number": "NA204518", "owner": "queue", "visit_confirmed": True, "postcode": None},
            "actions": [{"action": "action_order_status", "result": "On its way"}, "Noted"],
            "answers": [
                {"question": "Cost?", "text": "Free.", "sources": [{"title": "Returns", "article": "returns"}]}
            ],
        },
        see=True,
    )
    assert (card.reason, card.incomplete) == ("Could not be verified", False)
    assert [(slot["label"], slot["value"]) for slot in card.slots] == [
        ("Account number", "NA204518"),
        ("Visit confirmed", "Yes"),
    ]
    assert [(done["title"], done["result"]) for done in card.actions] == [("Order status", "On its way")]
    assert card.summary == [{"text": "Could not verify.", "turns": []}]
    assert [source["title"] for source in card.answers[0]["sources"]] == ["Returns"]


@pytest.mark.parametrize("name", sorted(PACKET))
@pytest.mark.parametrize("value", [None, "", "text", 3, True, [], {}, [None, 3, "a", {"text": ["b"]}]])
@pytest.mark.parametrize("see", [True, False])
def test_a_part_of_another_shape_is_left_out_and_the_packet_is_marked(name: str, value: Any, see: bool):
    broken = {**PACKET, name: value}
    card = packet(broken, see)
    assert card is not None
    if broken.get("version") == 2:
        assert card.incomplete is bool(problems(broken))


def test_a_packet_without_a_part_is_marked():
    for name in PACKET.keys() - {"version"}:
        assert packet({key: value for key, value in PACKET.items() if key != name}).incomplete


def test_no_packet():
    assert packet(None) is None
    assert packet({}) is None


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"version": 3}, "packet.version: const"),
        ({"reason": "boredom"}, "packet.reason: enum"),
        ({"priority": 5}, "packet.priority: maximum"),
        ({"priority": True}, "packet.priority: type"),
        ({"id": "x"}, "packet.id: pattern"),
        ({"summary": []}, "packet.summary: minItems"),
        ({"issue": ""}, "packet.issue: minLength"),
        ({"reason_turns": [-1]}, "packet.reason_turns.0: minimum"),
        ({"sla_due": "soon"}, "packet.sla_due: pattern"),
        ({"extra": 1}, "packet: additionalProperties"),
        ({"identity": {"level": "none", "how": ""}}, "packet.identity.account: required"),
        ({"slots": ["a"]}, "packet.slots.0: type"),
    ],
)
def test_what_is_wrong_is_named_without_the_value(change: dict[str, Any], problem: str):
    assert problems(copy.deepcopy(PACKET) | change) == [problem]


def test_what_is_wrong_holds_no_personal_data():
    assert "priya" not in json.dumps(problems(PACKET | {"slots": PACKET["slots"][0]}))
