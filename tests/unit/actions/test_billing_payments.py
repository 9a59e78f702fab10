"""A payment that the customer tells of; today is Sunday 22 November 2026."""

from datetime import date

import pytest
from chats import Chat

from actions import assurance, backends
from actions.backends import Payment
from actions.billing_payments import ActionReportPayment, ValidatePaymentForm, method_in
from actions.conversation import ActionAskChange, ActionAskConfirmed, ActionExplain, ActionStop

pytestmark = pytest.mark.usefixtures("database")
FORM, REPORT = ValidatePaymentForm(), ActionReportPayment()
ALL_AT_ONCE = "I paid £42.50 yesterday by bank transfer, account NA204518 LS1 4AP"
READ_BACK = "So you paid £42.50 by bank transfer on Saturday 21 November 2026. Is that right?"


def begin(chat: Chat, text: str = "I've paid my bill", verify: bool = True) -> Chat:
    if verify:
        assurance.verify_account(chat.id, "NA204518", "LS1 4AP")
    chat.hear(text, "report_payment").start("payment_form").run(FORM)
    return chat


def say(chat: Chat, text: str, intent: str = "inform") -> list[str]:
    return chat.hear(text, intent).run(FORM)


def reported(chat: Chat) -> list[Payment]:
    return backends.billing().payments(assurance.current(chat.id))


def test_everything_in_one_sentence_goes_straight_to_the_read_back(chat: Chat) -> None:
    begin(chat, ALL_AT_ONCE, verify=False)
    assert chat.asked == "confirmed" and chat.run(ActionAskConfirmed()) == [READ_BACK]
    assert reported(chat) == []
    say(chat, "yes", "affirm")
    said = chat.run(REPORT)
    [payment] = reported(chat)
    assert said[0] == f"Thank you, I've noted your payment of £42.50: the reference is {payment.reference}."
    assert chat.said[1]["response"] == "utter_payment_shows_bank_transfer"
    assert (payment.pence, payment.paid_on, payment.method) == (4250, date(2026, 11, 21), "bank_transfer")
    assert chat.slots["payment_amount"] is None


def test_it_is_asked_step_by_step(chat: Chat) -> None:
    begin(chat)
    asked = [chat.asked]
    for text in ("the full amount", "Friday", "with my card"):
        say(chat, text)
        asked.append(chat.asked)
    assert asked == ["payment_amount", "payment_day", "payment_method", "confirmed"]
    assert chat.run(ActionAskConfirmed()) == ["So you paid £42.50 by card on Friday 20 November 2026. Is that right?"]


@pytest.mark.parametrize(
    ("text", "pence"), [("42.50", 4250), ("42 quid", 4200), ("forty two pounds fifty", 4250), ("42", 4200)]
)
def test_amounts_as_people_write_them(chat: Chat, text: str, pence: int) -> None:
    say(begin(chat), text)
    assert chat.slots["payment_amount"] == pence and chat.asked == "payment_day"


def test_a_day_to_come_is_asked_for_again(chat: Chat) -> None:
    begin(chat, "I paid £42.50 by card")
    said = say(chat, "tomorrow")
    assert said == ["Monday 23 November 2026 is still to come, and I can only note a payment that you've made."]
    assert chat.asked == "payment_day"
    say(chat, "the 20th")
    assert chat.slots["payment_day"] == "2026-11-20"


def test_the_full_amount_of_nothing_is_asked_for(chat: Chat) -> None:
    assurance.verify_account(chat.id, "NA310077", "M3 2BW")
    chat.hear("I paid the full amount", "report_payment").start("payment_form").run(FORM)
    assert "£0.00 already" in chat.said[0]["text"] and chat.asked == "payment_amount"


def test_a_correction_at_the_read_back(chat: Chat) -> None:
    begin(chat, ALL_AT_ONCE, verify=False)
    said = say(chat, "no, it was £24.50 on Friday", "correct")
    assert said == [
        "Thanks, I've changed the amount to £24.50.",
        "Thanks, I've changed the day to Friday 20 November 2026.",
    ]
    assert chat.asked == "confirmed"
    say(chat, "no", "deny")
    chat.run(ActionAskChange())
    assert chat.buttons == ["The amount", "The day", "How you paid", "Nothing, stop"]
    say(chat, "How you paid", "nlu_fallback")
    assert chat.asked == "payment_method"
    say(chat, "by cheque")
    assert chat.run(ActionAskConfirmed()) == ["So you paid £24.50 by cheque on Friday 20 November 2026. Is that right?"]


