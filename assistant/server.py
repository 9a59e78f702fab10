"""Rasa's HTTP server as others may reach it: closed but for the channels, and silent about itself.

Rasa takes its token in the query string alone, where every server and proxy on the way logs it. Here it comes in the
header; an address that has it is refused, so that nobody goes on writing it there.
"""

from __future__ import annotations

import hmac
import logging
import os
import re
from typing import Any
from uuid import uuid4

from rasa.server import ErrorResponse
from sanic import Sanic, response
from sanic.exceptions import SanicException
from sanic.handlers import ErrorHandler
from sanic.request import Request
from sanic.response import HTTPResponse

from common import logs, web

MAX_REQUEST = 1_000_000  # bytes
RESPONSE_SECONDS = 120  # longer than socket.io's long polls and a turn with several actions
CHANNELS = ("/webhooks/", "/socket.io/")
# What Tandem and other help desks use. Rasa's other addresses load models from anywhere, train and test.
API = (
    ("GET", re.compile(r"/(status|version|domain)")),
    ("GET", re.compile(r"/conversations/[^/]+/(tracker|story)")),
    ("POST", re.compile(r"/conversations/[^/]+/(tracker/events|trigger_intent|execute|predict|messages)")),
    ("PUT", re.compile(r"/conversations/[^/]+/tracker/events")),
    ("POST", re.compile(r"/model/(parse|predict)")),
)
SENTENCES = {
    400: "This request could not be read.",
    401: "This server takes calls with its token only: send the header `Authorization: Bearer` and the RASA_TOKEN.",
    404: "There is nothing at this address.",
    405: "This address does not take this kind of request.",
    408: "This request took too long to arrive.",
    413: "This request is too large.",
    503: "This server could not answer in time. Try again in a moment.",
}
TOKEN_IN_ADDRESS = "An address is no place for a token: send the header `Authorization: Bearer` and the RASA_TOKEN."

logger = logging.getLogger(__name__)


async def guard_api(app: Sanic, _loop: Any = None) -> None:
    """For Sanic's main_process_start: everything below, before the first request."""
    logs.take_over()
    web.protect(app, os.environ.get("ASSISTANT_URL", ""), MAX_REQUEST, RESPONSE_SECONDS, web.API_HEADERS)
    app.error_handler = QuietErrors()
    # First, so that not even Rasa's answer to OPTIONS comes before it.
    app.request_middleware.appendleft(_door(os.environ["RASA_TOKEN"]))
    # It logs each refused call as an error; `QuietErrors` logs those that are.
    logging.getLogger("rasa.server").setLevel(logging.CRITICAL)


def _door(token: str):  # type: ignore[no-untyped-def]
    expected = f"Bearer {token}".encode()

    async def check(request: Request) -> HTTPResponse | None:
        if request.path == "/health" and request.method == "GET":
            return _health(request.app)
        if request.path.startswith(CHANNELS):
            return None  # each channel looks at who calls
        if "token" in request.args:
            return _refused(401, TOKEN_IN_ADDRESS)
        if not hmac.compare_digest(request.headers.get("authorization", "").encode("utf-8", "replace"), expected):
            return _refused(401)
        if not any(request.method == method and path.fullmatch(request.path) for method, path in API):
            known = any(path.fullmatch(request.path) for _, path in API)
            return _refused(405 if known else 404)
        request.args["token"] = [token]  # where Rasa's own check looks for it
        return None

    return check


def _health(app: Sanic) -> HTTPResponse:
    agent = getattr(app.ctx, "agent", None)
    ready = app.ctx.ready and agent is not None and agent.is_ready()
    return response.json({"status": "ok" if ready else "starting"}, status=200 if ready else 503)


def _refused(status: int, sentence: str = "") -> HTTPResponse:
    return response.json({"error": sentence or SENTENCES[status]}, status=status)


class QuietErrors(ErrorHandler):
    """Answers an error with one sentence: Rasa's own name its version, and may hold the conversation."""

    def default(self, request: Request, exception: Exception) -> HTTPResponse:
        """The answer for any exception of a handler."""
        if isinstance(exception, ErrorResponse):
            status = int(exception.status)
        else:
            status = exception.status_code if isinstance(exception, SanicException) else 500
        if status < 500 or status in SENTENCES:
            return response.json({"error": _sentence(status, exception)}, status=status)
        reference = uuid4().hex[:8]
        logger.error("server_error", extra={"reference": reference, "status": status}, exc_info=exception)
        text = f"Something went wrong in the assistant; its log has the cause under reference {reference}."
        return response.json({"error": text, "reference": reference}, status=status)


def _sentence(status: int, exception: Exception) -> str:
    if isinstance(exception, ErrorResponse):
        # What follows is the validator's text, which repeats the events.
        return str(exception.error_info["message"]).split(" Error: ")[0]
    return SENTENCES.get(status, "This request was refused.")
