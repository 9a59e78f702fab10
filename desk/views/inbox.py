"""The inbox, and the stream that keeps open pages up to date."""

import asyncio
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from sanic import Blueprint, Request, empty, redirect, text
from sanic.response import HTTPResponse

from desk import audit, logins, presence, reads, tasks
from desk.assistant import AssistantError
from desk.context import Desk, desk_of, field_of, session_of, sight_of, user_of
from desk.conversations import MAX_QUERY, VIEWS, inbox
from desk.handling import Refused
from desk.models import now
from desk.rendering import page
from desk.roles import can
from desk.security import SESSION_COOKIE
from desk.watchdog import FLAGS

HEARTBEAT_SECONDS = 15
# Events of one turn come in a burst; waiting this long makes one refresh of them.
MERGE_SECONDS = 0.05

PRIORITIES = {1: "Urgent", 2: "High", 4: "Low"}
# The filters of the address, in its order.
FILTERS = ("view", "queue", "q", "channel", "language", "state", "page")
STATES = {
    "queue": "Waiting",
    "agent": "With an agent",
    "wrap_up": "Wrapping up",
    "bot": "With the assistant",
    "closed": "Closed",
    "flagged": "Needs attention",
}

pages = Blueprint("inbox", url_prefix="/desk")


@dataclass(frozen=True)
class Wanted:
    """What the address asks the list for."""

    view: str = "queue"
    queue: str = ""
    q: str = ""
    channel: str = ""
    language: str = ""
    state: str = ""
    page: int = 1

    @property
    def is_filtered(self) -> bool:
        """Whether something narrows the view."""
        return bool(self.queue or self.q or self.channel or self.language or self.state)

    def query(self, **changes: Any) -> str:
        """The address's query with these changes; a change but of the page starts at the first page again."""
        wanted = replace(self, **{"page": 1, **changes})
        values = {name: getattr(wanted, name) for name in FILTERS}
        return urlencode({name: value for name, value in values.items() if value != getattr(Wanted, name)})

    def cleared(self) -> str:
        """The query of the same view without filters."""
        return Wanted(self.view).query()


@pages.get("/", strict_slashes=False)
async def inbox_page(request: Request) -> HTTPResponse:
    """The inbox with no conversation open."""
    return await _page(request)


@pages.get("/inbox")
async def inbox_list(request: Request) -> HTTPResponse:
    """The list alone, for a live refresh. `open` is the conversation that the page shows."""
    open_id = request.args.get("open") or ""
    values = await list_values(request, int(open_id) if open_id.isdecimal() and len(open_id) < 10 else None)
    return page(
        desk_of(request).jinja,
        "desk/_inbox.html",
        user=user_of(request),
        csrf_token=session_of(request).csrf_token,
        **values,
    )


@pages.post("/take-next")
async def take_next(request: Request) -> HTTPResponse:
    """Take the best conversation that waits for somebody like this user, and open it."""
    try:
        conversation_id = await desk_of(request).assignment.take_next(user_of(request))
    except (Refused, AssistantError) as error:
        return await _page(request, 409 if isinstance(error, Refused) else 502, str(error))
    return redirect(f"/desk/conversations/{conversation_id}?view=mine", status=303)


@pages.post("/tasks/<task_id:int>/done")
async def task_done(request: Request, task_id: int) -> HTTPResponse:
    """A task is done."""
    try:
        await tasks.done(desk_of(request).database, user_of(request), task_id)
    except Refused as error:
        return await _page(request, 409, str(error))
    return redirect("/desk?view=tasks", status=303)


@pages.get("/presence")
async def presence_form(request: Request) -> HTTPResponse:
    """The switch in the header."""
    return await _presence(request)


@pages.post("/presence")
async def set_presence(request: Request) -> HTTPResponse:
    """Say whether one takes conversations."""
    desk, user = desk_of(request), user_of(request)
    status = field_of(request, "status")
    try:
        await presence.set_status(desk.database, user.id, status)
    except Refused as error:
        return text(str(error), status=409)
    await audit.record(desk.database, user.id, "presence", detail=status)
    desk.hub.publish([])
    return await _presence(request) if request.headers.get("hx-request") else redirect("/desk", status=303)


