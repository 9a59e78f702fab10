"""Administration: who may log in, with which role."""

from collections.abc import Awaitable
from typing import Any

from sanic import Blueprint, Request, redirect
from sanic.exceptions import NotFound
from sanic.response import HTTPResponse

from desk import accounts, audit, passwords, presence
from desk.context import desk_of, field_of, session_of, user_of
from desk.conversations import known_queues
from desk.handling import Refused
from desk.models import User
from desk.rendering import page
from desk.roles import can

pages = Blueprint("users", url_prefix="/desk/users")


@pages.get("/", strict_slashes=False)
async def users_page(request: Request) -> HTTPResponse:
    """All users, and the form for another one."""
    return await _list(request)


@pages.post("/", strict_slashes=False)
async def add(request: Request) -> HTTPResponse:
    """Add a user with a one-time password, which the answer shows and nothing keeps."""
    desk = desk_of(request)
    given = {name: field_of(request, name) for name in ("name", "display_name", "role")}
    password = passwords.one_time()
    try:
        user = await accounts.add_user(desk.database, **given, password=password, one_time=True)
    except accounts.AccountError as error:
        return await _list(request, 409, error=str(error), given=given)
    await audit.record(desk.database, user_of(request).id, "add_user", detail=f"{user.name} as {user.role}")
    return await _list(request, one_time=(user, password))


@pages.get("/<user_id:int>")
async def user_page(request: Request, user_id: int) -> HTTPResponse:
    """One user: what can be changed."""
    return await _one(request, user_id)


@pages.post("/<user_id:int>")
async def change(request: Request, user_id: int) -> HTTPResponse:
    """Change the name that others see and the role."""
    desk, by = desk_of(request), user_of(request)
    role = field_of(request, "role")
    try:
        changed = await accounts.change_user(desk.database, by, user_id, field_of(request, "display_name"), role)
    except accounts.AccountError as error:
        return await _one(request, user_id, 409, error=str(error))
    if changed:
        await audit.record(
            desk.database, by.id, "change_user", detail=f"{(await _find(request, user_id)).name}: {role}"
        )
    return redirect(f"/desk/users/{user_id}?saved=1", status=303)


@pages.post("/<user_id:int>/work")
async def change_work(request: Request, user_id: int) -> HTTPResponse:
    """Change the queues and skills of a user, and how many conversations they take at once."""
    desk = desk_of(request)
    person = await _find(request, user_id)
    capacity = field_of(request, "capacity")
    try:
        await presence.set_capacity(desk.database, user_id, int(capacity) if capacity.isdecimal() else 0)
    except Refused as error:
        return await _one(request, user_id, 409, error=str(error))
    skills, queues = (field_of(request, name).split(",") for name in ("skills", "queues"))
    await presence.set_skills(desk.database, user_id, skills, queues)
    await audit.record(desk.database, user_of(request).id, "change_user", detail=f"{person.name}: work")
    return redirect(f"/desk/users/{user_id}?saved=1", status=303)


@pages.post("/<user_id:int>/reset-password")
async def reset_password(request: Request, user_id: int) -> HTTPResponse:
    """Give a user a one-time password, which the answer shows and nothing keeps."""
    desk = desk_of(request)
    user = await _find(request, user_id)
    password = await accounts.reset_password(desk.database, user_id)
    await audit.record(desk.database, user_of(request).id, "reset_password", detail=user.name)
    return await _one(request, user_id, one_time=(user, password))


@pages.post("/<user_id:int>/disable")
async def disable(request: Request, user_id: int) -> HTTPResponse:
    """Keep a user out."""
    action = accounts.disable(desk_of(request).database, user_of(request), user_id)
    return await _switch(request, user_id, "disable_user", action)


@pages.post("/<user_id:int>/enable")
async def enable(request: Request, user_id: int) -> HTTPResponse:
    """Let a user in again."""
    return await _switch(request, user_id, "enable_user", accounts.enable(desk_of(request).database, user_id))


async def _switch(request: Request, user_id: int, name: str, action: Awaitable[None]) -> HTTPResponse:
    try:
        await action
    except accounts.AccountError as error:
        return await _one(request, user_id, 409, error=str(error))
    user = await _find(request, user_id)
    await audit.record(desk_of(request).database, user_of(request).id, name, detail=user.name)
    return redirect(f"/desk/users/{user_id}?saved=1", status=303)


async def _find(request: Request, user_id: int) -> User:
    user = await accounts.find_user(desk_of(request).database, user_id)
    if user is None:
        raise NotFound("There is no such user.")
    return user


async def _list(request: Request, status: int = 200, **values: Any) -> HTTPResponse:
    desk = desk_of(request)
    empty = {"name": "", "display_name": "", "role": "agent"}
    return page(
        desk.jinja,
        "desk/users.html",
        status,
        user=user_of(request),
        csrf_token=session_of(request).csrf_token,
        people=await accounts.users(desk.database),
        work={one.user.id: one for one in await presence.statuses(desk.database) if can(one.user, "take")},
        **{"error": "", "given": empty, "one_time": None} | values,
    )


async def _one(request: Request, user_id: int, status: int = 200, **values: Any) -> HTTPResponse:
    desk, person = desk_of(request), await _find(request, user_id)
    return page(
        desk.jinja,
        "desk/user.html",
        status,
        user=user_of(request),
        csrf_token=session_of(request).csrf_token,
        person=person,
        work=await presence.status_of(desk.database, user_id),
        queues=await known_queues(desk.database),
        max_capacity=presence.MAX_CAPACITY,
        saved=bool(request.args.get("saved")),
        **{"error": "", "one_time": None} | values,
    )
