"""The language model for operators: loaded when the server starts, and its state at GET /model."""

import threading
from dataclasses import asdict
from typing import Any

from sanic import Blueprint, Request, Sanic
from sanic.response import HTTPResponse, json

from actions import metering
from actions.llm import ChatModel, chat_model

blueprint = Blueprint("language_model")


@blueprint.after_server_start
async def warm_up(_app: Sanic) -> None:
    """Load the client of the configured model, if any."""
    if model := chat_model():
        _load(model)


def _load(model: ChatModel) -> None:
    """Behind the server's back: it takes seconds, which the first answer would lack."""
    threading.Thread(target=model.warm, name="llm-warm-up", daemon=True).start()


@blueprint.get("/model")
async def state(_request: Request) -> HTTPResponse:
    """Which model is in force, whether its breaker is closed, and what it has cost since the start.

    A model that was configured since then begins to load.
    """
    model = chat_model()
    if model is None:
        return json({"configured": False})
    if not model.loaded:
        _load(model)
    names: dict[str, Any] = {
        "model": model.config.model,
        "provider": model.config.model_provider,
        "budget_seconds": model.budget,
    }
    names["loaded"] = model.loaded
    return json({"configured": True, "breaker": model.guard.state, "usage": asdict(metering.total()), **names})
