"""Wishes for a technician's time, against the real calendar of the back office."""

from datetime import UTC, date, datetime

import pytest
from chats import Clock

from actions import clock, visits
from actions.backends import Window, calendar
from actions.visit_wishes import Wish, wish

SUNDAY, WEDNESDAY = date(2026, 11, 22), date(2026, 11, 25)

pytestmark = pytest.mark.usefixtures("var")


@pytest.fixture(autouse=True)
def sunday(fixed_clock: Clock) -> Clock:
    """It is Sunday 22 November 2026, 3pm; visits can be booked from Monday 23 November to Friday 18 December."""
    return fixed_clock


def windows() -> list[Window]:
    """All windows that the rules know now."""
    return calendar.windows()


def fitting(text: str, today: date = SUNDAY, base: Window | None = None) -> list[str]:
    """The windows that fit, such as `24 am`, with the month from December on (`3/12 pm`)."""
    wanted = wish(text, today, base)
    assert wanted is not None, text
    return [_short(window) for window in visits.matching(wanted, windows())]


def _short(window: Window) -> str:
    day, month = window.starts_at.day, window.starts_at.month
    return f"{day}{'' if month == 11 else f'/{month}'} {'am' if window.starts_at.hour < 12 else 'pm'}"


# What the customer writes on Sunday 22 November 2026, and the windows that it means.
PHRASES = [
    ("Tuesday", "24 am, 24 pm"),
    ("next Tuesday after 3", "24 pm"),
    ("Tuesday at 3", "24 pm"),
    ("Tuesday at half past two", "24 pm"),
    ("tuesday half two", "24 pm"),
    ("Tuesday at quarter to twelve", "24 am"),
    ("three o'clock on Thursday", "26 pm"),
    ("Thu 14:00", "26 pm"),
    ("wednesday 2.30pm", "25 pm"),
    ("Wednesday, 9ish", "25 am"),
    ("Wednesday at noon", "25 pm"),
    ("lunchtime on Wednesday", "25 pm"),
    ("first thing Friday", "27 am"),
    ("last thing on Friday", "27 pm"),
    ("Friday before 10", "27 am"),
    ("Friday by 11", "27 am"),
    ("Friday before lunch", "27 am"),
    ("Friday not before 3", "27 pm"),
    ("Friday not after 11", "27 am"),
    ("Friday from 1 onwards", "27 pm"),
    ("Friday between 1 and 4", "27 pm"),
    ("Friday 1-4pm", "27 pm"),
    ("Friday 9 till 11", "27 am"),
    ("Friday after 10", "27 pm"),
    ("late morning on Friday", "27 am"),
    ("Thursday or Friday afternoon", "26 pm, 27 pm"),
    ("Thursday morning or Friday afternoon", "26 am, 27 pm"),
    ("morning or afternoon on Thursday", "26 am, 26 pm"),
    ("morning on Thursday or afternoon on Friday", "26 am, 27 pm"),
    ("tomorrow", "23 am, 23 pm"),
    ("tomorrow at 9am", "23 am"),
    ("the day after tomorrow", "24 am, 24 pm"),
    ("in two days", "24 am, 24 pm"),
    ("in three days' time", "25 am, 25 pm"),
    ("the 24th", "24 am, 24 pm"),
    ("on the 3rd", "3/12 am, 3/12 pm"),
    ("on the 24 at 9", "24 am"),
    ("24/11", "24 am, 24 pm"),
    ("3/12 in the morning", "3/12 am"),
    ("03/12/2026 pm", "3/12 pm"),
    ("2026-12-03 pm", "3/12 pm"),
    ("the 4th of December at 2pm", "4/12 pm"),
    ("December 4th before lunch", "4/12 am"),
    ("the third of December, morning", "3/12 am"),
    ("Friday the 27th, first thing", "27 am"),
    ("Monday 30 November, 8am to 12 noon", "30 am"),
    ("Monday 30 November, 12 noon to 5pm", "30 pm"),
    ("between 3 and 4 December in the morning", "3/12 am, 4/12 am"),
    ("a week on Tuesday in the morning", "1/12 am"),
    ("Tuesday week, afternoon", "1/12 pm"),
    ("a fortnight on Tuesday, am", "8/12 am"),
    ("any morning next week", "23 am, 24 am, 25 am, 26 am, 27 am"),
    ("mornings this week", "23 am, 24 am, 25 am, 26 am, 27 am"),
    ("the week after next, mornings", "30 am, 1/12 am, 2/12 am, 3/12 am, 4/12 am"),
    ("in a fortnight, mornings only", "7/12 am, 8/12 am, 9/12 am, 10/12 am, 11/12 am"),
    ("early next week in the morning", "23 am, 24 am"),
    ("end of next week, afternoon", "26 pm, 27 pm"),
    ("Tuesday or Wednesday next week in the afternoon", "24 pm, 25 pm"),
    ("between Tuesday and Thursday, afternoons", "24 pm, 25 pm, 26 pm"),
    ("Monday to Wednesday, mornings", "23 am, 24 am, 25 am"),
    ("mornings before Thursday", "23 am, 24 am, 25 am"),
    ("by Tuesday, in the afternoon", "23 pm, 24 pm"),
    ("not Monday, Tuesday afternoon", "24 pm"),
    ("I can't do Monday but Tuesday morning is fine", "24 am"),
    ("next week but not Monday or Tuesday, mornings", "25 am, 26 am, 27 am"),
    ("this week, anything but mornings", "23 pm, 24 pm, 25 pm, 26 pm, 27 pm"),
    ("Tuesday's no good, Wednesday morning then", "25 am"),
    ("as soon as possible", "23 am"),
    ("asap after Wednesday", "26 am"),
    ("the earliest you have on Thursday", "26 am"),
    ("next available afternoon", "23 pm"),
    ("as late as possible on Friday", "27 pm"),
    ("I don't mind", "23 am"),
    ("no, Wednesday morning instead", "25 am"),
    ("Can you come on Friday morning?", "27 am"),
    ("I am free on Tuesday morning", "24 am"),
    ("Mondays at 9", "23 am, 30 am, 7/12 am, 14/12 am"),
    ("is a Friday morning possible?", "27 am, 4/12 am, 11/12 am, 18/12 am"),
    ("early december, mornings only", "1/12 am, 2/12 am, 3/12 am, 4/12 am, 7/12 am, 8/12 am, 9/12 am, 10/12 am"),
    ("LS1 4AP, NA204518, Friday pm", "27 pm"),
]


