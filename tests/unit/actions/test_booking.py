"""A technician's visit."""

import pytest
from booking_chats import ASK, BOOK, FORM, MONDAY, READ_BACK, at_confirmation, at_time
from chats import Chat, Clock

from actions import assurance, backends
from actions.backends import Identity, Level
from actions.booking import (
    ActionAskVisitAgain,
    ActionListVisits,
    ValidateListVisitsForm,
    known_reason,
)
from actions.conversation import ActionAskChange

pytestmark = pytest.mark.usefixtures("database")


def test_the_whole_way(chat: Chat) -> None:
    chat.hear("I need a technician", "book_visit").start("booking_form").run(FORM)
    assert chat.asked == "account_number"
    chat.hear("NA204518, LS1 4AP").run(FORM)
    assert chat.asked == "visit_reason"
    chat.hear("Slow or dropping connection", "nlu_fallback").run(FORM)
    assert chat.asked == "visit_slot"
    chat.run(ASK)
    assert chat.buttons == [*MONDAY, "Tuesday 24 November, 12 noon to 5pm", "Other times"]
    chat.hear(MONDAY[1], "ask_question").run(FORM)
    assert chat.run(READ_BACK) == [
        "So that's a technician on Monday 23 November 2026 between 12 noon and 5pm. "
        "Reason: Slow or dropping connection. Shall I book it?"
    ]
    chat.hear("/affirm", "affirm").run(FORM)
    assert chat.asked is None
    assert chat.run(BOOK) == [
        "That's booked. A technician will come on Monday 23 November 2026 between 12 noon and 5pm. "
        "Your reference is NV000004."
    ]
    assert not any(chat.slots[s] for s in ("visit_reason", "visit_slot", "confirmed", "tries"))


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("2", "2026-11-23T12:00"),
        ("the last one", "2026-11-24T12:00"),
        ("Tuesday afternoon", "2026-11-24T12:00"),
        ("tomorrow morning please", "2026-11-23T08:00"),
        ("Friday 27 November in the morning", "2026-11-27T08:00"),
        ("the 4th of December at 2pm", "2026-12-04T12:00"),
    ],
)
def test_a_time_is_chosen_in_words(chat: Chat, text: str, chosen: str) -> None:
    at_time(chat).hear(text).run(FORM)
    assert (chat.slots["visit_slot"], chat.asked) == (chosen, "confirmed")


def test_a_full_time_is_told_and_others_are_offered(chat: Chat) -> None:
    said = at_time(chat).hear("Tuesday morning").run(FORM)
    assert said == ["Sorry, there's no visit free on Tuesday 24 November in the morning."]
    assert (chat.asked, chat.slots["tries"]) == ("visit_slot", 0) and not chat.rejected()
    chat.run(ASK)
    assert len(chat.buttons) == 4


def test_a_day_with_two_times_is_narrowed_down(chat: Chat) -> None:
    assert at_time(chat).hear("Friday").run(FORM) == [] and chat.asked == "visit_slot"
    chat.run(ASK)
    friday = ["Friday 27 November, 8am to 12 noon", "Friday 27 November, 12 noon to 5pm"]
    assert chat.buttons == [*friday, "Other times"]
    chat.hear("the second").run(FORM)
    assert chat.slots["visit_slot"] == "2026-11-27T12:00"


@pytest.mark.parametrize("text", ["Other times", "other times"])
@pytest.mark.parametrize("intent", ["nlu_fallback", "stop", "ask_question"])
def test_other_times_follow_the_ones_shown(chat: Chat, intent: str, text: str) -> None:
    assert at_time(chat).hear(text, intent).run(FORM) == []
    chat.run(ASK)
    assert chat.buttons[0] == "Wednesday 25 November, 8am to 12 noon"


def test_nonsense_is_a_failed_try(chat: Chat) -> None:
    said = at_time(chat).hear("banana", "nlu_fallback").run(FORM)
    assert "didn't catch" in said[0] and chat.slots["tries"] == 1


def test_a_question_interrupts_even_with_a_day_in_it(chat: Chat) -> None:
    at_time(chat).hear("what are your opening hours on Tuesday then?", "ask_question").run(FORM)
    assert chat.rejected() and not chat.slots.get("visit_slot")


def test_a_time_that_was_taken_meanwhile_is_not_offered_for_confirmation(chat: Chat) -> None:
    at_time(chat)
    for account in ("NA310077", "NA559031"):
        caller = Identity("x", Level.VERIFIED, account)
        backends.booking().book(caller, "2026-11-23T08:00", "No connection", f"yes-{account}")
    assert chat.hear("the first one").run(FORM) == ["Sorry, that time has just been taken."]
    assert chat.asked == "visit_slot" and not chat.rejected()


