"""The knowledge-gap list for the desk: GET /knowledge/gaps?limit=100."""

import asyncio
import sqlite3
from dataclasses import asdict

from sanic import Blueprint, Request
from sanic.response import HTTPResponse, json

from actions.knowledge.gaps import gaps
from actions.logs import get_logger

log = get_logger(__name__)

MOST = 500  # groups in one answer

blueprint = Blueprint("knowledge", url_prefix="/knowledge")


@blueprint.get("/gaps")
async def list_gaps(request: Request) -> HTTPResponse:
    """Like questions that found no answer, most asked first, as a JSON object."""
    asked = str(request.args.get("limit") or 100)
    if not asked.isdigit() or not 1 <= int(asked) <= MOST:
        return json({"error": f"`limit` must be a number from 1 to {MOST}."}, status=400)
    try:
        return json({"gaps": [asdict(gap) for gap in await asyncio.to_thread(gaps, int(asked))]})
    except (sqlite3.Error, OSError) as error:
        log.error("gaps_unavailable", extra={"reason": type(error).__name__})
        return json({"error": "The list of questions without an answer cannot be read just now."}, status=503)
