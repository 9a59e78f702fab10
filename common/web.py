"""What every HTTP server of ours does: limits on slow and large requests, headers, a line a request, a clean stop.

`protect` takes any Sanic application (21.12 and later) before it runs.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
import time
from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

from sanic import Request, Sanic
from sanic.exceptions import RequestTimeout
from sanic.response import HTTPResponse

HEADER_SECONDS = 10  # for all of a request's header, however it drips in
BODY_SECONDS = 20  # for all of its body
IDLE_SECONDS = 15  # between two requests of a connection

# Of answers that no browser shows as a page.
API_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

logger = logging.getLogger(__name__)


class TimedRequest(Request):
    """A request whose body must have come within BODY_SECONDS: Sanic's own time-out begins again with each byte."""

    async def receive_body(self) -> None:
        """Raises RequestTimeout."""
        try:
            await asyncio.wait_for(super().receive_body(), BODY_SECONDS)
        except asyncio.TimeoutError:
            self.ctx.late = True
            raise RequestTimeout("Request Timeout") from None


def protect(app: Sanic, url: str, max_bytes: int, response_seconds: float, headers: Mapping[str, str]) -> None:
    """Set limits, headers, log lines and the handling of signals.

    `url` is where others reach the service, `max_bytes` the largest body, `headers` stand in each answer that has none
    of these names. `app.ctx.ready` tells whether the server has started and can be stopped.
    """
    app.config.REQUEST_MAX_SIZE = max_bytes
    app.config.REQUEST_TIMEOUT = HEADER_SECONDS
    app.config.RESPONSE_TIMEOUT = response_seconds
    app.config.KEEP_ALIVE_TIMEOUT = IDLE_SECONDS
    app.config.ACCESS_LOG = False  # its lines have the query string
    app.request_class = TimedRequest
    _answer(app, dict(headers) | _transport(url))
    _limit_headers(app)
    _stop_cleanly(app)


def _transport(url: str) -> dict[str, str]:
    return {"Strict-Transport-Security": "max-age=31536000"} if url.startswith("https://") else {}


def _answer(app: Sanic, headers: dict[str, str]) -> None:
    quiet = logging.INFO if os.environ.get("LOG_REQUESTS") == "1" else logging.DEBUG

    @app.on_request
    async def begin(request: Request) -> None:
        request.ctx.began = time.monotonic()

    @app.on_response
    async def end(request: Request, response: HTTPResponse) -> None:
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        level = quiet if response.status < 400 else logging.INFO
        began = getattr(request.ctx, "began", None)
        route = getattr(request.route, "path", None) if request.route else None
        fields = {"method": request.method, "route": route, "status": response.status}
        if began is not None:
            fields["ms"] = round((time.monotonic() - began) * 1000)
        # The route's pattern, not the address: that can hold an id or a token.
        logger.log(level, "request", extra=fields)


def _limit_headers(app: Sanic) -> None:
    """Close a connection whose next header is not there in time."""
    deadlines: WeakKeyDictionary[asyncio.Task[Any], asyncio.TimerHandle] = WeakKeyDictionary()

    def unwatch() -> None:
        task = asyncio.current_task()
        deadline = deadlines.pop(task, None) if task else None
        if deadline:
            deadline.cancel()

    def watch(seconds: float) -> None:
        unwatch()
        # Each connection is one task; cancelled, it closes the connection.
        task = asyncio.current_task()
        if task:
            deadlines[task] = asyncio.get_running_loop().call_later(seconds, task.cancel)

    @app.signal("http.lifecycle.begin")
    async def connected(**_: Any) -> None:
        watch(IDLE_SECONDS + HEADER_SECONDS)

    @app.signal("http.lifecycle.request")
    async def requested(**_: Any) -> None:
        unwatch()

    @app.signal("http.lifecycle.response")
    async def answered(request: Request, **_: Any) -> None:
        # Sanic would wait for the rest of a body that came too slowly.
        late = getattr(request.ctx, "late", False)
        watch(1 if late else IDLE_SECONDS + HEADER_SECONDS)

    @app.signal("http.lifecycle.complete")
    async def closed(**_: Any) -> None:
        unwatch()


def _stop_cleanly(app: Sanic) -> None:
    """Remember a signal that comes while the server starts, and stop as soon as its loop can be stopped.

    Sanic answers requests while its listeners still run. A loop that is stopped then goes on for ever, or ends in an
    error, since the stop ends the wrong run of the loop.
    """
    app.ctx.ready = False
    wanted = False

    def stop() -> None:
        nonlocal wanted
        wanted = True
        if app.ctx.ready:
            app.stop()

    def begin() -> None:
        app.ctx.ready = True
        if wanted:
            app.stop()

    @app.after_server_start
    async def take_signals(_app: Sanic, _loop: Any = None) -> None:
        loop = asyncio.get_running_loop()
        if threading.current_thread() is threading.main_thread():
            for kind in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(kind, stop)
        starting = asyncio.current_task()
        assert starting, "listeners run in a task"
        # The loop is run until this task is done, then for ever. What is called one round after it is done is called
        # by the loop that runs for ever.
        starting.add_done_callback(lambda _: loop.call_soon(begin))
