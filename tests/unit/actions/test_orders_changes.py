"""Cancelling an order."""

import pytest
from chats import Chat, Clock
from orders_flow import MEGAN, PRIYA, TOM, begin, follow, interrupted, reply, verified
from sqlalchemy import delete, update

from actions import assurance, backends
from actions.backends.models import OrderRow
from actions.backends.session import transaction
from actions.conversation import ActionAskConfirmed, ActionStop
from actions.forms import FORMS
from actions.orders_changes import ActionCancelOrder
from actions.orders_choice import NO_ORDERS, STILL_UNKNOWN, UNKNOWN

pytestmark = pytest.mark.usefixtures("database")
PHONE, SIM, EARBUDS = "NO640755", "NO518833", "NO715920"


def cancel(chat: Chat, text: str = "cancel my order") -> list[str]:
    return begin(chat, "cancel_order_form", text, "cancel_order")


def status(chat: Chat, number: str) -> str:
    orders = backends.orders().own(assurance.current(chat.id))
    return next(order.status for order in orders if order.number == number)


def change(number: str, **values: object) -> None:
    with transaction() as session:
        session.execute(update(OrderRow).where(OrderRow.number == number).values(**values))


def test_an_order_is_cancelled_after_proof_choice_and_yes(chat: Chat) -> None:
    cancel(chat)
    assert chat.asked == "account_number"
    reply(chat, "NA118260")
    assert reply(chat, "CF10 1EP") == ["Which order do you mean? You can also give me its number."]
    assert chat.buttons == [
        f"{SIM}: SIM card, 20 GB plan, being prepared",
        f"{PHONE}: Aurora 12 phone, 128 GB, packed",
    ]
    said = reply(chat, f"{PHONE}: Aurora 12 phone, 128 GB, packed")
    assert said == [f"That's order {PHONE} (Aurora 12 phone, 128 GB). You'd get £449.00 back. Shall I cancel it?"]
    assert status(chat, PHONE) == "packed"
    assert reply(chat, "yes", "affirm") == [
        f"That's done: order {PHONE} (Aurora 12 phone, 128 GB) is cancelled. "
        "Your £449.00 will be back with you within 5 working days."
    ]
    assert (status(chat, PHONE), status(chat, SIM)) == ("cancelled", "placed")


def test_the_only_order_before_dispatch_is_read_back_at_once(chat: Chat) -> None:
    verified(chat, TOM)
    assert cancel(chat) == ["That's order NO771204 (Fibre 500 starter kit). Shall I cancel it?"]
    assert reply(chat, "no", "deny")[0].startswith("All right, nothing is done yet")
    assert status(chat, "NO771204") == "packed"


@pytest.mark.parametrize(
    ("text", "number"),
    [("cancel the phone I ordered", PHONE), ("cancel my sim order", SIM), ("cancel no 518-833", SIM)],
)
def test_the_item_or_number_in_the_first_sentence_is_enough(chat: Chat, text: str, number: str) -> None:
    verified(chat, MEGAN)
    assert number in cancel(chat, text)[0] and chat.asked == "confirmed"


def test_the_item_is_remembered_through_the_proof(chat: Chat) -> None:
    cancel(chat, "cancel my sim order")
    reply(chat, "NA118260")
    assert SIM in reply(chat, "CF10 1EP")[0] and chat.asked == "confirmed"


@pytest.mark.parametrize("text", ["the second one", "2", "the phone", "640755"])
def test_an_order_is_chosen_by_place_item_or_number(chat: Chat, text: str) -> None:
    verified(chat, MEGAN)
    cancel(chat)
    assert PHONE in reply(chat, text)[-1] and chat.asked == "confirmed"


