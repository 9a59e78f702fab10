"""The rating at the end of a conversation."""

import pytest
from chats import Chat
from sqlalchemy import select

from actions.backends.models import RatingRow
from actions.backends.session import transaction
from actions.feedback import ActionFeedback, ValidateFeedbackForm, score

pytestmark = pytest.mark.usefixtures("database")
FORM, TASK = ValidateFeedbackForm(), ActionFeedback()


def kept() -> list[tuple[int, str]]:
    with transaction() as session:
        return [(row.score, row.comment) for row in session.scalars(select(RatingRow))]


def asked(chat: Chat) -> Chat:
    chat.slots["served"] = True
    chat.hear("bye then", "goodbye").start("feedback_form").run(FORM)
    assert chat.asked == "rating"
    return chat


def end(chat: Chat) -> list[str]:
    assert chat.asked is None
    said = chat.run(TASK)
    chat.form = None
    return said


def test_a_rating_and_a_comment(chat: Chat) -> None:
    asked(chat).hear("5", "inform").run(FORM)
    assert chat.asked == "feedback_comment" and kept() == [(5, "")]  # kept although the customer may go now
    chat.hear("You were quick and I liked the buttons", "ask_question").run(FORM)
    assert end(chat) == ["Thank you for taking the time. Goodbye!"]
    assert kept() == [(5, "You were quick and I liked the buttons")] and chat.slots["served"] is None


def test_thanks_with_a_comment_are_a_comment(chat: Chat) -> None:
    asked(chat).hear("5", "inform").run(FORM)
    chat.hear("quick and friendly, thank you", "thank").run(FORM)
    end(chat)
    assert kept() == [(5, "quick and friendly, thank you")]


@pytest.mark.parametrize(("text", "intent"), [("no", "deny"), ("bye", "goodbye"), ("I'd rather not", "refuse")])
def test_no_comment_is_fine(chat: Chat, text: str, intent: str) -> None:
    asked(chat).hear("4 out of 5", "inform").run(FORM)
    chat.hear(text, intent).run(FORM)
    assert end(chat) == ["Thank you for taking the time. Goodbye!"] and kept() == [(4, "")]


@pytest.mark.parametrize(
    ("text", "intent"), [("no thanks", "deny"), ("bye", "goodbye"), ("I'd rather not", "refuse"), ("thanks", "thank")]
)
def test_no_rating_is_fine_and_nobody_is_asked_twice(chat: Chat, text: str, intent: str) -> None:
    asked(chat).hear(text, intent).run(FORM)
    assert [m.get("response") for m in chat.said] == ["utter_goodbye"] and end(chat) == []
    chat.slots["served"] = True
    chat.hear("bye", "goodbye").start("feedback_form").run(FORM)
    assert chat.asked is None and [m.get("response") for m in chat.said] == ["utter_goodbye"]
    assert kept() == []


def test_another_session_is_asked_again(chat: Chat) -> None:
    asked(chat).hear("no", "deny").run(FORM)
    end(chat)
    chat.events.append({"event": "session_started", "timestamp": 9.0})
    asked(chat)


def test_a_poor_rating_offers_a_person(chat: Chat) -> None:
    asked(chat).hear("1", "inform").run(FORM)
    chat.hear("nobody helped me", "report_problem").run(FORM)
    assert "person" in end(chat)[0] and chat.slots["offer"] == "person" and kept() == [(1, "nobody helped me")]


def test_an_unclear_rating_is_asked_once_more(chat: Chat) -> None:
    said = asked(chat).hear("7", "inform").run(FORM)
    assert "number from 1" in said[0] and chat.asked == "rating"
    chat.hear("purple", "nlu_fallback").run(FORM)
    assert chat.asked is None and [m.get("response") for m in chat.said] == ["utter_goodbye"]


def test_a_second_rating_of_a_session_does_not_count(chat: Chat) -> None:
    asked(chat).hear("2", "inform").run(FORM)
    chat.hear("no", "deny").run(FORM)
    end(chat)
    chat.hear("I want to rate you 5", "give_feedback").start("feedback_form")
    said = chat.run(FORM)
    assert said == ["Thank you, I've already kept your rating of this conversation."] and kept() == [(2, "")]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("5", 5),
        ("five stars", 5),
        ("I'd say 4", 4),
        ("3/5", 3),
        ("3 out of 5", 3),
        ("a two, sadly", 2),
        ("7", None),
        ("10/10", None),
        ("great", None),
        ("4 or 5", None),
    ],
)
def test_ratings_in_words(text: str, found: int | None) -> None:
    assert score(text) == found
