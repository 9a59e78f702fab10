"""What a human agent gets from the generative layer, over the bot's own retriever and policy."""

import threading

from sanic import Blueprint, Sanic

from actions.knowledge import warm

blueprint = Blueprint("copilot", url_prefix="/copilot")


@blueprint.after_server_start
async def warm_up(_app: Sanic) -> None:
    """Load the knowledge base beside the running server, which answers its first calls meanwhile."""
    threading.Thread(target=warm, name="warm-up", daemon=True).start()
