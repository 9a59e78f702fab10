"""The copilot over HTTP: what each endpoint takes and gives is in `models`, and on the page at GET /copilot/docs."""

import asyncio
import threading

from sanic import Blueprint, Request, Sanic
from sanic.response import HTTPResponse, html, json

from actions.copilot import customer, docs, draft, next_action, openapi, rewrite, run, search, suggest
from actions.copilot.calls import endpoint
from actions.copilot.models import (
    CustomerCall,
    CustomerData,
    DraftCall,
    DraftChecked,
    NextActions,
    Query,
    Results,
    RewriteCall,
    Rewritten,
    RunCall,
    RunResult,
    Suggestions,
    Talk,
)
from actions.copilot.warm import warm

blueprint = Blueprint("copilot", url_prefix="/copilot")

_ROLE = {403: "The role may not do this."}
_RUN = {
    403: "The customer has not shown enough for this, or the role may not do it.",
    404: "There is no such action, or no such object on the customer's account.",
    409: "It cannot be done now, or is being done already.",
}

endpoint(
    blueprint,
    "POST",
    "/suggest",
    Talk,
    Suggestions,
    "Suggested replies",
    about="Up to three replies to the customer's last message, each with its sources; fewer if there is little to say.",
    errors=_ROLE,
)(suggest.suggest)
endpoint(
    blueprint,
    "POST",
    "/search",
    Query,
    Results,
    "Knowledge search",
    about="What is for colleagues alone is found too, with `sendable` false; what is expired never is.",
)(search.search)
endpoint(
    blueprint,
    "POST",
    "/next",
    Talk,
    NextActions,
    "Next best actions",
    about="From the open task's rules, the articles, and what agents did before in such cases. Nothing is run.",
    errors=_ROLE,
)(next_action.next_actions)
endpoint(
    blueprint,
    "POST",
    "/run",
    RunCall,
    RunResult,
    "Run one action",
    about="After an agent's click, with the customer's own assurance level; the same `request` runs once.",
    errors=_RUN,
)(run.run)
endpoint(
    blueprint,
    "POST",
    "/rewrite",
    RewriteCall,
    Rewritten,
    "Rewrite a text",
    about="Refused with 422 when a number, name, amount, date, link or fixed wording would not survive.",
)(rewrite.rewrite)
endpoint(
    blueprint,
    "POST",
    "/draft",
    DraftCall,
    DraftChecked,
    "Check a draft",
    about="What policy.yml says about what an agent is about to send, and whether it names another customer's data.",
    errors=_ROLE,
)(draft.check)
endpoint(
    blueprint,
    "POST",
    "/customer",
    CustomerCall,
    CustomerData,
    "The customer's data",
    about="As much as the conversation has proven, masked below a one-time code; each read is audited under the agent.",
    errors=_ROLE,
)(customer.customer)


@blueprint.get("/openapi.json")
async def description(_request: Request) -> HTTPResponse:
    """The OpenAPI description of all endpoints below /copilot."""
    return json(await asyncio.to_thread(openapi.document))


@blueprint.get("/docs")
async def page(_request: Request) -> HTTPResponse:
    """The same as a page to read."""
    found = await asyncio.to_thread(docs.page, openapi.document())
    return html(found, headers={"Content-Security-Policy": docs.POLICY})


@blueprint.after_server_start
async def warm_up(_app: Sanic) -> None:
    """Load what the first calls need beside the running server, which answers meanwhile."""
    threading.Thread(target=warm, name="warm-up", daemon=True).start()