@pytest.mark.parametrize(
    ("who", "number", "words"),
    [
        (PRIYA, "NO482136", "on its way already, so I can't stop it any more. You can refuse the parcel at the door"),
        (PRIYA, "NO300411", "delivered already, and the 14 days for a return are over"),
        (MEGAN, EARBUDS, "delivered already, so I can't cancel it. You can send it back, though: just tell me by"),
        (MEGAN, "NO244790", "is cancelled already, so nothing will be delivered"),
    ],
)
def test_too_late_says_what_can_be_done(chat: Chat, who: tuple[str, str], number: str, words: str) -> None:
    verified(chat, who)
    before = status(chat, number)
    said = cancel(chat, f"cancel {number}")
    assert len(said) == 1 and words in said[0] and chat.form is None
    assert status(chat, number) == before


def test_a_dispatched_order_comes_with_how_to_return_it(chat: Chat) -> None:
    cancel(verified(chat, PRIYA))
    assert [b["payload"] for m in chat.said for b in m["buttons"]] == ["How do I return an order?"]


def test_somebody_elses_order_looks_like_one_that_does_not_exist(chat: Chat) -> None:
    verified(chat, PRIYA)
    answers = []
    for number in ("NO771204", "NO000000"):
        answers.append((cancel(chat, f"cancel {number}"), chat.asked, chat.buttons))
        reply(chat, "stop", "stop")
    assert answers[0] == answers[1] and answers[0][0][0] == UNKNOWN
    with transaction() as session:
        assert session.query(OrderRow).filter_by(number="NO771204", status="packed").count() == 1


def test_an_order_known_by_number_and_postcode_is_not_ones_own(chat: Chat) -> None:
    assurance.verify_order(chat.id, "NO771204", "M3 2BW")
    verified(chat, PRIYA)
    assert cancel(chat, "cancel NO771204")[0] == UNKNOWN


def test_three_unknown_numbers_lead_to_the_offer_of_a_person(chat: Chat) -> None:
    verified(chat, PRIYA)
    assert cancel(chat, "cancel NO771204")[0] == UNKNOWN
    assert reply(chat, "NO771205")[0] == UNKNOWN
    assert reply(chat, "NO771206") == [STILL_UNKNOWN]
    assert chat.slots["offer"] == "person" and chat.form is None


def test_without_orders_there_is_help(chat: Chat) -> None:
    with transaction() as session:
        session.execute(delete(OrderRow).where(OrderRow.number == "NO771204"))
    assert cancel(verified(chat, TOM)) == [NO_ORDERS] and chat.slots["offer"] == "person"


@pytest.mark.parametrize("text", ["no, the other order", "no, the other one", "no, I meant the SIM card"])
def test_the_other_order_at_the_read_back(chat: Chat, text: str) -> None:
    verified(chat, MEGAN)
    cancel(chat)
    reply(chat, "the phone")
    assert SIM in reply(chat, text, "correct")[-1] and chat.asked == "confirmed"
    reply(chat, "yes", "affirm")
    assert (status(chat, PHONE), status(chat, SIM)) == ("packed", "cancelled")


def test_the_other_order_when_none_was_offered_is_asked_for(chat: Chat) -> None:
    verified(chat, MEGAN)
    cancel(chat, "cancel the phone")
    reply(chat, "no, the other order", "correct")
    assert chat.asked == "order_number" and len(chat.buttons) == 2


@pytest.mark.parametrize("text", ["yes, cancel it", "cancel it", "cancel the order please", "yes cancel NO640755"])
def test_cancel_it_says_yes_to_the_read_back(chat: Chat, text: str) -> None:
    verified(chat, MEGAN)
    cancel(chat, "cancel the phone")
    reply(chat, text, "cancel_order" if "NO" in text else "stop")
    assert status(chat, PHONE) == "cancelled"


@pytest.mark.parametrize("text", ["cancel that", "stop", "forget it"])
def test_a_plain_stop_at_the_read_back_stops(chat: Chat, text: str) -> None:
    verified(chat, MEGAN)
    cancel(chat, "cancel the phone")
    assert interrupted(chat, text, "stop")
    chat.run(ActionStop())
    assert status(chat, PHONE) == "packed" and chat.slots["order_number"] is None


