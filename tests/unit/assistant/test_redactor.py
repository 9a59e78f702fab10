import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.privacy.cards import CARD_REMOVED, remove_cards
from assistant.privacy.redactor import MARKERS, kinds_removed, notice, redact, remove_all

CARDS = [
    "4111111111111111",
    "5555 5555 5555 4444",
    "3782-822463-10005",
    "6011 0009 9013 9424",
    "4222222222222",
    "4111  1111\u00a01111–1111",
    "4111.1111.1111.1111",
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


SECRETS = [
    ("my card is 4111 1111 1111 1111, cvv 123", "123"),
    ("4111111111111111 exp 12/26 987", "987"),
    ("5555 5555 5555 4444 and 321", "321"),
    ("the cvc number is 4567", "4567"),
    ("987 is my cvv", "987"),
    ("987 (cvv)", "987"),
    ("expiry 12/26, 987", "987"),
    ("the last three digits on the back are 987", "987"),
    ("my password is hunter2", "hunter2"),
    ("my password's Blue7House", "Blue7House"),
    ('my password is "two words"', "two words"),
    ("password: dragon", "dragon"),
    ("pw: S3cret!", "S3cret"),
    ("pw hunter2", "hunter2"),
    ("user: ada pass=letmein", "letmein"),
    ("my pin is 4921", "4921"),
    ("PIN number: 4921", "4921"),
    ("change my password to Blue7House", "Blue7House"),
    ("hunter22 is my password", "hunter22"),
    ("password for my account is dragonfly", "dragonfly"),
    ("my memorable word is banana", "banana"),
    ("my code is 482915", "482915"),
    ("the code I got is 482 915", "482 915"),
    ("code 482915", "482915"),
    ("otp 4821", "4821"),
    ("verification code: 48-29-15", "48-29-15"),
    ("482915 is the code", "482915"),
]


@pytest.mark.parametrize("text, secret", SECRETS)
def test_secrets_are_removed(text, secret):
    redacted = redact(text)
    assert secret not in redacted
    assert any(marker in redacted for marker in MARKERS.values())
    assert redact(redacted) == redacted


@pytest.mark.parametrize(
    "text",
    [
        "my password is wrong",
        "my password is not working",
        "the password on the router is correct",
        "i use my password to log in",
        "I forgot my password",
        "what is my PIN?",
        "the error code is 500123",
        "error code 1004",
        "sort code 20-00-00",
        "my post code is LS1 4AP",
        "NO482136",
        "I paid £4111 on 12/26",
        "my card ending 1234 was charged £250",
        "my meter says 482915",
        "account 204518",
    ],
)
def test_other_words_and_numbers_are_left_alone(text):
    assert redact(text) == text


def test_a_code_stays_where_it_was_asked_for_and_nothing_else_does():
    text = "my code is 482915, my password is hunter2"
    assert redact(text, code_asked=True) == "my code is 482915, my password is [password removed]"


@pytest.mark.parametrize("text", ["482915", "it's 482 915 thanks", "4 8 2 9 1 5", "is it 482915? or 111222"])
def test_what_answers_the_question_for_a_code_is_not_stored(text):
    stored, secrets = remove_all(text, code_asked=True)
    assert not any(char.isdigit() for char in stored)
    assert "482915" in secrets and secrets["482915"] == MARKERS["code"]


def test_each_kind_is_told_about_in_a_friendly_sentence():
    text = "4111 1111 1111 1111 cvv 123, password: dragon, code 482915"
    assert kinds_removed(text, redact(text)) == ["card", "card_code", "password", "code"]
    assert all(notice(kind).startswith("I've removed a") and "Please" in notice(kind) for kind in MARKERS)
    assert kinds_removed(redact(text), redact(text)) == []


def luhn(digits):
    total = sum(d if i % 2 else (2 * d - 9 * (d > 4)) for i, d in enumerate(reversed(digits)))
    return [*digits, -total % 10]


NUMBERS = st.lists(st.integers(0, 9), min_size=12, max_size=17).map(lambda d: luhn([4, *d]))
# What people put around a number; a digit beside it would be another number.
AROUND = st.text(st.characters(blacklist_categories=("Nd", "Cs")), max_size=30)


@given(NUMBERS, st.sampled_from(["", " ", "-", "."]), AROUND, AROUND)
def test_no_card_number_gets_through(number, between, before, after):
    size = 4
    groups = ["".join(map(str, number[i : i + size])) for i in range(0, len(number), size)]
    text = redact(f"{before} {between.join(groups)} {after}")
    assert between.join(groups) not in text and CARD_REMOVED in text


@given(st.text(max_size=300))
def test_redacting_again_changes_nothing(text):
    once = redact(text)
    assert redact(once) == once
    stored, _ = remove_all(text, code_asked=True)
    assert remove_all(stored, code_asked=True) == (stored, {})


@given(
    st.lists(
        st.sampled_from(
            [
                "my",
                "password",
                "is",
                "pin",
                "code",
                ":",
                "4111111111111111",
                "123",
                "482915",
                "cvv",
                "12/26",
                "exp",
                '"',
            ]
        ),
        max_size=25,
    )
)
def test_redacting_words_of_secrets_again_changes_nothing(words):
    once = redact(" ".join(words))
    assert redact(once) == once


@pytest.mark.parametrize(
    "piece", ["password ", "my code is ", "exp ", "1 ", "12/26 ", "[card number removed] ", '"a', "pin for the ", "a"]
)
def test_no_text_takes_long(piece):
    start = time.process_time()
    redact((piece * 20_000)[:20_000])
    assert time.process_time() - start < 2
