"""How a customer feels and how soon they need help."""

from pathlib import Path

import knowledge_fixtures
import pytest

from actions.copilot.sentiment import of_turns
from actions.policy.engine import engine
from actions.policy.rules import EscalateRule

articles = knowledge_fixtures.articles


@pytest.fixture(autouse=True)
def settings(articles: Path) -> None:
    """The project's own policy."""


@pytest.mark.parametrize(
    ("said", "feels"),
    [
        ([], "calm"),
        (["hello", "what's my balance", "thanks"], "calm"),
        (["My walls are thick, does the wifi reach?"], "calm"),
        (["I'm not angry, I just want to know when it comes"], "calm"),
        (["/affirm"], "calm"),
        (["I'm really disappointed with this"], "unhappy"),
        (["my parcel still hasn't come"], "unhappy"),
        (["this is ridiculous"], "unhappy"),
        (["nobody ever answers the phone"], "unhappy"),
        (["my router is shit, it keeps dropping out"], "unhappy"),
        (["I'm not happy about the bill"], "unhappy"),
        (["why is my bill wrong", "this is ridiculous", "I'm fed up with this, just fix it"], "angry"),
        (["this is ridiculous", "I'm fed up with this", "fine, my account is NA204518"], "angry"),
        (["you stupid bot"], "angry"),
        (["this is ridiculous", *["ok, thanks"] * 5], "calm"),
    ],
)
def test_sentiment(said: list[str], feels: str) -> None:
    assert of_turns(said)[0] == feels


@pytest.mark.parametrize(
    ("said", "needs"),
    [
        ([], "normal"),
        (["what's my balance"], "normal"),
        (["it's not urgent, whenever you can"], "normal"),
        (["What counts as an emergency?"], "normal"),
        (["I need this fixed today, I work from home"], "high"),
        (["we've been without broadband for three weeks"], "high"),
        (["please sort it asap"], "high"),
        (["I'm going to take you to court over this"], "high"),
        (["there's a burning smell from the router", "hello?"], "urgent"),
        (["my mother's pendant alarm doesn't work without the line"], "urgent"),
        (["someone has hacked my account"], "urgent"),
        (["I want to kill myself"], "urgent"),
    ],
)
def test_urgency(said: list[str], needs: str) -> None:
    assert of_turns(said)[1] == needs


def test_what_the_policy_calls_anger_is_anger() -> None:
    rules = [rule for rule in engine().rules(EscalateRule, "message") if rule.signal == "anger"]
    examples = [example for rule in rules for example in rule.examples.match]
    assert examples and all(of_turns(list(example))[0] == "angry" for example in examples)
