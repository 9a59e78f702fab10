"""The customer's chat page, chat sessions and history."""

from contextlib import suppress
from dataclasses import asdict
from typing import Any

from sanic import Blueprint, Request, empty, json
from sanic.response import HTTPResponse

from desk import chat_end, chat_sessions, tokens
from desk.assistant import AssistantError
from desk.context import desk_of
from desk.conversations import find_by_sender, transcript
from desk.logins import countable
from desk.models import Message, now
from desk.rendering import page
from desk.settings import Settings
from desk.sight import Sight

chat = Blueprint("chat")

_NO_STORE = {"Cache-Control": "no-store"}
_EXPIRED = "This chat has expired. Start a new conversation."
_TOO_MANY = "Too many new chats were opened from your network. Wait ten minutes, then try again."
_OTHER_SITE = "Pages of this site may not open chats: its origin is missing in CHAT_ORIGINS."


@chat.get("/")
async def chat_page(request: Request) -> HTTPResponse:
    """The page with the chat."""
    return page(desk_of(request).jinja, "chat.html")


@chat.options("/chat/session")
async def may_another_site(request: Request) -> HTTPResponse:
    """A browser asks whether a page of another site may call what is below."""
    origin = request.headers.get("origin") or ""
    if origin not in desk_of(request).settings.chat_origins:
        return json({"error": _OTHER_SITE}, status=403)
    allowed = {
        "Access-Control-Allow-Methods": "POST, DELETE",
        "Access-Control-Allow-Headers": "Authorization",
        "Access-Control-Max-Age": "600",
    }
    return empty(headers=_cors(request) | allowed)


@chat.post("/chat/session")
async def open_session(request: Request) -> HTTPResponse:
    """A new conversation's tokens, or with `Authorization: Bearer <renewal token>` the next ones of the same."""
    desk = desk_of(request)
    if not _may_call(request):
        return _error(request, 403, _OTHER_SITE)
    try:
        if request.token:
            session = await chat_sessions.renew(desk.database, desk.settings.secret, request.token)
        elif desk.chat_pace.allows(countable(request.client_ip)):
            session = await chat_sessions.start(desk.database, desk.settings.secret)
        else:
            return _error(request, 429, _TOO_MANY)
    except chat_sessions.Copied as copied:
        with suppress(AssistantError):
            await chat_end.ended(desk.database, desk.assistant, str(copied), chat_end.COPIED)
        await _show_colleagues(request, str(copied))
        return _error(request, 401, _EXPIRED)
    except tokens.InvalidToken:
        return _error(request, 401, _EXPIRED)
    return json({**asdict(session), "assistant_url": desk.settings.assistant_url}, headers=_NO_STORE | _cors(request))


@chat.delete("/chat/session")
async def end_session(request: Request) -> HTTPResponse:
    """The customer ends the chat: `Authorization: Bearer <renewal token>`. 204, also where it has ended already."""
    desk = desk_of(request)
    if not _may_call(request):
        return _error(request, 403, _OTHER_SITE)
    try:
        session_id = tokens.read_renewal(desk.settings.secret, request.token).session_id
    except tokens.InvalidToken:
        return _error(request, 401, _EXPIRED)
    # Nothing that the customer could do about it; the page that is open closes its connection itself.
    with suppress(AssistantError):
        await chat_end.end_chat(desk.database, desk.assistant, session_id, chat_end.BY_CUSTOMER)
    await _show_colleagues(request, session_id)
    return empty(headers=_cors(request))


@chat.get("/chat/history")
async def history(request: Request) -> HTTPResponse:
    """The messages of the token's own conversation, and who may speak in it now."""
    desk = desk_of(request)
    try:
        session_id = await chat_sessions.holder(desk.database, desk.settings.secret, request.token)
    except tokens.InvalidToken:
        return _error(request, 401, _EXPIRED)
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


async def _show_colleagues(request: Request, session_id: str) -> None:
    """Have the open pages of the conversation drawn again."""
    desk = desk_of(request)
    if conversation := await find_by_sender(desk.database, session_id):
        desk.hub.publish([conversation.id])


def _may_call(request: Request) -> bool:
    """Whether the page that calls is one of the desk's own or of an allowed site; what is no browser names none."""
    origin = request.headers.get("origin")
    return not origin or origin in _own_origins(request) or origin in desk_of(request).settings.chat_origins


def _own_origins(request: Request) -> tuple[str, ...]:
    settings: Settings = desk_of(request).settings
    # Behind a proxy that ends TLS the request comes by http; on this machine the desk has two names.
    return (settings.desk_url, f"http://{request.host}", f"https://{request.host}")


def _cors(request: Request) -> dict[str, str]:
    """Lets a page of an allowed site read the answer. It never gets cookies: the answer depends on none."""
    origins = desk_of(request).settings.chat_origins
    if not origins:
        return {}
    origin = request.headers.get("origin") or ""
    return {"Vary": "Origin"} | ({"Access-Control-Allow-Origin": origin} if origin in origins else {})


def _error(request: Request, status: int, sentence: str) -> HTTPResponse:
    return json({"error": sentence}, status=status, headers=_NO_STORE | _cors(request))
