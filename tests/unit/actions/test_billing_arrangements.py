"""A payment plan within the limits; today is Sunday 22 November 2026 and Priya owes £42.50."""

from datetime import date
from pathlib import Path

import pytest
import yaml
from chats import Chat

from actions import assurance, backends, settings
from actions.backends import Arrangement
from actions.billing_arrangements import (
    ActionArrangePayment,
    ActionAskFirstPaymentDay,
    ActionAskInstalments,
    ValidateArrangementForm,
    split,
)
from actions.conversation import ActionAskConfirmed

pytestmark = pytest.mark.usefixtures("database")
FORM, ARRANGE = ValidateArrangementForm(), ActionArrangePayment()
PRIYA, CALLUM, MEGAN, TOM = (
    ("NA204518", "LS1 4AP"),
    ("NA559031", "EH3 9DR"),
    ("NA118260", "CF10 1EP"),
    ("NA310077", "M3 2BW"),
)


def begin(chat: Chat, text: str = "can I pay in instalments", who: tuple[str, str] = PRIYA) -> list[str]:
    assurance.verify_account(chat.id, *who)
    return chat.hear(text, "arrange_payment").start("arrangement_form").run(FORM)


def say(chat: Chat, text: str, intent: str = "inform") -> list[str]:
    return chat.hear(text, intent).run(FORM)


def running(chat: Chat) -> Arrangement | None:
    return backends.billing().arrangement(assurance.current(chat.id))


def test_a_plan_from_the_first_word_to_the_reference(chat: Chat) -> None:
    chat.hear("can I pay in instalments", "arrange_payment").start("arrangement_form").run(FORM)
    assert chat.asked == "account_number"
    say(chat, "NA204518 LS1 4AP")
    assert chat.asked == "instalments"
    assert chat.run(ActionAskInstalments())[0].startswith("You owe £42.50. How many monthly payments")
    assert chat.buttons == [f"{n} payments of {each}" for n, each in
                            ((2, "£21.25"), (3, "£14.17"), (4, "£10.63"), (5, "£8.50"), (6, "£7.09"))]  # fmt: skip
    say(chat, "3 payments")
    assert chat.asked == "first_payment_day"
    chat.run(ActionAskFirstPaymentDay())
    assert chat.buttons == ["Sunday 22 November", "Sunday 29 November", "Sunday 6 December"]
    say(chat, "the 1st")
    plan = "• Tuesday 1 December 2026: £14.17\n• Friday 1 January 2027: £14.17\n• Monday 1 February 2027: £14.16"
    assert chat.run(ActionAskConfirmed()) == [f"Here's the plan for your £42.50:\n{plan}\nShall I set it up?"]
    assert running(chat) is None
    say(chat, "yes", "affirm")
    said = chat.run(ARRANGE)
    made = running(chat)
    assert made and said[0] == f"That's set up. Your payment plan is {made.reference}:\n{plan}"
    assert chat.said[1]["response"] == "utter_arrangement_next"


@pytest.mark.parametrize("pence", [4000, 4250, 9999, 60000])
@pytest.mark.parametrize("count", [2, 3, 5, 6])
def test_the_parts_that_are_read_back_sum_to_the_balance(pence: int, count: int) -> None:
    parts = split(pence, date(2026, 11, 30), count)
    assert sum(part for _, part in parts) == pence and max(p for _, p in parts) - min(p for _, p in parts) <= 1
    assert len({day for day, _ in parts}) == count


@pytest.mark.parametrize("count", [2, 3, 4, 5, 6])
def test_the_read_back_is_what_the_back_office_makes(chat: Chat, count: int) -> None:
    begin(chat, f"{count} payments from tomorrow")
    say(chat, "yes", "affirm")
    chat.run(ARRANGE)
    made = running(chat)
    assert made and made.instalments == split(4250, date(2026, 11, 23), count)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("three", 3),
        ("3 months", 3),
        ("4", 4),
        ("in half", 2),
        ("as many as possible", 6),
        ("2 payments", 2),
    ],
)
def test_numbers_of_payments_as_people_say_them(chat: Chat, text: str, count: int) -> None:
    begin(chat)
    say(chat, text)
    assert (chat.slots["instalments"], chat.asked) == (count, "first_payment_day")


@pytest.mark.parametrize(
    ("text", "count", "told"),
    [
        ("£20 a month", 3, "That comes to 3 payments of about £14.17."),
        ("twenty five quid", 2, "That comes to 2 payments of about £21.25."),
        ("I can afford £7.50", 6, "That comes to 6 payments of about £7.09."),
    ],
)
def test_an_amount_a_month_gives_the_fewest_payments_that_fit(chat: Chat, text: str, count: int, told: str) -> None:
    begin(chat)
    assert say(chat, text) == [told] and chat.slots["instalments"] == count


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("12 months", "Sorry, 12 is too many. The most I can do is 6, which is about £7.09 a month."),
        (
            "£5 a month",
            "Sorry, £5.00 a month would take 9 payments. The most I can do is 6, which is about £7.09 a month.",
        ),
        ("1 payment", "A plan has at least 2 payments. You can also pay it all at once, without a plan."),
        ("0", "A plan has at least 2 payments. You can also pay it all at once, without a plan."),
        ("£50 a month", "A plan has at least 2 payments. You can also pay it all at once, without a plan."),
    ],
)
def test_never_more_than_the_policy_allows(chat: Chat, text: str, told: str) -> None:
    begin(chat)
    assert say(chat, text) == [told] and chat.asked == "instalments" and chat.slots["instalments"] is None


