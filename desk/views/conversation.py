"""One conversation: the transcript, the handoff packet, and what an agent can do."""

from collections.abc import Awaitable
from contextlib import suppress
from typing import Any

from sanic import Blueprint, Request, json, redirect
from sanic.exceptions import NotFound
from sanic.response import HTTPResponse

from desk import audit, drafts
from desk.assistant import AssistantError
from desk.context import desk_of, field_of, session_of, user_of
from desk.conversations import VIEWS, find, last_wrap_up, transcript
from desk.handling import DISPOSITIONS, MAX_NOTE, MAX_REPLY, Refused
from desk.models import Conversation, User
from desk.rendering import page
from desk.views.inbox import current_inbox

pages = Blueprint("conversation", url_prefix="/desk/conversations")


@pages.get("/<conversation_id:int>")
async def conversation_page(request: Request, conversation_id: int) -> HTTPResponse:
    """The whole page. Each opening is audited."""
    await audit.record(
        desk_of(request).database, user_of(request).id, "view", (await _find(request, conversation_id)).id
    )
    with suppress(AssistantError):
        await desk_of(request).handling.opened(user_of(request), conversation_id)
    return await _page(request, conversation_id)


@pages.get("/<conversation_id:int>/updates")
async def updates(request: Request, conversation_id: int) -> HTTPResponse:
    """The messages after `after`, and the parts of the page whose `state` has changed."""
    conversation = await _find(request, conversation_id)
    after = request.args.get("after") or ""
    messages = await transcript(desk_of(request).database, conversation_id, int(after) if after.isdigit() else 0)
    return await _render(
        request,
        "desk/_updates.html",
        conversation,
        messages=messages,
        seen=max((message.id for message in messages), default=int(after) if after.isdigit() else 0),
        changed=request.args.get("state") != state_key(conversation, user_of(request)),
    )


@pages.post("/<conversation_id:int>/take")
async def take(request: Request, conversation_id: int) -> HTTPResponse:
    """Take the conversation over from the queue, the assistant, or (supervisors) the agent that the page showed."""
    seen = field_of(request, "seen_assignee")
    handling = desk_of(request).handling
    return await _act(
        request,
        conversation_id,
        handling.take(user_of(request), conversation_id, int(seen) if seen.isdigit() else None),
    )


@pages.post("/<conversation_id:int>/reply")
async def reply(request: Request, conversation_id: int) -> HTTPResponse:
    """Send a reply that the policy allows. Scripts ask for JSON and keep the text until it is sent; a page without
    them gets it back."""
    text = field_of(request, "text")
    action = drafts.send(desk_of(request), user_of(request), conversation_id, text)
    return await _act(request, conversation_id, action, draft=text)


@pages.post("/<conversation_id:int>/hand-back")
async def hand_back(request: Request, conversation_id: int) -> HTTPResponse:
    """Give the conversation back to the assistant."""
    return await _act(request, conversation_id, desk_of(request).handling.hand_back(user_of(request), conversation_id))


@pages.post("/<conversation_id:int>/wrap-up")
async def wrap_up(request: Request, conversation_id: int) -> HTTPResponse:
    """Close the conversation."""
    disposition, note = field_of(request, "disposition"), field_of(request, "note")
    action = desk_of(request).handling.close(user_of(request), conversation_id, disposition, note)
    return await _act(request, conversation_id, action, note=note, chosen=disposition)


def state_of(conversation: Conversation, user: User) -> str:
    """What this user can do: mine, theirs (somebody else's), waiting, or bot (the assistant has it)."""
    if conversation.assigned_to == user.id:
        return "mine"
    if conversation.assigned_to is not None:
        return "theirs"
    return "bot" if conversation.owner == "bot" else "waiting"


def state_key(conversation: Conversation, user: User) -> str:
    """Changes whenever the header, the buttons or the side panel must be drawn again."""
    packet_at = conversation.handoff_at.timestamp() if conversation.handoff_at else 0
    closed = "closed" if conversation.closed_at else "open"
    return f"{state_of(conversation, user)}-{conversation.assigned_to}-{conversation.owner}-{packet_at}-{closed}"


async def _act(request: Request, conversation_id: int, action: Awaitable[str | None], **kept: str) -> HTTPResponse:
    """Do it; then the part of the page that htmx asked for, or the page for a browser without scripts."""
    status, error, more = 200, "", {}
    try:
        if hint := await action:
            more = {"hint": hint}
    except drafts.Held as held:
        status, error = 409, str(held)
        more = kept = {"draft": held.text}
    except Refused as refusal:
        status, error = 409, str(refusal)
    except AssistantError as failure:
        status, error = 502, str(failure)
    if error:
        user = user_of(request)
        found = await _find(request, conversation_id)
        await audit.record(
            desk_of(request).database,
            user.id,
            "refused" if status == 409 else "failed",
            found.id,
            request.path,
        )
    if request.headers.get("accept") == "application/json":
        return json({"error": error, **more}, status)
    if request.headers.get("hx-request"):
        conversation = await _find(request, conversation_id)
        values = {"error": error, **kept} if error else {}
        return await _render(request, "desk/_after_action.html", conversation, status, **values)
    if error:
        return await _page(request, conversation_id, status, error=error, **kept)
    return redirect(f"/desk/conversations/{conversation_id}", status=303)


async def _page(request: Request, conversation_id: int, status: int = 200, **values: str) -> HTTPResponse:
    conversation = await _find(request, conversation_id)
    messages = await transcript(desk_of(request).database, conversation_id)
    return await _render(
        request,
        "desk/conversation.html",
        conversation,
        status,
        inbox=await current_inbox(request),
        views=VIEWS,
        open_id=conversation_id,
        messages=messages,
        seen=max((message.id for message in messages), default=0),
        **values,
    )


async def _render(
    request: Request, template: str, conversation: Conversation, status: int = 200, **values: Any
) -> HTTPResponse:
    desk, user = desk_of(request), user_of(request)
    values = {"error": "", "draft": "", "note": "", "chosen": "", "changed": False} | values
    return page(
        desk.jinja,
        template,
        status,
        user=user,
        csrf_token=session_of(request).csrf_token,
        conversation=conversation,
        state=state_of(conversation, user),
        state_key=state_key(conversation, user),
        wrapped=await last_wrap_up(desk.database, conversation.id) if conversation.closed_at else None,
        dispositions=DISPOSITIONS,
        max_reply=MAX_REPLY,
        max_note=MAX_NOTE,
        **values,
    )


async def _find(request: Request, conversation_id: int) -> Conversation:
    conversation = await find(desk_of(request).database, conversation_id)
    if conversation is None:
        raise NotFound("There is no such conversation.")
    return conversation
