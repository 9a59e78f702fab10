"""What customers write, read into values."""

import pytest

from actions import parsing


@pytest.mark.parametrize(
    "text",
    [
        "NO482136",
        "no482136",
        "no 482-136",
        "My order is NO 482 136, thanks",
        "N0482136",
        "order no: 482136",
        "NO#482136",
    ],
)
def test_an_order_number_is_read_however_it_is_written(text: str) -> None:
    assert parsing.order_number(text) == "NO482136"


@pytest.mark.parametrize("text", ["", "NO48213", "NO4821367", "hello", "NA482136", "no 3 of them came", "482136"])
def test_other_text_holds_no_order_number(text: str) -> None:
    assert parsing.order_number(text) is None


@pytest.mark.parametrize("text", ["482136", "it's 482 136", "482-136 please"])
def test_bare_digits_count_only_when_asked_for(text: str) -> None:
    assert parsing.order_number(text, bare=True) == "NO482136"
    assert parsing.account_number(text, bare=True) == "NA482136"
    assert parsing.account_number(text) is None


@pytest.mark.parametrize("text", ["07700 900123", "0770090012", "1234567", "20/11/2026"])
def test_longer_numbers_are_no_bare_number(text: str) -> None:
    assert parsing.order_number(text, bare=True) is None


def test_a_number_of_the_other_kind_is_not_taken() -> None:
    assert parsing.order_number("NA204518", bare=True) is None
    assert parsing.account_number("NO482136", bare=True) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("LS1 4AP", "LS1 4AP"),
        ("ls14ap", "LS1 4AP"),
        ("it is m3 2bw thanks", "M3 2BW"),
        ("CF10 1EP", "CF10 1EP"),
        ("ec1a 1bb", "EC1A 1BB"),
        ("W1A-0AX", "W1A 0AX"),
        ("gir 0aa", "GIR 0AA"),
        ("NO482136 to LS1 4AP", "LS1 4AP"),
    ],
)
def test_a_postcode_is_normalised(text: str, expected: str) -> None:
    assert parsing.postcode(text) == expected


@pytest.mark.parametrize("text", ["", "LS1", "Leeds", "LS1 4CP", "QX1 1AA", "12345", "LS1 4A", "😀" * 400, "我的邮编"])
def test_what_is_no_uk_postcode_is_not_read_as_one(text: str) -> None:
    assert parsing.postcode(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2", 1),
        ("the first one", 0),
        ("second", 1),
        ("Option 3", 2),
        ("the last one please", 2),
        ("I'll take the 2nd", 1),
        ("number 1.", 0),
        ("4", None),
        ("2 people live here", None),
        ("Tuesday", None),
        ("first of December", None),
        ("", None),
    ],
)
def test_a_choice_names_a_position(text: str, expected: int | None) -> None:
    assert parsing.choice(text, 3) == expected


def test_nothing_can_be_chosen_from_nothing() -> None:
    assert parsing.choice("last", 0) is None
    assert parsing.choice("1", 0) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("yes", True),
        ("Yes please", True),
        ("ok, book it", True),
        ("yep", True),
        ("no", False),
        ("No thanks", False),
        ("nope", False),
        ("actually, no", False),
        ("don't", False),
        ("not really", False),
        ("maybe", None),
        ("yes but not then", None),
        ("notice", None),
        ("", None),
    ],
)
def test_yes_and_no(text: str, expected: bool | None) -> None:
    assert parsing.yes_no(text) is expected


def test_free_text_becomes_one_short_line() -> None:
    assert parsing.free_text(" my router\n\nis\tdead ") == "my router is dead"
    assert parsing.free_text("网络中断") == "网络中断"
    assert parsing.free_text("?!") is None
    assert parsing.free_text("😀😀😀") is None
    long = parsing.free_text("slow " * 2000)
    assert long is not None and len(long) <= 200 and long.endswith("…")


def test_a_text_without_its_postcode() -> None:
    assert parsing.without_postcode("12 Park Lane, Leeds ls2 8ab, please").split() == [
        "12",
        "Park",
        "Lane,",
        "Leeds",
        ",",
        "please",
    ]
    assert parsing.without_postcode("12 Park Lane") == "12 Park Lane"
