"""What the desk owes customers."""

import asyncio
from datetime import timedelta

import pytest
from floor import Floor

from desk import tasks
from desk.conversations import inbox
from desk.lifecycle import Refused
from desk.models import now
from desk.presence import set_skills
from desk.tasks_models import Task


@pytest.fixture
def floor(run, database):
    return Floor(run, database)


def add(floor, text, hours=1, kind="follow_up", **more):
    return floor.run(tasks.add(floor.database, 1, kind, text, now() + timedelta(hours=hours), **more))


def texts(floor, name):
    return [task.text for task in floor.run(tasks.list_open(floor.database, floor.people[name]))]


def test_people_see_their_own_and_what_nobody_has_on_their_queues(floor):
    kim = floor.people["kim"]
    add(floor, "for alex", 4, assigned_to=floor.people["alex"].id)
    add(floor, "for sales", 3, queue="sales")
    add(floor, "for billing", 2, queue="billing")
    add(floor, "for anybody", 1)
    floor.run(set_skills(floor.database, kim.id, set(), {"billing"}))
    assert texts(floor, "kim") == ["for anybody", "for billing"]
    assert texts(floor, "alex") == ["for anybody", "for billing", "for sales", "for alex"]
    assert texts(floor, "sam") == texts(floor, "alex")
    found = floor.run(inbox(floor.database, "tasks", kim))
    assert ([task.text for task in found.tasks], found.counts["tasks"], list(found.conversations)) == (
        ["for anybody", "for billing"],
        2,
        [],
    )
    found = floor.run(inbox(floor.database, "tasks", kim, queue="billing"))
    assert [task.text for task in found.tasks] == ["for billing"]


def test_done_is_done_and_others_tasks_are_theirs(floor):
    task = add(floor, "call", assigned_to=floor.people["alex"].id)
    with pytest.raises(Refused):
        floor.run(tasks.done(floor.database, floor.people["kim"], task.id))
    with pytest.raises(Refused):
        floor.run(tasks.done(floor.database, floor.people["kim"], 99))
    floor.run(tasks.done(floor.database, floor.people["alex"], task.id))
    floor.run(tasks.done(floor.database, floor.people["sam"], task.id))
    assert texts(floor, "sam") == []
    [stored] = floor.run(tasks.of_conversation(floor.database, 1))
    assert stored.done_at is not None


def test_the_same_request_makes_one_task_also_at_once(floor):
    async def twice():
        due = now() + timedelta(hours=1)
        return await asyncio.gather(
            *(tasks.add(floor.database, 1, "callback", "Call.", due, request="r" * 8) for _ in range(5))
        )

    made = floor.run(twice())
    assert len({task.reference for task in made}) == 1
    assert made[0].reference == "CB-00001"
    assert len(floor.rows(Task)) == 1


@pytest.mark.parametrize("bad", [{"kind": "wish"}, {"text": " "}, {"due": now().replace(tzinfo=None)}])
def test_tasks_that_cannot_be_kept(floor, bad):
    fields = {"kind": "promise", "text": "x", "due": now()} | bad
    with pytest.raises(Refused):
        floor.run(tasks.add(floor.database, 1, fields["kind"], fields["text"], fields["due"]))
    with pytest.raises(Refused):
        floor.run(tasks.add(floor.database, 99, "promise", "x", now()))
    assert floor.rows(Task) == []
