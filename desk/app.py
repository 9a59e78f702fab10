"""Puts the desk together: routes, middleware, and the task that follows the event stream."""

import asyncio
import logging

from sanic import Blueprint, HTTPResponse, Request, Sanic, json, redirect, text
from sanic.exceptions import PayloadTooLarge, SanicException

from desk import accounts
from desk.context import Desk, desk_of
from desk.events import EventSource, SQLEventSource, follow
from desk.rendering import FOLDER, page
from desk.security import SESSION_COOKIE, check_csrf, security_headers
from desk.settings import Settings
from desk.views import conversation, details, inbox
from desk.views.chat import chat
from desk.views.chat_typing import chat_typing
from desk.views.login import log_out, login

logger = logging.getLogger(__name__)

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}


def create_app(settings: Settings) -> Sanic:
    """The desk's application. The database must have been migrated."""
    app = Sanic("desk", configure_logging=False)
    app.config.GRACEFUL_SHUTDOWN_TIMEOUT = 3.0
    app.config.REQUEST_MAX_SIZE = 200_000
    app.config.FALLBACK_ERROR_FORMAT = "text"
    app.ctx.desk = Desk(settings)
    _guard(inbox.pages)
    _guard(conversation.pages)
    _guard(details.pages)
    inbox.pages.add_route(log_out, "/logout", methods=["POST"], name="logout")
    app.blueprint([chat, chat_typing, login, inbox.pages, conversation.pages, details.pages])
    app.static("/static", FOLDER / "static", name="static", use_modified_since=True)
    app.add_route(_health, "/health", name="health")
    _headers(app, settings)
    _errors(app)
    _life(app)
    return app


async def _health(_request: Request) -> HTTPResponse:
    return json({"status": "ok"})


def _guard(blueprint: Blueprint) -> None:
    """Only for people who are logged in, and posts only from our own pages."""

    @blueprint.on_request
    async def require_login(request: Request) -> HTTPResponse | None:
        if int(request.headers.get("content-length") or 0) > request.app.config.REQUEST_MAX_SIZE:
            # Sanic asks this middleware also while it answers a request whose body it has not read.
            raise PayloadTooLarge("That is too long to send.")
        desk = desk_of(request)
        session = await accounts.find_session(desk.database, request.cookies.get(SESSION_COOKIE))
        if session is None:
            if request.headers.get("accept") == "application/json":
                return json({"error": "Your log-in has ended."}, status=401)
            if request.headers.get("hx-request"):
                return text("", status=401, headers={"HX-Redirect": "/desk/login"})
            if request.path.endswith("/stream"):
                return text("Log in first.", status=401)
            return redirect("/desk/login", status=303)
        request.ctx.login = session
        if request.method not in SAFE_METHODS:
            check_csrf(request, session.csrf_token)
        return None


def _headers(app: Sanic, settings: Settings) -> None:
    headers = security_headers(settings)

    @app.on_response
    async def add_headers(request: Request, response: HTTPResponse) -> None:
        response.headers.update(headers)
        if request.path.startswith("/static/"):
            # Checked at each use, so that an update of the desk reaches open browsers.
            response.headers["Cache-Control"] = "no-cache"


def _errors(app: Sanic) -> None:
    @app.exception(Exception)
    async def show(request: Request, error: Exception) -> HTTPResponse:
        status = error.status_code if isinstance(error, SanicException) else 500
        if status >= 500:
            logger.error("%s %s failed", request.method, request.path, exc_info=error)
        message = {
            404: "This page does not exist.",
            405: "This address does not take that kind of request.",
            413: "That is too long to send.",
        }.get(status, "Something went wrong on our side. Try again in a moment.")
        if status < 500 and status not in (404, 405, 413):
            message = str(error)
        if request.path.startswith("/chat/") or request.headers.get("accept") == "application/json":
            return json({"error": message}, status=status)
        if request.headers.get("hx-request"):
            return text(message, status=status)
        return page(desk_of(request).jinja, "error.html", status, message=message, user=None)


def _life(app: Sanic) -> None:
    """What runs beside the requests, for as long as the server does."""

    @app.before_server_start
    async def start(app: Sanic) -> None:
        desk: Desk = app.ctx.desk
        if desk.settings.demo_password:
            await accounts.ensure_demo_users(desk.database, desk.settings.demo_password)
        source = SQLEventSource(desk.settings.events_database_url, desk.database)
        app.ctx.event_source = source
        app.ctx.follower = asyncio.create_task(_supervise(source, desk))

    @app.before_server_stop
    async def stop(app: Sanic) -> None:
        desk: Desk = app.ctx.desk
        desk.hub.close()
        app.ctx.follower.cancel()
        await asyncio.gather(app.ctx.follower, return_exceptions=True)

    @app.after_server_stop
    async def close(app: Sanic) -> None:
        desk: Desk = app.ctx.desk
        await app.ctx.event_source.close()
        await desk.assistant.close()
        await desk.actions.close()
        await desk.database.close()


async def _supervise(source: EventSource, desk: Desk) -> None:
    """Follow the stream; an error that nobody thought of is logged and the stream taken up again."""
    while True:
        try:
            await follow(source, desk.database, desk.hub)
        except Exception:
            logger.exception("The event stream stopped and is taken up again")
            await asyncio.sleep(1)
