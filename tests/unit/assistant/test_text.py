import random
import time

import pytest
from rasa.shared.core.training_data.story_reader.yaml_story_reader import YAMLStoryReader
from rasa.shared.nlu.training_data.message import Message

from assistant.channels.text import CARD_REMOVED, clean, neutralise, remove_cards, starts_with_slash

COMMANDS = ["/restart", "/session_start", '/inform{"account_number": "NA204518"}', "/affirm@1.0", "//restart"]
BEFORE = [
    "",
    " ",
    "\n\t ",
    "\u200b",
    "\ufeff\u2060",
    "\u200d",
    "\u200d \u200c",
    "\u3000",
    "\x00\x1f",
    "\u202e",
    "\u0085",
    "\u2028",
]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("before", BEFORE)
def test_no_typed_command_is_an_intent_for_rasa(before, command):
    text = neutralise(clean(before + command))
    parsed = YAMLStoryReader.unpack_regex_message(Message({"text": text}))
    assert parsed.get("intent") is None
    assert text.replace("\u2215", "/", 1) == command


@pytest.mark.parametrize("slash", ["\u2044", "\u2215", "\uff0f"])
def test_slashes_that_only_look_so_are_recognised(slash):
    assert starts_with_slash(f"{slash}restart")


def test_other_slashes_stay():
    assert neutralise("and/or") == "and/or"
    assert neutralise("see 24/11") == "see 24/11"


@pytest.mark.parametrize(
    "text",
    [
        "Guten Tag, ich habe kein Netz",
        "我的网络断了",
        "لا يعمل الإنترنت",
        "👩‍👩‍👧 no internet 😡",
        "<b>hi</b> & <script>",
        "two\nlines",
        "é",
    ],
)
def test_ordinary_text_stays_as_it_is(text):
    assert clean(text) == text


def test_cleaning_drops_what_nobody_can_see():
    assert clean("a\x00b\u202ec\u200bd\ud800e\x7f") == "abcde"
    assert clean("e\u0301") == "é"
    assert clean("a\tb\r\nc") == "a b\nc"
    assert clean(" \u200b\ufeff\u200d ") == ""


CARDS = [
    "4111111111111111",
    "5555 5555 5555 4444",
    "3782-822463-10005",
    "6011 0009 9013 9424",
    "4222222222222",
    "4111  1111\u00a01111–1111",
    "4111\u200d1111\n1111\u200c1111",
]


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize("frame", ["{}", "my card is {}, ok?", "{} {}", "no 12 {} 07/29"])
def test_card_numbers_are_removed(card, frame):
    cleaned = remove_cards(frame.replace("{}", card))
    assert cleaned == frame.replace("{}", CARD_REMOVED)


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1112",
        "NO482136",
        "call 07700 900123",
        "1234567890123",
        "order 482136 and 482137",
        "LS1 4AP",
        "2026-11-24 08:00-12:00",
    ],
)
def test_other_numbers_stay(text):
    assert remove_cards(text) == text


def test_a_long_row_of_digits_takes_no_time():
    digits = "".join(random.Random(1).choice("0123456789") for _ in range(20_000))
    start = time.process_time()
    assert len(remove_cards(digits)) == len(digits)
    remove_cards(" ".join(digits))
    assert time.process_time() - start < 2
