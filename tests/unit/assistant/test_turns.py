import asyncio
import contextlib

import pytest

from assistant.channels.turns import Place, SettingWrong, Turns, of_process


def run(turns, turn, *senders):
    """Has each sender come at once; returns what became of them, in that order."""

    async def come(sender):
        with turns.place(sender) as place:
            if place in (Place.NOW, Place.LATER):
                async with turns.room(sender):
                    await turn(sender)
            return place

    async def scene():
        return await asyncio.gather(*(come(sender) for sender in senders))

    return asyncio.run(scene())


def test_one_sender_waits_and_another_does_not():
    log = []

    async def turn(sender):
        log.append(f"{sender} starts")
        await asyncio.sleep(0.05 if sender == "a" else 0)
        log.append(f"{sender} ends")

    run(Turns(), turn, "a", "a", "b")
    assert log.index("a ends") < len(log) - log[::-1].index("a starts") - 1
    assert log.index("b ends") < log.index("a ends")


def test_no_more_than_so_many_run_and_the_others_wait_in_their_order():
    log, running = [], []

    async def turn(sender):
        running.append(sender)
        log.append(sender)
        assert len(running) <= 2
        await asyncio.sleep(0.01)
        running.remove(sender)

    turns = Turns(running=2)
    assert run(turns, turn, *"abcdefgh") == [Place.NOW] * 8
    assert log == list("abcdefgh")
    assert turns.counts() == {
        "running": 0,
        "waiting": 0,
        "mean_seconds": pytest.approx(0.5, abs=0.2),
        "done": 8,
        "refused": 0,
        "told_to_wait": 0,
        "most_waiting": 6,
    }


def test_the_queue_is_bounded():
    async def turn(_):
        await asyncio.sleep(0.01)

    turns = Turns(running=1, waiting=3)
    assert run(turns, turn, *"abcdef") == [Place.NOW] * 4 + [Place.FULL] * 2
    assert turns.counts()["refused"] == 2
    assert run(turns, turn, "a") == [Place.NOW]


def test_who_would_wait_long_is_told_and_who_would_wait_too_long_is_refused():
    now = [0.0]
    turns = Turns(running=1, waiting=50, longest_wait=30, clock=lambda: now[0])

    async def slow(_):
        now[0] += 100.0
        await asyncio.sleep(0)

    assert run(turns, slow, "a") == [Place.NOW]
    assert turns.counts()["mean_seconds"] == pytest.approx(10.9)

    async def turn(_):
        await asyncio.sleep(0.01)

    async def scene():
        """The mean of a turn is 10.9 seconds: the second has one before it, the fourth three."""
        places = []

        async def come(sender):
            with turns.place(sender) as place:
                places.append(place)
                if place in (Place.NOW, Place.LATER):
                    async with turns.room(sender):
                        await asyncio.sleep(0.01)

        tasks = []
        for sender in "abcde":
            tasks.append(asyncio.ensure_future(come(sender)))
            await asyncio.sleep(0)
        await asyncio.gather(*tasks)
        return places

    assert asyncio.run(scene()) == [Place.NOW, Place.LATER, Place.LATER, Place.FULL, Place.FULL]


def test_nobody_takes_all_places():
    async def turn(_):
        await asyncio.sleep(0.01)

    assert run(Turns(), turn, *["a"] * 8, "b") == [Place.NOW] * 6 + [Place.SENDER_FULL] * 2 + [Place.NOW]


def test_who_gives_up_waiting_leaves_their_place_to_the_next():
    async def scene():
        turns, log = Turns(running=1), []

        async def come(sender, seconds):
            with turns.place(sender):
                async with turns.room(sender):
                    log.append(sender)
                    await asyncio.sleep(seconds)

        tasks = [asyncio.ensure_future(come(sender, 0.02)) for sender in "abc"]
        await asyncio.sleep(0.005)
        tasks[1].cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        return log, turns.counts()

    log, counts = asyncio.run(scene())
    assert log == ["a", "c"]
    assert (counts["running"], counts["waiting"]) == (0, 0)


def test_a_turn_that_fails_gives_its_room_back():
    async def fails(_):
        raise RuntimeError

    turns = Turns(running=1)
    for _ in range(3):
        with pytest.raises(RuntimeError):
            run(turns, fails, "a")
    assert (turns.counts()["running"], turns.counts()["waiting"]) == (0, 0)


def test_a_wrong_setting_is_a_sentence(monkeypatch):
    monkeypatch.setenv("TANDEM_TURNS", "many")
    read = of_process.__wrapped__  # the process's own stays as it is
    with pytest.raises(SettingWrong, match="TANDEM_TURNS must be a whole number from 1 to 10000"):
        read()
    monkeypatch.setenv("TANDEM_TURNS", "3")
    assert read()._most_running == 3
