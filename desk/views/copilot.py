"""The copilot's panel beside a conversation: suggested replies, the articles, what to do next, other words."""

import asyncio
import json as json_text
import uuid
from typing import Any

from sanic import Blueprint, Request, json
from sanic.exceptions import BadRequest
from sanic.response import HTTPResponse

from desk import audit, drafts, suggestion_uses
from desk.actions_client import ActionsError
from desk.context import desk_of, field_of, session_of, user_of
from desk.copilot import STYLES, Copilot, talk
from desk.handling import MAX_REPLY
from desk.lifecycle import AGENT
from desk.models import Conversation
from desk.rendering import page
from desk.views.conversation import conversation_of

MAX_QUERY = 300
MAX_PARAM = 500
PARAM = "param-"

pages = Blueprint("copilot", url_prefix="/desk/conversations")


@pages.get("/<conversation_id:int>/copilot")
async def panel(request: Request, conversation_id: int) -> HTTPResponse:
    """The panel; what takes longer is loaded by it. Supervisors see how many replies the policy could not check."""
    conversation = await conversation_of(request, conversation_id)
    unchecked = 0
    if user_of(request).is_supervisor:
        unchecked = await drafts.unchecked(desk_of(request).database, conversation.id)
    mine = _is_mine(request, conversation)
    return _fragment(request, "desk/copilot/panel.html", conversation, mine=mine, unchecked=unchecked)


@pages.get("/<conversation_id:int>/copilot/live")
async def live(request: Request, conversation_id: int) -> HTTPResponse:
    """Suggested replies and next steps for what the customer said last. Each fails by itself, in a sentence."""
    conversation = await _mine(request, conversation_id)
    copilot = copilot_of(request)
    desk = desk_of(request)
    said, _ = await talk(desk.database, desk.vault, conversation)
    suggestions, actions = await asyncio.gather(
        copilot.suggest(said), copilot.next_actions(said), return_exceptions=True
    )
    return _fragment(
        request,
        "desk/copilot/live.html",
        conversation,
        suggestions=_unless_error(suggestions),
        suggestions_error=_sentence(suggestions),
        actions=_unless_error(actions),
        actions_error=_sentence(actions),
        new_request=lambda: uuid.uuid4().hex,
    )


@pages.get("/<conversation_id:int>/copilot/search")
async def search(request: Request, conversation_id: int) -> HTTPResponse:
    """Passages of the articles for the agent's own words."""
    conversation = await conversation_of(request, conversation_id)
    query = (request.args.get("q") or "").strip()[:MAX_QUERY]
    found, error = [], ""
    try:
        found = await copilot_of(request).search(query, conversation.sender_id) if query else []
    except ActionsError as failure:
        error = str(failure)
    mine = _is_mine(request, conversation)
    return _fragment(
        request, "desk/copilot/found.html", conversation, passages=found, query=query, error=error, mine=mine
    )


@pages.post("/<conversation_id:int>/copilot/run")
async def run(request: Request, conversation_id: int) -> HTTPResponse:
    """Do a next step that the agent has confirmed. The action server checks what the customer has proven."""
    conversation = await _mine(request, conversation_id)
    action = field_of(request, "action")[:80]
    params = {
        name.removeprefix(PARAM): (values[0] or "").strip()[:MAX_PARAM]
        for name, values in (request.form or {}).items()
        if name.startswith(PARAM)
    }
    status, result, outcome = 200, "", "run"
    try:
        result = await copilot_of(request).run(
            conversation, action, params, field_of(request, "request")[:64] or uuid.uuid4().hex
        )
    except ActionsError as error:
        status, result = (409 if 400 <= error.status < 500 else 502), str(error)
        outcome = "run_refused" if status == 409 else "run_failed"
    await audit.record(desk_of(request).database, user_of(request).id, outcome, conversation.id, action)
    response = _fragment(
        request,
        "desk/copilot/ran.html",
        conversation,
        status,
        title=field_of(request, "title")[:200],
        result=result or "Done.",
        done=status == 200,
    )
    if status == 200:
        response.headers["HX-Trigger"] = "copilot-ran"
    return response


@pages.post("/<conversation_id:int>/copilot/rewrite")
async def rewrite(request: Request, conversation_id: int) -> HTTPResponse:
    """The draft in another style, as JSON {text} or {error}."""
    await _mine(request, conversation_id)
    text, style = field_of(request, "text").strip(), field_of(request, "style")
    if not text:
        return json({"error": "Write something first."}, 409)
    if style not in STYLES or len(text) > MAX_REPLY:
        return json({"error": f"Choose a style, and keep the reply under {MAX_REPLY:,} characters."}, 409)
    try:
        return json({"text": await copilot_of(request).rewrite(text, style)})
    except ActionsError as error:
        return json({"error": str(error)}, 409 if error.status == 422 else 502)


@pages.post("/<conversation_id:int>/copilot/inserted")
async def inserted(request: Request, conversation_id: int) -> HTTPResponse:
    """A suggestion went into the reply box: kept, so that what was sent can be compared with it."""
    conversation = await _mine(request, conversation_id)
    text = field_of(request, "text")[:MAX_REPLY]
    if not text.strip():
        raise BadRequest("There is no suggestion in this request.")
    await suggestion_uses.inserted(
        desk_of(request).database,
        conversation.id,
        user_of(request).id,
        field_of(request, "kind"),
        text,
        _sources(field_of(request, "sources")),
    )
    return json({}, 201)


def copilot_of(request: Request) -> Copilot:
    """The copilot of who is logged in."""
    return Copilot(desk_of(request).actions, user_of(request))


def _is_mine(request: Request, conversation: Conversation) -> bool:
    """Whether the agent is talking to the customer now."""
    return conversation.assigned_to == user_of(request).id and conversation.phase == AGENT


async def _mine(request: Request, conversation_id: int) -> Conversation:
    conversation = await conversation_of(request, conversation_id)
    if not _is_mine(request, conversation):
        raise BadRequest("Take the conversation over first.")
    return conversation


def _sources(text: str) -> list[dict[str, str]]:
    """Titles and articles from the page's own JSON; nothing if it is something else."""
    try:
        rows = json_text.loads(text[:20_000] or "[]")
    except ValueError:
        return []
    rows = rows if isinstance(rows, list) else []
    return [
        {"title": str(row.get("title") or "")[:200], "article": str(row.get("article") or "")[:200]}
        for row in rows[:10]
        if isinstance(row, dict)
    ]


def _unless_error(outcome: Any) -> list[Any]:
    """The rows; an error other than the action server's own is raised."""
    if isinstance(outcome, BaseException) and not isinstance(outcome, ActionsError):
        raise outcome
    return [] if isinstance(outcome, ActionsError) else list(outcome)


def _sentence(outcome: Any) -> str:
    return str(outcome) if isinstance(outcome, ActionsError) else ""


def _fragment(
    request: Request, template: str, conversation: Conversation, status: int = 200, **values: Any
) -> HTTPResponse:
    address = f"/desk/conversations/{conversation.id}"
    return page(
        desk_of(request).jinja,
        template,
        status,
        address=address,
        csrf_token=session_of(request).csrf_token,
        **values,
    )
