import pytest
from rasa.shared.core.training_data.story_reader.yaml_story_reader import YAMLStoryReader
from rasa.shared.nlu.training_data.message import Message

from assistant.channels.text import clean, neutralise, starts_with_slash

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
