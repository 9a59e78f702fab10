"""Which questions are follow-ups, and what they are in full."""

import pytest

from actions.knowledge.followup import Exchange, Rewritten, rewrite, subject
from actions.llm import ModelUnavailable

PRICE = Exchange("how much is fibre 500 on a 24 month contract", ("Price list from 1 April 2026",))
FEE = Exchange("what's the late payment fee?", ("Late payments and the late fee",))
HOURS = Exchange("what are your opening hours on weekdays?", ("Contact Northlight and opening hours",))


@pytest.mark.parametrize(
    ("before", "question", "whole"),
    [
        (PRICE, "and on 12 months?", "how much is fibre 500 on a 12 months contract?"),
        (PRICE, "what about Fibre 900?", "how much is Fibre 900 on a 24 month contract?"),
        (HOURS, "and saturdays?", "what are your opening hours on saturdays?"),
        (PRICE, "and for business customers?", "how much is fibre 500 on a 24 month contract for business customers?"),
        (FEE, "when do you add it?", "when do you add late payment fee?"),
        (FEE, "why?", "why late payment fee?"),
        (FEE, "ok, how do I avoid that?", "how do I avoid late payment fee?"),
    ],
)
def test_a_follow_up_is_made_whole(before: Exchange, question: str, whole: str) -> None:
    assert rewrite(question, [before]).text == whole


@pytest.mark.parametrize(
    "question",
    [
        "How much is Home Phone?",
        "what's the capital of France?",
        "how much is it to text Ireland from home",
        "is it possible to pay by card?",
        "and do you sell Wi-Fi boosters for big houses?",
        "how much is wifi plus, five pounds isn't it",
        "theres a red light on the box that won't go off, what does it mean",
        "I want to see everything you hold about me, how long will that take?",
        "is there a student discount?",
        "thanks",
        "",
    ],
)
def test_a_question_with_a_subject_of_its_own_stays(question: str) -> None:
    assert rewrite(question, [FEE]).text == question


def test_without_a_conversation_nothing_changes() -> None:
    assert rewrite("and on 12 months?", []) == Rewritten("and on 12 months?")


def test_the_latest_exchange_counts() -> None:
    assert "opening hours" in rewrite("and saturdays?", [PRICE, HOURS]).text


def test_an_article_names_the_subject_when_the_question_does_not() -> None:
    assert subject(Exchange("how much?", ("Wi-Fi Plus",))) == "Wi-Fi Plus"


class Model:
    """Stands in for a chat model: gives one text, or fails."""

    def __init__(self, text: str = "") -> None:
        self.text = text

    def complete(self, system: str, user: str) -> str:
        if not self.text:
            raise ModelUnavailable("timed_out")
        return self.text


@pytest.mark.parametrize(
    ("said", "by"),
    [
        ("late payment fee reminder", "model"),
        ("Question: late payment fee reminder?", "model"),
        ("late payment fee reminder of £9.99", "rule"),
        ("What is a cancellation fee?", "rule"),
        ("late payment fee", "rule"),
        ("", "rule"),
    ],
)
def test_the_model_may_use_only_words_of_the_conversation(said: str, by: str) -> None:
    found = rewrite("reminder?", [FEE], Model(said))  # type: ignore[arg-type]
    assert found.by == by
    assert "9.99" not in found.text
    assert "cancellation" not in found.text
