import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.channels.fitting import shorten, shorten_all, split, utf16_length

TEXTS = st.text(st.characters(codec="utf-8") | st.sampled_from(" .\n😀é"), max_size=400)


@pytest.mark.parametrize(
    ("text", "limit", "parts"),
    [
        ("", 10, []),
        ("  ", 10, []),
        ("One. Two.", 20, ["One. Two."]),
        ("First one. Second one.", 12, ["First one.", "Second one."]),
        ("A line\nAnother line", 12, ["A line", "Another line"]),
        ("He said “no.” Then he left.", 14, ["He said “no.”", "Then he left."]),
        ("no sentence ends here at all", 12, ["no sentence", "ends here at", "all"]),
        ("x" * 25, 10, ["xxxxxxxxxx", "xxxxxxxxxx", "xxxxx"]),
        ("It costs £7.50. Fine.", 15, ["It costs £7.50.", "Fine."]),
        ("😀😀😀😀", 4, ["😀😀", "😀😀"]),
    ],
)
def test_texts_are_cut_at_the_best_place(text, limit, parts):
    assert split(text, limit) == parts


@settings(deadline=None, max_examples=300)
@given(TEXTS, st.integers(2, 60))
def test_every_part_fits_and_nothing_is_lost(text, limit):
    parts = split(text, limit)
    assert all(part and utf16_length(part) <= limit for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("title", "short"),
    [
        ("Yes", "Yes"),
        ("exactly twenty chars", "exactly twenty chars"),
        ("Talk to one of our people", "Talk to one of our…"),
        ("Friday, 27 November 2026", "Friday, 27 November…"),
        ("First thing, afterwards the rest", "First thing…"),
        ("Pneumonoultramicroscopic", "Pneumonoultramicros…"),
        ("  two\n lines ", "two lines"),
    ],
)
def test_titles_are_cut_between_words(title, short):
    assert shorten(title, 20) == short


@settings(deadline=None, max_examples=300)
@given(st.lists(TEXTS.filter(lambda text: text.strip()), min_size=1, max_size=13))
def test_short_titles_fit(titles):
    assert all(0 < utf16_length(title) <= 20 for title in shorten_all(titles, 20))
