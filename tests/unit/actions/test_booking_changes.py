"""Moving, cancelling and confirming a technician's visit."""

from datetime import UTC, datetime

import pytest
from chats import Chat, Clock

from actions import assurance, backends
from actions.backends import Appointment, Identity, Level
from actions.booking import ActionAskVisitSlot, ActionBookVisit, ValidateBookingForm
from actions.booking_changes import (
    GONE,
    NOTHING_TO_CANCEL,
    ActionAskCancelReference,
    ActionAskMoveReference,
    ActionAskMoveSlot,
    ActionCancelVisit,
    ActionConfirmVisit,
    ActionMoveVisit,
    ValidateCancelVisitForm,
    ValidateConfirmVisitForm,
    ValidateMoveVisitForm,
)
from actions.conversation import ActionAskConfirmed, ActionStop

pytestmark = pytest.mark.usefixtures("database")
MOVE_FORM, MOVE, ASK_WHICH, ASK_WHEN = (
    ValidateMoveVisitForm(),
    ActionMoveVisit(),
    ActionAskMoveReference(),
    ActionAskMoveSlot(),
)
CANCEL_FORM, CANCEL = ValidateCancelVisitForm(), ActionCancelVisit()
CONFIRM_FORM, CONFIRM = ValidateConfirmVisitForm(), ActionConfirmVisit()
READ_BACK = ActionAskConfirmed()
TOM = Identity("x", Level.VERIFIED, "NA310077")
LATE = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)  # noon on the working day before Tom's visit


def tom(chat: Chat) -> Chat:
    """Tom, who has NV000001 on Tuesday 24 November in the morning."""
    assurance.verify_account(chat.id, "NA310077", "M3 2BW")
    return chat


def move(chat: Chat, text: str = "I need to move my visit", **entities: str) -> list[str]:
    return chat.hear(text, "move_visit", **entities).start("move_visit_form").run(MOVE_FORM)


def cancel(chat: Chat, text: str = "cancel my visit") -> list[str]:
    return chat.hear(text, "cancel_visit").start("cancel_visit_form").run(CANCEL_FORM)


def confirm(chat: Chat, text: str = "please confirm my visit") -> list[str]:
    return chat.hear(text, "confirm_visit").start("confirm_visit_form").run(CONFIRM_FORM)


def second_visit(window: str = "2026-11-26T12:00") -> Appointment:
    """Another visit of Tom's."""
    return backends.booking().book(TOM, window, "No connection", f"book-{window}")


def yes(chat: Chat, form: object, action: object) -> list[str]:
    chat.hear("yes", "affirm").run(form)  # type: ignore[arg-type]
    assert chat.asked is None
    return chat.run(action)  # type: ignore[arg-type]


def test_one_visit_is_not_asked_for(chat: Chat) -> None:
    assert move(tom(chat)) == [] and chat.asked == "move_slot"
    assert chat.run(ASK_WHEN) == ["When would suit you? You can also name a day, such as Tuesday afternoon."]
    chat.hear("Friday morning").run(MOVE_FORM)
    assert chat.run(READ_BACK) == [
        "So your visit NV000001 moves from Tuesday 24 November, 8am to 12 noon to Friday 27 November, 8am to 12 noon. "
        "Shall I move it?"
    ]
    assert yes(chat, MOVE_FORM, MOVE) == [
        "Done. Your visit NV000001 is now on Friday 27 November 2026 between 8am and 12 noon."
    ]
    assert backends.booking().mine(TOM)[0].window.id == "2026-11-27T08:00"
    assert not any(chat.slots.get(s) for s in ("move_reference", "move_slot", "visit_wish", "visit_offer", "confirmed"))


def test_everything_in_one_sentence_goes_to_the_read_back(chat: Chat) -> None:
    text = "move my visit NV000001 to next Friday morning, account NA310077 M3 2BW"
    assert move(chat, text) == [] and chat.asked == "confirmed"
    assert "to Friday 27 November, 8am to 12 noon" in chat.run(READ_BACK)[0]


