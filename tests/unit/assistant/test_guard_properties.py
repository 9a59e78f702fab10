"""What holds for any text and any metadata. The examples are the same on every run."""

import asyncio
import re
import unicodedata

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from rasa.core.channels.channel import CollectingOutputChannel, UserMessage
from rasa.shared.core.training_data.story_reader.yaml_story_reader import YAMLStoryReader
from rasa.shared.nlu.training_data.message import Message

from assistant.channels import attachments, incoming, prepared, signing
from assistant.channels.guard import Guard
from assistant.channels.text import clean, neutralise
from assistant.privacy.cards import CARD_REMOVED
from assistant.privacy.redactor import redact

CUSTOMER = "c0ffee"
LIMIT = 1_000

# `derandomize`: a check that fails sometimes would tell nobody what to mend. The fixture of conftest.py sets only the
# environment, which no example changes.
bounded = settings(
    derandomize=True,
    database=None,
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

TRICKY = st.sampled_from(
    [
        *'/\u2044\u2215\u29f8\uff0f#{}"\\ \n\t\r\x00\x7f\x85\u2028',
        *"\u200b\u200c\u200d\u200e\u202a\u202e\u2060\u2066\u2069\ufeff\u034f\u3164\u115f\u1160\uffa0\u2800",
        *"\ufe0e\ufe0f\u20e3\u0301\u0336\u0489\U000e0001\U000e007f\ud800\udfff\udc00",
        *"саорехkmтнοανιАВЕοЅ",
        *"𝐚𝓪ａⒶᴄᶜªºıİßŵé½²①❶٣४７",
        *"👩👧❤🏽🏳🌈☎",
        "/restart",
        "e\u0301",
        "ａ\u0301",
        "\u1100\u1161",
    ]
)
ANY_CHARACTER = st.characters(codec=None)  # lone surrogates too
TEXTS = st.lists(st.one_of(TRICKY, ANY_CHARACTER), max_size=60).map("".join)

_CONTROLS = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\u061c\u00ad\u180e\U000e0000-\U000e0fff]")


@bounded
@given(TEXTS)
def test_cleaning_twice_is_cleaning_once(text):
    assert clean(clean(text)) == clean(text)


@bounded
@given(TEXTS)
def test_nothing_invisible_is_left(text):
    cleaned = clean(text)
    assert not _CONTROLS.search(cleaned)
    assert not any(unicodedata.category(char) in ("Cc", "Cs") for char in cleaned.replace("\n", ""))
    assert cleaned == cleaned.strip()
    cleaned.encode("utf-8")


@bounded
@given(TEXTS)
def test_joiners_stay_only_between_what_they_join(text):
    cleaned = clean(text)
    for position, char in enumerate(cleaned):
        if char in "\u200c\u200d":
            before, after = cleaned[position - 1 : position], cleaned[position + 1 : position + 2]
            assert before and after
            assert unicodedata.category(before) in ("So", "Sk", "Lo", "Mn", "Mc")
            assert unicodedata.category(after) in ("So", "Lo")


EMOJI = st.sampled_from(["👩\u200d👩\u200d👧", "❤️\u200d🔥", "🏳️\u200d🌈", "🧑🏽\u200d⚕️", "👍🏽", "☎️"])


@bounded
@given(st.text("abc xyz£½éŵ", max_size=20), EMOJI, st.text("abc xyz", max_size=20))
def test_emoji_survive_in_any_text(before, emoji, after):
    assert emoji in clean(before + emoji + after)


@bounded
@given(TEXTS, TEXTS)
def test_nothing_typed_is_an_intent(before, after):
    text = neutralise(clean(before + "/" + after))
    assert not text.startswith("/")
    assert YAMLStoryReader.unpack_regex_message(Message({"text": text})).get("intent") is None


@bounded
@given(st.text("acopxy eimks", min_size=1, max_size=30), st.data())
def test_latin_text_with_look_alikes_is_read_as_latin(text, data):
    imitations = dict(zip("acopxyei", "асорхуеі", strict=True))
    typed = "".join(imitations[c] if c in imitations and data.draw(st.booleans()) else c for c in text)
    # A word of another script only is read as Latin where Latin stands beside it.
    assert clean(f"please {typed} now") == clean(f"please {text} now")


DIGIT_ROWS = ["0123456789", "٠١٢٣٤٥٦٧٨٩", "०१२३४५६७८९", "０１２３４５６７８９", "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗", "⓪①②③④⑤⑥⑦⑧⑨"]
HIDDEN = st.sampled_from(["", " ", "-", "–", "\u00a0", "\u200b", "\u200d", "\ufe0f\u20e3", "\u0336", "\u202e", ". "])