@pages.get("/stream")
async def stream(request: Request) -> None:
    """Server-sent events: `inbox` when any conversation changed, `conversation` when the open one did, `typing` when
    its customer began or stopped writing.

    After a while without any comes `ping`, which the page answers: a stream stays open on a laptop that sleeps.

    They carry no content; the page asks for it with its own rights. The first two come at once, so that a page that
    was cut off catches up.
    """
    desk = desk_of(request)
    open_id = request.args.get("open") or ""
    watched = int(open_id) if open_id.isdigit() else None
    response = await request.respond(
        content_type="text/event-stream", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )
    assert response is not None
    async with desk.hub.subscribe(watched) as subscription:
        await response.send(_event("inbox") + _event("conversation"))
        while not subscription.closed:
            changed = await subscription.changes(HEARTBEAT_SECONDS)
            if subscription.closed:
                break
            if subscription.typing_changed():
                await response.send(_event("typing"))
            if not changed:
                if not await _still_logged_in(desk, request):
                    break
                await response.send(_event("ping"))
                continue
            await asyncio.sleep(MERGE_SECONDS)
            await response.send(_event("inbox") + (_event("conversation") if watched in changed else ""))
    await response.eof()


@pages.get("/seen")
async def seen(_request: Request) -> HTTPResponse:
    """A page's answer to `ping`. Any request says that its user is there; this one says nothing else."""
    return empty()


async def list_values(request: Request, open_id: int | None) -> dict[str, Any]:
    """What every page with the list of conversations needs; `open_id` is the one that the page shows."""
    desk, user = desk_of(request), user_of(request)
    wanted = _wanted(request)
    found = await inbox(
        desk.database,
        wanted.view,
        user,
        queue=wanted.queue,
        q=wanted.q,
        tokens=await desk.vault.beginnings(wanted.q) if can(user, "see_personal_data") else (),
        channel=wanted.channel,
        language=wanted.language,
        state=wanted.state,
        page=wanted.page,
    )
    await sight_of(request).show_all(
        [(row.sender_id, row) for row in found.conversations]
        + [(task.conversation.sender_id, task) for task in found.tasks]
    )
    return {
        "inbox": found,
        "wanted": wanted,
        "views": VIEWS,
        "states": STATES,
        "flags": FLAGS,
        "priorities": PRIORITIES,
        "task_kinds": tasks.KINDS,
        "open_id": open_id,
        "unread": await reads.unread(desk.database, user.id, found.conversations) - {open_id},
        "now": now(),
    }


def _wanted(request: Request) -> Wanted:
    """The filters of the address; what makes no sense is left out."""
    given = {name: (request.args.get(name) or "")[:MAX_QUERY] for name in FILTERS}
    number = given.pop("page")
    view = given.pop("view")
    return Wanted(
        view=view if view in VIEWS else "queue",
        page=max(1, int(number)) if number.isdecimal() and len(number) < 5 else 1,
        **given,
    )


async def _page(request: Request, status: int = 200, error: str = "") -> HTTPResponse:
    return page(
        desk_of(request).jinja,
        "desk/inbox.html",
        status,
        user=user_of(request),
        csrf_token=session_of(request).csrf_token,
        failure=error,
        **await list_values(request, None),
    )


async def _presence(request: Request) -> HTTPResponse:
    desk, user = desk_of(request), user_of(request)
    return page(
        desk.jinja,
        "desk/_presence.html",
        csrf_token=session_of(request).csrf_token,
        mine=await presence.status_of(desk.database, user.id),
        statuses=presence.STATUSES,
    )


async def _still_logged_in(desk: Desk, request: Request) -> bool:
    return await logins.find_session(desk.database, request.cookies.get(SESSION_COOKIE)) is not None


def _event(name: str) -> str:
    return f"event: {name}\ndata: changed\n\n"
