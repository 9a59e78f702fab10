"""The decisions of a conversation, for the desk: GET /policy/decisions?conversation=ID."""

import asyncio

from sanic import Blueprint, Request, Sanic
from sanic.response import HTTPResponse, json
from sqlalchemy.exc import SQLAlchemyError

from actions.logs import get_logger
from actions.policy import records

log = get_logger(__name__)

MOST = 500  # decisions in one answer, the latest

blueprint = Blueprint("policy", url_prefix="/policy")


@blueprint.get("/decisions")
async def decisions(request: Request) -> HTTPResponse:
    """The decisions of `conversation` (its id or its reference), oldest first, as a JSON object."""
    conversation = str(request.args.get("conversation") or "").strip()
    if not conversation:
        return json({"error": "Name the conversation: /policy/decisions?conversation=ID."}, status=400)
    try:
        return json({"decisions": await asyncio.to_thread(_read, conversation)})
    except SQLAlchemyError as error:
        log.error("policy_records_unavailable", extra={"reason": type(error).__name__})
        return json({"error": "The policy's decisions cannot be read just now."}, status=503)


def _read(conversation: str) -> list[dict[str, object]]:
    records.flush()  # so that the latest decisions are among them
    return list(records.read(conversation=conversation, last=MOST))


@blueprint.after_server_stop
async def write_the_rest(_app: Sanic) -> None:
    """Write what has gathered: the process ends without Python's own exit."""
    await asyncio.to_thread(records.flush)
