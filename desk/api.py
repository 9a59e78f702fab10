"""What the action server asks the desk: how long a queue takes, and to keep a call-back. JSON, with DESK_TOKEN."""

import re
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sanic import Blueprint, Request, json
from sanic.response import HTTPResponse
from sqlalchemy.exc import IntegrityError

from desk import tasks
from desk.context import desk_of
from desk.database import Database
from desk.estimate import estimate
from desk.lifecycle import Refused
from desk.logins import same
from desk.models import now
from desk.projection import conversation_of
from desk.routing import instant

api = Blueprint("api", url_prefix="/api")

FURTHEST = timedelta(days=60)
_QUEUE = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_PHONE = re.compile(r"\+?[0-9][0-9 ()-]{5,30}")
_REQUEST = re.compile(r"[A-Za-z0-9_-]{8,64}")


class Unusable(Exception):
    """A field is missing or wrong; the message says which and what it must be."""


@api.on_request
async def require_token(request: Request) -> HTTPResponse | None:
    """Only for those who have the desk's token."""
    expected = desk_of(request).settings.desk_token
    scheme, _, token = (request.headers.get("authorization") or "").partition(" ")
    if expected and scheme.lower() == "bearer" and same(token.strip(), expected):
        return None
    return json({"error": "Send the desk's token: Authorization: Bearer DESK_TOKEN."}, status=401)


@api.get("/health")
async def health(_request: Request) -> HTTPResponse:
    """That the desk is there and the token is right."""
    return json({"status": "ok"})


@api.get("/queues/<queue:str>/estimate")
async def queue_estimate(request: Request, queue: str) -> HTTPResponse:
    """Place, wait and agents; `conversation` is the customer's, if they are in the queue already."""
    if not _QUEUE.fullmatch(queue):
        return json({"error": "There is no such queue."}, status=404)
    found = await estimate(desk_of(request).database, queue, request.args.get("conversation") or "")
    return json(asdict(found))


@api.post("/callbacks")
async def callbacks(request: Request) -> HTTPResponse:
    """Keep a call-back; the same `request` again gives the same reference."""
    body = request.json
    if not isinstance(body, dict):
        return json({"error": "Send a JSON object."}, status=422)
    database = desk_of(request).database
    try:
        sender_id, due = _text(body, "conversation", 255), _due(body)
        queue, phone = _matching(body, "queue", _QUEUE), _matching(body, "phone", _PHONE)
        key, text = _matching(body, "request", _REQUEST), _text(body, "text", tasks.MAX_TEXT)
        conversation_id = await _conversation_id(database, sender_id)
        task = await tasks.add(database, conversation_id, "callback", text, due, queue=queue, phone=phone, request=key)
    except (Unusable, Refused) as error:
        return json({"error": str(error)}, status=422)
    desk_of(request).hub.publish([conversation_id])
    return json({"reference": task.reference}, status=201)


async def _conversation_id(database: Database, sender_id: str) -> int:
    """The desk's number of a conversation. The call may be quicker than the event stream, or just as quick."""
    for attempt in (1, 2):
        try:
            async with database.session() as session, session.begin():
                return (await conversation_of(session, sender_id, now())).id
        except IntegrityError:
            if attempt == 2:
                raise
    raise AssertionError("unreachable")


def _due(body: dict[str, Any]) -> datetime:
    due = instant(body.get("at"))
    if due is None or not now() - timedelta(minutes=5) <= due <= now() + FURTHEST:
        raise Unusable(f"at must be an ISO time within the next {FURTHEST.days} days.")
    return due


def _text(body: dict[str, Any], name: str, limit: int) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > limit:
        raise Unusable(f"{name} must be a text of at most {limit} characters.")
    return value


def _matching(body: dict[str, Any], name: str, pattern: re.Pattern[str]) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise Unusable(f"{name} is missing or not of the right form.")
    return value
