"""A charge that the customer does not agree with."""

import sqlite3
from pathlib import Path

import pytest
from chats import Chat

from actions import assurance, backends
from actions.backends import Ticket
from actions.billing import ActionAskDisputedBill, ActionExplainBill, ValidateBillForm
from actions.billing_disputes import ActionAskDisputedLine, ActionDisputeCharge, ValidateDisputeForm
from actions.conversation import ActionAskChange, ActionAskConfirmed, ActionStop

pytestmark = pytest.mark.usefixtures("database")
FORM, DISPUTE = ValidateDisputeForm(), ActionDisputeCharge()
BILL_FORM, EXPLAIN = ValidateBillForm(), ActionExplainBill()


def begin(chat: Chat, text: str = "I want to dispute a charge", intent: str = "dispute_charge") -> list[str]:
    assurance.verify_account(chat.id, "NA204518", "LS1 4AP")
    return chat.hear(text, intent).start("dispute_form").run(FORM)


def explain(chat: Chat, text: str = "explain my bill") -> None:
    assurance.verify_account(chat.id, "NA204518", "LS1 4AP")
    chat.hear(text, "explain_bill").start("bill_form").run(BILL_FORM)
    chat.run(EXPLAIN)
    chat.apply([{"event": "active_loop", "name": None}])


def say(chat: Chat, text: str, intent: str = "inform") -> list[str]:
    return chat.hear(text, intent).run(FORM)


def tickets(chat: Chat) -> list[Ticket]:
    return backends.tickets().own(assurance.current(chat.id))


def details(database: Path) -> str:
    with sqlite3.connect(database) as connection:
        return str(connection.execute("SELECT details FROM tickets").fetchone()[0])


def test_a_dispute_from_the_first_word_to_the_ticket(chat: Chat, database: Path) -> None:
    begin(chat)
    assert chat.asked == "disputed_bill"
    chat.run(ActionAskDisputedBill())
    assert chat.buttons[0] == "15 November 2026, £42.50" and chat.buttons[-1] == "Older"
    say(chat, "15 November 2026, £42.50", "nlu_fallback")
    assert chat.asked == "disputed_line"
    assert chat.run(ActionAskDisputedLine()) == ["Which charge on your bill of 15 November 2026 is wrong?"]
    assert chat.buttons == [
        "Fibre 500, £36.00", "Wi-Fi Plus, £6.00", "Home Phone, £5.00", "Calls to mobiles, £1.50",
        "Credit for a late start, −£6.00", "The whole bill",
    ]  # fmt: skip
    say(chat, "Home Phone, £5.00", "nlu_fallback")
    assert chat.asked == "dispute_reason"
    say(chat, "I cancelled that in September", "cancel_order")
    assert chat.run(ActionAskConfirmed()) == [
        "So you'd like us to look into Home Phone (£5.00) on your bill of 15 November 2026. You say: “I cancelled that "
        "in September” Shall I send that to our billing team?"
    ]
    assert tickets(chat) == []
    say(chat, "yes", "affirm")
    said = chat.run(DISPUTE)
    [ticket] = tickets(chat)
    assert (ticket.kind, ticket.subject) == ("dispute", "Disputed charge on INV-204518-04: Home Phone, £5.00")
    assert said[0] == (
        f"Thank you, our billing team has it now. Your reference is {ticket.reference}, and you'll hear from us by 5pm "
        "on Sunday 20 December 2026."
    )
    assert chat.said[1]["response"] == "utter_dispute_next"
    kept = details(database)
    assert "Invoice: INV-204518-04" in kept and "Line: Home Phone, £5.00" in kept
    assert "Customer's words: I cancelled that in September" in kept


def test_bill_line_and_reason_in_the_first_sentence(chat: Chat) -> None:
    begin(chat, "I never made those calls to mobiles on my last bill")
    assert chat.asked == "confirmed"
    assert chat.slots["disputed_line"] == "Calls to mobiles" and chat.slots["disputed_bill"] == "INV-204518-04"


def test_the_line_is_found_on_a_bill_that_is_given_by_its_number(chat: Chat) -> None:
    begin(chat, "I want to dispute the late payment fee on INV-204518-03")
    assert chat.slots["disputed_line"] == "Late payment fee" and chat.asked == "dispute_reason"


def test_the_first_words_are_kept_while_the_customer_is_verified(chat: Chat) -> None:
    text = "the late payment fee on my October bill is a joke"
    chat.hear(text, "dispute_charge").start("dispute_form").run(FORM)
    assert chat.asked == "account_number"
    say(chat, "NA204518 LS1 4AP")
    assert chat.slots["disputed_line"] == "Late payment fee" and chat.asked == "dispute_reason"


@pytest.mark.parametrize(
    ("text", "intent"), [("that's wrong", "correct"), ("I want to dispute that", "dispute_charge")]
)
def test_after_an_explanation_it_goes_on_with_that_bill(chat: Chat, text: str, intent: str) -> None:
    explain(chat, "explain my October bill")
    begin(chat, text, intent)
    assert chat.slots["disputed_bill"] == "INV-204518-03" and chat.asked == "disputed_line"


def test_thats_wrong_long_after_an_explanation_is_no_dispute(chat: Chat) -> None:
    explain(chat)
    for text in ("thanks", "bye", "hello"):
        chat.hear(text, "thank")
    begin(chat, "that's wrong", "correct")
    assert [m.get("response") for m in chat.said] == ["utter_correct"] and chat.asked is None
    assert chat.run(DISPUTE) == []


