"""Routes on a channel's blueprint for our own services: a token in the header, a small JSON body."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from typing import Any

from sanic import Blueprint, response
from sanic.exceptions import InvalidUsage
from sanic.request import Request
from sanic.response import HTTPResponse

MAX_BODY_BYTES = 8_000

Handle = Callable[[dict[str, Any]], Awaitable[HTTPResponse]]


def add_route(blueprint: Blueprint, path: str, token: str, handle: Handle) -> None:
    """POST `path` with `Authorization: Bearer <token>`; `handle` gets the body's object, empty if it is none."""
    expected = f"Bearer {token}".encode()

    # As a stream, so that neither the token nor the size is looked at only after the body was read.
    @blueprint.route(path, methods=["POST"], stream=True, name=path.strip("/"))
    async def call(request: Request) -> HTTPResponse:
        request.stream.request_max_size = MAX_BODY_BYTES
        given = request.headers.get("Authorization", "").encode("utf-8", "replace")
        if not hmac.compare_digest(given, expected):
            return error(401, "This address is for Tandem's own services: send `Authorization: Bearer <token>`.")
        await request.receive_body()  # raises PayloadTooLarge, which Sanic answers with 413
        try:
            body = request.json
        except InvalidUsage:
            body = None
        return await handle(body if isinstance(body, dict) else {})


def error(status: int, sentence: str) -> HTTPResponse:
    """An answer that says what to do."""
    return response.json({"error": sentence}, status=status)