def test_a_time_named_before_the_verification_is_kept(chat: Chat) -> None:
    move(chat, "change my Tuesday appointment to Thursday after 3")
    assert chat.asked == "account_number"
    said = chat.hear("NA310077 M3 2BW").run(MOVE_FORM)
    assert said == ["A technician comes at some time within the window, so I can't promise a visit after 3pm."]
    assert (chat.slots["move_slot"], chat.asked) == ("2026-11-26T12:00", "confirmed")


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("the afternoon instead", None),  # full
        ("the day after, in the morning", "2026-11-25T08:00"),
        ("same time a day later", "2026-11-25T08:00"),
        ("anything but Tuesday, as soon as possible", "2026-11-23T08:00"),
        ("tomorrow at half past two", "2026-11-23T12:00"),
    ],
)
def test_the_new_time_counts_from_the_old_one(chat: Chat, text: str, chosen: str | None) -> None:
    for account in ("NA204518", "NA775384"):
        backends.booking().book(Identity("y", Level.VERIFIED, account), "2026-11-24T12:00", "No connection", account)
    move(tom(chat))
    said = chat.hear(text).run(MOVE_FORM)
    assert chat.slots["move_slot"] == chosen
    if chosen is None:
        assert said == ["Sorry, there's no visit free on Tuesday 24 November in the afternoon."]


def test_earlier_and_later_count_from_the_visit(chat: Chat) -> None:
    move(tom(chat), "can you bring my visit forward")
    assert chat.asked == "move_slot"
    move(chat, "could it be a bit later")
    chat.run(ASK_WHEN)
    assert chat.asked == "move_slot"


def test_the_time_of_the_visit_itself_is_no_new_one(chat: Chat) -> None:
    move(tom(chat))
    assert chat.hear("Tuesday morning").run(MOVE_FORM) == ["You already have a visit then."]
    assert chat.asked == "move_slot"


def test_several_visits_are_offered(chat: Chat) -> None:
    other = second_visit()
    move(tom(chat), "move my visit to Friday morning")
    assert chat.asked == "move_reference"
    assert chat.run(ASK_WHICH) == ["Which visit would you like to move?"]
    assert chat.buttons == ["Tuesday 24 November, 8am to 12 noon", "Thursday 26 November, 12 noon to 5pm"]
    chat.hear("the second one").run(MOVE_FORM)
    assert (chat.slots["move_reference"], chat.slots["move_slot"]) == (other.reference, "2026-11-27T08:00")
    assert chat.asked == "confirmed"


@pytest.mark.parametrize("text", ["NV000001", "000001", "the Tuesday one", "tuesday morning", "1"])
def test_a_visit_is_chosen_in_many_ways(chat: Chat, text: str) -> None:
    second_visit()
    move(tom(chat))
    chat.run(ASK_WHICH)
    chat.hear(text).run(MOVE_FORM)
    assert (chat.slots["move_reference"], chat.asked) == ("NV000001", "move_slot")


def test_the_visit_is_named_by_its_day(chat: Chat) -> None:
    other = second_visit()
    move(tom(chat), "change my Thursday appointment to Friday morning")
    assert (chat.slots["move_reference"], chat.slots["move_slot"]) == (other.reference, "2026-11-27T08:00")


@pytest.mark.parametrize("number", ["NV000002", "NV000003", "NV000999", "NV999999"])
def test_a_strangers_visit_looks_like_none(chat: Chat, number: str) -> None:
    for run, asked in ((move, "move_reference"), (cancel, "cancel_reference"), (confirm, "confirm_reference")):
        said = run(tom(chat), f"visit {number} please")
        assert said == [f"Sorry, I can't find a visit {number} to come in your account."] and chat.asked == asked
        chat.form = None


def test_a_cancelled_visit_is_not_found_either(chat: Chat) -> None:
    second_visit()
    backends.booking().cancel(TOM, "NV000001", "c")
    assert move(tom(chat), "move NV000001") == ["Sorry, I can't find a visit NV000001 to come in your account."]


