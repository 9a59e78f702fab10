"""The inbox, and the stream that keeps open pages up to date."""

import asyncio

from sanic import Blueprint, Request
from sanic.response import HTTPResponse

from desk import accounts
from desk.context import Desk, desk_of, session_of, user_of
from desk.conversations import VIEWS, Inbox, inbox
from desk.rendering import page
from desk.security import SESSION_COOKIE

HEARTBEAT_SECONDS = 15
# Events of one turn come in a burst; waiting this long makes one refresh of them.
MERGE_SECONDS = 0.05

pages = Blueprint("inbox", url_prefix="/desk")


@pages.get("/", strict_slashes=False)
async def inbox_page(request: Request) -> HTTPResponse:
    """The inbox with no conversation open."""
    desk = desk_of(request)
    return page(
        desk.jinja,
        "desk/inbox.html",
        user=user_of(request),
        csrf_token=session_of(request).csrf_token,
        inbox=await current_inbox(request),
        views=VIEWS,
        open_id=None,
    )


@pages.get("/inbox")
async def inbox_list(request: Request) -> HTTPResponse:
    """The list alone, for a live refresh. `open` is the conversation that the page shows."""
    desk = desk_of(request)
    open_id = request.args.get("open") or ""
    return page(
        desk.jinja,
        "desk/_inbox.html",
        user=user_of(request),
        inbox=await current_inbox(request),
        views=VIEWS,
        open_id=int(open_id) if open_id.isdigit() else None,
    )


@pages.get("/stream")
async def stream(request: Request) -> None:
    """Server-sent events: `inbox` when any conversation changed, `conversation` when the open one did, `typing` when
    its customer began or stopped writing.

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
                await response.send(": still here\n\n")
                continue
            await asyncio.sleep(MERGE_SECONDS)
            await response.send(_event("inbox") + (_event("conversation") if watched in changed else ""))
    await response.eof()


async def current_inbox(request: Request) -> Inbox:
    """The list that the address asks for; the queue if it asks for none."""
    view = request.args.get("view") or "queue"
    return await inbox(desk_of(request).database, view if view in VIEWS else "queue", user_of(request))


async def _still_logged_in(desk: Desk, request: Request) -> bool:
    return await accounts.find_session(desk.database, request.cookies.get(SESSION_COOKIE)) is not None


def _event(name: str) -> str:
    return f"event: {name}\ndata: changed\n\n"
