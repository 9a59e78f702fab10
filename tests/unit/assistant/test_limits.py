import asyncio

from assistant.channels.limits import Pace, RateLimit, Turns


def test_the_first_message_too_many_is_told_the_next_are_dropped():
    now = [0.0]
    rate = RateLimit(3, 10, clock=lambda: now[0])
    assert [rate.check("a") for _ in range(5)] == [Pace.HANDLE] * 3 + [Pace.WARN, Pace.DROP]
    assert rate.check("b") is Pace.HANDLE
    now[0] = 10.1
    assert [rate.check("a") for _ in range(4)] == [Pace.HANDLE] * 3 + [Pace.WARN]


def test_one_sender_waits_and_another_does_not():
    async def scene():
        turns, log = Turns(), []

        async def turn(sender, name, seconds):
            async with turns.of(sender):
                log.append(f"{name} starts")
                await asyncio.sleep(seconds)
                log.append(f"{name} ends")

        await asyncio.gather(turn("a", "first", 0.05), turn("a", "second", 0), turn("b", "other", 0))
        return log

    log = asyncio.run(scene())
    assert log.index("first ends") < log.index("second starts")
    assert log.index("other ends") < log.index("first ends")
