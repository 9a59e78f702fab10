import pytest

from assistant.channels.circuit import WITHIN, Circuit, State


@pytest.fixture
def now():
    return [0.0]


@pytest.fixture
def circuit(now):
    return Circuit(failures=3, clock=lambda: now[0])


def test_it_opens_after_failures_in_a_row(circuit):
    assert [circuit.failed() for _ in range(3)] == [False, False, True]
    assert (circuit.state, circuit.opened) == (State.OPEN, 1)


def test_a_call_that_worked_starts_the_count_again(circuit):
    circuit.failed(), circuit.failed(), circuit.worked()
    assert [circuit.failed() for _ in range(2)] == [False, False]
    assert circuit.is_closed


def test_failures_that_lie_far_apart_do_not_open_it(circuit, now):
    for _ in range(10):
        assert not circuit.failed()
        now[0] += WITHIN + 1
    assert circuit.is_closed


def test_one_trial_at_a_time_decides(circuit):
    assert not circuit.trial()
    [circuit.failed() for _ in range(3)]
    assert circuit.trial()
    assert circuit.state is State.HALF_OPEN
    assert not circuit.trial(), "one is under way"
    assert not circuit.failed()
    assert circuit.state is State.OPEN
    assert circuit.trial()
    circuit.worked()
    assert (circuit.state, circuit.opened) == (State.CLOSED, 1)
