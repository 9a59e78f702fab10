"""While the customer waits in the queue, and when a person gives the conversation back."""

from typing import Any

import pytest
from chats import Chat, Clock
from desk_server import DeskServer

from actions.conversation import ActionRepeat
from actions.feedback import ValidateFeedbackForm
from actions.handback import ActionHandedBack, ActionResume
from actions.handoff import ActionHandoff
from actions.helpdesk import Estimate
from actions.packet_schema import problems
from actions.queue_words import Choice, choice, correction, place
from actions.waiting import ActionWaiting

pytestmark = pytest.mark.usefixtures("database")
WAITING = ActionWaiting()
CHOICES = ["Keep waiting", "Call me back", "Leave a message", "Back to the assistant"]


@pytest.fixture
def waiting(chat: Chat, fixed_clock: Clock, desk: DeskServer) -> Chat:
    """A customer who waits for the technical team, on a Monday at 3pm; a visit was about to be booked."""
    fixed_clock.move(days=1)
    desk.estimates["technical"] = {"waiting": 2, "position": 3, "wait_minutes": 12, "agents": 2, "open": True}
    chat.hear("I need a technician", "book_visit").start("booking_form")
    chat.slots |= {"visit_reason": "No connection", "requested_slot": "account_number"}
    chat.hear("a person please", "request_human").interrupted_by("action_handoff").run(ActionHandoff())
    assert chat.slots["owner"] == "queue" and chat.form is None
    return chat


def external(chat: Chat, intent: str, **entities: str) -> Chat:
    chat.hear(f"EXTERNAL: {intent}", intent, **entities)
    chat.events[-1]["metadata"] = {"is_external": True}
    return chat


def stamped(chat: Chat, clock: Clock) -> None:
    for event in chat.events:
        event.setdefault("timestamp", clock.now.timestamp())


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("Keep waiting", Choice.STAY),
        ("ok I'll wait", Choice.STAY),
        ("I can wait until friday for the delivery", None),
        ("call me back at 5", Choice.CALLBACK),
        ("no, call me back please", Choice.CALLBACK),
        ("you said you’d ring me yesterday", None),
        ("nobody called me back", None),
        ("please don't call me back", None),
        ("I'll leave a message", Choice.MESSAGE),
        ("send me a message", None),
        ("forget it, I'll go back to the bot", Choice.BACK),
        ("never mind", Choice.BACK),
        ("stop", Choice.BACK),
        ("stop charging me", None),
        ("cancel my order", None),
        ("I don't want the bot", None),
        ("how long will it take", Choice.ESTIMATE),
        ("is anybody there?", Choice.ESTIMATE),
        ("what's my place in the queue", Choice.ESTIMATE),
        ("how long does delivery take", None),
        ("I am still waiting for my router", None),
        ("that's wrong", Choice.CORRECT),
        ("my bill is wrong", None),
        ("thanks", None),
        ("", None),
    ],
)
def test_a_choice_is_read_from_words(text: str, chosen: Choice | None) -> None:
    assert choice(text) == chosen


def test_a_correction_may_come_with_the_wish_to_correct() -> None:
    assert correction("That's wrong, it's about my order") == "it's about my order"
    assert correction("Correct it") == "" and correction("it's about my order") == ""


@pytest.mark.parametrize(
    ("position", "minutes", "agents", "words"),
    [
        (1, 6, 1, "You're next in line; it should take about 6 minutes."),
        (2, 1, 1, "You're second in line; it should take about a minute."),
        (12, 70, 1, "There are 11 people before you; it should take about an hour."),
        (3, 120, 1, "You're third in line; it should take about 2 hours."),
        (1, None, 1, "You're next in line."),
        (1, None, 0, "You're next in line. Nobody there is free just now, so I can't say how long it will take."),
    ],
)
def test_the_place_in_words(position: int, minutes: int | None, agents: int, words: str) -> None:
    assert place(Estimate(position, position, minutes, agents, True)) == words


def test_the_wait_is_told_on_request_with_the_choices(waiting: Chat, desk: DeskServer) -> None:
    [said] = waiting.hear("how long will it take?", "ask_question").run(WAITING)
    assert "You're third in line; it should take about 12 minutes." in said and waiting.buttons == CHOICES
    assert desk.asked[-1] == {"queue": "technical", "conversation": waiting.id}
    assert waiting.said[0]["metadata"] == {"waiting": "estimate", "wait_minutes": 12}


