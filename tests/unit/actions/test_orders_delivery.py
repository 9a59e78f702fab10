"""Delivering an order on another day or to another address."""

from datetime import date

import pytest
from chats import Chat
from orders_flow import MEGAN, PRIYA, TOM, begin, follow, interrupted, reply, verified
from sqlalchemy import update

from actions import assurance, backends, codes
from actions.backends import Order
from actions.backends.models import OrderRow
from actions.backends.session import transaction
from actions.forms import FORMS
from actions.orders_delivery import NO_DAY, PHONE_ONLY, ActionChangeDeliveryDay
from actions.tasks import TASKS

pytestmark = pytest.mark.usefixtures("database")
PHONE, SIM, KIT = "NO640755", "NO518833", "NO771204"
KIT_DUE = date(2026, 11, 26)  # a Thursday; today is Sunday 22 November


def change(chat: Chat, text: str = "i need to change my delivery") -> list[str]:
    return begin(chat, "delivery_form", text, "change_delivery")


def order(chat: Chat, number: str) -> Order:
    return next(one for one in backends.orders().own(assurance.current(chat.id)) if one.number == number)


def test_another_day_step_by_step(chat: Chat) -> None:
    change(chat)
    reply(chat, "NA310077")
    assert reply(chat, "M3 2BW") == ["What should change: the day or the address?"]
    assert chat.buttons == ["Another day", "Another address"]
    assert "Which day would suit you?" in reply(chat, "Another day")[0]
    assert chat.buttons == [
        "Friday 27 November", "Monday 30 November", "Tuesday 1 December", "Wednesday 2 December", "Other days",
    ]  # fmt: skip
    assert reply(chat, "Monday 30 November") == [
        f"So order {KIT} (Fibre 500 starter kit) is to arrive on Monday 30 November 2026. Shall I change it?"
    ]
    assert order(chat, KIT).expected_on == KIT_DUE
    assert reply(chat, "yes", "affirm") == [
        f"That's done. Order {KIT} (Fibre 500 starter kit) will arrive on Monday 30 November 2026."
    ]
    assert order(chat, KIT).expected_on == date(2026, 11, 30)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("can you deliver it on Friday instead", "27 November"),
        ("move my delivery to the 3rd", "3 December"),
        ("change the delivery to 1 December please", "1 December"),
        ("deliver NO771204 on Friday next week", "27 November"),
    ],
)
def test_a_day_in_the_first_sentence_is_read_back_at_once(chat: Chat, text: str, day: str) -> None:
    assert day in change(verified(chat, TOM), text)[0] and chat.asked == "confirmed"


def test_a_day_in_the_first_sentence_lasts_through_the_proof(chat: Chat) -> None:
    change(chat, "please deliver my order on Friday")
    reply(chat, "NA310077")
    assert "Friday 27 November" in reply(chat, "M3 2BW")[0] and chat.asked == "confirmed"


def test_days_that_cannot_be_had(chat: Chat) -> None:
    verified(chat, TOM)
    assert change(chat, "deliver it on Saturday")[0] == "Sorry, we can't deliver this order on Saturday 28 November."
    assert "is already due on Thursday 26 November" in reply(chat, "Thursday")[0]
    assert chat.asked == "delivery_day"


def test_a_week_other_days_and_the_second_one(chat: Chat) -> None:
    verified(chat, TOM)
    change(chat, "change the delivery date")
    reply(chat, "the week after next")
    assert chat.buttons[0] == "Monday 30 November"
    reply(chat, "Other days")
    assert chat.buttons[0] == "Friday 4 December"
    assert "Monday 7 December" in reply(chat, "the second one")[0] and chat.asked == "confirmed"


def test_another_day_at_the_read_back(chat: Chat) -> None:
    verified(chat, TOM)
    change(chat, "move my delivery to the 1st of December")
    said = reply(chat, "no, Friday instead", "correct")
    assert said[0] == "Thanks, I've changed the day to Friday 27 November." and "Friday 27" in said[1]


def test_another_address_needs_a_code(chat: Chat) -> None:
    change(verified(chat, TOM), "send my order to a different address")
    assert (chat.form, chat.asked) == ("delivery_address_form", "code_channel")


