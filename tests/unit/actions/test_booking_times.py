"""Choosing the time of a visit: what is understood, what cannot be had, paging through what is free."""

import pytest
from booking_chats import ASK, FORM, READ_BACK, at_confirmation, at_time
from chats import Chat

from actions import assurance, backends

pytestmark = pytest.mark.usefixtures("database")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Saturday", "Sorry, technicians don't come at weekends."),
        ("Sunday at noon please", "Sorry, technicians don't come at weekends."),
        ("on the 5th of January", "Sorry, that's too far ahead: visits can be booked up to Friday 18 December."),
        ("Wednesday evening", "Sorry, technicians come between 8am and 5pm."),
    ],
)
def test_what_cannot_be_had_comes_with_a_reason_and_the_nearest_times(chat: Chat, text: str, why: str) -> None:
    assert at_time(chat).hear(text).run(FORM) == [why]
    assert chat.run(ASK) == ["The nearest times that I have are these. Would one of them suit you?"]
    assert len(chat.buttons) == 4 and chat.slots["tries"] == 0
    chat.hear("1").run(FORM)
    assert chat.asked == "confirmed"


def test_an_hour_within_a_window_means_that_window_and_says_so(chat: Chat) -> None:
    said = at_time(chat).hear("Tuesday at 3").run(FORM)
    assert said == ["A technician comes at some time within the window, so I can't promise a visit at 3pm."]
    assert chat.slots["visit_slot"] == "2026-11-24T12:00" and "between 12 noon and 5pm" in chat.run(READ_BACK)[0]


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("the earlier one", "2026-11-23T08:00"),
        ("the later one please", "2026-11-24T12:00"),
        ("the earliest", "2026-11-23T08:00"),
        ("as soon as possible", "2026-11-23T08:00"),
        ("I don't mind", "2026-11-23T08:00"),
        ("not Monday, the first free morning", "2026-11-25T08:00"),
    ],
)
def test_a_time_is_chosen_among_the_ones_on_offer(chat: Chat, text: str, chosen: str) -> None:
    at_time(chat).hear(text).run(FORM)
    assert (chat.slots["visit_slot"], chat.asked) == (chosen, "confirmed")


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("the earlier one", "2026-11-23T08:00"),
        ("no, the later one", "2026-11-24T12:00"),
        ("no, in the morning instead", "2026-11-23T08:00"),
        ("two days later, same time", "2026-11-25T12:00"),
        ("actually the day after, afternoon", "2026-11-24T12:00"),
    ],
)
def test_the_time_is_changed_at_the_read_back(chat: Chat, text: str, chosen: str) -> None:
    at_confirmation(chat, "2").hear(text, "correct").run(FORM)
    assert (chat.slots["visit_slot"], chat.slots["confirmed"], chat.asked) == (chosen, None, "confirmed")


def test_nothing_is_earlier_than_the_earliest(chat: Chat) -> None:
    assert at_confirmation(chat).hear("the earlier one", "correct").run(FORM) == ["That's the earliest there is."]
    assert (chat.slots["visit_slot"], chat.asked) == ("2026-11-23T08:00", "confirmed")


@pytest.mark.parametrize("text", ["yes, Monday is fine", "Yes please, as soon as possible", "ok see you on the 23rd"])
def test_a_yes_that_repeats_the_day_is_a_yes(chat: Chat, text: str) -> None:
    at_confirmation(chat).hear(text, "affirm").run(FORM)
    assert chat.slots["confirmed"] is True and chat.asked is None


def test_a_yes_with_another_day_is_none(chat: Chat) -> None:
    at_confirmation(chat).hear("yes, but on Wednesday morning", "affirm").run(FORM)
    assert chat.slots["confirmed"] is None
    assert (chat.slots["visit_slot"], chat.asked) == ("2026-11-25T08:00", "confirmed")


