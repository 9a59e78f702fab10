"""One's own account: password, log-ins, logging out."""

from sanic import Blueprint, Request, redirect
from sanic.response import HTTPResponse

from desk import accounts, audit, logins, passwords
from desk.context import desk_of, field_of, session_of, user_of
from desk.rendering import page
from desk.roles import home
from desk.security import SESSION_COOKIE, set_session_cookie

pages = Blueprint("account", url_prefix="/desk/account")


@pages.get("/", strict_slashes=False)
async def account_page(request: Request) -> HTTPResponse:
    """Who one is here, and the form for a new password."""
    return await _page(request)


@pages.post("/password")
async def change_password(request: Request) -> HTTPResponse:
    """Change the password; every other log-in ends and this one gets a new cookie."""
    desk, user = desk_of(request), user_of(request)
    given = [field_of(request, name) for name in ("current", "new", "again")]
    try:
        await accounts.change_password(desk.database, user, *given)
    except accounts.AccountError as error:
        await audit.record(desk.database, user.id, "refused", detail="change_password")
        return await _page(request, 409, error=str(error))
    await audit.record(desk.database, user.id, "change_password")
    response = redirect(home(user) if user.must_change_password else "/desk/account?changed=1", status=303)
    set_session_cookie(response, desk.settings, await logins.open_session(desk.database, user))
    return response


@pages.post("/log-out")
async def log_out(request: Request) -> HTTPResponse:
    """End this session."""
    desk = desk_of(request)
    await logins.log_out(desk.database, request.cookies.get(SESSION_COOKIE) or "")
    await audit.record(desk.database, user_of(request).id, "logout")
    return _gone()


@pages.post("/log-out-everywhere")
async def log_out_everywhere(request: Request) -> HTTPResponse:
    """End all of one's sessions, this one too."""
    desk, user = desk_of(request), user_of(request)
    await logins.log_out_everywhere(desk.database, user.id)
    await audit.record(desk.database, user.id, "logout_everywhere")
    return _gone()


def _gone() -> HTTPResponse:
    response = redirect("/desk/login", status=303)
    response.delete_cookie(SESSION_COOKIE, path="/desk")
    return response


async def _page(request: Request, status: int = 200, error: str = "") -> HTTPResponse:
    desk, user = desk_of(request), user_of(request)
    return page(
        desk.jinja,
        "desk/account.html",
        status,
        user=user,
        csrf_token=session_of(request).csrf_token,
        sessions=await logins.count_sessions(desk.database, user.id),
        advice=passwords.ADVICE,
        min_length=passwords.MIN_LENGTH,
        max_length=passwords.MAX_LENGTH,
        changed=bool(request.args.get("changed")),
        error=error,
    )