@st.composite
def cards(draw):
    length = draw(st.integers(13, 19))
    digits = [
        draw(st.sampled_from([2, 3, 4, 5, 6])),
        *draw(st.lists(st.integers(0, 9), min_size=length - 2, max_size=length - 2)),
    ]
    doubled = [2 * d - 9 * (2 * d > 9) for d in digits[::-1][::2]]
    return [*digits, -(sum(doubled) + sum(digits[::-1][1::2])) % 10]


@bounded
@given(cards(), st.sampled_from(DIGIT_ROWS), st.data())
def test_a_card_is_gone_in_any_grouping_and_script(digits, row, data):
    assert _passes_luhn(digits)
    typed = "".join(row[digit] + data.draw(HIDDEN) for digit in digits)
    cleaned = redact(clean(f"my card is {typed} ok"))
    assert CARD_REMOVED in cleaned
    assert sum(char.isdigit() for char in cleaned) == 0


def _passes_luhn(digits):
    return (sum(digits[::-1][::2]) + sum(sum(divmod(2 * d, 10)) for d in digits[::-1][1::2])) % 10 == 0


@bounded
@given(TEXTS, TEXTS, TEXTS)
def test_a_signed_payload_is_of_its_conversation_and_of_no_other(payload, mine, anothers):
    assume(mine != anothers)
    signed = signing.sign(payload, mine)
    assert signing.verify(signed, mine) == payload
    assert signing.verify(signed, anothers) is None
    assert signing.verify(payload, mine) is None or signing.SEPARATOR in payload


@bounded
@given(TEXTS, st.integers(0, 100), ANY_CHARACTER)
def test_a_changed_payload_is_not_ours(payload, position, character):
    signed = signing.sign("/" + payload, CUSTOMER)
    changed = signed[: position % len(signed)] + character + signed[position % len(signed) + 1 :]
    assume(changed != signed)
    assert signing.verify(changed, CUSTOMER) is None


GARBAGE = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.binary(max_size=5), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=4)),
    max_leaves=8,
)
METADATA = st.one_of(
    GARBAGE,
    st.fixed_dictionaries(
        {}, optional={name: GARBAGE for name in ("payload", "message_id", "address", "attachments", "owner")}
    ),
    st.fixed_dictionaries(
        {
            "attachments": st.lists(
                st.fixed_dictionaries({"kind": st.sampled_from([*attachments.KINDS, "x"]), "name": TEXTS})
            )
        }
    ),
)


@bounded
@given(st.one_of(GARBAGE, TEXTS, TEXTS.map(lambda text: "/" + text)), METADATA)
def test_whatever_comes_something_is_said_and_only_what_is_safe_goes_on(text, metadata):
    received = []

    async def rasa(message):
        received.append(message)
        await message.output_channel.send_response(message.sender_id, {"text": "Hello!"})

    output = CollectingOutputChannel()
    message = UserMessage("", output, CUSTOMER, metadata=metadata)
    message.text = text
    asyncio.run(Guard(rasa).handle(message))
    assert output.messages and all(said["text"] for said in output.messages)
    for message in received:
        assert 0 < len(message.text) <= LIMIT and message.text == clean(message.text)
        assert not message.text.startswith("/") and message.parse_data is None
        assert message.metadata == {}


@bounded
@given(st.integers(0, 12_000), st.sampled_from(["x", "ﬁ", "ａ", "👩\u200d", "4222222222222 ", "а"]))
def test_nothing_longer_than_allowed_goes_on(count, unit):
    try:
        ready = prepared.prepare(incoming.read(unit * count, None), CUSTOMER, LIMIT)
    except prepared.TooLong:
        assert count * len(unit) > LIMIT / 2
    else:
        assert len(ready.words) <= LIMIT


@pytest.mark.parametrize("sent", [1, 2, 5])
def test_a_message_that_says_nothing_back_was_a_duplicate(sent):
    said = []

    async def rasa(message):
        await message.output_channel.send_response(message.sender_id, {"text": "Hello!"})

    async def scene():
        guard = Guard(rasa)
        for _ in range(sent):
            output = CollectingOutputChannel()
            await guard.handle(UserMessage("hi", output, CUSTOMER, metadata={"message_id": "m1"}))
            said.append(len(output.messages))

    asyncio.run(scene())
    assert said == [1] + [0] * (sent - 1)