def test_without_the_desk_there_are_no_numbers(waiting: Chat, desk: DeskServer) -> None:
    desk.status = 500
    [said] = waiting.hear("how long will it take?", "ask_question").run(WAITING)
    assert said.startswith("I can't say how long it will take, but our technical team will reply here.")


def test_out_of_hours_it_says_when_people_are_back(waiting: Chat, fixed_clock: Clock) -> None:
    fixed_clock.move(hours=7)
    [said] = waiting.hear("hello?", "greet").run(WAITING)
    assert "back tomorrow at 8am" in said and waiting.buttons == CHOICES[1:]


def test_a_message_is_acknowledged_once_in_three_minutes(waiting: Chat, fixed_clock: Clock) -> None:
    [said] = waiting.hear("it's the router in the hall", "inform").run(WAITING)
    assert said == "Thank you, I've added that for our technical team. Our technical team will reply here."
    stamped(waiting, fixed_clock)
    fixed_clock.move(minutes=2)
    assert waiting.hear("it blinks red", "report_problem").run(WAITING) == []
    fixed_clock.move(minutes=2)
    assert "I've added that" in waiting.hear("still red", "report_problem").run(WAITING)[0]


@pytest.mark.parametrize("owner", ["agent", "bot"])
def test_it_never_speaks_for_somebody_else(waiting: Chat, owner: str) -> None:
    waiting.slots["owner"] = owner
    assert waiting.hear("how long will it take?", "ask_question").run(WAITING) == []
    assert external(waiting, "EXTERNAL_still_waiting").run(WAITING) == []


def test_back_to_the_bot_and_on_with_the_task(waiting: Chat) -> None:
    [said] = waiting.hear("Back to the assistant", "none_of_these").run(WAITING)
    assert "Shall we go on with" in said and waiting.buttons == ["Yes", "No"]
    assert (waiting.slots["owner"], waiting.slots["offer"], waiting.followup) == ("bot", "task", "action_listen")
    assert waiting.hear("yes", "affirm").run(ActionResume()) == []
    assert waiting.followup == "booking_form" and waiting.slots["visit_reason"] == "No connection"
    assert waiting.slots["offer"] is None


def test_a_later_yes_is_no_yes_to_the_task(waiting: Chat) -> None:
    waiting.hear("forget it", "stop").run(WAITING)
    waiting.hear("what do you charge?", "ask_question")
    waiting.events.append({"event": "bot", "text": "It depends.", "metadata": {}})
    waiting.hear("yes", "affirm").run(ActionResume())
    assert waiting.said[0]["response"] == "utter_nothing_to_confirm" and waiting.followup == "action_listen"


def test_back_to_the_bot_without_a_task(chat: Chat, fixed_clock: Clock) -> None:
    chat.hear("a person please", "request_human").run(ActionHandoff())
    assert chat.hear("never mind", "stop").run(WAITING) == ["You're back with me. What can I do for you?"]
    assert chat.slots["owner"] == "bot" and chat.slots["offer"] is None


def test_a_form_starts_with_what_the_message_says(waiting: Chat) -> None:
    waiting.slots["callback_phone"] = "an old one"
    assert waiting.hear("call me back tomorrow at 3", "request_callback").run(WAITING) == []
    assert waiting.followup == "callback_form" and waiting.slots["owner"] == "queue"
    assert waiting.slots["callback_time"] == "2026-11-24T15:00" and waiting.slots["callback_phone"] is None


@pytest.mark.parametrize(("text", "intent"), [("never mind", "stop"), ("/stop", "stop"), ("I'll wait", "inform")])
def test_a_form_is_left_for_the_place_in_the_queue(waiting: Chat, text: str, intent: str) -> None:
    waiting.slots["callback_time"] = "2026-11-24T15:00"
    waiting.start("callback_form").hear(text, intent)
    [said] = waiting.run(WAITING)
    assert waiting.form is None and waiting.slots["owner"] == "queue" and said.startswith("All right")
    assert waiting.slots["callback_time"] is None


def test_inside_a_form_other_messages_get_no_second_answer(waiting: Chat) -> None:
    assert waiting.start("callback_form").hear("where is my order", "order_status").run(WAITING) == []
    [said] = waiting.hear("how long will it take?", "ask_question").run(WAITING)
    assert "third in line" in said and waiting.buttons == [] and waiting.form == "callback_form"


