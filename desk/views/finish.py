"""Finishing a conversation: wrap it up and close it, or hand it back to the assistant with what was found out."""

import uuid
from collections.abc import Awaitable
from datetime import date
from typing import Any

from sanic import Blueprint, Request, empty, redirect, text
from sanic.exceptions import BadRequest
from sanic.response import HTTPResponse

from desk import audit, hand_back, wrap_up
from desk.actions_client import ActionsError
from desk.assistant import AssistantError
from desk.context import desk_of, field_of, session_of, user_of
from desk.conversations import last_wrap_up
from desk.copilot import Draft, talk
from desk.handling import DISPOSITIONS, MAX_NOTE, MAX_REPLY, Refused
from desk.models import Conversation
from desk.rendering import page
from desk.views.conversation import conversation_of
from desk.views.copilot import copilot_of

SLOT = "slot-"
MAX_VALUE = 500
SPARE_FOLLOW_UPS = 1

pages = Blueprint("finish", url_prefix="/desk/conversations")


@pages.post("/<conversation_id:int>/wrap-up/start")
async def start(request: Request, conversation_id: int) -> HTTPResponse:
    """The talking is over; the wrap-up is drafted."""
    return await _act(
        request, conversation_id, desk_of(request).handling.start_wrap_up(user_of(request), conversation_id)
    )


@pages.post("/<conversation_id:int>/wrap-up/resume")
async def resume(request: Request, conversation_id: int) -> HTTPResponse:
    """Back to the customer."""
    return await _act(request, conversation_id, desk_of(request).handling.resume(user_of(request), conversation_id))


@pages.get("/<conversation_id:int>/wrap-up/draft")
async def draft(request: Request, conversation_id: int) -> HTTPResponse:
    """The drafted wrap-up as a form; without the copilot an empty one for the agent's own words."""
    conversation = await _mine(request, conversation_id)
    desk = desk_of(request)
    said, anchors = await talk(desk.database, desk.vault, conversation)
    drafted, error = Draft(), ""
    try:
        drafted = await copilot_of(request).wrap_up(said)
    except ActionsError as failure:
        error = str(failure)
    return _fragment(
        request,
        "desk/finish/wrap_up.html",
        conversation,
        drafted=drafted,
        error=error,
        anchors=anchors,
        summary=" ".join(sentence.text for sentence in drafted.summary)[: wrap_up.MAX_SUMMARY],
        shown=min(len(drafted.follow_ups) + SPARE_FOLLOW_UPS, wrap_up.MOST_FOLLOW_UPS),
        follow_up_kinds=wrap_up.FOLLOW_UP_KINDS,
        ticket_kinds=wrap_up.TICKET_KINDS,
        priorities=wrap_up.PRIORITIES,
        dispositions=DISPOSITIONS,
        max_note=MAX_NOTE - wrap_up.MAX_SUMMARY - 50,
        max_summary=wrap_up.MAX_SUMMARY,
        today=date.today().isoformat(),
        request_id=uuid.uuid4().hex,
    )


@pages.post("/<conversation_id:int>/wrap-up/confirm")
async def confirm(request: Request, conversation_id: int) -> HTTPResponse:
    """Write what the agent has checked to the systems, keep the tasks, and close the conversation."""
    conversation = await _mine(request, conversation_id)
    return await _act(request, conversation_id, _confirm(request, conversation))


async def _confirm(request: Request, conversation: Conversation) -> None:
    form = {name: values[0] or "" for name, values in (request.form or {}).items()}
    systems = not form.get("desk_only")
    await wrap_up.confirm(desk_of(request), user_of(request), conversation, wrap_up.read(form), systems=systems)


@pages.get("/<conversation_id:int>/hand-back")
async def hand_back_form(request: Request, conversation_id: int) -> HTTPResponse:
    """The form for handing back: the task to go on with, its fields, a last message."""
    conversation = await _mine(request, conversation_id)
    task = hand_back.open_task(conversation)
    tasks = dict(hand_back.TASKS)
    if task:
        tasks.setdefault(task, task.replace("_", " ").capitalize())
    return _fragment(
        request,
        "desk/finish/hand_back.html",
        conversation,
        task=task,
        tasks=tasks,
        max_reply=MAX_REPLY,
        **await _slots(request, conversation, task),
    )


@pages.get("/<conversation_id:int>/hand-back/slots")
async def hand_back_slots(request: Request, conversation_id: int) -> HTTPResponse:
    """The fields of another task."""
    conversation = await _mine(request, conversation_id)
    values = await _slots(request, conversation, request.args.get("task") or "")
    return _fragment(request, "desk/finish/_slots.html", conversation, **values)