def test_another_address_step_by_step(chat: Chat) -> None:
    verified(chat, TOM, step_up=True)
    change(chat)
    reply(chat, "Another address")
    assert (chat.form, chat.asked) == ("delivery_address_form", "delivery_street")
    reply(chat, "12 Park Lane")
    assert chat.asked == "delivery_town"
    reply(chat, "Leeds")
    assert chat.asked == "delivery_postcode"
    assert reply(chat, "ls1 4ap") == [
        f"So order {KIT} (Fibre 500 starter kit) is to go to 12 Park Lane, Leeds, LS1 4AP. Shall I change it?"
    ]
    assert reply(chat, "yes", "affirm") == [
        f"That's done. Order {KIT} (Fibre 500 starter kit) will go to 12 Park Lane, Leeds, LS1 4AP."
    ]
    assert order(chat, KIT).deliver_to == "12 Park Lane, Leeds, LS1 4AP"


def test_the_whole_address_in_the_first_sentence(chat: Chat) -> None:
    verified(chat, TOM, step_up=True)
    said = change(chat, "please change my delivery address to 12 Park Lane, Leeds LS6 2AB")
    assert "12 Park Lane, Leeds, LS6 2AB" in said[0] and chat.asked == "confirmed"


def test_a_new_postcode_proves_nothing(chat: Chat) -> None:
    change(chat, "can you send order NO771204 to M3 2BW instead")
    assert chat.slots["postcode"] is None and chat.slots["delivery_postcode"] == "M3 2BW"
    assert chat.asked == "account_number" and assurance.current(chat.id).level is assurance.Level.NONE


def test_a_postcode_that_proves_the_account_is_no_address(chat: Chat) -> None:
    change(chat, "change my delivery, account NA310077, M3 2BW")
    assert assurance.current(chat.id).level is assurance.Level.VERIFIED and chat.asked == "delivery_change"


def test_no_the_other_address_and_the_postcode_at_the_read_back(chat: Chat) -> None:
    verified(chat, TOM, step_up=True)
    change(chat, "change my delivery address to 12 Park Lane, Leeds LS6 2AB")
    assert "LS6 2AD" in reply(chat, "no, the postcode is LS6 2AD", "correct")[-1]
    assert "14 Park Lane, Leeds, LS6 2AD" in reply(chat, "no, it's 14 Park Lane, Leeds", "correct")[-1]
    reply(chat, "no, the address is wrong", "correct")
    assert chat.asked == "delivery_street"


def test_from_the_address_to_the_day_and_back(chat: Chat) -> None:
    verified(chat, TOM, step_up=True)
    change(chat, "change my delivery address to 12 Park Lane, Leeds LS6 2AB")
    assert "Friday 27 November" in reply(chat, "actually just deliver it on Friday", "change_delivery")[-1]
    assert (chat.form, chat.asked) == ("delivery_form", "confirmed")
    reply(chat, "no, change the address instead", "correct")
    assert (chat.form, chat.asked) == ("delivery_address_form", "delivery_street")
    assert chat.slots["delivery_day"] is None and order(chat, KIT).expected_on == KIT_DUE


def test_a_phone_goes_to_the_account_alone(chat: Chat) -> None:
    verified(chat, MEGAN, step_up=True)
    change(chat, f"send {PHONE} to 12 Park Lane, Leeds LS6 2AB")
    before = order(chat, PHONE).deliver_to
    assert reply(chat, "yes", "affirm") == [PHONE_ONLY] and chat.slots["offer"] == "person"
    assert order(chat, PHONE).deliver_to == before


@pytest.mark.parametrize("text", ["'; DROP TABLE orders; --", "{order_number}", "somewhere nice", "99"])
def test_what_is_no_address_is_not_taken(chat: Chat, text: str) -> None:
    verified(chat, TOM, step_up=True)
    change(chat, "send my order to a different address")
    said = reply(chat, text)
    assert "I need a house, a street and a town" in said[0] and chat.asked == "delivery_street"


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("NO482136", "on its way already, so I can't change its delivery any more. The courier's tracking link"),
        ("NO300411", "has been delivered already, so there's no delivery left to change"),
        (KIT, "Sorry, I can't find an order with that number on your account."),
        ("NO000000", "Sorry, I can't find an order with that number on your account."),
    ],
)
def test_orders_that_cannot_be_changed(chat: Chat, number: str, words: str) -> None:
    assert words in change(verified(chat, PRIYA), f"deliver {number} on Friday")[0]


