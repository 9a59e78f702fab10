"""Numbers, dates and weekdays as the British write them, and when one states another."""

import pytest

from actions.knowledge.days import days, weekdays, without_days
from actions.knowledge.figures import Figure, rates, read


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("£1,250.50", "money", 1250.5),
        ("50p", "money", 0.5),
        ("20 pounds", "money", 20),
        ("£1.2m", "money", 1_200_000),
        ("21 per cent", "percent", 21),
        ("8.30pm", "time", 20.5),
        ("7 p.m.", "time", 19),
        ("half past eight", "time", 8.5),
        ("midday", "time", 12),
        ("twenty-one days", "day", 21),
        ("5 business days", "working day", 5),
        ("a fortnight", "week", 2),
        ("half an hour", "minute", 30),
        ("twice", "occasion", 2),
        ("24-month contract", "month", 24),
        ("3 gigabytes", "gb", 3),
        ("three hundred", "plain", 300),
    ],
)
def test_a_number_is_read_with_its_kind(text: str, kind: str, value: float) -> None:
    assert read(text) == [Figure(kind, value)]


@pytest.mark.parametrize(
    ("claim", "source", "stated"),
    [
        ("14 days", "two weeks", True),
        ("one year", "12 months", True),
        ("48 hours", "2 days", True),
        ("5 days", "5 working days", False),
        ("30 MB", "30 GB", False),
        ("£7.50", "750p", True),
        ("£7.50", "7.50", False),
        ("8pm", "20:00", True),
        ("8am", "20:00", False),
        ("8 o'clock", "20:00", True),
        ("£20", "up to £20", False),
        ("at most £20", "up to £20", True),
        ("at least 5 days", "up to 5 days", False),
        ("no more than 5 days", "within 5 days", True),
        ("no less than 5 days", "at least 5 days", True),
        ("£5 a month", "£5 per month", True),
        ("£5 a month", "£5 a year", False),
        ("£5", "£5 a year", True),
        ("5%", "£5", False),
        ("9 to 5pm", "from 09:00 to 17:00", True),
    ],
)
def test_a_figure_is_stated_by_an_equal_one(claim: str, source: str, stated: bool) -> None:
    assert all(figure.stated_in(read(source)) for figure in read(claim)) is stated


def test_the_periods_of_rates() -> None:
    assert rates("£5 a month, billed yearly, 20p per day") == {"month", "year", "day"}
    assert rates("within a week") == set()


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("24 November", (24, 11, 0)),
        ("24th of November 2026", (24, 11, 2026)),
        ("November 24, 2026", (24, 11, 2026)),
        ("24 Nov", (24, 11, 0)),
        ("24/11/2026", (24, 11, 2026)),
        ("24/11/26", (24, 11, 2026)),
        ("2026-11-24", (24, 11, 2026)),
        ("the 24th", (24, 0, 0)),
        ("in May", (0, 5, 0)),
        ("since 2025", (0, 0, 2025)),
    ],
)
def test_a_date_is_read_as_the_british_write_it(text: str, parts: tuple[int, int, int]) -> None:
    (day,) = days(text)
    assert (day.day, day.month, day.year) == parts
    assert not any(c.isdigit() for c in without_days(text))


def test_what_is_no_date_is_none() -> None:
    assert days("You may pay £2000 or use 2000 minutes, 24/7.") == []


@pytest.mark.parametrize(
    ("claim", "source", "stated"),
    [
        ("24/11/2026", "24 November 2026", True),
        ("the 24th", "24 November 2026", True),
        ("24 November 2026", "24 November", False),
        ("24 November 2026", "In 2026, on 24 November", True),
        ("24 November", "25 November and 24 December", False),
        ("November 2026", "1 November 2026", True),
        ("11/12/2026", "12 November 2026", False),
    ],
)
def test_a_date_is_stated_when_no_part_differs(claim: str, source: str, stated: bool) -> None:
    assert all(day.stated_in(days(source)) for day in days(claim)) is stated


def test_weekdays_and_their_ranges() -> None:
    assert weekdays("Monday to Friday") == weekdays("weekdays") == set(range(5))
    assert weekdays("Fri-Mon") == {4, 5, 6, 0}
    assert weekdays("on Saturdays and Sun") == weekdays("at the weekend") == {5, 6}
    assert weekdays("She sat in the sun") == set()
    assert weekdays("every day") == set(range(7))
