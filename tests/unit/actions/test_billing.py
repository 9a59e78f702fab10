"""What a customer owes, and what a bill is made of."""

import sqlite3
from datetime import date
from pathlib import Path

import pytest
from chats import Chat

from actions import assurance
from actions.backends import Balance
from actions.billing import (
    NO_INVOICES,
    ActionAskBill,
    ActionBalance,
    ActionExplainBill,
    ValidateBalanceForm,
    ValidateBillForm,
    describe,
)

pytestmark = pytest.mark.usefixtures("database")
FORM, BALANCE = ValidateBalanceForm(), ActionBalance()
BILL_FORM, EXPLAIN = ValidateBillForm(), ActionExplainBill()


def test_the_balance_comes_after_verification(chat: Chat) -> None:
    chat.hear("what do I owe", "balance").start("balance_form").run(FORM)
    assert chat.asked == "account_number"
    chat.hear("204518").run(FORM)
    assert chat.asked == "postcode"
    chat.hear("LS1 4AP").run(FORM)
    assert chat.asked is None
    assert chat.run(BALANCE) == ["Your balance is £42.50. It's due on Sunday 6 December 2026."]
    assert chat.slots["account_number"] is None and chat.slots["postcode"] is None


def test_the_action_alone_tells_a_stranger_nothing(chat: Chat) -> None:
    chat.slots.update(account_number="NA204518", postcode="LS1 4AP")
    said = chat.hear("balance", "balance").run(BALANCE)
    assert "£" not in said[0] and "check who you are" in said[0]


@pytest.mark.parametrize(
    ("balance", "words"),
    [
        (Balance(0), "nothing to pay at the moment"),
        (Balance(-1550), "£15.50 in credit"),
        (Balance(123456, date(2026, 11, 22)), "£1,234.56. It's due on Sunday 22 November 2026."),
        (Balance(5675, date(2026, 11, 16)), "It was due on Monday 16 November 2026, so it's overdue."),
    ],
)
def test_every_balance_has_its_words(balance: Balance, words: str) -> None:
    assert words in describe(balance)


def explain(chat: Chat, text: str = "explain my bill", account: str = "NA204518", code: str = "LS1 4AP") -> list[str]:
    """Ask for an explanation as a verified customer; what is said in the end."""
    assurance.verify_account(chat.id, account, code)
    chat.hear(text, "explain_bill").start("bill_form").run(BILL_FORM)
    return chat.run(EXPLAIN) if chat.asked is None else []


def test_a_bill_is_explained_line_by_line_and_against_the_month_before(chat: Chat) -> None:
    told, changed = explain(chat)
    assert told.splitlines() == [
        "Your bill of 15 November 2026 (INV-204518-04) comes to £42.50. It's due on Sunday 6 December 2026.",
        "• Fibre 500: £36.00",
        "• Wi-Fi Plus: £6.00",
        "• Home Phone: £5.00",
        "• Calls to mobiles: £1.50",
        "• Credit for a late start: −£6.00",
    ]
    assert changed.splitlines() == [
        "What has changed since October:",
        "• New: Home Phone, £5.00",
        "• New: Calls to mobiles, £1.50",
        "• New: Credit for a late start, −£6.00",
        "• No longer there: Late payment fee, £7.50",
        "That's £7.00 less than in October, mainly because the late payment fee isn't on it any more.",
    ]
    assert chat.slots["bill"] is None and chat.slots["last_invoice"] == "INV-204518-04"


def test_an_explanation_needs_verification(chat: Chat) -> None:
    chat.hear("explain INV-204518-03", "explain_bill").start("bill_form").run(BILL_FORM)
    assert chat.asked == "account_number"
    chat.hear("NA204518, LS1 4AP").run(BILL_FORM)
    assert chat.asked is None and "INV-204518-03" in chat.run(EXPLAIN)[0]
    stranger = Chat("conversation-2")
    stranger.slots["bill"] = "INV-204518-03"
    said = stranger.hear("explain my bill", "explain_bill").run(EXPLAIN)
    assert "£" not in said[0] and "check who you are" in said[0]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("explain my October bill", "03"),
        ("and the bill before that", "03"),
        ("my first bill please", "01"),
        ("what is the £7.50 on INV-204518-03", "03"),
        ("why is it higher than last month", "04"),
    ],
)
def test_the_bill_that_is_named_is_explained(chat: Chat, text: str, number: str) -> None:
    assert f"(INV-204518-{number})" in explain(chat, text)[0]


def test_the_one_before_is_the_one_before_the_last_explained(chat: Chat) -> None:
    explain(chat, "explain my October bill")
    chat.form = None
    assert "(INV-204518-02)" in explain(chat, "and the one before?")[0]


def test_a_first_bill_is_compared_with_nothing(chat: Chat) -> None:
    assert len(explain(chat, "explain my bill", "NA936105", "NE1 7RU")) == 1


