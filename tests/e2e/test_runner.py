"""What the runner does to the running services: the backend is put back while they have it open."""

from __future__ import annotations

import time

from tests.e2e_runner.backend import count


def test_a_reset_gives_the_running_services_a_fresh_backend(stage):
    stage.reset()
    seeded = {table: count(stage.database, table, {}) for table in ("customers", "audit", "assurance", "appointments")}
    customer = stage.stack.conversation()
    for _ in range(2):
        assert "£42.50" in customer.say("what's my balance? My account is NA204518, LS1 4AP")
        assert count(stage.database, "assurance", {"conversation_id": customer.sender}) == 1
        assert "£42.50" in customer.say("how much do I owe?")  # verified already
        stage.reset()
        assert {table: count(stage.database, table, {}) for table in seeded} == seeded
        assert "£" not in customer.say("how much do I owe?")  # the action server sees that nobody is verified
        customer = stage.stack.conversation()


def test_the_assistant_calls_the_action_server_through_the_proxy(stage):
    stage.reset()
    assert stage.called() == set()
    stage.stack.conversation().say("I want to talk to a human")
    assert "action_handoff" in stage.called()


def test_a_reset_is_quick(stage):
    started = time.monotonic()
    for _ in range(10):
        stage.reset()
    seconds = (time.monotonic() - started) / 10
    print(f"{seconds * 1000:.1f} ms a reset")
    assert seconds < 0.3
