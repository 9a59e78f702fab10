"""GET …/health/guard: how busy the assistant is, for operators and load balancers that know RASA_TOKEN."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any

from sanic import Blueprint, response
from sanic.request import Request
from sanic.response import HTTPResponse


def add_route(blueprint: Blueprint, figures: Callable[[], dict[str, Any]], token: str) -> None:
    """Answers with `figures()` as JSON to `Authorization: Bearer <token>`, otherwise with 401."""
    expected = f"Bearer {token}".encode()

    @blueprint.route("/health/guard", methods=["GET"])
    async def guard_health(request: Request) -> HTTPResponse:
        given = request.headers.get("Authorization", "").encode("utf-8", "replace")
        if not hmac.compare_digest(given, expected):
            return response.json({"error": "Send `Authorization: Bearer` and the RASA_TOKEN."}, status=401)
        return response.json(figures())
