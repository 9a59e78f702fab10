"""The action server: rasa_sdk's web application with our executor, closed to everybody without the token.

Every module of this package is looked through for actions, so that a new skill is one new module.
"""

import hmac
import importlib
import pkgutil
import warnings
from pathlib import Path
from types import ModuleType
from uuid import uuid4

from rasa_sdk import Action, utils
from rasa_sdk.endpoint import create_app
from sanic import Blueprint, Request, Sanic
from sanic.exceptions import SanicException
from sanic.handlers import ErrorHandler
from sanic.response import HTTPResponse, json

from common import web

from . import settings
from .executor import SafeExecutor
from .logs import get_logger

# __main__ would start a second server.
SKILLS = tuple(f"actions.{m.name}" for m in pkgutil.iter_modules([str(Path(__file__).parent)]) if m.name != "__main__")
# Modules with a Sanic blueprint of their own in `blueprint`.
APIS = (
    "actions.copilot.api",
    "actions.copilot.wrapup_api",
    "actions.packet_schema",
    "actions.policy.api",
    "actions.knowledge.api",
    "actions.llm_api",
)

MAX_REQUEST = 20_000_000  # bytes: each call carries the whole conversation and the domain
RESPONSE_SECONDS = 120

_SENTENCES = {
    400: "This request could not be read: send a JSON object.",
    404: "There is nothing at this address.",
    405: "This address does not take this kind of request.",
    408: "This request took too long to arrive.",
    413: "This request is too large.",
    415: "Send the body as it is: a compressed one is not taken.",
}

logger = get_logger(__name__)


def build(executor: SafeExecutor, token: str, skills: tuple[str, ...] = SKILLS, apis: tuple[str, ...] = APIS) -> Sanic:
    """The web application with the actions of `skills` and the blueprints of `apis`."""
    for name in skills:
        register(executor, importlib.import_module(name))
    # One warning for every call, though the two versions speak the same protocol.
    warnings.filterwarnings("ignore", message=".*compatib", module=r"rasa_sdk\.utils")
    app = create_app(executor, cors_origins=[])
    web.protect(app, settings.actions_url(), MAX_REQUEST, RESPONSE_SECONDS, web.API_HEADERS)
    app.config.FALLBACK_ERROR_FORMAT = "json"
    app.error_handler = QuietErrors()
    app.on_request(_token_check(token), priority=1000)  # before rasa_sdk's own answer to OPTIONS
    for name in apis:
        blueprint = getattr(importlib.import_module(name), "blueprint", None)
        if isinstance(blueprint, Blueprint):
            app.blueprint(blueprint)
    return app


def register(executor: SafeExecutor, module: ModuleType) -> None:
    """Register every Action that is defined in `module`, except the bases that define no name."""
    for kind in utils.all_subclasses(Action):
        if kind.__module__ == module.__name__ and _is_named(kind):
            executor.register_action(kind)


def _is_named(kind: type[Action]) -> bool:
    try:
        return bool(kind().name())
    except (NotImplementedError, AttributeError, TypeError):
        return False


def _token_check(token: str):  # type: ignore[no-untyped-def]
    expected = f"Bearer {token}".encode()

    async def check(request: Request) -> HTTPResponse | None:
        if request.method == "GET" and request.path == "/health":
            return None if request.app.ctx.ready else json({"status": "starting"}, status=503)
        given = request.headers.get("authorization", "").encode("utf-8", "replace")
        if hmac.compare_digest(given, expected):
            # rasa_sdk would unpack a small body to any size.
            return json({"error": _SENTENCES[415]}, status=415) if "content-encoding" in request.headers else None
        logger.warning("refused", extra={"method": request.method, "status": 401})
        text = "This server takes calls with its token only: send `Authorization: Bearer` and the ACTIONS_TOKEN."
        return json({"error": text}, status=401)

    return check


class QuietErrors(ErrorHandler):
    """Answers an error with one sentence; the request, which holds the conversation, is never repeated."""

    def default(self, request: Request, exception: Exception) -> HTTPResponse:
        """The answer for any exception of a handler."""
        status = exception.status_code if isinstance(exception, SanicException) else 500
        if status < 500:
            return json({"error": _SENTENCES.get(status, "This request was refused.")}, status=status)
        reference = uuid4().hex[:8]
        fields = {"reference": reference, "method": request.method if request else None, "status": status}
        logger.error("server_error", extra=fields, exc_info=exception)
        text = f"Something went wrong in the action server; its log has the cause under reference {reference}."
        return json({"error": text, "reference": reference}, status=status)