@pytest.mark.parametrize(("text", "expected"), PHRASES, ids=lambda value: value)
def test_what_a_phrase_means(text: str, expected: str) -> None:
    assert ", ".join(fitting(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Friday, mornings", "27 am"),
        ("this Friday morning", "27 am"),
        ("next Friday morning", "4/12 am"),
        ("Wednesday morning", "2/12 am"),
        ("next Wednesday morning", "2/12 am"),
        ("Monday morning", "30 am"),
        ("next Monday morning", "30 am"),
        ("next week, mornings", "30 am, 1/12 am, 2/12 am, 3/12 am, 4/12 am"),
        ("later this week, morning", "26 am, 27 am"),
        ("end of the week, afternoon", "26 pm, 27 pm"),
    ],
)
def test_in_the_middle_of_the_week(text: str, expected: str, sunday: Clock) -> None:
    sunday.now = datetime(2026, 11, 25, 10, tzinfo=UTC)
    assert ", ".join(fitting(text, WEDNESDAY)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("in the afternoon instead", "1/12 pm"),
        ("the afternoon please", "1/12 pm"),
        ("later that day", "1/12 pm"),
        ("same day but later", "1/12 pm"),
        ("the day after, morning", "2/12 am"),
        ("a day later at the same time", "2/12 am"),
        ("the next day, in the afternoon", "2/12 pm"),
        ("two days later, first thing", "3/12 am"),
        ("the day before, afternoon", "30 pm"),
        ("same time on Thursday", "26 am"),
        ("the following week, Tuesday morning", "8/12 am"),
        ("Wednesday afternoon instead", "25 pm"),
    ],
)
def test_wishes_that_start_from_a_window(text: str, expected: str) -> None:
    base = next(window for window in windows() if _short(window) == "1/12 am")
    assert ", ".join(fitting(text, SUNDAY, base)) == expected


