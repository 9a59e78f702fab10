"""The parts of a conversation's page that load by themselves: turns, the customer, ready replies, who is writing."""

from typing import Any

from sanic import Blueprint, Request, empty, redirect
from sanic.exceptions import NotFound
from sanic.response import HTTPResponse

from desk import canned, quality
from desk.actions_client import ActionsError
from desk.context import desk_of, field_of, session_of, sight_of, user_of
from desk.conversations import find_message
from desk.handling import Refused
from desk.packet import sees_values
from desk.rendering import page
from desk.roles import can
from desk.turns import turn
from desk.views.conversation import conversation_of

pages = Blueprint("details", url_prefix="/desk/conversations/<conversation_id:int>")

LISTS = {"orders": "Orders", "visits": "Visits", "tickets": "Tickets"}
PROOF = {
    "none": "The account number and postcode would show their orders, visits and tickets.",
    "known": "The account number and postcode would show their orders, visits and tickets.",
    "verified": "A one-time code would show what is still hidden.",
}


@pages.get("/turns/<message_id:int>")
async def turn_details(request: Request, conversation_id: int, message_id: int) -> HTTPResponse:
    """What the assistant understood and did in one turn of the customer."""
    desk = desk_of(request)
    conversation = await conversation_of(request, conversation_id)
    message = await find_message(desk.database, conversation_id, message_id)
    if message is None or message.who != "customer":
        raise NotFound("There is no such turn.")
    found = await turn(desk.database, desk.actions, sight_of(request), conversation, message)
    return page(desk.jinja, "desk/_turn.html", turn=found, see=can(user_of(request), "see_personal_data"))


@pages.get("/customer")
async def customer(request: Request, conversation_id: int) -> HTTPResponse:
    """Who the customer is, by the back office; what it gives depends on the agent's role and the proven level."""
    desk = desk_of(request)
    conversation = await conversation_of(request, conversation_id)
    known, error = {}, ""
    try:
        asked = {"conversation": conversation.sender_id, "agent": agent_of(request)}
        known = await desk.actions.post("/copilot/customer", asked)
    except ActionsError as failure:
        error = str(failure)
    return page(
        desk.jinja,
        "desk/_customer.html",
        error=error,
        conversation=conversation,
        level=str(known.get("level") or ""),
        fields=_rows(known, "fields"),
        balance=str(known.get("balance") or ""),
        lists=[(title, _rows(known, key)) for key, title in LISTS.items() if isinstance(known.get(key), list)],
        more=_more(known),
        first_name=_first_name(known),
    )


@pages.get("/replies")
async def ready_replies(request: Request, conversation_id: int) -> HTTPResponse:
    """The ready-made replies that fit what the agent has typed after the slash."""
    conversation = await conversation_of(request, conversation_id)
    user = user_of(request)
    values = canned.known(conversation.handoff if sees_values(user, conversation) else None, user.first_name)
    if name := (request.args.get("name") or "").strip():
        values["name"] = name[:60]
    query, queue, error = request.args.get("q") or "", str((conversation.handoff or {}).get("queue") or ""), ""
    rows: list[tuple[canned.Reply, str]] = []
    try:
        found = canned.replies()
        rows = [(reply, canned.filled(reply.text, values)) for reply in canned.offered(found, queue, query[:80])]
    except canned.RepliesError as problem:
        error = str(problem)
    return page(desk_of(request).jinja, "desk/_replies.html", rows=rows, error=error)


@pages.get("/typing")
async def typing(request: Request, conversation_id: int) -> HTTPResponse:
    """Whether the customer is writing just now."""
    writing = desk_of(request).typing.who(conversation_id, "customer")
    return page(desk_of(request).jinja, "desk/_typing.html", writing=writing, conversation_id=conversation_id)


@pages.post("/typing")
async def agent_typing(request: Request, conversation_id: int) -> HTTPResponse:
    """The agent who has the conversation writes; the customer's page shows it."""
    conversation, user = await conversation_of(request, conversation_id), user_of(request)
    if conversation.assigned_to == user.id:
        desk_of(request).typing.note(conversation_id, "agent", user.first_name)
    return empty()


def _rows(known: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """The rows of a part of the answer: label, value, and whether the value is masked."""
    rows = known.get(key)
    return [
        {
            "label": str(row.get("label") or ""),
            "value": str(row.get("value") if row.get("value") is not None else ""),
            "masked": row.get("masked") is True,
        }
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, dict)
    ]


def _first_name(known: dict[str, Any]) -> str:
    """How to address the customer, if their name is shown; ready-made replies use it."""
    names = [row["value"] for row in _rows(known, "fields") if row["label"].casefold() == "name" and not row["masked"]]
    return names[0].split()[0] if names and names[0].split() else ""


def _more(known: dict[str, Any]) -> str:
    """What it would take to see more; empty if everything is shown."""
    hidden = any(row["masked"] for row in _rows(known, "fields"))
    level = known.get("level")
    if level in PROOF and (hidden or level != "verified"):
        return PROOF[level]
    return "What is hidden needs another role." if hidden else ""


@pages.get("/quality")
async def transfer_quality(request: Request, conversation_id: int) -> HTTPResponse:
    """How good the handover was, and the agent's own rating of it."""
    return await _quality(request, conversation_id)


@pages.post("/quality")
async def rate_transfer(request: Request, conversation_id: int) -> HTTPResponse:
    """Keep the agent's rating: `rating` is 1 to 5."""
    given = field_of(request, "rating")
    try:
        score = int(given) if given in {"1", "2", "3", "4", "5"} else 0
        await quality.rate(desk_of(request).database, conversation_id, user_of(request), score)
    except Refused as refusal:
        return await _quality(request, conversation_id, 409, str(refusal))
    if request.headers.get("hx-request"):
        return await _quality(request, conversation_id)
    return redirect(f"/desk/conversations/{conversation_id}#quality", status=303)


async def _quality(request: Request, conversation_id: int, status: int = 200, error: str = "") -> HTTPResponse:
    conversation, user = await conversation_of(request, conversation_id), user_of(request)
    found = await quality.quality_of(desk_of(request).database, conversation.id)
    return page(
        desk_of(request).jinja,
        "desk/_quality.html",
        status,
        quality=found,
        rating=found.rating if found else None,
        may_rate=conversation.assigned_to == user.id and conversation.handoff is not None,
        address=f"/desk/conversations/{conversation.id}/quality",
        csrf_token=session_of(request).csrf_token,
        error=error,
    )


def agent_of(request: Request) -> dict[str, str]:
    """The agent as the action server's endpoints expect them."""
    user = user_of(request)
    return {"name": user.name, "first_name": user.first_name, "role": user.role}
