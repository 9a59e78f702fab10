"""Stands in front of every page of the desk: log-in, role, CSRF token, and the record of who saw customers' data."""

from datetime import datetime, timedelta

from sanic import Blueprint, HTTPResponse, Request, json, redirect, text
from sanic.exceptions import Forbidden, NotFound, PayloadTooLarge

from desk import audit, logins
from desk.context import desk_of
from desk.conversations import find
from desk.models import User, now
from desk.roles import RULES, Rule, require
from desk.security import SESSION_COOKIE, check_csrf

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
# An open page draws itself again at each change; that somebody looks on is written down this often.
FRAGMENT_PERIOD = timedelta(minutes=15)
ACCOUNT_PAGES = "/desk/account"


def guard(blueprint: Blueprint) -> None:
    """Only for people who are logged in and may, and posts only from our own pages."""

    @blueprint.on_request
    async def check(request: Request) -> HTTPResponse | None:
        if int(request.headers.get("content-length") or 0) > request.app.config.REQUEST_MAX_SIZE:
            # Sanic asks this middleware also while it answers a request whose body it has not read.
            raise PayloadTooLarge("That is too long to send.")
        desk = desk_of(request)
        session = await logins.find_session(desk.database, request.cookies.get(SESSION_COOKIE))
        if session is None:
            return _elsewhere(request, "/desk/login", 401, "Your log-in has ended.")
        request.ctx.login = session
        await desk.sightings.seen(session.user_id)
        if session.user.must_change_password and not request.path.startswith(ACCOUNT_PAGES):
            return _elsewhere(request, ACCOUNT_PAGES, 403, "Choose a password of your own first.")
        rule = rule_of(request)
        require(session.user, rule.permission)
        if request.method not in SAFE_METHODS:
            check_csrf(request, session.csrf_token)
        if rule.shows:
            # Before the page is made: what cannot be written down is not shown.
            await _record_view(request, rule, session.user)
        return None


def rule_of(request: Request) -> Rule:
    """The rule of the request's route; raises Forbidden if it has none."""
    name = request.route.name.removeprefix("desk.") if request.route else ""
    if name not in RULES:
        raise Forbidden("Nobody may open this page yet: its rule is missing.")
    return RULES[name]


async def _record_view(request: Request, rule: Rule, user: User) -> None:
    desk = desk_of(request)
    conversation_id = request.match_info.get("conversation_id")
    key = (user.id, rule.shows, conversation_id)
    seen: dict[tuple[object, ...], datetime] = desk.seen
    moment = now()
    if rule.fragment and key in seen and moment - seen[key] < FRAGMENT_PERIOD:
        return
    if conversation_id is not None and await find(desk.database, conversation_id) is None:
        raise NotFound("There is no such conversation.")
    await audit.record(desk.database, user.id, rule.shows, conversation_id)
    for old in [old for old, at in seen.items() if moment - at >= FRAGMENT_PERIOD]:
        del seen[old]
    seen[key] = moment


def _elsewhere(request: Request, address: str, status: int, sentence: str) -> HTTPResponse:
    """Send a page somewhere else; tell a script in the way it understands."""
    if request.headers.get("accept") == "application/json":
        return json({"error": sentence}, status=status)
    if request.headers.get("hx-request"):
        return text("", status=status, headers={"HX-Redirect": address})
    if request.path.endswith("/stream"):
        return text(sentence, status=status)
    return redirect(address, status=303)
