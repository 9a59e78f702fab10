"""The CalDAV adapter beside the contract of Booking: what stands in the calendar, and what happens when it fails."""

import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import caldav
import pytest
from caldav_server import Radicale, free_port
from icalendar import Calendar
from sqlalchemy import select

from actions import settings
from actions.backends import Identity, Level, Unavailable
from actions.backends.caldav import CaldavBooking, client, events
from actions.backends.caldav.client import Changed, Taken, VisitCalendar
from actions.backends.models import AuditRow, LeaseRow
from actions.backends.session import transaction

pytestmark = pytest.mark.usefixtures("database")
PRIYA = Identity("p", Level.VERIFIED, "NA204518")
TUESDAY, WEDNESDAY = "2026-11-24T08:00", "2026-11-25T08:00"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Radicale]:
    """A server of the test's own."""
    running = Radicale(tmp_path / "radicale").start()
    yield running
    running.stop()


def kept(server: Radicale, **other: float) -> settings.Caldav:
    """The settings of a calendar on the server."""
    return replace(settings.Caldav(server.url, "tandem", "secret", 10.0), **other)


@pytest.fixture
def booking(server: Radicale) -> CaldavBooking:
    """A booking system on it."""
    return CaldavBooking(kept(server))


def raw(server: Radicale) -> dict[str, str]:
    """Each resource of the calendar and its text."""
    with caldav.DAVClient(url=server.url, username="tandem", password="secret", auth_type="basic") as found:
        items = found.calendar(url=server.url).events()
        return {str(event.url).rpartition("/")[2]: event.data for event in items}


def audits(action: str) -> list[tuple[str, str | None]]:
    """Outcome and reason of each audit row of `action`."""
    with transaction() as session:
        rows = session.scalars(select(AuditRow).where(AuditRow.action == action).order_by(AuditRow.id))
        return [(row.outcome, row.reason) for row in rows]


def test_a_visit_is_an_event_in_london_time(server: Radicale, booking: CaldavBooking) -> None:
    made = booking.book(PRIYA, TUESDAY, "No connection; sockets, too", "r1")
    (name, text), *others = raw(server).items()
    assert (name, others) == ("20261124T0800-p1.ics", [])
    whole = Calendar.from_ical(text)
    event = whole.walk("VEVENT")[0]
    assert event.decoded("dtstart").isoformat() == "2026-11-24T08:00:00+00:00" and whole.walk("VTIMEZONE")
    assert "DTSTART;TZID=Europe/London:20261124T080000" in text
    assert (str(event["description"]), str(event["status"])) == ("No connection; sockets, too", "TENTATIVE")
    booking.confirm(PRIYA, made.reference, "r2")
    assert "STATUS:CONFIRMED" in raw(server)[name]
    booking.move(PRIYA, made.reference, WEDNESDAY, "r3")
    assert set(raw(server)) == {"20261125T0800-p1.ics"}
    booking.cancel(PRIYA, made.reference, "r4")
    assert raw(server) == {}


def test_an_event_of_somebody_elses_making_is_left_alone(server: Radicale, booking: CaldavBooking) -> None:
    booking.windows(PRIYA)
    with caldav.DAVClient(url=server.url, username="tandem", password="secret", auth_type="basic") as found:
        found.calendar(url=server.url).add_event(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\nBEGIN:VEVENT\r\nUID:team\r\nDTSTAMP:20261120T080000Z"
            "\r\nDTSTART:20261124T080000Z\r\nDTEND:20261124T090000Z\r\nSUMMARY:Team\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
        )
    assert len(booking.windows(PRIYA)) == 40 and booking.mine(PRIYA) == []


