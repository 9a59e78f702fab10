"""How a call to the copilot is read and answered.

`endpoint` makes an HTTP endpoint of a plain function from one pydantic model to another: it reads the body (on GET the
query) into the first, runs the function in a thread, since it may block, writes the second as JSON, and describes both
in the OpenAPI page. What the policy decides meanwhile is recorded with the conversation that the body names.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from sanic import Blueprint, Request
from sanic.response import HTTPResponse, json

from actions.backends.protocols import Unavailable
from actions.copilot import openapi
from actions.knowledge.encoder import ModelMissing
from actions.knowledge.store import StoreError
from actions.logs import conversation_ref, get_logger
from actions.metering import in_conversation as metered
from actions.policy.context import in_conversation
from actions.policy.rules import PolicyError

B = TypeVar("B", bound=BaseModel)

log = get_logger(__name__)

PREFIX = "/copilot"
NO_OBJECT = "This request could not be read: send a JSON object."


class Refused(Exception):
    """Something that cannot be done: the HTTP status and one sentence that says why and what to do."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


def endpoint(
    blueprint: Blueprint,
    method: str,
    path: str,
    takes: type[BaseModel] | None,
    gives: type[BaseModel],
    summary: str,
    *,
    about: str = "",
    errors: dict[int, str] | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register the decorated function at `path` below /copilot.

    It is called with the model `takes` (without one with nothing) and the parts of the path by name, and returns a
    `gives`. It may raise `Refused`; a system that cannot be reached is a 503 by itself. `errors` are further statuses,
    for the OpenAPI page.
    """
    openapi.describe(f"{PREFIX}{path}", method, takes, gives, summary, about, errors)

    def register(function: Callable[..., BaseModel]) -> Callable[..., BaseModel]:
        async def handle(request: Request, **parts: str) -> HTTPResponse:
            try:
                given = [read(request, takes)] if takes else []
                result = await asyncio.to_thread(_run, function, given, parts)
            except Refused as refusal:
                return json({"error": refusal.sentence}, status=refusal.status)
            return json(result.model_dump(mode="json"))

        blueprint.add_route(handle, path, methods=[method], name=f"{method}_{function.__name__}".lower())
        return function

    return register


def read(request: Request, model: type[B]) -> B:
    """The body of a request, or the query of a GET, as `model`. Raises `Refused` with 400 or 422."""
    if request.method == "GET":
        given: Any = {name: values[0] for name, values in request.args.items()}
    else:
        try:
            given = request.json
        except Exception as error:
            raise Refused(400, NO_OBJECT) from error
        if not isinstance(given, dict):
            raise Refused(400, NO_OBJECT)
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise Refused(422, sentence(error)) from error


def sentence(error: ValidationError) -> str:
    """The first problem in one sentence that names the field; the value itself is never repeated."""
    first = error.errors(include_input=False, include_url=False)[0]
    field = ".".join(str(part) for part in first["loc"]) or "body"
    if first["type"] == "missing":
        return f"`{field}` is missing."
    told = str(first["msg"]).removeprefix("Value error, ").rstrip(".")
    return f"`{field}` cannot be taken: {told[:1].lower()}{told[1:]}."


def _run(function: Callable[..., BaseModel], given: list[BaseModel], parts: dict[str, str]) -> BaseModel:
    try:
        with _within(given[0] if given else None):
            return function(*given, **parts)
    except (Unavailable, ModelMissing, StoreError, PolicyError) as error:
        log.error("copilot_unavailable", extra={"call": function.__name__, "reason": type(error).__name__})
        text = {
            Unavailable: "The back office cannot be reached just now: please try again in a minute.",
            PolicyError: "policy.yml cannot be used, so nothing can be checked: `make policy` says what is wrong.",
        }.get(type(error), "The knowledge base cannot be searched just now: `make knowledge` says what is wrong.")
        raise Refused(503, text) from error


@contextmanager
def _within(call: BaseModel | None) -> Iterator[None]:
    """Decide about texts and count tokens of the conversation that a call names."""
    conversation = str(getattr(call, "conversation", None) or "")
    turns = getattr(call, "turns", None) or []
    kinds = {"customer": "user", "bot": "bot", "agent": "bot"}
    events = [{"event": kinds[t.who], "text": t.text} for t in turns if t.who in kinds]
    with metered(conversation_ref(conversation)), in_conversation({"sender_id": conversation, "events": events}):
        yield