def test_weekly_payments_are_not_taken_for_monthly_ones(chat: Chat) -> None:
    begin(chat, "can i pay £10 a week")
    assert chat.asked == "instalments"
    assert "what you can pay a month" in say(chat, "£10 a week")[0] and chat.asked == "instalments"


@pytest.mark.parametrize("text", ["7 December", "yesterday", "in three weeks", "3 November"])
def test_the_first_day_is_within_the_limits(chat: Chat, text: str) -> None:
    begin(chat, "I'd like 3 payments")
    said = say(chat, text)
    assert said == ["Sorry, the first payment has to be between today and Sunday 6 December."]
    assert chat.asked == "first_payment_day"


def test_several_values_in_the_first_sentence(chat: Chat) -> None:
    begin(chat, "could you split my bill over 3 months starting on the 1st, NA204518 LS1 4AP")
    assert chat.asked == "confirmed" and chat.slots["first_payment_day"] == "2026-12-01"


def test_a_correction_at_the_read_back(chat: Chat) -> None:
    begin(chat, "3 payments from tomorrow")
    assert say(chat, "no, make it 4 payments", "correct") == [
        "Thanks, I've changed the number of payments to 4 payments."
    ]
    assert chat.asked == "confirmed"
    assert say(chat, "actually, on the 5th", "correct") == [
        "Thanks, I've changed the first day to Saturday 5 December 2026."
    ]
    assert chat.run(ActionAskConfirmed())[0].startswith(
        "Here's the plan for your £42.50:\n• Saturday 5 December 2026: £10.63"
    )


@pytest.mark.parametrize(
    ("who", "told"),
    [
        (TOM, "You have nothing to pay at the moment"),
        (MEGAN, "You owe £12.00, which is too little for a payment plan."),
    ],
)
def test_too_little_to_pay(chat: Chat, who: tuple[str, str], told: str) -> None:
    assert begin(chat, who=who)[0].startswith(told) and chat.asked is None
    assert chat.run(ARRANGE) == []


def test_a_second_plan_is_refused_and_the_first_is_named(chat: Chat) -> None:
    begin(chat, "3 payments from tomorrow")
    say(chat, "yes", "affirm")
    chat.run(ARRANGE)
    made = running(chat)
    chat.form = None
    said = begin(chat)[0]
    assert made and f"payment plan, {made.reference}, already" in said and "£14.17 on Monday 23 November 2026" in said
    assert chat.slots["offer"] == "person" and chat.asked is None


@pytest.fixture
def rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The rules in a folder that a test may edit."""
    folder = tmp_path / "rules"
    folder.mkdir()
    for file in settings.rules_dir().glob("*.yml"):
        (folder / file.name).write_text(file.read_text("utf-8"), "utf-8")
    monkeypatch.setenv("TANDEM_RULES", str(folder))
    return folder / "billing.yml"


def edit(rules: Path, **limits: int) -> None:
    kept = yaml.safe_load(rules.read_text("utf-8"))
    kept["arrangement"] |= limits
    rules.write_text(yaml.safe_dump(kept), "utf-8")


def test_a_compliance_person_edits_the_limits(chat: Chat, rules: Path) -> None:
    edit(rules, max_instalments=3, first_within_days=7)
    begin(chat)
    chat.run(ActionAskInstalments())
    assert chat.buttons == ["2 payments of £21.25", "3 payments of £14.17"]
    assert "The most I can do is 3" in say(chat, "6")[0]
    say(chat, "3")
    assert "Sunday 29 November" in say(chat, "30 November")[0]


def test_a_balance_above_the_limit_goes_to_a_person(chat: Chat, rules: Path) -> None:
    edit(rules, max_balance=4200)
    assert "more than I can split up here" in begin(chat)[0] and chat.slots["offer"] == "person"


def test_limits_that_change_before_the_yes_are_kept(chat: Chat, rules: Path) -> None:
    begin(chat, "6 payments from tomorrow")
    say(chat, "yes", "affirm")
    edit(rules, max_instalments=3)
    assert "can't split it that way" in chat.run(ARRANGE)[0]
    assert chat.followup == "arrangement_form" and running(chat) is None
    assert chat.slots["instalments"] is None and chat.slots["confirmed"] is None


def test_a_day_that_passes_before_the_yes_is_asked_for_again(chat: Chat, rules: Path) -> None:
    begin(chat, "3 payments on 6 December")
    say(chat, "yes", "affirm")
    edit(rules, first_within_days=7)
    assert "Sunday 29 November" in chat.run(ARRANGE)[0] and chat.slots["first_payment_day"] is None
    assert chat.slots["instalments"] == 3 and running(chat) is None


def test_a_repeated_yes_makes_one_plan(chat: Chat) -> None:
    begin(chat, "3 payments from tomorrow")
    say(chat, "yes", "affirm")
    slots = dict(chat.slots)
    first = chat.run(ARRANGE)
    chat.slots = slots
    assert chat.run(ARRANGE) == first


@pytest.mark.parametrize("text", ["'; DROP TABLE arrangements; --", "{{7*7}}", "${8}", "loads"])
def test_nonsense_three_times_offers_a_person(chat: Chat, text: str) -> None:
    begin(chat)
    for _ in range(2):
        say(chat, text, "nlu_fallback")
        assert chat.asked == "instalments"
    assert "person" in say(chat, text, "nlu_fallback")[0] and chat.run(ARRANGE) == [] and running(chat) is None


def test_the_task_alone_arranges_nothing_for_a_stranger(chat: Chat) -> None:
    chat.slots.update(instalments=3, first_payment_day="2026-11-23", confirmed=True)
    assert "check who you are" in chat.hear("yes", "affirm").run(ARRANGE)[0]
