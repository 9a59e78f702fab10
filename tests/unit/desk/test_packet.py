"""Handoff packets, also of shapes that nobody planned."""

import pytest

from desk.packet import packet


def test_a_packet_is_readable():
    card = packet(
        {
            "reason": "verification_failed",
            "summary": "Could not verify.",
            "issue": "Balance",
            "slots": {"account_number": "NA204518", "owner": "queue", "visit_confirmed": True, "postcode": None},
            "actions": [{"action": "action_order_status", "result": "On its way"}, "Noted"],
            "answers": [
                {"question": "Cost?", "text": "Free.", "sources": [{"title": "Returns", "article": "returns"}]}
            ],
        }
    )
    assert card.reason == "Could not be verified"
    assert card.collected == [("Account number", "NA204518"), ("Visit confirmed", "Yes")]
    assert card.actions == ["Order status: On its way", "Noted"]
    assert (card.answers, card.sources) == ([("Cost?", "Free.")], ["Returns"])


@pytest.mark.parametrize(
    "value",
    [
        {"slots": "none", "actions": "one", "answers": 3},
        {"summary": ["a", {"text": "b"}], "reason": None},
        {"answers": [{"sources": "Returns"}, None, []], "actions": {"a": 1}},
    ],
)
def test_a_packet_of_another_shape_is_shown_as_far_as_it_goes(value):
    assert packet(value) is not None


def test_no_packet():
    assert packet(None) is None
    assert packet({}) is None
