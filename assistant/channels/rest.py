"""The REST channel for other systems: Rasa's own, with a token and a sender of the caller's choice."""

from __future__ import annotations

import hmac
import os
from typing import Any

from rasa.core.channels.channel import InputChannel
from rasa.core.channels.rest import RestInput
from rasa.shared.exceptions import RasaException
from sanic import Blueprint, response
from sanic.exceptions import InvalidUsage
from sanic.request import Request
from sanic.response import HTTPResponse

from assistant.channels.guard import Guarded, OnNewMessage


class TokenMissing(RasaException):
    """The channel has no token."""


class RestChannel(Guarded, RestInput):
    """POST /webhooks/rest/webhook with {"sender", "message"} and `Authorization: Bearer <token>`."""

    @classmethod
    def name(cls) -> str:
        """As Rasa's own."""
        return "rest"

    @classmethod
    def from_credentials(cls, credentials: dict[str, Any] | None) -> InputChannel:
        """Reads `token`.

        Raises:
            TokenMissing: neither it nor RASA_TOKEN is set.
        """
        token = (credentials or {}).get("token") or os.environ.get("RASA_TOKEN")
        if not token:
            raise TokenMissing("RASA_TOKEN is not set: start Tandem with `make run`, or load var/env first.")
        return cls(token)

    def __init__(self, token: str) -> None:
        """Takes the token that each caller must show."""
        self._token = token

    def blueprint(self, on_new_message: OnNewMessage) -> Blueprint:
        """Rasa's routes behind the check of the caller and of the request."""
        blueprint = super().blueprint(on_new_message)

        @blueprint.middleware("request")
        async def check(request: Request) -> HTTPResponse | None:
            return self._refusal(request) if request.method == "POST" else None

        return blueprint

    def _refusal(self, request: Request) -> HTTPResponse | None:
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self._token}".encode()):
            return _error(401, "This channel needs the header `Authorization: Bearer <token>` with the right token.")
        try:
            body = request.json
        except InvalidUsage:
            return _error(400, "The body is not JSON.")
        if not isinstance(body, dict):
            return _error(400, 'The body must be an object like {"sender": "…", "message": "…"}.')
        sender = body.get("sender")
        if not isinstance(sender, str) or not sender.strip():
            return _error(400, "`sender` must be a text that is not empty: it names the conversation.")
        if not isinstance(body.get("message"), str):
            return _error(400, "`message` must be a text.")
        return None

    def _extract_input_channel(self, req: Request) -> str:
        return self.name()

    def get_metadata(self, request: Request) -> dict[str, Any] | None:
        """None: what callers send as metadata is not kept."""
        return None


def _error(status: int, sentence: str) -> HTTPResponse:
    return response.json({"error": sentence}, status=status)
