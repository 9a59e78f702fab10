"""What a human agent gets from the generative layer, over the bot's own retriever and policy."""

import threading

from sanic import Blueprint, Sanic

from actions import knowledge
from actions.policy import pii

blueprint = Blueprint("copilot", url_prefix="/copilot")


@blueprint.after_server_start
async def warm_up(_app: Sanic) -> None:
    """Load the models and the knowledge base beside the running server, which answers its first calls meanwhile."""
    threading.Thread(target=_warm, name="warm-up", daemon=True).start()


def _warm() -> None:
    pii.warm()  # first: every message waits for it
    knowledge.warm()
