"""The contract of Booking, held by SQL and by a calendar on a real CalDAV server; and the calendar's rules."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from caldav_server import Radicale
from chats import Clock
from sqlalchemy import delete, select

from actions import backends
from actions.backends import Identity, Level, LimitExceeded, NotAllowed, NotFound, WindowTaken, calendar
from actions.backends.models import AppointmentRow, AuditRow, PlaceRow
from actions.backends.protocols import Booking
from actions.backends.session import transaction

PRIYA = Identity("p", Level.VERIFIED, "NA204518")
TOM = Identity("t", Level.VERIFIED, "NA310077")
STRANGER = Identity("s")
KNOWN = Identity("k", Level.KNOWN, orders=frozenset({"NO482136"}))
MONDAY, TUESDAY, WEDNESDAY = "2026-11-23T08:00", "2026-11-24T08:00", "2026-11-25T08:00"


@pytest.fixture(scope="session")
def radicale(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Radicale]:
    """One server for all tests."""
    running = Radicale(tmp_path_factory.mktemp("radicale")).start()
    yield running
    running.stop()


@pytest.fixture(params=["sql", "caldav"])
def booking(request: pytest.FixtureRequest, database: Path, monkeypatch: pytest.MonkeyPatch) -> Booking:
    """An empty booking system."""
    if request.param == "caldav":
        server = request.getfixturevalue("radicale")
        name = f"visits-{abs(hash(request.node.name))}"
        monkeypatch.setenv("BOOKING", "caldav")
        monkeypatch.setenv("CALDAV_URL", f"http://127.0.0.1:{server.port}/tandem/{name}")
        monkeypatch.setenv("CALDAV_USER", "tandem")
        monkeypatch.setenv("CALDAV_TIMEOUT_SECONDS", "10")
    else:
        with transaction() as session:
            session.execute(delete(PlaceRow))
            session.execute(delete(AppointmentRow))
    return backends.booking()


def rows(action: str) -> list[tuple[str, str | None]]:
    """Outcome and reason of each audit row of `action`."""
    with transaction() as session:
        found = session.scalars(select(AuditRow).where(AuditRow.action == action).order_by(AuditRow.id))
        return [(row.outcome, row.reason) for row in found]


def ids(booking: Booking) -> list[str]:
    """The free windows."""
    return [window.id for window in booking.windows(STRANGER)]


def test_the_windows_follow_the_rules(booking: Booking) -> None:
    free = ids(booking)
    assert free[:3] == [MONDAY, "2026-11-23T12:00", TUESDAY]
    assert free[-1] == "2026-12-18T12:00" and len(free) == 40
    assert rows("window.list") == [("allowed", None)]


def test_a_visit_from_booking_to_cancellation(booking: Booking) -> None:
    made = booking.book(PRIYA, TUESDAY, "No connection", "r1")
    assert (made.window.id, made.reason, made.status) == (TUESDAY, "No connection", "booked")
    assert made.reference.startswith("NV") and made.moves_left == 3 and made.late_fee_pence == 2500
    assert made.free_until == datetime(2026, 11, 23, 12, 0)
    assert booking.mine(PRIYA) == [made] and booking.mine(TOM) == []
    assert booking.confirm(PRIYA, made.reference, "r2").status == "confirmed"
    moved = booking.move(PRIYA, made.reference, WEDNESDAY, "r3")
    assert (moved.reference, moved.window.id, moved.status) == (made.reference, WEDNESDAY, "booked")
    assert moved.moves_left == 2 and moved.charged_pence == 0 and booking.mine(PRIYA) == [moved]
    assert booking.cancel(PRIYA, made.reference, "r4").status == "cancelled"
    assert booking.mine(PRIYA) == [] and len(ids(booking)) == 40
    for action in ("book", "confirm", "move", "cancel"):
        assert rows(f"visit.{action}") == [("allowed", None)]


def test_the_same_request_is_done_once_and_gets_its_first_outcome(booking: Booking) -> None:
    made = booking.book(PRIYA, TUESDAY, "No connection", "r1")
    moved = booking.move(PRIYA, made.reference, WEDNESDAY, "r2")
    assert booking.book(PRIYA, TUESDAY, "No connection", "r1") == made
    assert booking.move(PRIYA, made.reference, WEDNESDAY, "r2") == moved
    gone = booking.cancel(PRIYA, made.reference, "r3")
    assert booking.cancel(PRIYA, made.reference, "r3") == gone
    assert booking.book(PRIYA, TUESDAY, "No connection", "r1") == made and booking.mine(PRIYA) == []
    other = booking.book(TOM, TUESDAY, "No connection", "r1")  # the same key of somebody else is another request
    assert other.reference != made.reference and booking.mine(TOM) == [other]


def test_a_window_is_booked_once_by_a_customer(booking: Booking) -> None:
    made = booking.book(PRIYA, TUESDAY, "No connection", "r1")
    assert booking.book(PRIYA, TUESDAY, "Slow", "r2") == made
    later = booking.book(PRIYA, WEDNESDAY, "Slow", "r3")
    with pytest.raises(WindowTaken):
        booking.move(PRIYA, later.reference, TUESDAY, "r4")
    assert booking.mine(PRIYA) == [made, later]


@pytest.mark.parametrize(
    "window_id", ["2026-11-20T08:00", "2026-11-28T08:00", "2026-12-21T08:00", "2026-11-24T09:00", "nonsense", ""]
)
def test_a_window_against_the_rules_is_taken(booking: Booking, window_id: str) -> None:
    with pytest.raises(WindowTaken):
        booking.book(PRIYA, window_id, "No connection", "r1")
    made = booking.book(PRIYA, TUESDAY, "No connection", "r2")
    with pytest.raises(WindowTaken):
        booking.move(PRIYA, made.reference, window_id, "r3")
    assert booking.mine(PRIYA) == [made]
    assert rows("visit.book") == [("refused", "WindowTaken"), ("allowed", None)]


def test_a_move_to_a_full_window_leaves_the_visit_where_it_was(booking: Booking) -> None:
    for n, account in enumerate(("NA118260", "NA559031")):
        booking.book(Identity("x", Level.VERIFIED, account), WEDNESDAY, "Slow", f"r{n}")
    assert WEDNESDAY not in ids(booking)
    made = booking.book(PRIYA, TUESDAY, "No connection", "r1")
    with pytest.raises(WindowTaken):
        booking.move(PRIYA, made.reference, WEDNESDAY, "r2")
    assert booking.mine(PRIYA) == [made]


def test_a_visit_of_somebody_else_is_not_found(booking: Booking) -> None:
    made = booking.book(PRIYA, TUESDAY, "No connection", "r1")
    for call in (
        lambda who, ref: booking.move(who, ref, WEDNESDAY, "r2"),
        lambda who, ref: booking.cancel(who, ref, "r3"),
        lambda who, ref: booking.confirm(who, ref, "r4"),
    ):
        for who, reference in ((TOM, made.reference), (PRIYA, "NV999999"), (PRIYA, "NV' OR 1=1"), (PRIYA, "")):
            with pytest.raises(NotFound):
                call(who, reference)
    assert booking.mine(PRIYA) == [made] and rows("visit.cancel") == [("refused", "NotFound")] * 4


@pytest.mark.parametrize("caller", [STRANGER, KNOWN])
def test_only_the_verified(booking: Booking, caller: Identity) -> None:
    for call in (
        lambda: booking.book(caller, TUESDAY, "No connection", "r"),
        lambda: booking.mine(caller),
        lambda: booking.move(caller, "NV000001", TUESDAY, "r"),
        lambda: booking.cancel(caller, "NV000001", "r"),
        lambda: booking.confirm(caller, "NV000001", "r"),
    ):
        with pytest.raises(NotAllowed):
            call()
    assert rows("visit.book") == rows("visit.list") == rows("visit.move") == [("refused", "NotAllowed")]


def test_a_visit_that_is_over_cannot_be_changed(booking: Booking, fixed_clock: Clock) -> None:
    made = booking.book(PRIYA, MONDAY, "No connection", "r1")
    fixed_clock.move(hours=17)  # Monday, 8am
    assert booking.mine(PRIYA) == []
    with pytest.raises(NotFound):
        booking.cancel(PRIYA, made.reference, "r2")


def test_late_changes_cost_and_moves_are_limited(booking: Booking, fixed_clock: Clock) -> None:
    made = booking.book(PRIYA, TUESDAY, "No connection", "r1")
    fixed_clock.move(hours=21)  # Monday, 12 noon: no longer free
    late = booking.move(PRIYA, made.reference, "2026-12-01T08:00", "m1")
    assert late.charged_pence == 2500
    booking.move(PRIYA, made.reference, "2026-12-02T08:00", "m2")
    last = booking.move(PRIYA, made.reference, "2026-12-03T08:00", "m3")
    assert (last.charged_pence, last.moves_left) == (2500, 0)
    with pytest.raises(LimitExceeded) as refusal:
        booking.move(PRIYA, made.reference, "2026-12-04T08:00", "m4")
    assert refusal.value.limit == "max_moves"
    assert booking.cancel(PRIYA, made.reference, "c").charged_pence == 2500


def test_two_customers_at_once_and_one_place_left(booking: Booking) -> None:
    booking.book(Identity("x", Level.VERIFIED, "NA118260"), TUESDAY, "Slow", "r0")

    def book(caller: Identity) -> bool:
        try:
            booking.book(caller, TUESDAY, "No connection", f"r-{caller.account_number}")
        except WindowTaken:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(book, (PRIYA, TOM))) == [False, True]
    assert len(booking.mine(PRIYA) + booking.mine(TOM)) == 1 and TUESDAY not in ids(booking)


def test_two_moves_at_once_and_one_place_left(booking: Booking) -> None:
    booking.book(Identity("x", Level.VERIFIED, "NA118260"), WEDNESDAY, "Slow", "r0")
    visits = {who: booking.book(who, TUESDAY, "No connection", "r1") for who in (PRIYA, TOM)}

    def move(caller: Identity) -> bool:
        try:
            booking.move(caller, visits[caller].reference, WEDNESDAY, "r2")
        except WindowTaken:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(move, (PRIYA, TOM))) == [False, True]
    places = sorted(booking.mine(who)[0].window.id for who in (PRIYA, TOM))
    assert places == [TUESDAY, WEDNESDAY] and {TUESDAY, WEDNESDAY} & set(ids(booking)) == {TUESDAY}


def test_the_same_request_side_by_side_is_done_once(booking: Booking) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: booking.book(PRIYA, TUESDAY, "No connection", "r1"), range(4)))
        assert len(set(made)) == 1 and booking.mine(PRIYA) == made[:1]
        reference = made[0].reference
        moved = list(pool.map(lambda _: booking.move(PRIYA, reference, WEDNESDAY, "r2"), range(4)))
        assert len(set(moved)) == 1 and booking.mine(PRIYA) == moved[:1]
    assert len(ids(booking)) == 40


@pytest.mark.usefixtures("database")
class TestRules:
    @pytest.mark.parametrize(
        ("now", "first"),
        [
            ((2026, 11, 20, 17, 59), "2026-11-23T08:00"),  # a Friday: Monday
            ((2026, 11, 22, 18, 0), "2026-11-24T08:00"),  # Sunday evening: Monday's plans are made
            ((2026, 11, 24, 9, 0), "2026-11-25T08:00"),
            ((2026, 11, 24, 18, 0), "2026-11-26T08:00"),
            ((2026, 12, 24, 9, 0), "2026-12-29T08:00"),  # Christmas, a weekend, Boxing Day's substitute
            ((2027, 3, 25, 9, 0), "2027-03-30T08:00"),  # Good Friday, Easter Monday
        ],
    )
    def test_the_earliest_visit(self, fixed_clock: Clock, now: tuple[int, ...], first: str) -> None:
        fixed_clock.now = datetime(*now, tzinfo=UTC)
        assert calendar.windows()[0].id == first

    def test_the_cut_off_is_londons_in_summer_too(self, fixed_clock: Clock) -> None:
        fixed_clock.now = datetime(2026, 7, 7, 16, 59, tzinfo=UTC)  # 5.59pm in London
        assert calendar.windows()[0].id == "2026-07-08T08:00"
        fixed_clock.move(minutes=1)
        assert calendar.windows()[0].id == "2026-07-09T08:00"

    def test_windows_keep_their_clock_times_over_the_clock_change(self, fixed_clock: Clock) -> None:
        fixed_clock.now = datetime(2027, 3, 19, 12, 0, tzinfo=UTC)
        by_id = {window.id: window for window in calendar.windows()}
        before, after = by_id["2027-03-24T08:00"], by_id["2027-03-30T08:00"]
        assert calendar.to_utc(before.starts_at).hour == 8 and calendar.to_utc(after.starts_at).hour == 7

    def test_working_days_and_opening_hours(self) -> None:
        assert calendar.add_working_days(date(2026, 12, 24), 1) == date(2026, 12, 29)
        assert calendar.add_working_days(date(2026, 12, 29), -1) == date(2026, 12, 24)
        assert calendar.opening(date(2026, 11, 22)) is None and calendar.opening(date(2026, 12, 28)) is None
        assert calendar.opening(date(2026, 11, 21)) == (datetime(2026, 11, 21, 9), datetime(2026, 11, 21, 17))
        assert calendar.holiday(date(2026, 12, 28)) == "Boxing Day (observed)"
