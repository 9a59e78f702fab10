"""The customer's chat page, chat sessions and history."""

from typing import Any

from sanic import Blueprint, Request, json
from sanic.response import HTTPResponse

from desk import tokens
from desk.context import desk_of
from desk.conversations import find_by_sender, transcript
from desk.models import Message, now
from desk.rendering import page
from desk.sight import Sight

chat = Blueprint("chat")

_NO_STORE = {"Cache-Control": "no-store"}
_EXPIRED = "This chat has expired. Start a new conversation."


@chat.get("/")
async def chat_page(request: Request) -> HTTPResponse:
    """The page with the chat."""
    return page(desk_of(request).jinja, "chat.html")


@chat.post("/chat/session")
async def open_session(request: Request) -> HTTPResponse:
    """A new conversation's token, or with `Authorization: Bearer` a fresh token for the same conversation."""
    desk = desk_of(request)
    try:
        session_id = tokens.session_of(desk.settings.secret, request.token) if request.token else None
    except tokens.InvalidToken:
        return _expired()
    session = tokens.issue(desk.settings.secret, session_id)
    return json(
        {
            "session_id": session.session_id,
            "token": session.token,
            "assistant_url": desk.settings.assistant_url,
        },
        headers=_NO_STORE,
    )


@chat.get("/chat/history")
async def history(request: Request) -> HTTPResponse:
    """The messages of the token's own conversation, and who may speak in it now."""
    desk = desk_of(request)
    try:
        session_id = tokens.session_of(desk.settings.secret, request.token)
    except tokens.InvalidToken:
        return _expired()
    conversation = await find_by_sender(desk.database, session_id)
    messages = await transcript(desk.database, conversation.id) if conversation else []
    await Sight(desk.vault).show(session_id, messages)
    last_bot = next((row.id for row in reversed(messages) if row.who != "system"), None)
    return json(
        {
            "messages": [_shown(row, desk.settings.secret, session_id, live=row.id == last_bot) for row in messages],
            "owner": conversation.owner if conversation else "bot",
            "now": now().isoformat(),
        },
        headers=_NO_STORE,
    )


def _shown(message: Message, secret: str, session_id: str, live: bool) -> dict[str, Any]:
    """A message as the customer may see it; buttons only where they can still be pressed."""
    return {
        "id": message.id,
        "who": "bot" if message.who == "system" else message.who,
        "notice": message.who == "system",
        "text": message.text,
        "agent_name": message.agent_name,
        "at": message.at.isoformat(),
        "quick_replies": [
            {"title": button["title"], "payload": tokens.signed(secret, session_id, button["payload"])}
            for button in message.buttons
        ]
        if live and message.who == "bot"
        else [],
        "sources": message.sources,
        "client_id": message.client_id,
    }


def _expired() -> HTTPResponse:
    return json({"error": _EXPIRED}, status=401, headers=_NO_STORE)