def test_after_a_wrong_reference_the_own_visit_needs_a_word(chat: Chat) -> None:
    cancel(tom(chat), "cancel NV000999")
    assert chat.run(ActionAskCancelReference()) == [
        "You have one visit to come: NV000001. Is that the one you'd like to cancel?"
    ]
    assert "didn't catch" in chat.hear("banana", "nlu_fallback").run(CANCEL_FORM)[0]
    chat.hear("yes", "affirm").run(CANCEL_FORM)
    assert (chat.slots["cancel_reference"], chat.asked, chat.slots["confirmed"]) == ("NV000001", "confirmed", None)


def test_a_late_move_costs_what_was_read_back(chat: Chat, fixed_clock: Clock) -> None:
    fixed_clock.now = LATE
    move(tom(chat), "move it to Friday morning")
    assert "It was free until 12 noon on Monday 23 November, so moving it now costs £25.00." in chat.run(READ_BACK)[0]
    assert yes(chat, MOVE_FORM, MOVE)[0].endswith("The late change costs £25.00.")
    assert backends.booking().mine(TOM)[0].charged_pence == 2500


@pytest.mark.parametrize(("run", "form"), [(move, MOVE_FORM), (cancel, CANCEL_FORM)])
def test_a_yes_to_no_fee_is_none_once_there_is_one(chat: Chat, fixed_clock: Clock, run: object, form: object) -> None:
    fixed_clock.now = datetime(2026, 11, 23, 11, 59, tzinfo=UTC)
    run(tom(chat), "my visit, to Friday morning please")  # type: ignore[operator]
    assert chat.asked == "confirmed" and "£" not in chat.run(READ_BACK)[0]
    fixed_clock.move(minutes=2)
    said = chat.hear("yes", "affirm").run(form)  # type: ignore[arg-type]
    assert "has just run out" in said[0] and chat.asked == "confirmed"
    assert "£25.00" in chat.run(READ_BACK)[0]
    chat.hear("yes", "affirm").run(form)  # type: ignore[arg-type]
    assert chat.asked is None


def test_a_visit_that_was_moved_too_often_goes_to_a_person(chat: Chat) -> None:
    for n, window in enumerate(("2026-11-25T08:00", "2026-11-26T08:00", "2026-11-27T08:00")):
        backends.booking().move(TOM, "NV000001", window, f"m{n}")
    said = move(tom(chat))
    assert "as often as I can move it" in said[0] and chat.slots["offer"] == "person" and chat.asked is None
    assert chat.said[0]["metadata"] == {"offer_reason": "policy"} and chat.run(MOVE) == []


def test_a_new_time_taken_meanwhile_keeps_the_old_one(chat: Chat) -> None:
    move(tom(chat), "move it to Friday morning")
    chat.hear("yes", "affirm").run(MOVE_FORM)
    for account in ("NA204518", "NA559031"):
        backends.booking().book(Identity("y", Level.VERIFIED, account), "2026-11-27T08:00", "x y z", account)
    assert chat.run(MOVE) == ["Sorry, somebody else has just taken that time."]
    assert chat.followup == "move_visit_form" and chat.slots["move_reference"] == "NV000001"
    chat.form = None
    chat.start("move_visit_form").run(MOVE_FORM)
    assert chat.asked == "move_slot"
    assert chat.run(ASK_WHEN)[0].startswith("The nearest times") and len(chat.buttons) == 4
    assert backends.booking().mine(TOM)[0].window.id == "2026-11-24T08:00"


def test_the_same_yes_moves_once(chat: Chat) -> None:
    move(tom(chat), "move it to Friday morning")
    chat.hear("yes", "affirm").run(MOVE_FORM)
    before = dict(chat.slots)
    first = chat.run(MOVE)
    chat.slots = before
    assert chat.run(MOVE) == first and backends.booking().mine(TOM)[0].moves_left == 2


def test_no_at_the_read_back_asks_what_to_change_and_stop_leaves_it(chat: Chat) -> None:
    move(tom(chat), "move it to Friday morning")
    chat.hear("no", "deny").run(MOVE_FORM)
    assert chat.asked == "change"
    chat.hear("the new time", "correct").run(MOVE_FORM)
    assert (chat.slots["move_slot"], chat.asked) == (None, "move_slot")
    chat.hear("stop", "stop").run(ActionStop())
    assert chat.form is None and backends.booking().mine(TOM)[0].window.id == "2026-11-24T08:00"


