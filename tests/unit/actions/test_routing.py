"""Reaching the right task, team or person."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from chats import Chat, Clock
from rasa_sdk.executor import CollectingDispatcher

from actions import assurance, backends, hours, queues
from actions.conversation import ActionAskConfirmed
from actions.handoff import ActionHandoff
from actions.routing import (
    ActionComplaint,
    ActionOpeningHours,
    ActionOtherLanguage,
    ActionRephrase,
    ActionRoute,
    ValidateComplaintForm,
    clarify,
)

pytestmark = pytest.mark.usefixtures("database")
DOMAIN: dict[str, Any] = {
    "responses": {
        "utter_suggest_balance": [{"text": "What's my balance?"}],
        "utter_suggest_book_visit": [{"text": "Book a technician"}],
        "utter_other_language_es": [{"text": "Lo siento, solo entiendo inglés."}],
    }
}


@pytest.mark.parametrize(
    ("moved", "said"),
    [
        ({}, "We're closed just now. We're back tomorrow at 8am."),  # Sunday 22 November 2026, 3pm
        ({"hours": 18}, "We're open now, until 8pm today."),
        ({"hours": 16}, "We're closed just now. We're back today at 8am."),
        ({"days": 6}, "We're open now, until 5pm today."),
        ({"days": 6, "hours": 3}, "We're closed just now. We're back on Monday 30 November at 8am."),
        ({"days": 33}, "We're closed just now for the bank holiday. We're back on Tuesday 29 December at 8am."),
    ],
)
def test_whether_people_are_there(fixed_clock: Clock, moved: dict[str, float], said: str) -> None:
    fixed_clock.move(**moved)
    assert hours.now_in_words() == said


def test_the_usual_week_and_what_differs_soon(chat: Chat, fixed_clock: Clock) -> None:
    week = "Monday to Friday 8am to 8pm, Saturday 9am to 5pm, Sunday closed. We're closed on bank holidays."
    [said] = chat.hear("when are you open", "opening_hours").run(ActionOpeningHours())
    assert week in said and "Different hours" not in said
    fixed_clock.move(days=25)
    [said] = chat.run(ActionOpeningHours())
    assert "Different hours soon: Friday 25 December: closed; Saturday 26 December: closed" in said


def test_sales_is_offered_and_says_when_it_is_back(chat: Chat, fixed_clock: Clock) -> None:
    [said] = chat.hear("I want a new phone", "buy").run(ActionRoute())
    assert said.startswith("Our sales team") and "They're back tomorrow at 8am" in said
    assert chat.slots["offer"] == "person" and chat.buttons == ["Yes", "No"]
    fixed_clock.move(days=1)
    [said] = chat.run(ActionRoute())
    assert "back" not in said


@pytest.mark.parametrize(
    ("intents", "rule", "queue"),
    [
        (["buy"], "", "sales"),
        (["balance", "affirm", "request_human"], "", "billing"),
        (["balance", "report_problem", "inform", "request_human"], "", "technical"),
        (["greet", "request_human"], "", "general"),
        (["balance", "escalate"], "escalate.fraud", "security"),
        (["balance", "escalate"], "escalate.legal_threat", "billing"),
    ],
)
def test_the_queue_of_a_handoff(chat: Chat, intents: list[str], rule: str, queue: str) -> None:
    for intent in intents:
        chat.hear("words", intent)
    assert queues.of_conversation(chat.tracker(), rule) == queue


def test_the_words_of_an_answer_do_not_choose_the_queue(chat: Chat) -> None:
    chat.hear("I want to complain", "complain").start("complaint_form").run(ValidateComplaintForm())
    chat.hear("my bill was wrong", "dispute_charge")
    assert queues.of_conversation(chat.tracker()) == "complaints"
    chat.hear("where is my order", "order_status").events.append(
        {"event": "action_execution_rejected", "name": "complaint_form"}
    )
    assert queues.of_conversation(chat.tracker()) == "orders"


def test_the_customer_and_the_packet_name_the_team(chat: Chat, fixed_clock: Clock) -> None:
    fixed_clock.move(days=1)
    chat.hear("what's my balance", "balance").hear("a person please", "request_human")
    said = chat.run(ActionHandoff())[0]
    assert said.startswith("I'm passing you to our billing team now.")
    assert chat.slots["handoff"]["queue"] == "billing"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("queues: {sales: {team: x}}", "needs a queue named general"),
        ("queues: {general: {teem: x}}", "teem"),
        ("queues: [", "queues.yml"),
        (None, "cannot be read"),
    ],
)
def test_a_wrong_file_of_queues_is_a_clear_error(tmp_path: Path, text: str | None, problem: str) -> None:
    path = tmp_path / "queues.yml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(queues.QueuesProblem, match=problem):
        queues.queues(path)


def test_every_queue_of_the_file_is_well_formed() -> None:
    assert set(queues.queues()) >= {"sales", "billing", "technical", queues.GENERAL}


def test_another_language_is_answered_in_it(chat: Chat) -> None:
    chat.hear("quiero hablar con alguien", "other_language", language="es")
    dispatcher = CollectingDispatcher()
    asyncio.run(ActionOtherLanguage().run(dispatcher, chat.tracker(), DOMAIN))
    assert dispatcher.messages[0]["response"] == "utter_other_language_es"
    assert "only read English" in dispatcher.messages[1]["text"]


def unclear(chat: Chat, *ranking: tuple[str, float]) -> tuple[list[str], list[dict[str, str]]]:
    chat.hear("the thing", "nlu_fallback")
    chat.message["intent_ranking"] = [{"name": name, "confidence": share} for name, share in ranking]
    dispatcher = CollectingDispatcher()
    events = clarify(dispatcher, chat.tracker(), DOMAIN)
    if events is None:
        return [], []
    chat.apply(events)
    for message in dispatcher.messages:
        metadata = {"metadata": message.get("metadata")}
        chat.events.append({"event": "bot", "text": message["text"], "data": {}, "metadata": metadata})
    return [m["text"] for m in dispatcher.messages], dispatcher.messages[0]["buttons"]


def test_the_first_time_the_likeliest_tasks_are_suggested(chat: Chat) -> None:
    _, buttons = unclear(chat, ("nlu_fallback", 0.4), ("balance", 0.3), ("book_visit", 0.2), ("stop", 0.15))
    assert [(b["title"], b["payload"]) for b in buttons] == [
        ("What's my balance?", "/balance"),
        ("Book a technician", "/book_visit"),
        ("None of these", "/none_of_these"),
    ]


def test_nothing_is_suggested_when_nothing_is_likely(chat: Chat) -> None:
    assert unclear(chat, ("nlu_fallback", 0.9), ("balance", 0.02)) == ([], [])


def test_the_second_time_a_person_is_offered(chat: Chat) -> None:
    unclear(chat, ("balance", 0.3))
    chat.hear("none of these", "none_of_these").run(ActionRephrase())
    said, _ = unclear(chat, ("balance", 0.3))
    assert "talk to a person" in said[0] and chat.slots["offer"] == "person"


def test_an_understood_message_in_between_starts_over(chat: Chat) -> None:
    unclear(chat, ("balance", 0.3))
    chat.hear("hello", "greet")
    said, _ = unclear(chat, ("balance", 0.3))
    assert "Is it one of these?" in said[0]


def test_a_complaint_is_read_back_recorded_once_and_promised_an_answer(chat: Chat) -> None:
    form, task = ValidateComplaintForm(), ActionComplaint()
    chat.hear("I want to complain", "complain").start("complaint_form").run(form)
    assert chat.asked == "complaint"
    chat.hear("nobody came, twice", "report_problem").run(form)
    assert "“nobody came, twice”" in chat.run(ActionAskConfirmed())[0]
    chat.hear("yes", "affirm").run(form)
    [said] = chat.run(task)
    assert "by Tuesday 24 November at 8pm" in said and chat.buttons == ["Yes", "No"]
    caller = assurance.verify_account(chat.id, "NA204518", "LS1 4AP")
    assert backends.tickets().own(caller) == []  # made before the customer was verified: the conversation's alone


def test_a_first_message_that_tells_everything_is_not_asked_again(chat: Chat) -> None:
    text = "I want to complain: the technician never came, twice, and nobody called me back"
    chat.hear(text, "complain").start("complaint_form").run(ValidateComplaintForm())
    assert (chat.asked, chat.slots["complaint"]) == ("confirmed", text)