def test_the_card_is_corrected(waiting: Chat) -> None:
    before = waiting.slots["handoff"]
    assert "What should I put right?" in waiting.hear("Correct it", "correct").run(WAITING)[0]
    [said] = waiting.hear("it's for my mum, priya@example.com, call me a cab", "inform").run(WAITING)
    after = waiting.slots["handoff"]
    assert said == "Thank you, I've corrected that and passed it on."
    assert after["open_question"].startswith("it's for my mum") and "priya@" not in after["open_question"]
    assert (after["id"], after["version"]) == (before["id"], 2) and problems(after) == []
    assert after["slots"][-1] | {"value": ""} == {
        "name": "correction", "label": "the customer's correction", "value": "", "turn": 4, "confirmed": True
    }  # fmt: skip


@pytest.mark.parametrize("text", ["no", "/deny"])
def test_a_no_to_the_card_asks_what_is_wrong(waiting: Chat, text: str) -> None:
    assert "What should I put right?" in waiting.hear(text, "deny").run(WAITING)[0]


def test_a_line_for_the_desk_is_no_question_and_is_not_repeated(waiting: Chat) -> None:
    notice = {"event": "bot", "text": "The customer rang from 07700 900123.", "metadata": {"author": "system"}}
    waiting.events.append(notice)
    assert "What should I put right?" in waiting.hear("no", "deny").run(WAITING)[0]
    waiting.events.append(notice)
    assert not any("rang from" in said for said in waiting.hear("say that again", "repeat").run(ActionRepeat()))


def test_a_no_to_the_card_may_say_what_is_right(waiting: Chat) -> None:
    waiting.hear("no, it's about my router", "inform").run(WAITING)
    assert waiting.slots["handoff"]["open_question"] == "it's about my router"


def test_a_yes_to_the_card_changes_nothing(waiting: Chat) -> None:
    said = waiting.hear("yes", "affirm").run(WAITING)
    assert said == ["Thank you. Our technical team will reply here."] and waiting.last == []


def test_a_danger_while_waiting_is_answered_and_goes_to_the_right_team(waiting: Chat) -> None:
    before = waiting.slots["handoff"]
    [said] = waiting.hear("I want to kill myself", "escalate").run(WAITING)
    after = waiting.slots["handoff"]
    assert "116 123" in said and after["queue"] == "care" and after["rule"] == "escalate.self_harm"
    assert after["id"] == before["id"] and problems(after) == []
    waiting.hear("I want to kill myself", "escalate").run(WAITING)
    assert all("116 123" not in str(message["text"]) for message in waiting.said)


def test_a_promise_that_was_not_kept_is_told(waiting: Chat, desk: DeskServer) -> None:
    desk.estimates["technical"] |= {"position": 1, "wait_minutes": 4}
    [said] = external(waiting, "EXTERNAL_still_waiting").run(WAITING)
    assert said.startswith("I'm sorry, it's taking longer than I said. You're next in line")
    assert waiting.buttons == CHOICES and waiting.said[0]["metadata"] == {"waiting": "still", "wait_minutes": 4}


def test_handed_back_with_a_task(waiting: Chat) -> None:
    waiting.slots |= {"owner": "bot", "visit_slot": "2026-11-25T08:00", "confirmed": True}
    [said] = external(waiting, "EXTERNAL_handed_back", task="book_visit").run(ActionHandedBack())
    assert "Let's go on with" in said and waiting.followup == "booking_form"
    assert waiting.slots["visit_slot"] == "2026-11-25T08:00" and waiting.slots["confirmed"] is None


@pytest.mark.parametrize("entities", [{}, {"task": "no_such_task"}])
def test_handed_back_without_a_task(waiting: Chat, entities: dict[str, Any]) -> None:
    waiting.slots["owner"] = "bot"
    [said] = external(waiting, "EXTERNAL_handed_back", **entities).run(ActionHandedBack())
    assert said.startswith("You're back with") and waiting.followup == "action_listen"


def test_a_customer_cannot_hand_back(waiting: Chat) -> None:
    waiting.hear("EXTERNAL: EXTERNAL_handed_back", "EXTERNAL_handed_back", task="book_visit")
    assert waiting.run(ActionHandedBack()) == [] and waiting.last == []


def test_the_rating_is_asked_for_once_when_the_agent_has_closed(waiting: Chat) -> None:
    waiting.slots["owner"] = "bot"
    form = ValidateFeedbackForm()
    external(waiting, "EXTERNAL_agent_closed").start("feedback_form").run(form)
    assert waiting.asked == "rating" and waiting.said == []
    waiting.hear("no thanks", "deny").run(form)
    waiting.form = None
    assert external(waiting, "EXTERNAL_agent_closed").start("feedback_form").run(form) == []
    assert waiting.asked is None and waiting.said == []
