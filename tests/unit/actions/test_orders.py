"""Where an order is."""

from datetime import date

import pytest
from chats import Chat, Clock
from orders_flow import begin, interrupted, reply
from sqlalchemy import delete

from actions import assurance
from actions.backends import Order
from actions.backends.models import OrderRow
from actions.backends.session import transaction
from actions.orders import (
    ACCOUNT_GIVEN,
    BY_ACCOUNT,
    MISMATCH_ORDER,
    ActionAskOrderFormPostcode,
    ActionOrderStatus,
    ValidateOrderForm,
    describe,
)
from actions.orders_choice import NO_ORDERS, by_item
from actions.verification import LOCKED_TEXT, MISMATCH_ACCOUNT

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
    assert chat.slots["order_number"] is None and assurance.current(chat.id).level is assurance.Level.KNOWN


def test_the_same_order_needs_no_postcode_again(chat: Chat) -> None:
    assurance.verify_order(chat.id, "NO482136", "LS1 4AP")
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
    assurance.verify_account(chat.id, "NA204518", "LS1 4AP")
    assert ask(chat).asked is None
    assert chat.run(STATUS)[0].startswith("Your order NO482136")


def test_a_verified_customer_with_two_open_orders_gives_the_number_alone(chat: Chat) -> None:
    assurance.verify_account(chat.id, "NA775384", "BS1 5TR")
    assert ask(chat).asked == "order_number"
    chat.hear("NO471026").run(FORM)
    assert chat.asked is None


def test_a_verified_customer_needs_the_postcode_of_somebody_elses_order(chat: Chat) -> None:
    assurance.verify_account(chat.id, "NA204518", "LS1 4AP")
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


def test_without_the_number_the_account_finds_the_order(chat: Chat) -> None:
    begin(chat, "order_form", "where is my order", "order_status")
    assert reply(chat, "I don't know my order number", "refuse") == [BY_ACCOUNT]
    assert chat.asked == "account_number"
    reply(chat, "NA204518")
    assert chat.asked == "postcode"
    chat.run(ActionAskOrderFormPostcode())
    assert chat.said[0]["response"] == "utter_ask_postcode"
    assert "Your order NO482136" in reply(chat, "LS1 4AP")[0]
    assert chat.slots["order_search"] is None and chat.slots["account_number"] is None


@pytest.mark.parametrize(
    "text",
    ["i haven't got it", "no idea", "I can’t find the email", "never got one", "dont know", "i deleted the email"],
)
def test_many_words_for_a_number_that_is_not_known(chat: Chat, text: str) -> None:
    begin(chat, "order_form", "where is my order", "order_status")
    assert reply(chat, text) == [BY_ACCOUNT]


def test_several_orders_are_offered_and_one_is_chosen(chat: Chat) -> None:
    begin(chat, "order_form", "where is my order", "order_status")
    assert reply(chat, "NA118260") == [ACCOUNT_GIVEN]
    assert "Which order do you mean?" in reply(chat, "CF10 1EP")[0]
    assert chat.buttons == [
        "NO518833: SIM card, 20 GB plan, being prepared",
        "NO640755: Aurora 12 phone, 128 GB, packed",
    ]
    assert "NO640755" in reply(chat, "the phone")[0] and chat.form is None


def test_a_wrong_account_says_no_more_than_a_wrong_postcode(chat: Chat) -> None:
    for account, code in (("NA118261", "CF10 1EP"), ("NA118260", "M3 2BW")):
        chat.form = None
        begin(chat, "order_form", "where is my order", "order_status")
        reply(chat, account)
        assert reply(chat, code) == [MISMATCH_ACCOUNT] and chat.asked == "account_number"


def test_declining_the_account_too_leads_to_a_person(chat: Chat) -> None:
    begin(chat, "order_form", "where is my order", "order_status")
    reply(chat, "i don't have it", "refuse")
    assert "say stop" in reply(chat, "i won't tell you that", "refuse")[-1]
    assert "A person can help you without it" in reply(chat, "i won't tell you that", "refuse")[-1]


def test_the_number_after_all(chat: Chat) -> None:
    begin(chat, "order_form", "where is my order", "order_status")
    reply(chat, "i don't have it", "refuse")
    reply(chat, "oh here it is: NO482136")
    assert chat.asked == "postcode"
    chat.run(ActionAskOrderFormPostcode())
    assert chat.said[0]["response"] == "utter_ask_order_form_postcode"
    assert "NO482136" in reply(chat, "LS1 4AP")[0] and assurance.current(chat.id).level is assurance.Level.KNOWN


def test_a_question_about_where_the_number_is_interrupts(chat: Chat) -> None:
    begin(chat, "order_form", "where is my order", "order_status")
    assert interrupted(chat, "where can i find my order number on the bill please?", "ask_question")


def test_without_any_order_there_is_help(chat: Chat) -> None:
    with transaction() as session:
        session.execute(delete(OrderRow).where(OrderRow.number == "NO771204"))
    assurance.verify_account(chat.id, "NA310077", "M3 2BW")
    assert begin(chat, "order_form", "where is my order", "order_status") == [NO_ORDERS]
    assert chat.slots["offer"] == "person"


def test_it_means_the_order_that_was_spoken_of(chat: Chat) -> None:
    assurance.verify_account(chat.id, "NA118260", "CF10 1EP")
    begin(chat, "order_form", "where is NO715920", "order_status")
    assert "NO715920" in begin(chat, "order_form", "when did it come?", "order_status")[0]
    assert "Which order" in begin(chat, "order_form", "where is my order", "order_status")[0]


@pytest.mark.parametrize(
    ("text", "number"),
    [("the phone case", "2"), ("my SIM cards", "3"), ("the phone", None), ("it", None), ("the wi-fi thing", "4")],
)
def test_an_item_is_told_from_the_others(text: str, number: str | None) -> None:
    orders = [
        ("1", "Aurora 12 phone"),
        ("2", "Phone case"),
        ("3", "SIM card, 20 GB plan"),
        ("4", "Mesh Wi-Fi extender"),
    ]
    assert by_item(text, orders) == number
