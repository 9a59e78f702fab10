"""The schema of the handoff packet (handoff.schema.json), the check of a packet, and GET /handoff/schema."""

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from sanic import Blueprint, Request
from sanic.response import HTTPResponse
from sanic.response import json as answer

FILE = Path(__file__).parent / "handoff.schema.json"
SCHEMA: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))

_validator = Draft202012Validator(SCHEMA)

blueprint = Blueprint("handoff", url_prefix="/handoff")


def problems(packet: dict[str, Any]) -> list[str]:
    """What is wrong with a packet, as "place: keyword"; without its values, which may be personal data."""
    found = sorted(_validator.iter_errors(packet), key=lambda error: list(map(str, error.absolute_path)))
    return [f"{'.'.join(map(str, error.absolute_path)) or 'packet'}: {error.validator}" for error in found]


@blueprint.get("/schema")
async def schema(_request: Request) -> HTTPResponse:
    """The schema, for whoever reads packets."""
    return answer(SCHEMA, content_type="application/schema+json")