def test_no_wednesday_instead(chat: Chat) -> None:
    move(tom(chat), "move it to Friday morning")
    chat.hear("no, Wednesday morning instead", "deny").run(MOVE_FORM)
    assert (chat.slots["move_slot"], chat.asked) == ("2026-11-25T08:00", "confirmed")


def test_a_refusal_explains_and_then_offers_a_person(chat: Chat) -> None:
    move(tom(chat))
    chat.hear("I'd rather not say", "refuse").run(MOVE_FORM)
    assert chat.asked == "move_slot"
    chat.hear("I won't say", "refuse").run(MOVE_FORM)
    assert chat.slots["offer"] == "person" and chat.asked is None


def test_cancelling_reads_back_and_frees_the_place(chat: Chat) -> None:
    cancel(tom(chat))
    assert chat.run(READ_BACK) == [
        "That's your visit NV000001 on Tuesday 24 November 2026 between 8am and 12 noon. Shall I cancel it?"
    ]
    assert chat.run(CANCEL) == [] and backends.booking().mine(TOM)
    cancel(chat)
    assert yes(chat, CANCEL_FORM, CANCEL) == [
        "Your visit NV000001 on Tuesday 24 November 2026 between 8am and 12 noon is cancelled. It costs you nothing."
    ]
    assert backends.booking().mine(TOM) == []


def test_a_late_cancellation_says_what_it_costs(chat: Chat, fixed_clock: Clock) -> None:
    fixed_clock.now = LATE
    cancel(tom(chat))
    assert "so cancelling it now costs £25.00. Shall I cancel it?" in chat.run(READ_BACK)[0]
    assert yes(chat, CANCEL_FORM, CANCEL)[0].endswith("The late cancellation costs £25.00.")


def test_cancelling_tuesdays_visit_of_two(chat: Chat) -> None:
    second_visit()
    cancel(tom(chat), "please cancel tuesday's appointment")
    assert (chat.slots["cancel_reference"], chat.asked) == ("NV000001", "confirmed")


def test_no_keeps_the_visit(chat: Chat) -> None:
    cancel(tom(chat))
    said = chat.hear("no", "deny").run(CANCEL_FORM)
    assert said == ["All right, your visit stays as it is. What would you like to do next?"]
    assert chat.asked is None and chat.run(CANCEL) == [] and backends.booking().mine(TOM)


def test_a_visit_that_is_gone_by_the_time_of_the_yes(chat: Chat) -> None:
    cancel(tom(chat))
    chat.hear("yes", "affirm").run(CANCEL_FORM)
    backends.booking().cancel(TOM, "NV000001", "elsewhere")
    assert chat.run(CANCEL) == [GONE]


def test_confirming_reads_back_first(chat: Chat) -> None:
    confirm(tom(chat), "is my engineer definitely coming?")
    assert chat.run(READ_BACK) == [
        "Yes, your visit NV000001 is booked for Tuesday 24 November 2026 between 8am and 12 noon. "
        "Shall I confirm that somebody will be at home?"
    ]
    assert backends.booking().mine(TOM)[0].status == "booked"
    assert yes(chat, CONFIRM_FORM, CONFIRM)[0].startswith("Thank you, your visit NV000001 is confirmed.")
    assert backends.booking().mine(TOM)[0].status == "confirmed"


def test_a_confirmed_visit_needs_nothing_more(chat: Chat) -> None:
    backends.booking().confirm(TOM, "NV000001", "c")
    said = confirm(tom(chat))
    assert said == [
        "Your visit NV000001 on Tuesday 24 November 2026 between 8am and 12 noon is confirmed. You're all set."
    ]
    assert chat.asked is None and chat.run(CONFIRM) == []