def test_a_repeated_yes_notes_it_once(chat: Chat) -> None:
    begin(chat, ALL_AT_ONCE, verify=False)
    say(chat, "yes", "affirm")
    slots = dict(chat.slots)
    chat.run(REPORT)
    chat.slots = slots  # the same message is delivered again
    chat.run(REPORT)
    assert len(reported(chat)) == 1


def test_without_a_yes_nothing_is_noted(chat: Chat) -> None:
    begin(chat, ALL_AT_ONCE, verify=False)
    assert chat.run(REPORT) == [] and reported(chat) == []
    begin(chat, ALL_AT_ONCE, verify=False)
    say(chat, "no", "deny")
    assert "left everything as it is" in say(chat, "no, nothing", "deny")[0] and chat.run(REPORT) == []
    assert reported(chat) == []


def test_stopping_forgets_what_was_given(chat: Chat) -> None:
    begin(chat, "I paid £42.50")
    chat.hear("forget it", "stop").run(ActionStop())
    assert chat.form is None and chat.slots["payment_amount"] is None


def test_a_way_that_the_customer_would_rather_not_tell_is_left_out(chat: Chat) -> None:
    begin(chat, "I paid £42.50 yesterday")
    say(chat, "I'd rather not say", "refuse")
    assert chat.slots["payment_method"] == "other" and chat.asked == "confirmed"
    assert chat.run(ActionAskConfirmed()) == ["So you paid £42.50 on Saturday 21 November 2026. Is that right?"]


def test_refusing_the_amount_explains_and_then_offers_a_person(chat: Chat) -> None:
    begin(chat)
    say(chat, "I'd rather not say", "refuse")
    assert chat.asked == "payment_amount"
    assert "person" in say(chat, "no really", "refuse")[0] and chat.asked is None


def test_why_the_amount_is_needed(chat: Chat) -> None:
    begin(chat)
    chat.hear("why do you need that", "explain").run(FORM)
    assert chat.rejected()
    chat.run(ActionExplain())
    assert chat.said[0]["response"].startswith("utter_explain")


@pytest.mark.parametrize("text", ["'; DROP TABLE payments; --", "{{7*7}}", "/inform{}", "qwertz"])
def test_nonsense_three_times_offers_a_person(chat: Chat, text: str) -> None:
    begin(chat)
    for _ in range(2):
        assert "amount" in say(chat, text, "nlu_fallback")[0]
    assert "person" in say(chat, text, "nlu_fallback")[0] and chat.run(REPORT) == []


def test_an_amount_that_cannot_be_right_is_asked_for_again(chat: Chat) -> None:
    begin(chat, "I paid £9,999.00 yesterday by card")
    say(chat, "yes", "affirm")
    said = chat.run(REPORT)
    assert said == ["£9,999.00 is more than I can note here. Let's look at the amount again."]
    assert chat.followup == "payment_form" and reported(chat) == []
    chat.start("payment_form").run(FORM)
    assert chat.asked == "payment_amount"
    say(chat, "£99.99")
    assert chat.asked == "confirmed"


def test_a_payment_of_long_ago_is_a_persons_to_look_up(chat: Chat) -> None:
    begin(chat, "I paid £42.50 by card on 3 March 2026")
    say(chat, "yes", "affirm")
    assert "too long ago" in chat.run(REPORT)[0] and chat.slots["offer"] == "person" and reported(chat) == []


def test_the_task_alone_notes_nothing_for_a_stranger(chat: Chat) -> None:
    chat.slots.update(payment_amount=4250, payment_day="2026-11-20", payment_method="card", confirmed=True)
    assert "check who you are" in chat.hear("yes", "affirm").run(REPORT)[0]


@pytest.mark.parametrize(
    ("text", "method"),
    [
        ("by bank transfer", "bank_transfer"),
        ("transferred it", "bank_transfer"),
        ("my debit card", "card"),
        ("Direct Debit", "direct_debit"),
        ("sent a cheque", "cheque"),
        ("cash at the PayPoint", "other"),
        ("the other day", None),
        ("I paid", None),
    ],
)
def test_ways_to_pay(text: str, method: str | None) -> None:
    assert method_in(text) == method