def days(text: str, today: date) -> list[date]:
    """The days that a phrase names."""
    wanted = wish(text, today)
    return sorted(wanted.days or ()) if wanted else []


@pytest.mark.parametrize(
    ("today", "text", "expected"),
    [
        (date(2026, 11, 30), "tomorrow", date(2026, 12, 1)),
        (date(2026, 12, 31), "tomorrow", date(2027, 1, 1)),
        (date(2026, 12, 31), "on the 4th", date(2027, 1, 4)),
        (date(2026, 12, 28), "2 January", date(2027, 1, 2)),
        (date(2026, 12, 28), "2/1", date(2027, 1, 2)),
        (date(2026, 12, 28), "next Monday", date(2027, 1, 4)),
        (date(2026, 12, 28), "New Year's Day", date(2027, 1, 1)),
        (date(2026, 11, 22), "the 31st", date(2026, 12, 31)),
        (date(2027, 1, 30), "on the 30th", date(2027, 1, 30)),
        (date(2027, 1, 31), "the 30th", date(2027, 3, 30)),
        (date(2028, 2, 27), "the day after tomorrow", date(2028, 2, 29)),
        (date(2027, 2, 27), "in two days", date(2027, 3, 1)),
        (date(2026, 11, 22), "20 November", date(2026, 11, 20)),
        (date(2026, 11, 22), "Christmas Eve", date(2026, 12, 24)),
        (date(2026, 11, 22), "1st of January", date(2027, 1, 1)),
    ],
)
def test_ends_of_months_and_years(today: date, text: str, expected: date) -> None:
    assert days(text, today) == [expected]


@pytest.mark.parametrize(
    ("utc", "tomorrow"),
    [
        (datetime(2026, 10, 24, 23, 30, tzinfo=UTC), date(2026, 10, 26)),  # half past midnight in London: the 25th
        (datetime(2026, 10, 25, 23, 30, tzinfo=UTC), date(2026, 10, 26)),  # winter time has begun
        (datetime(2026, 3, 28, 23, 30, tzinfo=UTC), date(2026, 3, 29)),
        (datetime(2026, 3, 29, 23, 30, tzinfo=UTC), date(2026, 3, 31)),  # summer time has begun
    ],
)
def test_tomorrow_follows_londons_clock(sunday: Clock, utc: datetime, tomorrow: date) -> None:
    sunday.now = utc
    assert days("tomorrow", clock.today()) == [tomorrow]


def test_windows_stay_where_they_are_when_the_clock_changes(sunday: Clock) -> None:
    sunday.now = datetime(2026, 10, 23, 12, tzinfo=UTC)
    assert ", ".join(fitting("Monday at 9am", clock.today())) == "26/10 am"
    assert ", ".join(fitting("Tuesday at noon", clock.today())) == "27/10 pm"


@pytest.mark.parametrize(
    "text", ["", "I may be in", "the second one", "hello", "99/99", "my order NO482136", "2", "NV000123", "LS1 4AP"]
)
def test_text_without_a_time_is_no_wish(text: str) -> None:
    assert wish(text, SUNDAY) is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Saturday", "Sorry, technicians don't come at weekends."),
        ("at the weekend", "Sorry, technicians don't come at weekends."),
        ("today", "Sorry, technicians don't come at weekends."),
        ("Christmas Day", "Sorry, no technician comes on Friday 25 December: that's a bank holiday (Christmas Day)."),
        ("5 January", "Sorry, that's too far ahead: visits can be booked up to Friday 18 December."),
        ("20 November", "Sorry, Friday 20 November has already gone."),
        ("Tuesday evening", "Sorry, technicians come between 8am and 5pm."),
        ("after 6", "Sorry, technicians come between 8am and 5pm."),
        ("Tuesday morning", "Sorry, there's no visit free on Tuesday 24 November in the morning."),
        ("next week after 3", "Sorry, there's no visit free in the week of Monday 23 November after 3pm."),
    ],
)
def test_why_a_time_cannot_be_had(text: str, why: str) -> None:
    wanted = wish(text, SUNDAY)
    assert wanted is not None and visits.why_not(wanted, SUNDAY) == why