@pytest.mark.parametrize(
    ("run", "form", "task"),
    [(move, MOVE_FORM, MOVE), (confirm, CONFIRM_FORM, CONFIRM)],
)
def test_without_a_visit_one_can_be_booked(chat: Chat, run: object, form: object, task: object) -> None:
    assurance.verify_account(chat.id, "NA204518", "LS1 4AP")
    assert run(chat) == [] and chat.asked == "book_instead"  # type: ignore[operator]
    chat.hear("yes please", "affirm").run(form)  # type: ignore[arg-type]
    assert chat.run(task) == [] and chat.followup == "booking_form"  # type: ignore[arg-type]


def test_without_a_visit_there_is_nothing_to_cancel(chat: Chat) -> None:
    assurance.verify_account(chat.id, "NA204518", "LS1 4AP")
    assert cancel(chat) == [NOTHING_TO_CANCEL] and chat.asked is None and chat.run(CANCEL) == []
    said = cancel(chat, "cancel NV000001")
    assert said == ["Sorry, I can't find a visit NV000001 to come in your account.", NOTHING_TO_CANCEL]


@pytest.mark.parametrize(("run", "form", "task"), [(cancel, CANCEL_FORM, CANCEL), (confirm, CONFIRM_FORM, CONFIRM)])
def test_verification_that_ran_out_is_asked_again(
    chat: Chat, fixed_clock: Clock, run: object, form: object, task: object
) -> None:
    run(tom(chat))  # type: ignore[operator]
    chat.hear("yes", "affirm").run(form)  # type: ignore[arg-type]
    fixed_clock.move(minutes=16)
    assert "check who you are again" in chat.run(task)[0]  # type: ignore[arg-type]
    chat.form = None
    chat.start(chat.followup or "").run(form)  # type: ignore[arg-type]
    assert chat.asked == "account_number"


def test_a_visit_is_moved_instead_of_booking_another(chat: Chat) -> None:
    assurance.verify_account(chat.id, "NA310077", "M3 2BW")
    booking = ValidateBookingForm()
    chat.hear("book my installation", "book_visit").start("booking_form").run(booking)
    chat.hear("1").run(booking)
    assert chat.asked is None
    chat.run(ActionBookVisit())
    chat.start("move_visit_form").run(MOVE_FORM)
    assert (chat.slots["move_reference"], chat.asked) == ("NV000001", "move_slot")


def test_another_task_about_the_visit_takes_the_place_of_the_first(chat: Chat) -> None:
    move(tom(chat))
    chat.run(ASK_WHEN)
    chat.hear("no, just cancel it altogether", "cancel_visit").start("cancel_visit_form").run(CANCEL_FORM)
    assert yes(chat, CANCEL_FORM, CANCEL)[0].endswith("It costs you nothing.") and chat.followup is None


def test_a_question_in_between_keeps_what_was_chosen(chat: Chat) -> None:
    move(tom(chat), "move it to Friday morning")
    chat.hear("what does a visit cost when the line is broken?", "ask_question").run(MOVE_FORM)
    assert chat.rejected()
    chat.interrupted_by("action_answer").run(MOVE_FORM)
    assert (chat.slots["move_slot"], chat.asked) == ("2026-11-27T08:00", "confirmed")


def test_two_customers_cannot_take_the_same_last_place(fixed_clock: Clock) -> None:
    window = "2026-11-27T08:00"
    backends.booking().book(Identity("y", Level.VERIFIED, "NA559031"), window, "No connection", "first")
    chats = []
    for name, account, code in (("a", "NA310077", "M3 2BW"), ("b", "NA204518", "LS1 4AP")):
        chat = Chat(name)
        assurance.verify_account(chat.id, account, code)
        chats.append(chat)
    move(chats[0], "move it to Friday morning")
    booking = ValidateBookingForm()
    chats[1].hear("no connection, technician on Friday morning please", "book_visit").start("booking_form").run(booking)
    assert [chat.asked for chat in chats] == ["confirmed", "confirmed"]
    assert yes(chats[0], MOVE_FORM, MOVE)[0].startswith("Done.")
    assert chats[1].hear("yes", "affirm").run(booking) == ["Sorry, that time has just been taken."]
    assert chats[1].asked == "visit_slot"
    assert chats[1].run(ActionAskVisitSlot())[0].startswith("The nearest times")
