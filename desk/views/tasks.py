"""What the desk still owes customers: call-backs, promises, follow-ups and tickets, the soonest first."""

from sanic import Blueprint, Request, redirect
from sanic.response import HTTPResponse

from desk import audit, tasks
from desk.context import desk_of, session_of, user_of
from desk.conversations import VIEWS
from desk.handling import Refused
from desk.models import now
from desk.rendering import page
from desk.views.inbox import current_inbox

pages = Blueprint("tasks", url_prefix="/desk/tasks")


@pages.get("/", strict_slashes=False)
async def tasks_page(request: Request) -> HTTPResponse:
    """The user's tasks; supervisors see everybody's."""
    await audit.record(desk_of(request).database, user_of(request).id, "view_tasks")
    return await _page(request)


@pages.post("/<task_id:int>/done")
async def done(request: Request, task_id: int) -> HTTPResponse:
    """The task is done."""
    error = ""
    try:
        await tasks.done(desk_of(request).database, user_of(request), task_id)
    except Refused as refusal:
        error = str(refusal)
    if request.headers.get("hx-request"):
        return await _page(request, "desk/_tasks.html", 409 if error else 200, error)
    return await _page(request, status=409, error=error) if error else redirect("/desk/tasks", status=303)


async def _page(
    request: Request, template: str = "desk/tasks.html", status: int = 200, error: str = ""
) -> HTTPResponse:
    desk, user = desk_of(request), user_of(request)
    return page(
        desk.jinja,
        template,
        status,
        user=user,
        csrf_token=session_of(request).csrf_token,
        inbox=await current_inbox(request),
        views=VIEWS,
        open_id=None,
        tasks=await tasks.list_open(desk.database, user),
        kinds=tasks.KINDS,
        now=now(),
        error=error,
    )
