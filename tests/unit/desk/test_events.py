"""The event stream: polled, missing, locked, replaced, malformed."""

import asyncio
import json
import sqlite3

from conftest import bot, raw, user

from desk.conversations import find_by_sender, transcript
from desk.events import Batch, SQLEventSource, follow
from desk.live import Hub


async def texts(database, sender="c"):
    conversation = await find_by_sender(database, sender)
    return [message.text for message in await transcript(database, conversation.id)] if conversation else []


async def until(database, expected, sender="c"):
    async with asyncio.timeout(6):
        while await texts(database, sender) != expected:
            await asyncio.sleep(0.02)


def following(run, stream, database, steps):
    """Run `steps(source, hub)` while the stream is followed."""

    async def scenario():
        source, hub = SQLEventSource(stream.url, database), Hub()
        task = asyncio.create_task(follow(source, database, hub))
        try:
            await steps(source, hub)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await source.close()

    run(scenario())


def test_a_stream_that_does_not_exist_yet_is_waited_for_and_not_created(run, stream, database):
    async def steps(source, hub):
        await asyncio.sleep(0.3)
        assert not stream.path.exists()
        sqlite3.connect(stream.path).close()
        await asyncio.sleep(0.3)  # a file without the table
        stream.create().publish("c", user("hello"))
        await until(database, ["hello"])

    following(run, stream, database, steps)


def test_open_pages_hear_of_changes(run, stream, database):
    async def steps(source, hub):
        async with hub.subscribe() as subscription:
            stream.publish("c", user("hello"))
            assert await subscription.changes(5) == {1}

    stream.create()
    following(run, stream, database, steps)


def test_a_restart_goes_on_where_it_stopped_and_a_lost_cursor_makes_no_doubles(run, stream, database):
    stream.create().publish("c", user("one"))

    async def first(source, hub):
        await until(database, ["one"])
        stream.publish("c", bot("two"))
        await until(database, ["one", "two"])

    following(run, stream, database, first)
    stream.publish("c", user("three"))

    async def second(source, hub):
        await until(database, ["one", "two", "three"])

    following(run, stream, database, second)

    async def from_the_start(source, hub):
        source._position = 0
        stream.publish("c", user("four"))
        await until(database, ["one", "two", "three", "four"])

    following(run, stream, database, from_the_start)


def test_a_locked_stream_is_retried(run, stream, database):
    stream.create()
    lock = sqlite3.connect(stream.path, isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    stream.write(lock, "c", json.dumps(raw("c", user("late"))))

    async def steps(source, hub):
        await asyncio.sleep(0.4)
        assert await texts(database) == []
        lock.execute("COMMIT")
        await until(database, ["late"])

    following(run, stream, database, steps)
    lock.close()


def test_a_replaced_stream_is_read_from_its_start(run, stream, database):
    stream.create().publish("c", user("one"), user("two"))

    async def steps(source, hub):
        await until(database, ["one", "two"])
        stream.path.unlink()
        stream.create().publish("c", user("three"))
        await until(database, ["one", "two", "three"])

    following(run, stream, database, steps)


def test_rows_that_cannot_be_read_do_not_stop_the_stream(run, stream, database):
    stream.create()
    with sqlite3.connect(stream.path) as connection:
        for data in ("{not json", "[1, 2]", json.dumps({"event": "user"})):
            stream.write(connection, "c", data)
        stream.write(connection, "c", json.dumps(raw("c", user("half \ud83d and nul \x00 end"))))
    stream.publish("c", user("after"))

    async def steps(source, hub):
        await until(database, ["half ? and nul  end", "after"])

    following(run, stream, database, steps)


def insert(path, number, event):
    with sqlite3.connect(path, timeout=30) as connection:
        connection.execute("INSERT INTO events VALUES (?, 'c', ?)", (number, json.dumps(event)))


def test_a_row_that_is_committed_late_is_still_read(run, stream, database):
    """Engines with parallel writers can show row 3 before row 2."""
    stream.create().publish("c", user("one"))

    async def steps(source, hub):
        await until(database, ["one"])
        late, early = raw("c", user("two")), raw("c", user("three"))
        # Not in the loop's own thread: the reader would keep its lock for as long as this waits for it.
        await asyncio.to_thread(insert, stream.path, 3, early)
        await until(database, ["one", "three"])
        await asyncio.to_thread(insert, stream.path, 2, late)
        await until(database, ["one", "two", "three"])

    following(run, stream, database, steps)


def test_a_gap_that_never_closes_is_left_behind(run, stream, database):
    async def steps():
        source = SQLEventSource(stream.url, database)
        source._position = 0
        await source.acknowledge(Batch([], list(range(5, 600))))
        assert source._position == 599
        await source.close()

    run(steps())


def test_a_batch_larger_than_one_read(run, stream, database):
    expected = [f"message {number}" for number in range(620)]
    stream.create().publish("c", *[user(text) for text in expected])

    async def steps(source, hub):
        async with asyncio.timeout(20):
            while len(await texts(database)) < 500:
                await asyncio.sleep(0.05)
            while (await texts(database))[-1] != expected[-1]:
                await asyncio.sleep(0.05)

    following(run, stream, database, steps)
