"""What a customer owes."""

from datetime import date

import pytest
from chats import Chat

from actions.backends import Balance
from actions.billing import ActionBalance, ValidateBalanceForm, describe

pytestmark = pytest.mark.usefixtures("database")
FORM, BALANCE = ValidateBalanceForm(), ActionBalance()


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