def test_other_times_never_repeat_and_earlier_ones_go_back(chat: Chat) -> None:
    at_time(chat)
    seen = chat.buttons[:3]
    while "Other times" in chat.buttons:
        assert chat.hear("Other times").run(FORM) == []
        chat.run(ASK)
        page = [title for title in chat.buttons if "," in title]
        assert page and not set(page) & set(seen)
        seen += page
    assert len(seen) == len(backends.booking().windows(assurance.current(chat.id)))
    said = chat.hear("anything else?").run(FORM)
    assert said == ["Those are all the times that are free at the moment."] and chat.asked == "visit_slot"
    chat.hear("Earlier times").run(FORM)
    chat.run(ASK)
    before = seen[-len(page) - 3 : -len(page)]
    assert chat.buttons[:3] == before


def test_earlier_than_what_fitted_and_later_than_what_was_chosen(chat: Chat) -> None:
    at_time(chat).hear("Thursday").run(FORM)
    chat.run(ASK)
    chat.hear("anything earlier?").run(FORM)
    chat.run(ASK)
    assert chat.buttons[0] == "Tuesday 24 November, 12 noon to 5pm"
    chat.hear("1").run(FORM)
    assert chat.asked == "confirmed"
    chat.hear("do you have anything later?", "deny").run(FORM)
    assert (chat.asked, chat.slots["visit_slot"]) == ("visit_slot", None)
    chat.run(ASK)
    assert chat.buttons[0] == "Wednesday 25 November, 8am to 12 noon"


def test_the_other_options_within_a_wish_come_before_the_rest(chat: Chat) -> None:
    at_time(chat).hear("any morning next week").run(FORM)
    chat.run(ASK)
    assert chat.buttons[:3] == [
        f"{day} November, 8am to 12 noon" for day in ("Monday 23", "Wednesday 25", "Thursday 26")
    ]
    chat.hear("other times").run(FORM)
    chat.run(ASK)
    assert chat.buttons[0] == "Friday 27 November, 8am to 12 noon"


def test_a_day_is_chosen_among_the_times_that_fitted(chat: Chat) -> None:
    at_time(chat).hear("3pm on Wednesday or Thursday").run(FORM)
    chat.run(ASK)
    assert chat.buttons[:2] == ["Wednesday 25 November, 12 noon to 5pm", "Thursday 26 November, 12 noon to 5pm"]
    chat.hear("wednesday").run(FORM)
    assert (chat.slots["visit_slot"], chat.asked) == ("2026-11-25T12:00", "confirmed")


def test_any_other_day_is_not_chosen_among_the_times_that_are_shown(chat: Chat) -> None:
    at_time(chat).hear("Saturday").run(FORM)
    chat.run(ASK)
    chat.hear("not Monday, any other day at 3").run(FORM)
    assert chat.asked == "visit_slot"
    assert chat.run(ASK) == ["These times are free. Which one would you like?"]
    assert chat.buttons[0] == "Tuesday 24 November, 12 noon to 5pm"


def test_that_week_is_the_week_of_the_times_that_are_shown(chat: Chat) -> None:
    at_time(chat).hear("the week after next").run(FORM)
    chat.run(ASK)
    chat.hear("any morning that week but not monday").run(FORM)
    chat.run(ASK)
    assert chat.buttons[0] == "Tuesday 1 December, 8am to 12 noon"


def test_a_no_to_the_times_shows_others(chat: Chat) -> None:
    at_time(chat).hear("no", "deny").run(FORM)
    assert chat.asked == "visit_slot" and not chat.rejected()
    assert chat.run(ASK) == ["How about one of these? You can also name a day."]
    assert chat.buttons[0] == "Wednesday 25 November, 8am to 12 noon"


def test_a_day_named_before_the_verification_is_kept(chat: Chat) -> None:
    text = "no internet, can you send someone on Wednesday afternoon"
    chat.hear(text, "book_visit").start("booking_form").run(FORM)
    assert chat.asked == "account_number"
    chat.hear("NA204518").run(FORM)
    chat.hear("LS1 4AP").run(FORM)
    assert (chat.slots["visit_slot"], chat.asked) == ("2026-11-25T12:00", "confirmed")


def test_everything_in_one_sentence_goes_to_the_read_back(chat: Chat) -> None:
    text = "book an engineer for Wednesday at 9, slow broadband, account NA204518, LS1 4AP"
    chat.hear(text, "book_visit").start("booking_form").run(FORM)
    assert chat.asked == "confirmed" and "Wednesday 25 November 2026 between 8am" in chat.run(READ_BACK)[0]
