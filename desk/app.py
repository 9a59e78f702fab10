"""Puts the desk together: routes, middleware, and the task that follows the event stream."""

import asyncio
import logging

from sanic import HTTPResponse, Request, Sanic, json, text
from sanic.exceptions import SanicException

from common.web import protect
from desk import accounts
from desk.api import api
from desk.assignment import PUSH
from desk.context import Desk, desk_of
from desk.events import EventSource, SQLEventSource, follow
from desk.guard import guard
from desk.rendering import FOLDER, page
from desk.security import security_headers
from desk.settings import Settings
from desk.views import account, articles, audit, conversation, copilot, details, finish, inbox, users
from desk.views.chat import chat
from desk.views.chat_typing import chat_typing
from desk.views.login import login

MAX_REQUEST = 200_000  # bytes
RESPONSE_SECONDS = 60

logger = logging.getLogger(__name__)


def create_app(settings: Settings) -> Sanic:
    """The desk's application. The database must have been migrated."""
    app = Sanic("desk", configure_logging=False)
    app.config.GRACEFUL_SHUTDOWN_TIMEOUT = 3.0
    protect(app, settings.desk_url, MAX_REQUEST, RESPONSE_SECONDS, security_headers(settings))
    app.config.FALLBACK_ERROR_FORMAT = "text"
    app.ctx.desk = Desk(settings)
    app.config.PROXIES_COUNT = settings.proxies or None
    parts = (inbox, conversation, details, copilot, finish, articles, account, users, audit)
    guarded = [part.pages for part in parts]
    for blueprint in guarded:
        guard(blueprint)
    app.blueprint([api, chat, chat_typing, login, *guarded])
    app.static("/static", FOLDER / "static", name="static", use_modified_since=True)
    app.on_response(_keep_static)
    app.add_route(_health, "/health", name="health")
    _errors(app)
    _life(app)
    return app


async def _health(request: Request) -> HTTPResponse:
    ready = request.app.ctx.ready
    return json({"status": "ok" if ready else "starting"}, status=200 if ready else 503)


async def _keep_static(request: Request, response: HTTPResponse) -> None:
    if request.path.startswith("/static/"):
        # Checked at each use, so that an update of the desk reaches open browsers.
        response.headers["Cache-Control"] = "no-cache"


def _errors(app: Sanic) -> None:
    @app.exception(Exception)
    async def show(request: Request, error: Exception) -> HTTPResponse:
        status = error.status_code if isinstance(error, SanicException) else 500
        if status >= 500:
            logger.error("server_error", extra={"method": request.method, "status": status}, exc_info=error)
        message = {
            404: "This page does not exist.",
            405: "This address does not take that kind of request.",
            408: "That took too long to arrive. Try again.",
            413: "That is too long to send.",
        }.get(status, "Something went wrong on our side. Try again in a moment.")
        if status < 500 and status not in (404, 405, 408, 413):
            message = str(error)
        if request.path.startswith(("/chat/", "/api/")) or request.headers.get("accept") == "application/json":
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
        app.ctx.tasks = [
            asyncio.create_task(_supervise(source, desk)),
            asyncio.create_task(desk.watchdog.run()),
        ]
        if desk.settings.assignment == PUSH:
            app.ctx.tasks.append(asyncio.create_task(desk.assignment.run()))

    @app.before_server_stop
    async def stop(app: Sanic) -> None:
        desk: Desk = app.ctx.desk
        desk.hub.close()
        for task in app.ctx.tasks:
            task.cancel()
        await asyncio.gather(*app.ctx.tasks, return_exceptions=True)

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