@pages.post("/<conversation_id:int>/hand-back/check")
async def check_slot(request: Request, conversation_id: int) -> HTTPResponse:
    """The sentence at a field whose value the assistant cannot use; nothing for one that it can."""
    await _mine(request, conversation_id)
    for name, value in _given_slots(request).items():
        try:
            await copilot_of(request).check_slot(name, value)
        except ActionsError as error:
            return text(str(error) if error.status == 422 else "")
    return text("")


@pages.post("/<conversation_id:int>/hand-back")
async def hand_it_back(request: Request, conversation_id: int) -> HTTPResponse:
    """Give the conversation back to the assistant."""
    conversation = await _mine(request, conversation_id)
    return await _act(request, conversation_id, _hand_back(request, conversation))


async def _hand_back(request: Request, conversation: Conversation) -> None:
    task = hand_back.checked_task(conversation, field_of(request, "task"))
    try:
        slots = await hand_back.check(copilot_of(request), _given_slots(request))
    except ActionsError:
        raise Refused(
            "What you found out can't be checked just now: hand back without it, or try again in a moment."
        ) from None
    message = field_of(request, "message").strip()
    await desk_of(request).handling.hand_back(
        user_of(request), conversation.id, slots=slots, task=task, message=message
    )


@pages.post("/<conversation_id:int>/article")
async def article(request: Request, conversation_id: int) -> HTTPResponse:
    """Draft an article from a conversation that has been closed; it goes to review."""
    conversation = await conversation_of(request, conversation_id)
    desk = desk_of(request)
    wrapped = await last_wrap_up(desk.database, conversation.id)
    if wrapped is None or conversation.closed_at is None:
        raise BadRequest("Close the conversation first: articles are made of solved ones.")
    said, _ = await talk(desk.database, desk.vault, conversation)
    title, error = "", ""
    try:
        title = (await copilot_of(request).draft_article(conversation.sender_id, said, wrapped.note)).title
        await audit.record(desk.database, user_of(request).id, "draft_article", conversation.id)
    except ActionsError as failure:
        error = str(failure)
    return _fragment(request, "desk/finish/article.html", conversation, title=title, error=error)


async def _slots(request: Request, conversation: Conversation, task: str) -> dict[str, Any]:
    slots, error = {}, ""
    try:
        slots = await copilot_of(request).slots(task) if task else {}
    except ActionsError as failure:
        error = str(failure)
    return {"slots": slots, "slots_error": error, "known": hand_back.known(conversation)}


def _given_slots(request: Request) -> dict[str, str]:
    return {
        name.removeprefix(SLOT)[:80]: (values[0] or "").strip()[:MAX_VALUE]
        for name, values in (request.form or {}).items()
        if name.startswith(SLOT) and (values[0] or "").strip()
    }


async def _mine(request: Request, conversation_id: int) -> Conversation:
    conversation = await conversation_of(request, conversation_id)
    if conversation.assigned_to != user_of(request).id:
        raise BadRequest("Take the conversation over first.")
    return conversation


async def _act(request: Request, conversation_id: int, action: Awaitable[None]) -> HTTPResponse:
    """Do it; the page then draws itself anew. What went wrong is said where the agent was."""
    status, error, desk_only = 200, "", False
    try:
        await action
    except Refused as refusal:
        status, error = 409, str(refusal)
    except wrap_up.NotWritten as failure:
        status, error, desk_only = 502, str(failure), True
    except AssistantError as failure:
        status, error = 502, str(failure)
    if not error:
        if request.headers.get("hx-request"):
            return empty(headers={"HX-Trigger": "desk-changed"})
        return redirect(f"/desk/conversations/{conversation_id}", status=303)
    conversation = await conversation_of(request, conversation_id)
    await audit.record(
        desk_of(request).database,
        user_of(request).id,
        "refused" if status == 409 else "failed",
        conversation.id,
        request.path,
    )
    return _fragment(request, "desk/finish/error.html", conversation, status, error=error, desk_only=desk_only)


def _fragment(
    request: Request, template: str, conversation: Conversation, status: int = 200, **values: Any
) -> HTTPResponse:
    return page(
        desk_of(request).jinja,
        template,
        status,
        address=f"/desk/conversations/{conversation.id}",
        csrf_token=session_of(request).csrf_token,
        **values,
    )
