"""Who gets the next conversation: by priority, promise, queue, skill, presence and capacity."""

import asyncio
import random

import pytest
from floor import Floor

from desk.assignment import Assignment
from desk.assistant import AssistantError
from desk.custody import holder
from desk.lifecycle import OWNERS, Refused
from desk.models import AuditEntry
from desk.presence import set_capacity, set_skills, status_of
from desk.settings import Timings
from desk.watchdog import Watchdog


@pytest.fixture
def floor(run, database):
    floor = Floor(run, database)
    floor.assignment = Assignment(floor.handling)
    return floor


def take_next(floor, name):
    return floor.run(floor.assignment.take_next(floor.people[name]))


def holders(floor, *senders):
    return [floor.conversation(sender).assignee and floor.conversation(sender).assignee.name for sender in senders]


def test_the_most_urgent_comes_first_then_the_earliest_promise(floor):
    floor.arrive("later", priority=2, sla_due="2030-01-02T00:00:00+00:00")
    floor.arrive("sooner", priority=2, sla_due="2030-01-01T00:00:00+00:00")
    floor.arrive("urgent", priority=1)
    taken = [take_next(floor, "sam") for _ in range(3)]
    assert [floor.conversation(sender).id for sender in ("urgent", "sooner", "later")] == taken


def test_queues_and_skills_decide_and_nothing_means_everything(floor):
    floor.arrive("bill", queue="billing", skills=["welsh"], priority=1)
    floor.run(set_skills(floor.database, floor.people["alex"].id, {"french"}, set()))
    floor.run(set_skills(floor.database, floor.people["kim"].id, {"Welsh "}, {"billing"}))
    assert take_next(floor, "alex") == 1
    assert take_next(floor, "kim") == floor.conversation("bill").id
    with pytest.raises(Refused, match="Nobody is waiting"):
        take_next(floor, "kim")
    floor.arrive("other", queue="sales")
    with pytest.raises(Refused):
        take_next(floor, "kim")
    assert take_next(floor, "sam") == floor.conversation("other").id


def test_who_has_enough_gets_no_more(floor):
    floor.arrive("second")
    floor.run(set_capacity(floor.database, floor.people["alex"].id, 1))
    take_next(floor, "alex")
    with pytest.raises(Refused, match="your limit"):
        take_next(floor, "alex")


def test_of_many_who_ask_at_once_each_gets_another(floor):
    for number in range(4):
        floor.arrive(f"c{number}")

    async def all_at_once():
        people = [floor.people[name] for name in ("alex", "kim", "sam")]
        return await asyncio.gather(*(floor.assignment.take_next(person) for person in people))

    assert len(set(floor.run(all_at_once()))) == 3


def test_a_failing_assistant_leaves_everything_waiting(floor):
    floor.assistant.failure = AssistantError("down")
    with pytest.raises(AssistantError):
        take_next(floor, "alex")
    assert (floor.conversation().phase, floor.conversation().assigned_to) == ("queue", None)


def test_push_offers_to_the_least_busy_who_are_there(floor):
    for sender in ("d", "e", "f", "g", "h", "i"):
        floor.arrive(sender)
    assert floor.run(floor.assignment.drain()) == 0, "nobody is there"
    floor.available("alex", "kim", "sam")
    floor.run(set_capacity(floor.database, floor.people["kim"].id, 1))
    assert floor.run(floor.assignment.drain()) == 4
    given = holders(floor, "c", "d", "e", "f", "g", "h", "i")
    assert sorted(filter(None, given)) == ["alex", "alex", "alex", "kim"]
    assert set(given[:2]) == {"alex", "kim"} and given[4:] == [None, None, None]
    assert floor.assistant.sent == [], "the customer hears nothing before somebody has opened it"
    assert floor.run(floor.assignment.drain()) == 0


def test_an_offer_is_taken_by_opening_and_is_nobody_elses(floor):
    floor.available("alex")
    floor.run(floor.assignment.drain())
    with pytest.raises(Refused, match="Alex Lee"):
        floor.take("kim")
    floor.run(floor.handling.opened(floor.people["kim"], 1))
    assert floor.conversation().phase == "queue"
    floor.run(floor.handling.opened(floor.people["alex"], 1))
    assert (floor.conversation().phase, floor.conversation().offered_at) == ("agent", None)
    assert floor.assistant.texts() == ["Alex has joined the conversation."]
    floor.run(floor.handling.opened(floor.people["alex"], 1))
    assert len(floor.assistant.texts()) == 1


def test_the_queue_drains_when_an_agent_frees_up(floor):
    floor.arrive("second")
    floor.available("alex")
    floor.run(set_capacity(floor.database, floor.people["alex"].id, 1))

    async def work():
        running = asyncio.create_task(floor.assignment.run())
        try:
            await _until(floor, 1, 1)
            await floor.handling.opened(floor.people["alex"], 1)
            assert (await status_of(floor.database, floor.people["alex"].id)).load == 1
            await floor.handling.close(floor.people["alex"], 1, "resolved", "")
            await _until(floor, 2, 1)
        finally:
            running.cancel()

    floor.run(work())


async def _until(floor, conversation_id, user_id):
    for _ in range(100):
        conversation = await floor.handling.custody.get(conversation_id)
        if conversation.assigned_to == user_id:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it was not offered")


@pytest.mark.parametrize("seed", range(4))
def test_random_work_never_makes_two_owners(floor, seed):
    """Everybody acts at once; what the tracker was told last and what the desk stores must agree in the end."""
    choice = random.Random(seed)
    for sender in ("d", "e"):
        floor.arrive(sender)
    floor.available("alex", "kim", "sam")
    handling, people = floor.handling, list(floor.people.values())
    watchdog = Watchdog(handling, Timings(gone=86_400))

    def act():
        user, number = choice.choice(people), choice.randint(1, 3)
        return choice.choice(
            [
                lambda: handling.take(user, number, None),
                lambda: handling.reply(user, number, "hello"),
                lambda: handling.start_wrap_up(user, number),
                lambda: handling.resume(user, number),
                lambda: handling.transfer(user, number, queue="billing"),
                lambda: handling.transfer(user, number, agent=choice.choice(people).name),
                lambda: handling.hand_back(user, number),
                lambda: handling.close(user, number, "resolved", ""),
                lambda: floor.assignment.drain(),
                lambda: handling.opened(user, number),
                lambda: watchdog.sweep(),
            ]
        )()

    async def work():
        for _ in range(15):
            results = await asyncio.gather(*(act() for _ in range(6)), return_exceptions=True)
            assert all(result is None or isinstance(result, int | Refused) for result in results), results

    floor.run(work())
    for sender in ("c", "d", "e"):
        conversation = floor.conversation(sender)
        assert conversation.owner == OWNERS[conversation.phase] == floor.assistant.owners[sender]
        if conversation.phase in ("agent", "wrap_up"):
            assert conversation.assignee is not None, holder(conversation)
        if conversation.phase in ("bot", "closed"):
            assert conversation.assigned_to is None
    assert any(row.action == "take" for row in floor.rows(AuditEntry))
