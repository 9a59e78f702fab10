"""A call back at a time that suits, and a message for a team: from the bot, from the queue, at any hour."""

import pytest
from chats import Chat, Clock
from desk_server import DeskServer
from sqlalchemy import select

from actions import assurance, callback_times
from actions.backends.models import TicketRow
from actions.backends.session import transaction
from actions.callback import ActionCallback, ActionLeaveMessage, ValidateCallbackForm, ValidateMessageForm
from actions.conversation import ActionAskConfirmed

pytestmark = pytest.mark.usefixtures("database")
CALL, PLAN = ValidateCallbackForm(), ActionCallback()
MESSAGE, SEND = ValidateMessageForm(), ActionLeaveMessage()


@pytest.fixture(autouse=True)
def monday(fixed_clock: Clock) -> None:
    """Monday 23 November 2026, 3.02pm."""
    fixed_clock.move(days=1, minutes=2)


def tickets() -> list[tuple[str, str, str]]:
    with transaction() as session:
        return [
            (row.kind, row.subject, row.details) for row in session.scalars(select(TicketRow).order_by(TicketRow.id))
        ]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("can somebody call me back tomorrow at 3?", "2026-11-24T15:00"),
        ("at 5", "2026-11-23T17:00"),
        ("5", "2026-11-23T17:00"),
        ("tomorrow morning", "2026-11-24T08:00"),
        ("tomorrow between 2 and 4", "2026-11-24T14:00"),
        ("friday", "2026-11-27T08:00"),
        ("as soon as possible", "2026-11-23T15:20"),
        ("in an hour", "2026-11-23T16:05"),
        ("in 5 minutes", "2026-11-23T15:20"),
        ("30 november at 10", "2026-11-30T10:00"),
        ("on Sunday", None),
        ("at 9pm", None),
        ("today at 9am", None),
        ("in January", None),
        ("in 12 hours", None),
        ("call me back on 07700 900123", None),
        ("purple", None),
    ],
)
def test_a_moment_is_read_within_the_opening_hours(text: str, moment: str | None) -> None:
    found = callback_times.answer(text)
    assert (found.isoformat(timespec="minutes") if found else None) == moment


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("on Sunday", "We're closed on Sunday 29 November."),
        ("today at 9am", "On Monday 23 November we can call between 3.20pm and 8pm."),
        ("in January", "for the next 2 weeks. Which day before Monday 7 December"),
        ("purple", "I didn't get a time."),
    ],
)
def test_a_time_that_cannot_be_had_is_explained(text: str, words: str) -> None:
    assert words in callback_times.why_not(text)


def test_a_call_is_asked_for_read_back_and_planned(chat: Chat, desk: DeskServer) -> None:
    chat.hear("can you explain my bill", "explain_bill")
    chat.hear("can somebody call me back tomorrow at 3?", "request_callback").start("callback_form").run(CALL)
    assert chat.asked == "callback_phone"
    chat.hear("07700 900555", "inform").run(CALL)
    [said] = chat.run(ActionAskConfirmed())
    assert said == "We'll call you tomorrow, Tuesday 24 November, at 3pm on 07700 900555. Shall I plan that?"
    chat.hear("yes", "affirm").run(CALL)
    [said] = chat.run(PLAN)
    assert said.startswith("That's planned: our billing team will call you tomorrow, Tuesday 24 November, at 3pm on")
    assert "CB001" in said
    [call] = desk.calls.values()
    assert (call["at"], call["phone"], call["queue"]) == ("2026-11-24T15:00:00+00:00", "07700 900555", "billing")
    assert call["conversation"] == chat.id and call["text"] == "Wants to have a bill explained"
    assert (chat.slots["owner"], chat.slots["callback_phone"], tickets()) == ("bot", None, [])


def test_a_verified_customer_is_called_on_the_number_on_file(chat: Chat, desk: DeskServer) -> None:
    assurance.verify_account(chat.id, "NA204518", "LS1 4AP")
    chat.hear("call me back tomorrow at 3", "request_callback").start("callback_form").run(CALL)
    assert chat.asked == "confirmed"
    [said] = chat.run(ActionAskConfirmed())
    assert "the number we have for you, 07••• •••123" in said and "07700" not in said
    chat.hear("yes", "affirm").run(CALL)
    assert "07700" not in chat.run(PLAN)[0]
    assert next(iter(desk.calls.values()))["phone"] == "07700 900123"


def test_another_number_than_the_one_on_file(chat: Chat) -> None:
    assurance.verify_account(chat.id, "NA204518", "LS1 4AP")
    chat.hear("call me back tomorrow at 3", "request_callback").start("callback_form").run(CALL)
    chat.hear("no, the number is wrong", "deny").run(CALL)
    assert chat.asked == "callback_phone"
    chat.hear("hm", "nlu_fallback").run(CALL)
    assert chat.asked == "callback_phone"
    chat.hear("07700 900555", "inform").run(CALL)
    assert (chat.asked, chat.slots["callback_phone"]) == ("confirmed", "07700 900555")