def test_a_move_that_broke_off_is_finished_by_the_next_change(
    server: Radicale, booking: CaldavBooking, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = booking.book(PRIYA, TUESDAY, "No connection", "r1")
    with monkeypatch.context() as patch:
        patch.setattr(VisitCalendar, "remove", lambda *_: (_ for _ in ()).throw(Unavailable("gone")))
        with pytest.raises(Unavailable):
            booking.move(PRIYA, made.reference, WEDNESDAY, "r2")
    assert len(raw(server)) == 2
    assert [visit.window.id for visit in booking.mine(PRIYA)] == [WEDNESDAY]
    moved = booking.move(PRIYA, made.reference, WEDNESDAY, "r2")
    assert moved.window.id == WEDNESDAY and moved.moves_left == 2 and len(raw(server)) == 1
    assert audits("visit.move") == [("failed", "Unavailable"), ("allowed", None)]


def test_a_booking_whose_outcome_was_lost_is_found_again(
    server: Radicale, booking: CaldavBooking, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("actions.backends.caldav.booking.done.keep", die)
        with pytest.raises(KeyboardInterrupt):
            booking.book(PRIYA, TUESDAY, "No connection", "r1")
    assert booking.book(PRIYA, TUESDAY, "No connection", "r1") == booking.mine(PRIYA)[0]
    assert len(raw(server)) == 1
    with transaction() as session:
        assert session.scalars(select(LeaseRow)).all() == []


def test_a_try_whose_answer_was_lost_takes_no_second_place(
    server: Radicale, booking: CaldavBooking, monkeypatch: pytest.MonkeyPatch
) -> None:
    send, lost = client._send, []

    def losing(*arguments: object) -> object:
        answer = send(*arguments)  # type: ignore[arg-type]
        if arguments[1] in ("PUT", "DELETE") and not lost:
            lost.append(arguments[1])
            raise client.requests.Timeout
        return answer

    monkeypatch.setattr(client, "_send", losing)
    made = booking.book(PRIYA, TUESDAY, "No connection", "r1")
    assert lost == ["PUT"] and len(raw(server)) == 1 and booking.mine(PRIYA) == [made]
    lost.clear()
    booking.confirm(PRIYA, made.reference, "r2")
    assert lost == ["PUT"] and booking.mine(PRIYA)[0].status == "confirmed"
    lost.clear()
    booking.cancel(PRIYA, made.reference, "r3")
    assert lost == ["DELETE"] and raw(server) == {}


def test_what_a_planner_changes_meanwhile_stands(server: Radicale, booking: CaldavBooking) -> None:
    made = booking.book(PRIYA, TUESDAY, "No connection", "r1")
    visits = VisitCalendar(kept(server))
    seen = visits.visits(made.window.starts_at, made.window.ends_at)[0]
    visits.replace(seen, replace(seen.visit, reason="Changed by a planner"))
    for change in (lambda: visits.remove(seen), lambda: visits.replace(seen, replace(seen.visit, status="confirmed"))):
        with pytest.raises(Changed):
            change()
    with pytest.raises(Taken):
        visits.create(seen.name, replace(seen.visit, uid="other"))
    assert booking.mine(PRIYA)[0].reason == "Changed by a planner"


def test_a_server_that_is_down_is_told_in_time_and_audited(server: Radicale, booking: CaldavBooking) -> None:
    booking.windows(PRIYA)
    server.stop()
    started = time.monotonic()
    for call in (lambda: booking.windows(PRIYA), lambda: booking.book(PRIYA, TUESDAY, "No connection", "r1")):
        with pytest.raises(Unavailable, match="the booking calendar does not answer"):
            call()
    assert time.monotonic() - started < 8
    assert audits("visit.book") == [("failed", "Unavailable")]
    server.start()
    assert booking.book(PRIYA, TUESDAY, "No connection", "r1").window.id == TUESDAY


def test_a_server_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/tandem/visits"
        started = time.monotonic()
        with pytest.raises(Unavailable):
            CaldavBooking(settings.Caldav(url, "tandem", "", 0.3)).windows(PRIYA)
        assert time.monotonic() - started < 6


def test_nobody_listens_at_all() -> None:
    url = f"http://127.0.0.1:{free_port()}/tandem/visits"
    with pytest.raises(Unavailable):
        CaldavBooking(settings.Caldav(url, "", "", 1.0)).mine(PRIYA)


def test_an_event_survives_the_way_there_and_back() -> None:
    window = events.Window(TUESDAY, *(events.datetime.fromisoformat(f"2026-11-24T{hour}:00") for hour in ("08", "12")))
    visit = events.Visit("uid", "NV1", "NA1", window, "ä, b; c\nd", "confirmed", 2, 2500)
    assert events.from_ical(events.to_ical(visit)) == visit
