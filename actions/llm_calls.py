"""One streamed call to a chat model, in an event loop of its own thread.

A call that is late or that nobody waits for any more is cancelled, which closes its connection: no thread is left
reading, and the server may stop generating.
"""

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import aclosing
from email.utils import parsedate_to_datetime
from typing import Any

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_random_exponential

Messages = list[tuple[str, str]]  # (role, text)

GRACE = 0.5  # seconds for the loop to tell that a call is late
_END = object()
_backoff = wait_random_exponential(multiplier=0.25, max=4)
_lock = threading.Lock()
_loops: list[asyncio.AbstractEventLoop] = []


def deltas(load: Callable[[], Any], messages: Messages, deadline: float, retries: int, **options: Any) -> Iterator[Any]:
    """The model's reply in pieces (LangChain's AIMessageChunk), as they arrive.

    Args:
        load: gives the LangChain chat model; may take seconds the first time.
        messages: role and text, in order.
        deadline: when to give up (time.monotonic).
        retries: further tries after 429, 5xx and lost connections, as long as no text has come.
        options: for this call, such as a response format.

    Raises TimeoutError at the deadline, and whatever the provider's client raises.
    """
    arrived: queue.SimpleQueue[Any] = queue.SimpleQueue()
    call = asyncio.run_coroutine_threadsafe(
        _produce(load, messages, deadline, retries, options, arrived.put), _event_loop()
    )
    call.add_done_callback(lambda _: arrived.put(_END))
    try:
        while (chunk := _next(arrived, deadline)) is not _END:
            yield chunk
        call.result()
    finally:
        call.cancel()


def _next(arrived: queue.SimpleQueue[Any], deadline: float) -> Any:
    try:
        return arrived.get(timeout=max(0.0, deadline - time.monotonic()) + GRACE)
    except queue.Empty:
        raise TimeoutError from None


async def _produce(
    load: Callable[[], Any],
    messages: Messages,
    deadline: float,
    retries: int,
    options: dict[str, Any],
    put: Callable[[Any], None],
) -> None:
    """Put each chunk of the reply."""
    begun = False
    patience = AsyncRetrying(
        stop=lambda state: state.attempt_number > retries or time.monotonic() + state.upcoming_sleep >= deadline,
        wait=_wait,
        retry=retry_if_exception(lambda error: not begun and is_transient(error)),
        reraise=True,
    )
    async with asyncio.timeout(deadline - time.monotonic()):
        model = await asyncio.to_thread(load)
        async for attempt in patience:
            with attempt:
                async with aclosing(model.astream(messages, **options)) as chunks:
                    async for chunk in chunks:
                        begun = True
                        put(chunk)


def is_transient(error: BaseException) -> bool:
    """Whether another try may help: 429, a server's error, a lost connection; never a time-out."""
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        return status == 429 or status >= 500
    # Providers' clients bring HTTP libraries of their own, whose errors share nothing but their names.
    names = {kind.__name__ for link in _causes(error) for kind in type(link).__mro__}
    lost = {"ConnectionError", "APIConnectionError", "TransportError"} & names
    return bool(lost) and not {"TimeoutError", "TimeoutException", "APITimeoutError"} & names


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _wait(state: RetryCallState) -> float:
    """Seconds before the next try: what the server asks for, else random and growing."""
    error = state.outcome.exception() if state.outcome else None
    asked = retry_after(error) if error else None
    return _backoff(state) if asked is None else asked


def retry_after(error: BaseException) -> float | None:
    """The seconds of a Retry-After header (a number or an HTTP date), None without one that can be read."""
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    value = str(headers.get("retry-after") or "").strip()
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None


def _event_loop() -> asyncio.AbstractEventLoop:
    """The loop of all calls; its thread starts with the first one."""
    with _lock:
        if not _loops:
            loop = asyncio.new_event_loop()
            threading.Thread(target=loop.run_forever, name="llm", daemon=True).start()
            _loops.append(loop)
        return _loops[0]
