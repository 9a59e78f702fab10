"""Who is there, and what they take."""

import asyncio
from datetime import timedelta

import pytest
from floor import Floor

from desk import presence
from desk.lifecycle import Refused
from desk.models import now
from desk.presence import Sightings, set_capacity, set_skills, set_status, status_of, statuses


@pytest.fixture
def floor(run, database):
    return Floor(run, database)


def status(floor, name):
    return floor.run(status_of(floor.database, floor.people[name].id))


def test_somebody_who_never_said_anything_has_the_defaults(floor):
    alex = status(floor, "alex")
    assert (alex.status, alex.capacity, alex.load, alex.last_seen) == ("available", 3, 0, None)
    assert not alex.is_present and alex.can_take("anything", ["welsh"])
    with pytest.raises(Refused):
        floor.run(status_of(floor.database, 99))


def test_a_status_is_stored_and_others_are_refused(floor):
    floor.available("alex", status="busy")
    assert (status(floor, "alex").status, status(floor, "alex").is_present) == ("busy", False)
    floor.available("alex")
    assert status(floor, "alex").is_present
    for action in (
        set_status(floor.database, 1, "asleep"),
        set_capacity(floor.database, 1, 0),
        set_capacity(floor.database, 1, 51),
    ):
        with pytest.raises(Refused):
            floor.run(action)


def test_the_load_is_what_somebody_has(floor):
    floor.arrive("second")
    floor.take("alex")
    floor.take("alex", conversation_id=2)
    assert status(floor, "alex").load == 2
    floor.run(floor.handling.start_wrap_up(floor.people["alex"], 1))
    assert status(floor, "alex").load == 2
    floor.run(floor.handling.close(floor.people["alex"], 1, "resolved", ""))
    assert status(floor, "alex").load == 1


def test_skills_are_replaced_as_a_whole(floor):
    floor.run(set_skills(floor.database, 1, {"French", " welsh ", ""}, {"billing"}))
    assert status(floor, "alex").skills == {"french", "welsh"}
    assert status(floor, "alex").can_take("billing", ["french"])
    assert not status(floor, "alex").can_take("sales", ["french"])
    assert not status(floor, "alex").can_take("billing", ["french", "irish"])
    floor.run(set_skills(floor.database, 1, set(), set()))
    assert status(floor, "alex").can_take("sales", ["irish"])


def test_a_page_that_is_open_keeps_somebody_present_and_is_written_rarely(floor, monkeypatch):
    sightings = Sightings(floor.database)

    async def many():
        await asyncio.gather(
            *(sightings.seen(1) for _ in range(20)), *(Sightings(floor.database).seen(1) for _ in "ab")
        )

    floor.run(many())
    seen = status(floor, "alex").last_seen
    assert status(floor, "alex").is_present
    floor.run(sightings.seen(1))
    assert status(floor, "alex").last_seen == seen
    monkeypatch.setattr(presence, "now", lambda: now() + timedelta(seconds=61))
    assert not status(floor, "alex").is_present


def test_only_those_who_talk_to_customers_are_listed(floor):
    floor._add("una", "auditor")
    assert [one.user.name for one in floor.run(statuses(floor.database))] == ["alex", "kim", "sam"]