def test_today_is_too_soon_on_a_working_day(sunday: Clock) -> None:
    sunday.now = datetime(2026, 11, 25, 10, tzinfo=UTC)
    wanted = wish("this afternoon", WEDNESDAY)
    assert wanted is not None
    assert visits.why_not(wanted, WEDNESDAY) == (
        "Sorry, that's too soon: the first day for a visit is Thursday 26 November."
    )


def test_the_nearest_times_come_from_both_sides() -> None:
    wanted = wish("Saturday 28 November in the morning", SUNDAY)
    assert wanted is not None
    assert [_short(w) for w in visits.nearest(wanted, windows(), 3)] == ["27 am", "27 pm", "30 am"]


def test_hours_that_a_window_goes_beyond_are_told() -> None:
    after, morning = wish("Tuesday after 3", SUNDAY), wish("Tuesday afternoon", SUNDAY)
    afternoon = next(window for window in windows() if _short(window) == "24 pm")
    assert after and morning
    assert (visits.not_quite(after, afternoon), visits.not_quite(morning, afternoon)) == ("after 3pm", "")


def test_a_label_leads_back_to_its_window() -> None:
    assert visits.label(windows()[0]) == "Monday 23 November, 8am to 12 noon"
    assert visits.of_id(windows()[0].id) == "Monday 23 November, 8am"
    for window in windows():
        wanted = wish(visits.label(window), SUNDAY)
        assert wanted is not None and visits.matching(wanted, windows()) == [window]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("it stopped working on Monday", False),
        ("off since Monday, nobody came last Tuesday", False),
        ("it stopped on Monday, can you come on Friday", True),
        ("it cuts out every morning", False),
        ("book someone for Monday", True),
    ],
)
def test_the_past_is_no_wish(text: str, kept: bool) -> None:
    assert visits.says_when(visits.ahead(text), SUNDAY) is kept


@pytest.mark.parametrize(
    ("text", "visit", "time"),
    [
        ("move my visit to Friday morning", "move my visit ", " Friday morning"),
        ("change my Tuesday appointment to Thursday", "change my Tuesday appointment ", " Thursday"),
        ("move it from Tuesday to Thursday", "move it from Tuesday ", " Thursday"),
        ("move it to friday 8am to 12 noon", "move it ", " friday 8am to 12 noon"),
        ("rebook my engineer for after christmas", "rebook my engineer ", " after christmas"),
        ("Tuesday's appointment doesn't suit me", "Tuesday's appointment doesn't suit me", ""),
        ("can we make it Thursday", "", "can we make it Thursday"),
        ("I'd like to move my visit", "", "I'd like to move my visit"),
    ],
)
def test_the_visit_is_told_from_its_new_time(text: str, visit: str, time: str) -> None:
    assert visits.from_and_to(text, SUNDAY) == (visit, time)


@pytest.mark.parametrize(
    ("text", "way", "one"),
    [
        ("the earlier one", -1, -1), ("the later one please", 1, 1), ("the earliest one", 0, -1), ("the latest", 0, 1),
        ("anything earlier?", -1, 0), ("Earlier times", -1, 0), ("later please", 1, 0), ("the first one", 0, 0),
        ("push it back a bit", 1, 0), ("can you bring it forward", -1, 0),
    ],
)  # fmt: skip
def test_earlier_and_later(text: str, way: int, one: int) -> None:
    assert (visits.step(text), visits.the_one(text)) == (way, one)


@pytest.mark.parametrize("text", ["Other times", "another day please", "none of those", "I can’t make any of these"])
def test_asking_for_others(text: str) -> None:
    assert visits.wants_others(text)


@pytest.mark.parametrize("text", ["the first one", "Monday 23 November, 8am to 12 noon", "yes"])
def test_choosing_is_not_asking_for_others(text: str) -> None:
    assert not visits.wants_others(text)


@pytest.mark.parametrize(
    ("text", "bare", "number"),
    [
        ("move nv 000-123", False, "NV000123"),
        ("000123", True, "NV000123"),
        ("000123", False, None),
        ("NV12", True, None),
    ],
)
def test_references(text: str, bare: bool, number: str | None) -> None:
    assert visits.reference(text, bare) == number


def test_a_wish_without_days_or_hours_says_nothing() -> None:
    assert Wish(pick="first").words() == "" and Wish(pick="first").days is None
