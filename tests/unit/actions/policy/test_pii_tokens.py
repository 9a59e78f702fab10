"""Tokens in place of personal data, and back."""

import random
from pathlib import Path

import pytest

from actions.policy.pii import Detector
from actions.policy.rules import PiiRule
from actions.policy.source import load
from actions.policy.texts import readable
from actions.policy.tokens import read_ahead, restore, tokenise

POLICY = load(Path(__file__).resolve().parents[4] / "policy.yml")
DETECTOR = Detector([rule for rule in POLICY.rules if isinstance(rule, PiiRule)])

VALUES = [
    "Mr Tom Okafor",
    "priya@example.com",
    "tom+bills@mail.example.co.uk",
    "07700 900123",
    "+44 20 7946 0018",
    "4111 1111 1111 1111",
    "GB82 WEST 1234 5698 7654 32",
    "LS1 4AP",
    "12 Park Lane, Leeds",
    "86.231.85.193",
]
WORDS = ["please", "the bill", "for my line", "is wrong", "nobody", "has called", "thanks", "£7.50", "NA204518"]


def test_each_value_has_a_token_and_the_text_stays_readable() -> None:
    text = "I'm Priya Sharma, priya@example.com or 07700 900123. Account NA204518."
    told, mapping = tokenise(text, personal=DETECTOR)
    assert told == "I'm <NAME_1>, <EMAIL_1> or <PHONE_1>. Account NA204518."
    assert mapping == {"NAME_1": "Priya Sharma", "EMAIL_1": "priya@example.com", "PHONE_1": "07700 900123"}
    assert (
        restore("Dear <NAME_1>, we write to <EMAIL_1>.", mapping) == "Dear Priya Sharma, we write to priya@example.com."
    )


def test_the_same_value_has_the_same_token_in_a_conversation() -> None:
    first, mapping = tokenise("call 07700 900123 or 07700 900456", personal=DETECTOR)
    second, after = tokenise("again: call 07700900123, or write to tom@example.org", mapping, DETECTOR)
    assert first == "call <PHONE_1> or <PHONE_2>"
    assert second == "again: call <PHONE_1>, or write to <EMAIL_1>"
    assert set(mapping) == {"PHONE_1", "PHONE_2"}  # the caller's own is not changed
    assert set(after) == {"PHONE_1", "PHONE_2", "EMAIL_1"}


def test_a_typed_token_is_not_turned_into_somebodys_data() -> None:
    _, mapping = tokenise("my e-mail is priya@example.com", personal=DETECTOR)
    told, mapping = tokenise("what is <EMAIL_1> and <NAME_7>?", mapping, DETECTOR)
    assert "priya" not in restore(told, mapping)


def test_a_token_that_nobody_knows_stays() -> None:
    assert restore("hello <NAME_9>", {"NAME_1": "Tom"}) == "hello <NAME_9>"
    assert restore("<NAME_1>", {"NAME_1": "<NAME_1>"}) == "<NAME_1>"


@pytest.mark.parametrize("seed", range(40))
def test_any_text_comes_back_as_it_was(seed: int) -> None:
    chance = random.Random(seed)
    pieces = [
        chance.choice(VALUES) if chance.random() < 0.3 else chance.choice(WORDS) for _ in range(chance.randint(1, 25))
    ]
    text = chance.choice([" ", ", ", ". ", "\n"]).join(pieces)
    told, mapping = tokenise(text, personal=DETECTOR)
    assert restore(told, mapping) == readable(text)
    again, after = tokenise(text, mapping, DETECTOR)
    assert (again, after) == (told, mapping)
    for value in ("priya@example.com", "4111 1111 1111 1111", "07700 900123"):
        assert value not in told


def test_texts_that_are_read_ahead_have_the_same_tokens() -> None:
    texts = ["I'm Priya Sharma", "mail priya@example.com", "", "I live at 7 Mill Lane in Leeds, LS1 4AP", "hello there"]
    one_by_one = [tokenise(text, personal=Detector(DETECTOR.rules)) for text in texts]
    fresh = Detector(DETECTOR.rules)
    fresh.read_ahead([*texts, *texts])
    assert [tokenise(text, personal=fresh) for text in texts] == one_by_one
    read_ahead(texts)
    assert [tokenise(text) for text in texts] == one_by_one