def test_a_verification_that_runs_out_asks_for_the_number(chat: Chat, fixed_clock: Clock) -> None:
    assurance.verify_account(chat.id, "NA204518", "LS1 4AP")
    chat.hear("call me back tomorrow at 3", "request_callback").start("callback_form").run(CALL)
    fixed_clock.move(minutes=20)
    chat.hear("yes", "affirm").run(CALL)
    assert chat.asked == "callback_phone"


def test_a_time_that_has_passed_meanwhile_is_asked_for_again(chat: Chat, fixed_clock: Clock) -> None:
    chat.hear("call me back at 5", "request_callback").start("callback_form").run(CALL)
    fixed_clock.move(hours=3)
    said = chat.hear("07700 900555", "inform").run(CALL)
    assert said == ["That time has passed by now."] and chat.asked == "callback_time"


@pytest.mark.parametrize("text", ["on Sunday", "no idea, purple"])
def test_a_wrong_time_is_asked_for_again(chat: Chat, text: str) -> None:
    chat.hear("call me back", "request_callback").start("callback_form").run(CALL)
    assert chat.asked == "callback_time"
    [said] = chat.hear(text, "inform").run(CALL)
    assert said == callback_times.why_not(text) and chat.asked == "callback_time"


def test_a_desk_that_is_down_leaves_a_ticket_and_the_promise(chat: Chat, desk: DeskServer) -> None:
    desk.status = 500
    chat.hear("call me on 07700 900555 tomorrow at 3", "request_callback").start("callback_form").run(CALL)
    chat.hear("yes", "affirm").run(CALL)
    [said] = chat.run(PLAN)
    assert "will call you tomorrow, Tuesday 24 November, at 3pm on 07700 900555" in said
    assert tickets() == [("callback", "Call back for general", "Call 07700 900555 at 2026-11-24 15:00.")]


def test_a_call_ends_the_wait_in_the_queue(chat: Chat, desk: DeskServer) -> None:
    packet = {"queue": "technical", "issue": "Wants to have a fault put right"}
    chat.slots |= {"owner": "queue", "handoff": packet, "callback_time": "2026-11-24T15:00", "callback_phone": None}
    chat.start("callback_form").hear("07700 900555", "inform")
    chat.slots["requested_slot"] = "callback_phone"
    chat.run(CALL)
    chat.hear("yes", "affirm").run(CALL)
    [said] = chat.run(PLAN)
    assert "You needn't wait here any longer" in said and chat.slots["owner"] == "bot"
    [call] = desk.calls.values()
    assert (call["queue"], call["text"]) == ("technical", "Wants to have a fault put right")


def test_who_waits_already_is_offered_no_person(chat: Chat) -> None:
    chat.slots |= {"owner": "queue", "requested_slot": "callback_time"}
    chat.start("callback_form")
    for _ in range(3):
        said = chat.hear("purple", "nlu_fallback").run(CALL)
    assert said[0].startswith("I'm sorry, I can't make that out. You keep your place") and chat.asked is None
    assert chat.run(PLAN) == [] and chat.slots["owner"] == "queue" and not chat.slots.get("offer")


@pytest.mark.parametrize("text", ["how long will it take?", "never mind", "back to the assistant"])
def test_a_wish_of_who_waits_is_no_answer(chat: Chat, text: str) -> None:
    for form, slot in ((CALL, "callback_time"), (MESSAGE, "message_text")):
        chat.slots |= {"owner": "queue", "requested_slot": slot}
        chat.start(form.form).hear(text, "nlu_fallback").run(form)
        assert chat.rejected()


def test_a_message_is_read_back_and_passed_on(chat: Chat) -> None:
    chat.hear("where is my order", "order_status")
    chat.hear("I'd like to leave a message", "leave_message").start("message_form").run(MESSAGE)
    assert chat.asked == "message_text"
    chat.hear("please leave the parcel with the neighbour", "change_delivery").run(MESSAGE)
    [said] = chat.run(ActionAskConfirmed())
    assert said == "I'd pass this on to our orders team: “please leave the parcel with the neighbour” Shall I send it?"
    chat.hear("yes", "affirm").run(MESSAGE)
    [said] = chat.run(SEND)
    assert "I've passed your message on to our orders team" in said and "by Thursday 26 November at 8pm" in said
    assert tickets() == [("other", "Message for orders", "please leave the parcel with the neighbour")]


def test_a_message_that_is_not_sent(chat: Chat) -> None:
    chat.hear("leave a message", "leave_message").start("message_form").run(MESSAGE)
    chat.hear("tell them I moved", "inform").run(MESSAGE)
    chat.hear("stop, nothing", "deny").run(MESSAGE)
    assert chat.asked == "change"
    chat.hear("no", "deny").run(MESSAGE)
    assert chat.asked is None and chat.run(SEND) == [] and tickets() == []