def test_no_at_the_read_back_asks_what_to_change(chat: Chat) -> None:
    at_confirmation(chat).hear("/deny", "deny").run(FORM)
    assert chat.asked == "change" and chat.slots["confirmed"] is None
    assert "nothing is done yet" in chat.run(ActionAskChange())[0]
    assert chat.buttons == ["The reason", "The time", "Nothing, stop"]
    chat.hear("The time", "correct").run(FORM)
    assert chat.asked == "visit_slot" and chat.slots["visit_reason"] == "No connection"


def test_no_with_another_time_changes_the_time(chat: Chat) -> None:
    at_confirmation(chat).hear("no, Wednesday morning instead", "deny").run(FORM)
    assert (chat.slots["visit_slot"], chat.asked) == ("2026-11-25T08:00", "confirmed")


def test_anything_but_yes_books_nothing(chat: Chat) -> None:
    said = at_confirmation(chat).hear("hmm", "nlu_fallback").run(FORM)
    assert "yes or a no" in said[0] and chat.asked == "confirmed"
    assert chat.run(BOOK) == []


def test_a_time_taken_between_yes_and_booking_starts_the_form_again(chat: Chat) -> None:
    at_confirmation(chat).hear("yes", "affirm").run(FORM)
    for account in ("NA310077", "NA559031"):
        caller = Identity("x", Level.VERIFIED, account)
        backends.booking().book(caller, "2026-11-23T08:00", "No connection", f"yes-{account}")
    assert chat.run(BOOK) == ["Sorry, somebody else has just taken that time."]
    assert {"event": "followup", "name": "booking_form"}.items() <= chat.last[-1].items()
    assert chat.slots["visit_reason"] == "No connection" and chat.slots["visit_slot"] is None


def test_the_same_yes_books_once(chat: Chat) -> None:
    at_confirmation(chat).hear("yes", "affirm").run(FORM)
    before = dict(chat.slots)
    first = chat.run(BOOK)
    chat.slots = before
    assert chat.run(BOOK) == first


def test_verification_that_ran_out_is_asked_again_before_booking(chat: Chat, fixed_clock: Clock) -> None:
    at_confirmation(chat).hear("yes", "affirm").run(FORM)
    fixed_clock.move(minutes=16)
    assert "check who you are again" in chat.run(BOOK)[0]
    chat.form = None
    chat.start("booking_form").run(FORM)
    assert chat.asked == "account_number" and chat.slots["visit_slot"] == "2026-11-23T08:00"


def test_reason_and_time_in_the_first_sentence_are_not_asked_again(chat: Chat) -> None:
    assurance.verify_account(chat.id, "NA204518", "LS1 4AP")
    text = "My internet is down, can you send a technician on Tuesday afternoon"
    chat.hear(text, "book_visit").start("booking_form").run(FORM)
    assert (chat.slots["visit_reason"], chat.slots["visit_slot"]) == ("No connection", "2026-11-24T12:00")
    assert chat.asked == "confirmed"


def test_free_text_is_a_reason_but_a_question_is_not(chat: Chat) -> None:
    assurance.verify_account(chat.id, "NA204518", "LS1 4AP")
    chat.hear("book a technician", "book_visit").start("booking_form").run(FORM)
    chat.hear("how much does the visit of a technician cost me?", "ask_question").run(FORM)
    assert chat.rejected()
    chat.hear("the socket in the hall came off the wall since Monday last week", "report_problem").run(FORM)
    assert chat.slots["visit_reason"].startswith("the socket in the hall") and chat.asked == "visit_slot"
    assert not chat.slots.get("visit_slot")


def test_when_everything_is_taken_a_person_is_offered(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    at_time(chat)
    monkeypatch.setattr("actions.backends.calendar.windows", list)
    said = chat.hear("other times").run(ASK)
    assert "all visits are taken" in said[0]
    assert chat.slots["offer"] == "person" and chat.asked is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("my broadband has gone down... it is down", "No connection"),
        ("the wifi is so slow", "Slow or dropping connection"),
        ("I need it installed", "New installation"),
        ("my broadband needs installing", "New installation"),
        ("hello", None),
    ],
)
def test_common_reasons(text: str, reason: str | None) -> None:
    assert known_reason(text) == reason


def second_for_the_same(chat: Chat) -> Chat:
    """Tom, who has a visit for a new installation on Tuesday morning, asks for another one."""
    assurance.verify_account(chat.id, "NA310077", "M3 2BW")
    chat.hear("book my installation for Friday morning", "book_visit").start("booking_form").run(FORM)
    assert chat.asked == "visit_again"
    return chat


def test_a_visit_for_the_same_reason_is_told(chat: Chat) -> None:
    assert second_for_the_same(chat).run(ActionAskVisitAgain()) == [
        "You already have a visit for that on Tuesday 24 November 2026 between 8am and 12 noon (NV000001). "
        "Would you like to move that one, or book another?"
    ]
    assert chat.buttons == ["Move that one", "Book another"]


