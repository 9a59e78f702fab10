"""One conversation: the transcript, the handoff packet, and what an agent can do."""

from collections.abc import Awaitable, Sequence
from contextlib import suppress
from typing import Any

from sanic import Blueprint, Request, json, redirect
from sanic.exceptions import NotFound
from sanic.response import HTTPResponse

from desk import audit, canned, chat_end, drafts, notes, reads
from desk.assistant import AssistantError
from desk.context import desk_of, field_of, session_of, sight_of, user_of
from desk.conversations import colleagues, find, known_queues, last_wrap_up, transcript
from desk.handling import DISPOSITIONS, MAX_NOTE, MAX_REPLY, Refused
from desk.models import Conversation, User
from desk.notes_models import Note
from desk.rendering import page
from desk.roles import can
from desk.timeline import timeline
from desk.turns import numbers
from desk.views.inbox import list_values

pages = Blueprint("conversation", url_prefix="/desk/conversations")


@pages.get("/<conversation_id:int>")
async def conversation_page(request: Request, conversation_id: int) -> HTTPResponse:
    """The whole page; opening a conversation that was offered accepts it, and marks whispers and notes as read."""
    with suppress(AssistantError, Refused):
        await desk_of(request).handling.opened(user_of(request), conversation_id)
    return await _page(request, conversation_id)