def test_an_explanation_of_an_earlier_session_is_forgotten(chat: Chat) -> None:
    explain(chat)
    chat.events.append({"event": "session_started", "timestamp": 99.0})
    begin(chat)
    assert chat.asked == "disputed_bill"


def test_an_explanation_in_between_answers_which_bill(chat: Chat) -> None:
    begin(chat)
    chat.hear("explain my October bill", "explain_bill").run(FORM)
    assert chat.rejected()
    chat.start("bill_form").run(BILL_FORM)
    assert chat.run(EXPLAIN)[-1] == "Now, back to the charge that you don't agree with."
    chat.start("dispute_form").run(FORM)
    assert chat.slots["disputed_bill"] == "INV-204518-03" and chat.asked == "disputed_line"


def test_somebody_elses_bill_sounds_like_one_that_does_not_exist(chat: Chat) -> None:
    for number in ("INV-310077-01", "INV-999999-01"):
        said = begin(chat, f"I want to dispute a charge on {number}")
        assert said == [f"I can't find a bill with the number {number} on your account."]
        assert chat.asked == "disputed_bill"
        chat.form = None


def test_another_bill_asks_for_its_line_again(chat: Chat) -> None:
    begin(chat, "I never made those calls to mobiles on my last bill")
    say(chat, "no, I mean my October bill", "correct")
    assert chat.slots["disputed_bill"] == "INV-204518-03" and chat.slots["disputed_line"] is None
    assert chat.asked == "disputed_line" and chat.slots["dispute_reason"]


def test_what_to_change_after_a_no(chat: Chat) -> None:
    begin(chat, "I never made those calls to mobiles on my last bill")
    say(chat, "no", "deny")
    chat.run(ActionAskChange())
    assert chat.buttons == ["The bill", "The charge", "What's wrong", "Nothing, stop"]
    say(chat, "The charge", "nlu_fallback")
    assert chat.asked == "disputed_line"
    chat.run(ActionAskDisputedLine())
    say(chat, "the whole bill", "nlu_fallback")
    assert "all of the £42.50" in chat.run(ActionAskConfirmed())[0]
    say(chat, "the reason is wrong", "correct")
    assert chat.asked == "dispute_reason"


def test_the_same_charge_is_not_disputed_twice(chat: Chat) -> None:
    begin(chat, "I never made those calls to mobiles on my last bill")
    say(chat, "yes", "affirm")
    slots = dict(chat.slots)
    chat.run(DISPUTE)
    chat.slots = slots  # the same message is delivered again
    chat.run(DISPUTE)
    [ticket] = tickets(chat)
    chat.form = None
    said = begin(chat, "I never made those calls to mobiles on my last bill")
    assert said[0].startswith(
        f"Our billing team is looking into that charge already: the reference is {ticket.reference}"
    )
    assert chat.asked is None and chat.run(DISPUTE) == [] and len(tickets(chat)) == 1


def test_a_long_story_is_kept_to_500_characters(chat: Chat) -> None:
    begin(chat, "dispute the Home Phone on my last bill")
    say(chat, "I never ordered it. " * 60)
    assert len(chat.slots["dispute_reason"]) == 500 and chat.asked == "confirmed"


@pytest.mark.parametrize("text", ["'; DROP TABLE tickets; --", "{{config.items()}}", "<script>alert(1)</script>"])
def test_hostile_words_are_kept_as_words(chat: Chat, database: Path, text: str) -> None:
    begin(chat, "dispute the Home Phone on my last bill")
    say(chat, text, "nlu_fallback")
    say(chat, "yes", "affirm")
    chat.run(DISPUTE)
    assert len(tickets(chat)) == 1 and f"Customer's words: {text}" in details(database)


def test_a_reply_that_is_no_line_is_asked_for_three_times(chat: Chat) -> None:
    begin(chat, "dispute my last bill")
    chat.run(ActionAskDisputedLine())
    for _ in range(2):
        assert "which charge" in say(chat, "' OR 1=1 --", "nlu_fallback")[0]
    assert "person" in say(chat, "xyz", "nlu_fallback")[0] and chat.run(DISPUTE) == []


def test_a_bill_with_one_line_needs_no_choice(chat: Chat) -> None:
    assurance.verify_account(chat.id, "NA936105", "NE1 7RU")
    chat.hear("I want to dispute my bill", "dispute_charge").start("dispute_form").run(FORM)
    assert chat.slots["disputed_line"] == "Fibre 900" and chat.asked == "dispute_reason"


def test_stopping_and_refusing(chat: Chat) -> None:
    begin(chat, "dispute the Home Phone on my last bill")
    say(chat, "I'd rather not say", "refuse")
    assert chat.asked == "dispute_reason" and chat.slots["dispute_reason"] is None
    chat.hear("stop", "stop").run(ActionStop())
    assert chat.form is None and chat.slots["disputed_bill"] is None and chat.slots["dispute_opening"] is None


def test_the_task_alone_opens_nothing_for_a_stranger(chat: Chat, database: Path) -> None:
    chat.slots.update(disputed_bill="INV-204518-04", disputed_line="Home Phone", dispute_reason="no", confirmed=True)
    assert "check who you are" in chat.hear("yes", "affirm").run(DISPUTE)[0]
    with sqlite3.connect(database) as connection:
        assert connection.execute("SELECT count(*) FROM tickets").fetchone() == (0,)
