"""The state machine: one owner at a time, no way without an end, and random walks that find nothing else."""

import itertools
import random

import pytest

from desk.lifecycle import OWNERS, PHASES, TRIGGERS, Refused, after


def reachable(start):
    found, todo = {start}, [start]
    while todo:
        phase = todo.pop()
        for trigger in TRIGGERS:
            try:
                following = after(phase, trigger)
            except Refused:
                continue
            if following not in found:
                found.add(following)
                todo.append(following)
    return found


def test_the_main_path():
    phase = "bot"
    for trigger, expected in (
        ("owner:queue", "queue"),
        ("take", "agent"),
        ("reply", "agent"),
        ("start_wrap_up", "wrap_up"),
        ("close", "closed"),
        ("message", "bot"),
    ):
        phase = after(phase, trigger)
        assert phase == expected


@pytest.mark.parametrize("phase", PHASES)
def test_no_phase_is_a_dead_end(phase):
    assert reachable(phase) == set(PHASES)


@pytest.mark.parametrize("phase", ["bot", "queue", "wrap_up", "closed"])
def test_only_the_owner_speaks(phase):
    with pytest.raises(Refused) as refusal:
        after(phase, "reply")
    assert str(refusal.value).endswith(".") and len(str(refusal.value)) > 20


def test_a_trackers_owner_always_leads_to_a_phase_of_that_owner():
    for phase, owner in itertools.product(PHASES, ("bot", "queue", "agent")):
        assert OWNERS[after(phase, f"owner:{owner}")] == owner


def test_a_customer_is_never_refused():
    for phase in PHASES:
        assert OWNERS[after(phase, "message")] == OWNERS[phase]


@pytest.mark.parametrize("seed", range(20))
def test_random_walks_keep_the_owner_that_their_last_step_named(seed):
    choice, phase = random.Random(seed), "bot"
    for _ in range(500):
        trigger = choice.choice(TRIGGERS)
        try:
            following = after(phase, trigger)
        except Refused:
            assert trigger not in ("message", "take") and not trigger.startswith("owner:")
            continue
        assert following in PHASES
        if trigger in ("take", "reply", "to_agent", "start_wrap_up", "resume"):
            assert OWNERS[following] == "agent"
        if trigger in ("hand_back", "close"):
            assert OWNERS[following] == "bot"
        phase = following
