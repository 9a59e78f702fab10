from assistant.channels.limits import Pace, RateLimit


def test_the_first_message_too_many_is_told_the_next_are_dropped():
    now = [0.0]
    rate = RateLimit(3, 10, clock=lambda: now[0])
    assert [rate.check("a") for _ in range(5)] == [Pace.HANDLE] * 3 + [Pace.WARN, Pace.DROP]
    assert rate.check("b") is Pace.HANDLE
    now[0] = 10.1
    assert [rate.check("a") for _ in range(4)] == [Pace.HANDLE] * 3 + [Pace.WARN]
