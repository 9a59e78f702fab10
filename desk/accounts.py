"""Users: who there is, and the changes that administrators and the users themselves make."""

from sqlalchemy import Select, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from desk import passwords
from desk.database import Database
from desk.logins import end_sessions
from desk.models import Conversation, User, now
from desk.roles import PERMISSIONS, ROLES

DEMO_USERS = (
    ("alex", "Alex Morgan", "agent"),
    ("sam", "Sam Reid", "supervisor"),
    ("dana", "Dana Okafor", "designer"),
    ("uma", "Uma Patel", "auditor"),
    ("admin", "Robin Hale", "admin"),
)


class AccountError(Exception):
    """A user cannot be added or changed; the message says why."""


async def add_user(
    database: Database, name: str, display_name: str, role: str, password: str, *, one_time: bool = False
) -> User:
    """Add a user; raises AccountError. A one-time password must be changed at the first log-in."""
    name = name.strip().lower()
    if not name or len(name) > 64 or not name.replace(".", "").replace("-", "").isalnum():
        raise AccountError("The name may have letters, digits, dots and hyphens, and at most 64 of them.")
    _check_role(role)
    _check_password(password, "" if one_time else name)
    user = User(
        name=name,
        display_name=_display_name(display_name) or name.capitalize(),
        role=role,
        password_hash=await passwords.hashed(password),
        must_change_password=one_time,
    )
    try:
        async with database.session() as session, session.begin():
            session.add(user)
    except IntegrityError:
        raise AccountError(f"There is already a user {name}: choose another name.") from None
    return user


async def ensure_demo_users(database: Database, password: str) -> None:
    """Add the demonstration's users, or give them this password."""
    for name, display_name, role in DEMO_USERS:
        async with database.session() as session, session.begin():
            user = await session.scalar(select(User).where(User.name == name))
            if user is None:
                user = User(name=name, display_name=display_name, role=role, password_hash="")
                session.add(user)
            if not user.password_hash or not await passwords.matches(user.password_hash, password):
                user.password_hash = await passwords.hashed(password)
                user.must_change_password = False


async def close_demo_users(database: Database, password: str) -> list[str]:
    """Disable the demonstration's users who still have its password; returns their names."""
    closed = []
    async with database.session() as session, session.begin():
        for user in await session.scalars(select(User).where(User.name.in_([name for name, _, _ in DEMO_USERS]))):
            if not user.disabled_at and await passwords.matches(user.password_hash, password):
                user.disabled_at = now()
                await end_sessions(session, user.id)
                closed.append(user.name)
    return sorted(closed)


async def ensure_admin(database: Database) -> str | None:
    """Add the first administrator where there is none; returns the one-time password of a new one."""
    async with database.session() as session:
        if await session.scalar(_admins()):
            return None
        taken = await session.scalar(select(User.id).where(User.name == "admin"))
    if taken:
        raise AccountError(
            "There is no administrator, and the name admin is taken: "
            "add one with `python -m desk adduser NAME --role admin`."
        )
    password = passwords.one_time()
    await add_user(database, "admin", "Administrator", "admin", password, one_time=True)
    return password


async def users(database: Database) -> list[User]:
    """All users by name, the disabled ones last."""
    async with database.session() as session:
        return list(await session.scalars(select(User).order_by(User.disabled_at.is_not(None), User.name)))


async def find_user(database: Database, user_id: int) -> User | None:
    """A user by number."""
    async with database.session() as session:
        return await session.get(User, user_id)


async def change_user(database: Database, by: User, user_id: int, display_name: str, role: str) -> bool:
    """Rename a user or give them another role, which ends their log-ins; whether anything changed.

    Raises AccountError.
    """
    _check_role(role)
    display_name = _display_name(display_name)
    if not display_name:
        raise AccountError("Write the name that colleagues and customers see.")
    async with database.session() as session, session.begin():
        user = await _get(session, user_id)
        if user.role != role:
            if user.id == by.id:
                raise AccountError("You can't change your own role: ask another administrator.")
            await _check_last_admin(session, user)
            if role not in PERMISSIONS["take"]:
                await _check_holds_nothing(session, user)
            await end_sessions(session, user.id)
        changed = (user.role, user.display_name) != (role, display_name)
        user.role, user.display_name = role, display_name
    return changed


async def disable(database: Database, by: User, user_id: int) -> None:
    """Keep a user out from now on. Raises AccountError."""
    async with database.session() as session, session.begin():
        user = await _get(session, user_id)
        if user.id == by.id:
            raise AccountError("You can't disable yourself: ask another administrator.")
        await _check_last_admin(session, user)
        await _check_holds_nothing(session, user)
        user.disabled_at = now()
        await end_sessions(session, user.id)


async def enable(database: Database, user_id: int) -> None:
    """Let a user in again. Raises AccountError."""
    async with database.session() as session, session.begin():
        (await _get(session, user_id)).disabled_at = None


async def reset_password(database: Database, user_id: int) -> str:
    """Give a user a one-time password and end their log-ins; returns it. Raises AccountError."""
    password = passwords.one_time()
    password_hash = await passwords.hashed(password)
    async with database.session() as session, session.begin():
        user = await _get(session, user_id)
        user.password_hash, user.must_change_password = password_hash, True
        await end_sessions(session, user.id)
    return password


async def change_password(database: Database, user: User, current: str, new: str, again: str) -> None:
    """Change one's own password, which ends all of one's log-ins. Raises AccountError."""
    if not await passwords.matches(user.password_hash, current):
        raise AccountError("The current password is wrong.")
    if new != again:
        raise AccountError("The two new passwords differ: type the same one twice.")
    if new == current:
        raise AccountError("Choose another password than the current one.")
    _check_password(new, user.name)
    password_hash = await passwords.hashed(new)
    async with database.session() as session, session.begin():
        found = await _get(session, user.id)
        found.password_hash, found.must_change_password = password_hash, False
        await end_sessions(session, user.id)


def _admins() -> Select[int]:
    return select(func.count()).select_from(User).where(User.role == "admin", User.disabled_at.is_(None))


async def _get(session: AsyncSession, user_id: int) -> User:
    user = await session.get(User, user_id)
    if user is None:
        raise AccountError("There is no such user.")
    return user


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise AccountError(f"The role is {role!r}: use one of {', '.join(ROLES)}.")


def _check_password(password: str, name: str) -> None:
    weakness = passwords.weakness(password, name)
    if weakness:
        raise AccountError(weakness)


def _display_name(text: str) -> str:
    return " ".join(text.split())[:120]


async def _check_last_admin(session: AsyncSession, user: User) -> None:
    if user.role == "admin" and not user.disabled_at and (await session.scalar(_admins()) or 0) < 2:
        raise AccountError("This is the only administrator: add another one first.")


async def _check_holds_nothing(session: AsyncSession, user: User) -> None:
    held = await session.scalar(select(func.count()).where(Conversation.assigned_to == user.id)) or 0
    if held:
        count = "a conversation" if held == 1 else f"{held} conversations"
        raise AccountError(f"{user.display_name} still has {count}: let a supervisor take over first.")
