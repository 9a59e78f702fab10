"""Who is writing, for the customer's page: it tells when the customer writes, and asks whether the agent does."""

from sanic import Blueprint, Request, json
from sanic.response import HTTPResponse

from desk import chat_sessions, tokens
from desk.context import desk_of
from desk.conversations import find_by_sender
from desk.models import Conversation

chat_typing = Blueprint("chat_typing", url_prefix="/chat")

_NO_STORE = {"Cache-Control": "no-store"}


@chat_typing.post("/typing")
async def customer_typing(request: Request) -> HTTPResponse:
    """`{"writing": true}` while the customer writes to an agent, `false` when they stop. No text is sent."""
    desk = desk_of(request)
    conversation = await _own(request)
    if conversation and conversation.owner == "agent":
        writing = isinstance(request.json, dict) and request.json.get("writing") is True
        news = (desk.typing.note if writing else desk.typing.stop)(conversation.id, "customer")
        if news:
            desk.hub.publish_typing(conversation.id)
    return json({}, headers=_NO_STORE)


@chat_typing.get("/presence")
async def presence(request: Request) -> HTTPResponse:
    """The agent who writes just now, by the name that the customer sees; `{"writing": null}` if nobody does."""
    conversation = await _own(request)
    writing = desk_of(request).typing.who(conversation.id, "agent") if conversation else ""
    return json({"writing": writing or None}, headers=_NO_STORE)


async def _own(request: Request) -> Conversation | None:
    """The conversation that the token opens; raises InvalidToken."""
    desk = desk_of(request)
    session_id = await chat_sessions.holder(desk.database, desk.settings.secret, request.token)
    return await find_by_sender(desk.database, session_id)


@chat_typing.exception(tokens.InvalidToken)
async def expired(_request: Request, _error: tokens.InvalidToken) -> HTTPResponse:
    """The token opens nothing."""
    return json({"error": "This chat has expired. Start a new conversation."}, status=401, headers=_NO_STORE)
