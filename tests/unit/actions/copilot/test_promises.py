"""Promises that were made to a customer, and by when they are due."""

from datetime import UTC, date, datetime

import pytest

from actions.copilot.due import due
from actions.copilot.promises import asked_for, promises
from actions.copilot.transcript import Said

FRIDAY = datetime(2026, 11, 27, 15, 0, tzinfo=UTC)  # 3pm in London, customer care is open


def agent(text: str, turn: int = 1) -> Said:
    """An agent's message on that Friday."""
    return Said(text, turn, by_agent=True, at=FRIDAY)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("I'll call you back tomorrow at 3", date(2026, 11, 28)),
        ("you'll get the refund within 5 days", date(2026, 12, 2)),
        ("It takes 3 to 5 working days.", date(2026, 12, 4)),
        ("within five working days", date(2026, 12, 4)),
        ("We'll be in touch within 24 hours.", date(2026, 11, 28)),
        ("I'll ring you in two hours", date(2026, 11, 27)),
        ("in a couple of days", date(2026, 11, 29)),
        ("within the next two weeks", date(2026, 12, 11)),
        ("by Tuesday", date(2026, 12, 1)),
        ("on 3 December", date(2026, 12, 3)),
        ("by the end of the month", date(2026, 11, 30)),
        ("later today", date(2026, 11, 27)),
        ("this week", date(2026, 11, 27)),
        ("next week", date(2026, 12, 4)),
        ("next month", date(2026, 12, 31)),
        ("I'll send you the label", date(2026, 11, 30)),
        ("You had it for 5 days. I'll write to you.", date(2026, 11, 30)),
    ],
)
def test_due(text: str, day: date) -> None:
    assert due(text, FRIDAY) == day


def test_working_days_pass_over_bank_holidays() -> None:
    christmas_eve = datetime(2026, 12, 24, 12, 0, tzinfo=UTC)
    assert due("within 2 working days", christmas_eve) == date(2026, 12, 30)
    assert due("I'll e-mail you the form", christmas_eve) == date(2026, 12, 29)


@pytest.mark.parametrize(
    "text",
    [
        "I'll call you back tomorrow at 3.",
        "I’ll send you a return label by e-mail.",
        "We will refund £20.00 within 5 working days.",
        "You'll get the refund within 5 days.",
        "You will receive a letter on Monday.",
        "You'll hear from our billing team by Tuesday.",
        "A colleague will ring you this afternoon.",
        "Our network team are going to look into this and come back to you.",
        "The replacement router will be sent today.",
        "Your refund should arrive by Friday.",
        "I'm going to escalate this to my manager.",
        "I'll make sure they call you on Monday.",
    ],
)
def test_promises(text: str) -> None:
    found = promises([agent(f"Thanks for waiting. {text}", 4)])
    assert [(p.text, p.kind, p.turn) for p in found] == [(text.replace("’", "'"), "promise", 4)]


@pytest.mark.parametrize(
    "text",
    [
        "If it drops again, I'll send an engineer.",
        "I'll just check that for you.",
        "I'll look into it now.",
        "One moment, I'll ask my colleague.",
        "Shall I send you a label?",
        "I'll switch all our marketing off. Shall I save that?",
        "I won't be able to refund that.",
        "You'll need your account number.",
        "You'll have to restart the router.",
        "The line will be faster.",
        "I called you yesterday.",
        "They can see what you've written.",
    ],
)
def test_no_promises(text: str) -> None:
    assert promises([agent(text)]) == []


def test_two_promises_in_a_sentence() -> None:
    found = promises([agent("I'll call you on Monday, and you'll get the refund within 5 working days.", 2)])
    assert [(p.text, p.due, p.calls) for p in found] == [
        ("I'll call you on Monday", date(2026, 11, 30), True),
        ("You'll get the refund within 5 working days.", date(2026, 12, 4), False),
    ]


def test_a_promise_that_was_kept_is_none() -> None:
    assert promises([agent("I'll send you the return label."), agent("I've sent the label to your e-mail.", 2)]) == []
    assert len(promises([agent("I'll send you the return label."), agent("I've sent the invoice.", 2)])) == 1
    assert len(promises([agent("I'll call you on Monday."), agent("I've sent the invoice.", 2)])) == 1


def test_the_assistants_tasks_promise_and_its_articles_do_not() -> None:
    text = "We'll refund £20.00 within 14 days."
    found = promises([Said(text, 3, action="action_return_order", at=FRIDAY), Said(text, 4, action="action_answer")])
    assert [(p.turn, p.due) for p in found] == [(3, date(2026, 12, 11))]


def test_what_the_customer_was_asked_to_send_is_looked_after() -> None:
    said = [agent("Could you send me a photo of the router?", 2), agent("Please post it back by 4 December.", 3)]
    [left] = asked_for(said, 3)
    assert (left.kind, left.due, left.turn) == ("follow_up", date(2026, 12, 4), 3)
    assert left.text == "Check that the customer has done this: Please post it back by 4 December."
    assert asked_for([agent("Please send us the form.", 3)], 3)[0].due == date(2026, 12, 4)
    assert asked_for(said, 4) == []