@pages.get("/<conversation_id:int>/updates")
async def updates(request: Request, conversation_id: int) -> HTTPResponse:
    """The messages after `after` and notes after `after_note`, and the parts of the page whose `state` has changed."""
    conversation, user = await conversation_of(request, conversation_id), user_of(request)
    after, after_note = _number(request, "after"), _number(request, "after_note")
    key = state_key(conversation, user)
    return await _render(
        request,
        "desk/_updates.html",
        conversation,
        **await _entries(request, conversation, after, after_note),
        changed=request.args.get("state") != key,
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
    return await _act(request, conversation_id, _reply(request, conversation_id, text), draft=text)


async def _reply(request: Request, conversation_id: int, text: str) -> str:
    desk, user = desk_of(request), user_of(request)
    canned.check(text)
    hint = await drafts.send(desk, user, conversation_id, text)
    desk.typing.stop(conversation_id, "agent")
    return hint


@pages.post("/<conversation_id:int>/notes")
async def add_note(request: Request, conversation_id: int) -> HTTPResponse:
    """Leave a note for colleagues; the customer never sees it."""
    text = field_of(request, "note_text")
    return await _act(request, conversation_id, _add_note(request, conversation_id, text), noted=text)


async def _add_note(request: Request, conversation_id: int, text: str) -> None:
    desk, user = desk_of(request), user_of(request)
    conversation = await conversation_of(request, conversation_id)
    if not text.strip():
        raise Refused("Write a note first.")
    if len(text) > notes.MAX_TEXT:
        raise Refused(f"The note has {len(text):,} characters: shorten it to {notes.MAX_TEXT:,}.")
    await notes.add(desk.database, conversation.id, user.id, "note", text)
    await audit.record(desk.database, user.id, "note", conversation.id)
    desk.hub.publish([conversation.id])


@pages.post("/<conversation_id:int>/whisper")
async def whisper(request: Request, conversation_id: int) -> HTTPResponse:
    """Tell the conversation's agent something; for supervisors."""
    text = field_of(request, "whisper_text")
    action = desk_of(request).handling.whisper(user_of(request), conversation_id, text)
    return await _act(request, conversation_id, action, whispered=text)


@pages.post("/<conversation_id:int>/transfer")
async def transfer(request: Request, conversation_id: int) -> HTTPResponse:
    """Pass the conversation to a queue or a colleague: `to` is `queue:NAME` or `agent:NAME`."""
    kind, _, name = field_of(request, "to").partition(":")
    note = field_of(request, "transfer_note")
    action = desk_of(request).handling.transfer(
        user_of(request),
        conversation_id,
        queue=name if kind == "queue" else "",
        agent=name if kind == "agent" else "",
        note=note,
    )
    return await _act(request, conversation_id, action, transfer_note=note)


@pages.post("/<conversation_id:int>/end-chat")
async def end_chat(request: Request, conversation_id: int) -> HTTPResponse:
    """Revoke the customer's session on the web chat; for supervisors."""
    return await _act(request, conversation_id, _end_chat(request, conversation_id))


async def _end_chat(request: Request, conversation_id: int) -> None:
    desk, conversation = desk_of(request), await conversation_of(request, conversation_id)
    ended = await chat_end.end_chat(
        desk.database, desk.assistant, conversation.sender_id, chat_end.BY_DESK, user_of(request).id
    )
    if not ended:
        raise Refused("This customer has no open session on the web chat.")
    desk.hub.publish([conversation.id])


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
    parts = (state_of(conversation, user), conversation.assigned_to, conversation.phase, packet_at, closed)
    return "-".join(map(str, parts))


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
        found = await conversation_of(request, conversation_id)
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
        conversation = await conversation_of(request, conversation_id)
        values = {"error": error, **kept} if error else {}
        return await _render(request, "desk/_after_action.html", conversation, status, **values)
    if error:
        return await _page(request, conversation_id, status, error=error, **kept)
    return redirect(f"/desk/conversations/{conversation_id}", status=303)


async def _page(request: Request, conversation_id: int, status: int = 200, **values: str) -> HTTPResponse:
    conversation = await conversation_of(request, conversation_id)
    return await _render(
        request,
        "desk/conversation.html",
        conversation,
        status,
        **await list_values(request, conversation_id),
        **await _entries(request, conversation),
        **values,
    )


async def _entries(request: Request, conversation: Conversation, after: int = 0, after_note: int = 0) -> dict[str, Any]:
    """The lines of the transcript after these numbers, and the numbers to ask for the next time."""
    database, user = desk_of(request).database, user_of(request)
    messages = await transcript(database, conversation.id, after)
    if messages:
        await reads.mark(database, user.id, conversation.id)
    beside = [
        note
        for note in visible(await notes.notes_of(database, conversation.id), conversation, user)
        if note.id > after_note
    ]
    await sight_of(request).show(conversation.sender_id, [*messages, *beside])
    return {
        "entries": timeline(messages, beside, await numbers(database, conversation)),
        "seen": max((message.id for message in messages), default=after),
        "seen_note": max((note.id for note in beside), default=after_note),
    }


def visible(found: Sequence[Note], conversation: Conversation, user: User) -> list[Note]:
    """The notes that this user may read: a whisper is for the agent who has the conversation, and for supervisors."""
    hears = user.is_supervisor or conversation.assigned_to == user.id
    return [note for note in found if note.kind != "whisper" or hears or note.user_id == user.id]


async def _render(
    request: Request, template: str, conversation: Conversation, status: int = 200, **values: Any
) -> HTTPResponse:
    desk, user = desk_of(request), user_of(request)
    wrapped = await last_wrap_up(desk.database, conversation.id) if conversation.closed_at else None
    await sight_of(request).show(conversation.sender_id, [wrapped] if wrapped else [])
    drafts = {"error": "", "draft": "", "note": "", "chosen": "", "noted": "", "whispered": "", "transfer_note": ""}
    values = drafts | {"changed": False} | values
    return page(
        desk.jinja,
        template,
        status,
        user=user,
        csrf_token=session_of(request).csrf_token,
        conversation=conversation,
        state=state_of(conversation, user),
        state_key=state_key(conversation, user),
        see=can(user, "see_personal_data"),
        wrapped=wrapped,
        dispositions=DISPOSITIONS,
        max_reply=MAX_REPLY,
        max_note=MAX_NOTE,
        max_text=notes.MAX_TEXT,
        queues=await known_queues(desk.database),
        colleagues=await colleagues(desk.database, user),
        **values,
    )


async def conversation_of(request: Request, conversation_id: int) -> Conversation:
    """The conversation of an address as its reader sees it; raises NotFound."""
    conversation = await find(desk_of(request).database, conversation_id)
    if conversation is None:
        raise NotFound("There is no such conversation.")
    await sight_of(request).show(conversation.sender_id, [conversation])
    return conversation


def _number(request: Request, name: str) -> int:
    text = request.args.get(name) or ""
    return int(text) if text.isdecimal() and len(text) < 16 else 0
