"""Wishes for a technician's time."""

from datetime import date, datetime, timedelta

import pytest

from actions import visits
from actions.backends import Window

TODAY = date(2026, 11, 22)  # a Sunday


def windows() -> list[Window]:
    """Mornings and afternoons of Monday 23 November to Friday 4 December 2026."""
    made = []
    for n in range(1, 13):
        day = datetime(2026, 11, 22) + timedelta(days=n)
        if day.weekday() < 5:
            for begin, end in ((8, 12), (12, 17)):
                begins = day.replace(hour=begin)
                made.append(Window(begins.isoformat(timespec="minutes"), begins, day.replace(hour=end)))
    return made


@pytest.mark.parametrize(
    ("text", "day", "part"),
    [
        ("Tuesday afternoon", 24, "afternoon"),
        ("tuesday", 24, None),
        ("next Tuesday please", 24, None),
        ("Can you come on Friday morning?", 27, "morning"),
        ("tomorrow at 9am", 23, "morning"),
        ("the day after tomorrow", 24, None),
        ("the 24th", 24, None),
        ("24/11", 24, None),
        ("25th of November at 3 pm", 25, "afternoon"),
        ("November 26 before lunch", 26, "morning"),
        ("Thu 14:00", 26, "afternoon"),
        ("in two days", 24, None),
        ("no, Wednesday morning instead", 25, "morning"),
    ],
)
def test_a_day_and_a_part_of_the_day_are_read(text: str, day: int, part: str | None) -> None:
    wanted = visits.wish(text, TODAY)
    assert wanted == visits.Wish(frozenset([date(2026, 11, day)]), part)


def test_a_weekday_that_is_today_means_the_next_one() -> None:
    wanted = visits.wish("Sunday", TODAY)
    assert wanted is not None and wanted.days == {date(2026, 11, 29)}


def test_a_part_of_the_day_alone_and_a_whole_week() -> None:
    assert visits.wish("in the afternoon", TODAY) == visits.Wish(None, "afternoon")
    week = visits.wish("some time next week", TODAY)
    assert week is not None and week.days is not None and min(week.days) == date(2026, 11, 23) and len(week.days) == 7


@pytest.mark.parametrize("text", ["", "I may be in", "the second one", "hello", "99/99", "my order NO482136", "2"])
def test_text_without_a_time_is_no_wish(text: str) -> None:
    assert visits.wish(text, TODAY) is None


def test_a_label_leads_back_to_its_window() -> None:
    every = windows()
    assert visits.label(every[0]) == "Monday 23 November, 8am to 12 noon"
    assert visits.by_labels([visits.label(w) for w in every], every) == every
    for window in every:
        assert visits.is_label(visits.label(window))
        wanted = visits.wish(visits.label(window), TODAY)
        assert wanted is not None and visits.matching(wanted, every) == [window]
    assert visits.by_labels(["Monday 21 December, 8am to 12 noon"], every) == [None]


def test_the_past_is_no_wish_for_a_day() -> None:
    assert not visits.names_day("it stopped working on Monday", TODAY)
    assert visits.names_day("book someone for Monday", TODAY)


@pytest.mark.parametrize("text", ["Other times", "another day please", "none of those", "I can't make any of these"])
def test_asking_for_others(text: str) -> None:
    assert visits.wants_others(text)


def test_choosing_is_not_asking_for_others() -> None:
    assert not visits.wants_others("the first one")
    assert not visits.wants_others("Monday 23 November, 8am to 12 noon")
