"""Who may call the model now: a limit of calls at the same time, and a circuit breaker around a failing provider."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pybreaker

from actions.logs import get_logger

log = get_logger(__name__)

BUSY_WAIT = 0.3  # seconds for a free place: the twin is quicker than a queue


class ModelUnavailable(Exception):
    """The model gave no text: it failed, took too long, may not be called now, or sent nothing usable."""


class _Logged(pybreaker.CircuitBreakerListener):
    def state_change(self, cb: Any, old_state: Any, new_state: Any) -> None:
        """Log each change of the breaker."""
        fields = {"old": old_state.name if old_state else "", "new": new_state.name, "failures": cb.fail_counter}
        log.warning("llm_breaker", extra=fields)


class Guard:
    """Lets calls to one model through.

    Args:
        places: calls at the same time.
        failures: failed calls in a row that open the breaker.
        seconds: how long it stays open; then one call at a time may try, and closes or opens it again.
    """

    def __init__(self, places: int, failures: int, seconds: float) -> None:
        self._places = threading.BoundedSemaphore(places)
        self._probe = threading.Lock()
        self._breaker = pybreaker.CircuitBreaker(
            fail_max=failures,
            reset_timeout=seconds,
            exclude=[GeneratorExit],  # whoever read the stream has had enough
            listeners=[_Logged()],
            throw_new_error_on_trip=False,
        )

    @property
    def state(self) -> str:
        """The breaker's state: closed, open or half-open."""
        return str(self._breaker.current_state)

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """A place for one call, whose exceptions count as failures. Raises ModelUnavailable: circuit_open, busy."""
        with self._place(), self._probing():
            try:
                with self._breaker.calling():
                    yield
            except pybreaker.CircuitBreakerError:
                raise ModelUnavailable("circuit_open") from None

    @contextmanager
    def _place(self) -> Iterator[None]:
        if not self._places.acquire(timeout=BUSY_WAIT):
            raise ModelUnavailable("busy")
        try:
            yield
        finally:
            self._places.release()

    @contextmanager
    def _probing(self) -> Iterator[None]:
        """One call at a time unless the breaker is closed."""
        if self.state == pybreaker.STATE_CLOSED:
            yield
            return
        if not self._probe.acquire(blocking=False):
            raise ModelUnavailable("circuit_open")
        try:
            yield
        finally:
            self._probe.release()
