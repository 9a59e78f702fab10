"""The log-in page."""

from sanic import Blueprint, Request, redirect
from sanic.response import HTTPResponse

from desk import audit, logins
from desk.context import desk_of, field_of
from desk.rendering import page
from desk.roles import home
from desk.security import (
    LOGIN_COOKIE,
    SESSION_COOKIE,
    check_csrf,
    login_nonce,
    login_token,
    set_cookie,
    set_session_cookie,
)

login = Blueprint("login")


@login.get("/desk/login")
async def form(request: Request) -> HTTPResponse:
    """The log-in form; straight on for somebody who is logged in."""
    desk = desk_of(request)
    session = await logins.find_session(desk.database, request.cookies.get(SESSION_COOKIE))
    if session:
        return redirect(home(session.user))
    return _form(request)


@login.post("/desk/login")
async def log_in(request: Request) -> HTTPResponse:
    """Check the password and open a session."""
    desk = desk_of(request)
    nonce = request.cookies.get(LOGIN_COOKIE) or ""
    if not nonce:
        return _form(request, "Your browser sent no cookie. Allow cookies for this site and try again.", 403)
    check_csrf(request, login_token(desk.settings, nonce))
    name, password = field_of(request, "name"), field_of(request, "password")
    try:
        token, user = await logins.log_in(
            desk.database, name, password, request.client_ip, replaces=request.cookies.get(SESSION_COOKIE)
        )
    except logins.LoginFailed as error:
        locked = isinstance(error, logins.LockedOut)
        await audit.record(desk.database, None, "login_locked" if locked else "login_failed")
        return _form(request, str(error), 429 if locked else 401, name)
    await audit.record(desk.database, user.id, "login")
    response = redirect(home(user), status=303)
    set_session_cookie(response, desk.settings, token)
    return response


def _form(request: Request, error: str = "", status: int = 200, name: str = "") -> HTTPResponse:
    desk = desk_of(request)
    nonce = request.cookies.get(LOGIN_COOKIE) or login_nonce()
    response = page(
        desk.jinja,
        "login.html",
        status,
        csrf_token=login_token(desk.settings, nonce),
        error=error,
        name=name,
        user=None,
    )
    set_cookie(response, desk.settings, LOGIN_COOKIE, nonce, 3600)
    return response
