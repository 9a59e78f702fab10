"""Calls to a system that is elsewhere: tried again with back-off, given up in time, told in one sentence."""

from collections.abc import Callable
from typing import TypeVar

from tenacity import (
    RetryError,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    stop_after_delay,
    wait_random_exponential,
)

from ..logs import get_logger
from .protocols import Unavailable

ATTEMPTS = 3
GIVE_UP_AFTER = 6.0  # seconds: an action has ten altogether (ACTION_TIMEOUT_SECONDS)
FIRST_WAIT = 0.2

T = TypeVar("T")
logger = get_logger(__name__)


class Tries:
    """How often a call was tried."""

    def __init__(self) -> None:
        self.count = 0


def call(system: str, retried: tuple[type[BaseException], ...], do: Callable[[], T], tries: Tries | None = None) -> T:
    """The result of `do`, which is tried again when it raises one of `retried`; raises `Unavailable` in the end."""
    counted = tries or Tries()
    policy = Retrying(
        retry=retry_if_exception_type(retried),
        stop=stop_after_attempt(ATTEMPTS) | stop_after_delay(GIVE_UP_AFTER),
        wait=wait_random_exponential(multiplier=FIRST_WAIT, max=1),
    )
    try:
        for attempt in policy:
            with attempt:
                counted.count += 1
                return do()
    except RetryError as error:
        cause = error.last_attempt.exception()
        logger.warning("far_side_down", extra={"system": system, "reason": type(cause).__name__})
        raise Unavailable(f"{system} does not answer ({type(cause).__name__})") from cause
    raise AssertionError("not reached")
