"""Days that customers name, looking back and ahead; today is Sunday 22 November 2026."""

from datetime import date

import pytest

from actions import dates

TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("text", "past", "coming"),
    [
        ("Friday", date(2026, 11, 20), date(2026, 11, 27)),
        ("Sunday", date(2026, 11, 15), date(2026, 11, 29)),
        ("last Friday", date(2026, 11, 20), date(2026, 11, 27)),
        ("on Friday last week", date(2026, 11, 13), date(2026, 11, 13)),
        ("next Friday", date(2026, 11, 27), date(2026, 11, 27)),
        ("the 3rd", date(2026, 11, 3), date(2026, 12, 3)),
        ("the 22nd", TODAY, TODAY),
        ("31st", date(2026, 10, 31), date(2026, 12, 31)),
        ("the twenty-eighth", date(2026, 10, 28), date(2026, 11, 28)),
        ("end of the month", date(2026, 11, 30), date(2026, 11, 30)),
    ],
)
def test_a_day_without_a_date_is_the_nearest_in_its_direction(text: str, past: date, coming: date) -> None:
    assert (dates.past(text, TODAY), dates.coming(text, TODAY)) == (past, coming)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("today", TODAY),
        ("this morning", TODAY),
        ("just paid it", TODAY),
        ("yesterday", date(2026, 11, 21)),
        ("last night", date(2026, 11, 21)),
        ("the day before yesterday", date(2026, 11, 20)),
        ("a couple of days ago", date(2026, 11, 20)),
        ("a fortnight ago", date(2026, 11, 8)),
        ("tomorrow", date(2026, 11, 23)),
        ("in two weeks", date(2026, 12, 6)),
        ("third of November", date(2026, 11, 3)),
        ("on Friday 20 November", date(2026, 11, 20)),
        ("28 Nov", date(2026, 11, 28)),
        ("first of December", date(2026, 12, 1)),
        ("30 December", date(2026, 12, 30)),
        ("2 January", date(2027, 1, 2)),
        ("3/11", date(2026, 11, 3)),
        ("3/11/2025", date(2025, 11, 3)),
        ("2026-11-01", date(2026, 11, 1)),
        ("32nd", None),
        ("I may pay", None),
        ("the second one", None),
        ("LS1 4AP", None),
        ("' OR 1=1 --", None),
        ("", None),
    ],
)
def test_a_date_is_the_same_in_both_directions(text: str, day: date | None) -> None:
    assert dates.past(text, TODAY) == dates.coming(text, TODAY) == day


def test_a_story_about_the_past_names_no_day_to_come() -> None:
    assert dates.names_coming("I lost my job on Monday", TODAY) is None
    assert dates.names_coming("can I pay from Monday", TODAY) == date(2026, 11, 23)