def test_it_after_a_status_is_that_order(chat: Chat) -> None:
    verified(chat, MEGAN)
    begin(chat, "order_form", f"where is {SIM}", "order_status")
    assert SIM in change(chat, "can you move it to Friday?")[0] and "Friday 27 November" in chat.said[0]["text"]


def test_move_it_is_about_the_order_spoken_of_whatever_the_intent(chat: Chat) -> None:
    verified(chat, MEGAN)
    begin(chat, "order_form", f"where is {SIM}", "order_status")
    said = begin(chat, "move_visit_form", "can you move it to Friday?", "move_visit")
    assert SIM in said[0] and "Friday 27 November" in said[0] and chat.form == "delivery_form"


def test_move_it_is_still_about_that_order_after_the_proof(chat: Chat) -> None:
    assurance.verify_order(chat.id, SIM, "CF10 1EP")
    begin(chat, "order_form", f"where is {SIM}", "order_status")
    chat.hear("can you move it to another day", "move_visit").start("move_visit_form").run(FORMS["move_visit_form"])
    chat.events += [{"event": "active_loop", "name": None}, {"event": "action", "name": "action_move_visit"}]
    chat.run(TASKS["action_move_visit"])
    follow(chat)
    reply(chat, "NA118260")
    assert "Which day would suit you?" in reply(chat, "CF10 1EP")[0] and chat.slots["order_number"] == SIM


def test_move_my_visit_is_about_the_visit(chat: Chat) -> None:
    verified(chat, MEGAN)
    begin(chat, "order_form", f"where is {SIM}", "order_status")
    begin(chat, "move_visit_form", "can you move my technician visit to Friday?", "move_visit")
    assert chat.form != "delivery_form"


def test_it_is_no_longer_the_order_after_another_task(chat: Chat) -> None:
    verified(chat, MEGAN)
    begin(chat, "order_form", f"where is {SIM}", "order_status")
    chat.events += [
        {"event": "action", "name": "action_book_visit"},
        {"event": "slot", "name": "served", "value": True},
    ]
    begin(chat, "move_visit_form", "can you move it to Friday?", "move_visit")
    assert chat.form != "delivery_form"


def test_several_orders_are_chosen_from(chat: Chat) -> None:
    verified(chat, MEGAN)
    assert "Which order" in change(chat, "deliver my order on Friday")[0]
    assert "Friday 27 November" in reply(chat, "the SIM")[0] and chat.asked == "confirmed"


def test_an_interruption_keeps_the_day_and_a_stop_forgets_it(chat: Chat) -> None:
    verified(chat, TOM)
    change(chat, "deliver it on Friday")
    assert interrupted(chat, "do you deliver on bank holidays as well?", "ask_question")
    assert chat.slots["delivery_day"] == "2026-11-27"


def test_without_a_free_day_a_person_is_offered(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    verified(chat, TOM)
    monkeypatch.setattr("actions.backends.sql.orders._days", lambda row: [])
    assert change(chat, "deliver it on Friday") == [NO_DAY] and chat.slots["offer"] == "person"


def test_the_day_is_gone_between_the_read_back_and_the_yes(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    verified(chat, TOM)
    change(chat, "deliver it on Friday")
    chat.hear("yes", "affirm").run(FORMS["delivery_form"])
    monkeypatch.setattr("actions.backends.sql.orders._days", lambda row: [date(2026, 12, 1)])
    assert "That day cannot be had." in chat.run(ActionChangeDeliveryDay())[0]
    assert (
        chat.followup == "delivery_form"
        and chat.slots["delivery_day"] is None
        and order(chat, KIT).expected_on == KIT_DUE
    )


def test_dispatched_between_the_read_back_and_the_yes(chat: Chat) -> None:
    verified(chat, TOM)
    change(chat, "deliver it on Friday")
    chat.hear("yes", "affirm").run(FORMS["delivery_form"])
    with transaction() as session:
        session.execute(update(OrderRow).where(OrderRow.number == KIT).values(status="dispatched"))
    assert "on its way already" in chat.run(ActionChangeDeliveryDay())[0] and chat.followup is None


def test_a_code_by_email_and_then_the_address(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codes.secrets, "choice", lambda digits: "7")
    change(verified(chat, TOM), "send my order to a different address")
    reply(chat, "by email")
    assert chat.asked == "code"
    reply(chat, "777777")
    assert chat.asked == "delivery_street" and assurance.current(chat.id).level is assurance.Level.STEP_UP