def test_another_visit_for_the_same_reason(chat: Chat) -> None:
    second_for_the_same(chat).run(ActionAskVisitAgain())
    chat.hear("Book another", "book_visit").run(FORM)
    assert (chat.slots["visit_slot"], chat.asked) == ("2026-11-27T08:00", "confirmed")


def test_the_visit_for_the_same_reason_is_moved_to_the_time_that_was_named(chat: Chat) -> None:
    second_for_the_same(chat).run(ActionAskVisitAgain())
    chat.hear("Move that one", "move_visit").run(FORM)
    assert chat.asked is None and chat.run(BOOK) == [] and chat.followup == "move_visit_form"
    assert (chat.slots["move_reference"], chat.slots["move_slot"]) == ("NV000001", "2026-11-27T08:00")
    assert chat.slots["visit_reason"] is None


def test_neither_is_a_failed_try(chat: Chat) -> None:
    said = second_for_the_same(chat).hear("hm", "nlu_fallback").run(FORM)
    assert "move that visit, or book another" in said[0] and chat.asked == "visit_again"


def test_another_reason_needs_no_question(chat: Chat) -> None:
    assurance.verify_account(chat.id, "NA310077", "M3 2BW")
    chat.hear("no connection, book someone", "book_visit").start("booking_form").run(FORM)
    assert chat.asked == "visit_slot"


LIST_FORM, LIST = ValidateListVisitsForm(), ActionListVisits()


def test_visits_are_listed_with_reference_and_status(chat: Chat) -> None:
    assurance.verify_account(chat.id, "NA310077", "M3 2BW")
    chat.hear("when is my engineer coming", "list_visits").start("list_visits_form").run(LIST_FORM)
    assert chat.asked is None
    assert chat.run(LIST) == [
        "You have one visit to come: Tuesday 24 November, 8am to 12 noon, for New installation. Reference NV000001. "
        "It's booked, and you haven't confirmed it yet."
    ]
    caller = assurance.current(chat.id)
    backends.booking().confirm(caller, "NV000001", "c")
    backends.booking().book(caller, "2026-11-25T08:00", "No connection", "b")
    said = chat.run(LIST)[0].split("\n")
    assert said[0] == "You have 2 visits to come:" and len(said) == 3 and said[1].endswith("You've confirmed it.")


def test_without_a_visit_yes_books_one(chat: Chat) -> None:
    assurance.verify_account(chat.id, "NA204518", "LS1 4AP")
    chat.hear("when is my engineer coming", "list_visits").start("list_visits_form").run(LIST_FORM)
    assert chat.asked == "book_instead"
    chat.hear("yes", "affirm").run(LIST_FORM)
    assert chat.asked is None and chat.run(LIST) == [] and chat.followup == "booking_form"
    chat.start("booking_form").run(FORM)
    assert chat.asked == "visit_reason"


def test_without_a_visit_no_leaves_it_at_that(chat: Chat) -> None:
    assurance.verify_account(chat.id, "NA204518", "LS1 4AP")
    chat.hear("my visits", "list_visits").start("list_visits_form").run(LIST_FORM)
    said = chat.hear("no thanks", "deny").run(LIST_FORM)
    assert said == ["All right, nothing is booked. What would you like to do next?"]
    assert chat.run(LIST) == [] and chat.followup is None


def test_asking_for_visits_while_booking_the_first_one_comes_back(chat: Chat) -> None:
    at_time(chat).hear("have I got a visit already", "list_visits").start("list_visits_form")
    assert chat.run(LIST_FORM) == ["You don't have a technician visit booked yet."] and chat.asked is None
    assert chat.run(LIST) == ["Now, back to booking your visit."] and chat.followup == "booking_form"
    chat.start("booking_form").run(FORM)
    assert (chat.slots["visit_reason"], chat.asked) == ("No connection", "visit_slot")


def test_three_failed_tries_offer_a_person(chat: Chat) -> None:
    at_time(chat)
    for _ in range(2):
        assert "didn't catch" in chat.hear("banana", "nlu_fallback").run(FORM)[0]
    assert "person" in chat.hear("banana", "nlu_fallback").run(FORM)[0]
    assert chat.slots["offer"] == "person" and chat.asked is None and chat.run(BOOK) == []


@pytest.mark.parametrize(
    "text", ["'; DROP TABLE appointments; --", "my {{7*7}} ${x} {0} line", "<script>alert(1)</script>"]
)
def test_the_reason_is_only_text(chat: Chat, text: str) -> None:
    assurance.verify_account(chat.id, "NA204518", "LS1 4AP")
    chat.hear("book a technician on Friday morning", "book_visit").start("booking_form").run(FORM)
    chat.hear(text, "nlu_fallback").run(FORM)
    assert chat.slots["visit_reason"] == text and text in chat.run(READ_BACK)[0]
    chat.hear("yes", "affirm").run(FORM)
    chat.run(BOOK)
    assert backends.booking().mine(assurance.current(chat.id))[0].reason == text
