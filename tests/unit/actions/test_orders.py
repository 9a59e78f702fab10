"""Where an order is."""

from datetime import date

import pytest
from chats import Chat, Clock

from actions import identity
from actions.backends import Order
from actions.orders import MISMATCH_ORDER, ActionOrderStatus, ValidateOrderForm, describe
from actions.verification import LOCKED_TEXT

pytestmark = pytest.mark.usefixtures("database")
FORM, STATUS = ValidateOrderForm(), ActionOrderStatus()


def ask(chat: Chat, text: str = "where is my order") -> Chat:
    chat.hear(text, "order_status").start("order_form").run(FORM)
    return chat


def test_number_and_delivery_postcode_tell_where_it_is(chat: Chat) -> None:
    ask(chat).hear("no 482-136").run(FORM)
    assert chat.asked == "postcode"
    chat.hear("ls14ap").run(FORM)
    assert chat.asked is None
    assert chat.run(STATUS) == [
        "Your order NO482136 (Northlight Hub 3 router) is on its way with Parcelway, tracking number "
        "PW818034984GB. It should arrive on Tuesday 24 November 2026."
    ]
    assert chat.slots["order_number"] is None and identity.current(chat.id).level is identity.Level.KNOWN


def test_the_same_order_needs_no_postcode_again(chat: Chat) -> None:
    identity.verify_order(chat.id, "NO482136", "LS1 4AP")
    assert ask(chat, "NO482136").asked is None
    chat.slots["order_number"] = None
    assert ask(chat, "and NO300411?").asked == "postcode"


def test_a_wrong_postcode_and_a_wrong_number_sound_the_same(chat: Chat) -> None:
    for number, code in (("NO482136", "M3 2BW"), ("NO000000", "LS1 4AP")):
        ask(chat, f"{number} {code}")
        assert [m["text"] for m in chat.said] == [MISMATCH_ORDER] and chat.asked == "order_number"
    ask(chat, "NO482136 ZE1 0AA")
    assert [m["text"] for m in chat.said] == [LOCKED_TEXT] and chat.asked is None


def test_a_verified_customer_with_one_open_order_is_asked_nothing(chat: Chat) -> None:
    identity.verify_account(chat.id, "NA204518", "LS1 4AP")
    assert ask(chat).asked is None
    assert chat.run(STATUS)[0].startswith("Your order NO482136")


def test_a_verified_customer_with_two_open_orders_gives_the_number_alone(chat: Chat) -> None:
    identity.verify_account(chat.id, "NA775384", "BS1 5TR")
    assert ask(chat).asked == "order_number"
    chat.hear("NO471026").run(FORM)
    assert chat.asked is None


def test_a_verified_customer_needs_the_postcode_of_somebody_elses_order(chat: Chat) -> None:
    identity.verify_account(chat.id, "NA204518", "LS1 4AP")
    assert ask(chat, "where is NO771204").asked == "postcode"


def test_the_action_alone_shows_nothing_to_a_stranger(chat: Chat) -> None:
    chat.slots["order_number"] = "NO482136"
    said = chat.hear("where is NO482136", "order_status").run(STATUS)
    assert len(said) == 1 and "couldn't find" in said[0]


def test_a_late_order_comes_with_the_offer_of_a_person(chat: Chat, fixed_clock: Clock) -> None:
    ask(chat, "NO660172 EH3 9DR")
    said = chat.run(STATUS)[0]
    assert "should have arrived on Friday 20 November 2026, so it's late" in said
    assert chat.slots["offer"] == "person" and chat.buttons == ["Yes", "No"]


@pytest.mark.parametrize(
    ("status", "expected_on", "words"),
    [
        ("placed", date(2026, 11, 23), "It should arrive tomorrow, Monday 23 November 2026."),
        ("packed", date(2026, 11, 22), "It should arrive today, Sunday 22 November 2026."),
        ("packed", None, "packed and waiting to be collected by the carrier."),
        ("delivered", date(2026, 11, 20), "was delivered on Saturday 21 November 2026."),
        ("cancelled", None, "was cancelled, so nothing will be delivered."),
    ],
)
def test_every_status_has_its_words(status: str, expected_on: date | None, words: str) -> None:
    order = Order("NO1", "SIM card", status, date(2026, 11, 19), expected_on, date(2026, 11, 21))
    assert describe(order).startswith("Your order NO1 (SIM card) ") and describe(order).endswith(words)
