"""Amounts and small numbers as customers write them."""

import pytest

from actions import amounts


@pytest.mark.parametrize(
    ("text", "pence"),
    [
        ("£42.50", 4250),
        ("i paid £1,234.5 yesterday", 123450),
        ("42 quid", 4200),
        ("forty two pounds fifty", 4250),
        ("42 pounds and 50p", 4250),
        ("a hundred and twenty pounds", 12000),
        ("20 pounds 30 months", 2000),
        ("50p", 50),
        ("42.50 by card", 4250),
        ("£42.50, account NA204518 LS1 4AP, on 3/11 at 5.30pm", 4250),
        ("NA204518 LS1 4AP", None),
        ("on 3.11.2026 at 5.30pm", None),
        ("$30", None),
        ("£0", None),
        ("£99999999", None),
        ("42", None),
        ("'; DROP TABLE payments; --", None),
        ("{{7*7}} ${42.50x}", None),
        ("", None),
    ],
)
def test_an_amount_in_a_sentence(text: str, pence: int | None) -> None:
    assert amounts.pence(text) == pence


@pytest.mark.parametrize(
    ("text", "pence"),
    [
        ("42", 4200),
        ("forty-two fifty", 4250),
        ("it was 42.", 4200),
        ("na204518", None),
        ("3/11", None),
        ("3 months", None),
        ("no idea", None),
    ],
)
def test_a_number_alone_is_pounds_when_an_amount_was_asked_for(text: str, pence: int | None) -> None:
    assert amounts.pence(text, bare=True) == pence


@pytest.mark.parametrize(
    ("text", "pence"),
    [
        ("i can do twenty pounds a month", 2000),
        ("£15.50 per month", 1550),
        ("i can only pay £20", 2000),
        ("i can't afford more than £20 each month", 2000),
        ("can i pay £10 a week", None),
        ("i owe £120 and want to pay it off monthly", None),
        ("my bill is £42.50", None),
    ],
)
def test_what_can_be_paid_a_month(text: str, pence: int | None) -> None:
    assert amounts.monthly(text) == pence


def test_all_that_is_owed() -> None:
    assert all(map(amounts.everything, ("the full amount", "all of it", "i've paid what i owe", "All", "paid in full")))
    assert not any(map(amounts.everything, ("all my life", "the bill", "£42.50")))


def test_small_numbers_are_no_amounts_and_no_parts_of_codes() -> None:
    read = {t: amounts.count(t) for t in ("three", "3 please", "£3", "the 3rd", "LS1 4AP", "3.50", "three quid")}
    assert read == {"three": 3, "3 please": 3} | dict.fromkeys(("£3", "the 3rd", "LS1 4AP", "3.50", "three quid"))