def test_an_interruption_keeps_the_order(chat: Chat) -> None:
    verified(chat, MEGAN)
    cancel(chat, "cancel the phone")
    assert interrupted(chat, "what does it cost to send a phone back?", "ask_question")
    chat.interrupted_by("action_answer")
    assert PHONE in reply_again(chat)[0] and chat.asked == "confirmed"


def reply_again(chat: Chat) -> list[str]:
    """The form asks its question again."""
    chat.run(FORMS["cancel_order_form"])
    return chat.run(ActionAskConfirmed())


def test_three_replies_that_are_neither_yes_nor_no_give_up(chat: Chat) -> None:
    verified(chat, MEGAN)
    cancel(chat, "cancel the phone")
    for _ in range(2):
        assert reply(chat, "hmm", "nlu_fallback")[0].startswith("Sorry, I need a yes or a no")
    assert "person" in reply(chat, "hmm", "nlu_fallback")[0]
    assert chat.slots["offer"] == "person" and status(chat, PHONE) == "packed"


def test_a_repeated_yes_cancels_nothing_else(chat: Chat) -> None:
    verified(chat, MEGAN)
    cancel(chat, "cancel the phone")
    reply(chat, "yes", "affirm")
    assert chat.run(ActionCancelOrder()) == [] and chat.form is None
    assert (status(chat, PHONE), status(chat, SIM)) == ("cancelled", "placed")


def test_a_lost_answer_and_a_second_try_of_the_same_message_give_the_first_outcome(chat: Chat) -> None:
    verified(chat, MEGAN)
    cancel(chat, "cancel the phone")
    chat.hear("yes", "affirm").run(FORMS["cancel_order_form"])
    slots = dict(chat.slots)
    first = chat.run(ActionCancelOrder())
    chat.slots = slots
    assert chat.run(ActionCancelOrder()) == first and "is cancelled. Your £449.00" in first[0]


def test_dispatched_between_the_read_back_and_the_yes(chat: Chat) -> None:
    verified(chat, MEGAN)
    cancel(chat, "cancel the phone")
    chat.hear("yes", "affirm").run(FORMS["cancel_order_form"])
    change(PHONE, status="dispatched")
    assert "on its way already" in chat.run(ActionCancelOrder())[0] and status(chat, PHONE) == "dispatched"


def test_proof_that_has_run_out_is_asked_for_again(chat: Chat, fixed_clock: Clock) -> None:
    verified(chat, MEGAN)
    cancel(chat, "cancel the phone")
    fixed_clock.move(minutes=20)
    reply(chat, "yes", "affirm")
    assert chat.asked == "account_number"
    reply(chat, "NA118260")
    assert PHONE in reply(chat, "CF10 1EP")[-1] and chat.asked == "confirmed"


def test_cancel_it_after_a_status_is_about_that_order(chat: Chat) -> None:
    verified(chat, MEGAN)
    begin(chat, "order_form", f"where is {PHONE}", "order_status")
    chat.hear("ok, cancel it", "stop").run(ActionStop())
    assert chat.followup == "cancel_order_form"
    assert PHONE in follow(chat)[0] and chat.asked == "confirmed"


def test_cancel_it_is_a_stop_when_no_order_was_spoken_of(chat: Chat) -> None:
    chat.hear("cancel it", "stop").run(ActionStop())
    assert chat.followup is None


@pytest.mark.parametrize("event", [{"event": "action", "name": "action_handoff"}, {"event": "session_started"}])
def test_the_order_spoken_of_is_forgotten(chat: Chat, event: dict[str, object]) -> None:
    verified(chat, MEGAN)
    begin(chat, "order_form", f"where is {PHONE}", "order_status")
    chat.events.append(event | {"timestamp": 5.0})
    chat.hear("cancel it", "stop").run(ActionStop())
    assert chat.followup is None