def test_another_bill_is_chosen_with_buttons_and_older_ones_follow(chat: Chat) -> None:
    assert explain(chat, "explain a different bill") == [] and chat.asked == "bill"
    assert chat.run(ActionAskBill()) == ["Which bill do you mean?"]
    shown = ["15 November 2026, £42.50", "16 October 2026, £49.50", "15 September 2026, £67.00", "Older"]
    assert chat.buttons == shown
    chat.hear("Older", "nlu_fallback").run(BILL_FORM)
    assert chat.asked == "bill" and chat.said == [] and chat.slots["tries"] == 0
    chat.run(ActionAskBill())
    assert chat.buttons == ["16 August 2026, £17.00"]
    chat.hear("16 August 2026, £17.00", "nlu_fallback").run(BILL_FORM)
    assert "(INV-204518-01)" in chat.run(EXPLAIN)[0]


@pytest.mark.parametrize("text", ["the second one", "October", "the October one", "16 October 2026, £49.50"])
def test_a_bill_on_offer_is_chosen_by_place_or_name(chat: Chat, text: str) -> None:
    explain(chat, "explain a different bill")
    chat.run(ActionAskBill())
    chat.hear(text, "inform").run(BILL_FORM)
    assert chat.slots["bill"] == "INV-204518-03"


def test_somebody_elses_bill_sounds_like_one_that_does_not_exist(chat: Chat) -> None:
    for number in ("INV-310077-01", "INV-999999-01"):
        explain(chat, f"explain {number}")
        assert [m["text"] for m in chat.said] == [f"I can't find a bill with the number {number} on your account."]
        assert chat.asked == "bill"
        chat.form = None


@pytest.mark.parametrize("text", ["'; DROP TABLE invoices; --", "{{7*7}}", "<script>alert(1)</script>", "%s%n"])
def test_nonsense_names_no_bill_and_the_third_time_a_person_is_offered(chat: Chat, text: str) -> None:
    explain(chat, "explain a different bill")
    chat.run(ActionAskBill())
    for _ in range(2):
        assert chat.hear(text, "nlu_fallback").run(BILL_FORM) and chat.asked == "bill"
    assert "person" in chat.hear(text, "nlu_fallback").run(BILL_FORM)[-1]
    assert chat.asked is None and chat.slots["offer"] == "person" and chat.run(EXPLAIN) == []


def test_no_bill_at_all_ends_the_task(chat: Chat, database: Path) -> None:
    with sqlite3.connect(database) as connection:
        connection.execute("DELETE FROM invoice_lines")
        connection.execute("DELETE FROM invoices")
    assurance.verify_account(chat.id, "NA204518", "LS1 4AP")
    assert chat.hear("explain my bill", "explain_bill").start("bill_form").run(BILL_FORM) == [NO_INVOICES]
    assert chat.asked is None and chat.run(EXPLAIN) == []
    assert chat.run(ActionAskBill()) == [NO_INVOICES]


def test_a_balance_question_in_between_comes_back_to_the_choice(chat: Chat) -> None:
    explain(chat, "explain a different bill")
    chat.run(ActionAskBill())
    chat.hear("what's my balance", "balance").run(BILL_FORM)
    assert chat.rejected()
    chat.start("balance_form").run(FORM)
    said = chat.run(BALANCE)
    assert said[1] == "Now, back to explaining your bill." and chat.followup == "bill_form"


@pytest.mark.parametrize("text", ["and the one before?", "the October one", "INV-204518-03"])
def test_a_follow_up_that_names_another_bill_explains_it(chat: Chat, text: str) -> None:
    explain(chat)
    chat.apply([{"event": "active_loop", "name": None}])
    chat.hear(text, "inform").start("bill_form").run(BILL_FORM)
    assert "(INV-204518-03)" in chat.run(EXPLAIN)[0]


@pytest.mark.parametrize("later", [False, True])
def test_details_that_name_no_bill_are_answered_as_usual(chat: Chat, later: bool) -> None:
    explain(chat)
    chat.apply([{"event": "active_loop", "name": None}])
    for text in ("thanks", "bye", "hello") if later else ():
        chat.hear(text, "thank")
    chat.hear("and the one before?" if later else "NA204518", "inform").start("bill_form").run(BILL_FORM)
    assert [m.get("response") for m in chat.said] == ["utter_inform"] and chat.asked is None
    assert chat.run(EXPLAIN) == [] and chat.slots["account_number"] is None


def test_explain_with_a_number_is_no_question_why(chat: Chat) -> None:
    explain(chat, "explain a different bill")
    chat.run(ActionAskBill())
    chat.hear("explain INV-204518-02", "explain").run(BILL_FORM)
    assert chat.slots["bill"] == "INV-204518-02"
    chat.form = None
    explain(chat, "explain a different bill")
    chat.hear("why do you need that", "explain").run(BILL_FORM)
    assert chat.rejected()
