"""The audit log: who saw and did what."""

from datetime import date
from urllib.parse import urlencode

from sanic import Blueprint, Request
from sanic.response import HTTPResponse

from desk import accounts, audit
from desk.context import desk_of, session_of, user_of
from desk.models import now
from desk.rendering import page

pages = Blueprint("audit", url_prefix="/desk/audit")

TITLES = {
    "view": "Read a conversation",
    "view_inbox": "Opened the inbox",
    "view_customer": "Saw a customer's data",
    "note": "Wrote a note",
    "whisper": "Whispered",
    "transfer": "Passed on",
    "end_chat": "Ended a customer's chat",
    "copied_session": "A customer's session was used twice and ended",
    "start_wrap_up": "Started the wrap-up",
    "resume": "Went back to the conversation",
    "close": "Closed",
    "take": "Took a conversation",
    "reply": "Replied",
    "hand_back": "Handed back",
    "wrap_up": "Closed",
    "unchecked": "Sent a reply that the policy did not check",
    "draft_changed": "Was shown other words by the policy",
    "draft_refused": "Was stopped by the policy",
    "run": "Did a next step",
    "run_refused": "Was refused a next step",
    "run_failed": "A next step failed",
    "draft_article": "Drafted an article",
    "article_accepted": "Accepted an article",
    "article_rejected": "Rejected an article",
    "refused": "Was refused",
    "failed": "Failed",
    "login": "Logged in",
    "login_failed": "Log-in failed",
    "login_locked": "Log-in locked",
    "logout": "Logged out",
    "logout_everywhere": "Logged out everywhere",
    "change_password": "Changed the password",
    "add_user": "Added a user",
    "change_user": "Changed a user",
    "disable_user": "Disabled a user",
    "enable_user": "Enabled a user",
    "reset_password": "Reset a password",
    "export_audit": "Exported the audit log",
}


@pages.get("/", strict_slashes=False)
async def audit_page(request: Request) -> HTTPResponse:
    """The log, filtered by the address's user, action, conversation and day."""
    desk = desk_of(request)
    wanted = _filter(request)
    found = await audit.entries(desk.database, wanted, _number(request, "page") or 1)
    chosen = {
        "user": wanted.user_id,
        "action": wanted.action,
        "conversation": wanted.conversation_id,
        "day": wanted.day.isoformat() if wanted.day else None,
    }
    return page(
        desk.jinja,
        "desk/audit.html",
        user=user_of(request),
        csrf_token=session_of(request).csrf_token,
        found=found,
        wanted=wanted,
        query=urlencode({name: value for name, value in chosen.items() if value}),
        titles=TITLES,
        actions=await audit.actions(desk.database),
        people=await accounts.users(desk.database),
        today=now().date().isoformat(),
    )


@pages.get("/export.csv")
async def export(request: Request) -> None:
    """The filtered log as a CSV file. The export is a row of the log itself."""
    desk = desk_of(request)
    await audit.record(desk.database, user_of(request).id, "export_audit")
    response = await request.respond(
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="audit-{now():%Y-%m-%d}.csv"',
            "Cache-Control": "no-store",
        },
    )
    assert response is not None
    async for rows in audit.as_csv(desk.database, _filter(request)):
        await response.send(rows)
    await response.eof()


def _filter(request: Request) -> audit.Filter:
    """What the address asks for; what makes no sense is left out."""
    return audit.Filter(
        _number(request, "user"),
        (request.args.get("action") or "")[:40],
        _number(request, "conversation"),
        _day(request.args.get("day") or ""),
    )


def _number(request: Request, name: str) -> int | None:
    text = request.args.get(name) or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
