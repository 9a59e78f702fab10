"""Logging in and out: attempts, lockout, sessions."""

import hashlib
import hmac
import ipaddress
import secrets
from datetime import timedelta

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from desk import passwords
from desk.database import Database
from desk.models import LoginAttempt, LoginSession, User, now

MAX_FAILURES = 5
MAX_FAILURES_BY_ADDRESS = 20
LOCKOUT = timedelta(minutes=15)
SESSION_LIFETIME = timedelta(hours=10)


class LoginFailed(Exception):
    """The log-in was refused; the message is for the person who tried."""


class LockedOut(LoginFailed):
    """Too many failures: also the right password is refused for a while."""


async def log_in(
    database: Database, name: str, password: str, address: str = "", replaces: str | None = None
) -> tuple[str, User]:
    """Check a password and open a session; returns its token, for the cookie. Raises LoginFailed.

    `address` is where the attempt comes from, `replaces` the token of a session that this one takes the place of.
    The attempt is recorded before the password is looked at, so that guesses in parallel count too.
    """
    name = name.strip().lower()[:64]
    address = countable(address)
    async with database.session() as session, session.begin():
        attempt = LoginAttempt(name=name, address=address)
        session.add(attempt)
        await session.flush()
        locked = await _failures(session, LoginAttempt.name == name) > MAX_FAILURES
        if address and not locked:
            locked = await _failures(session, LoginAttempt.address == address) > MAX_FAILURES_BY_ADDRESS
        if locked:
            # A refused attempt does not prolong the lock.
            await session.delete(attempt)
        user = await session.scalar(select(User).where(User.name == name, User.disabled_at.is_(None)))
    if locked:
        raise LockedOut("Too many failed log-ins. Wait 15 minutes, then try again.")
    if not await passwords.matches(user.password_hash if user else passwords.NOBODY, password) or user is None:
        raise LoginFailed("The name or the password is wrong.")
    if passwords.outdated(user.password_hash):
        await _rehash(database, user, password)
    if replaces:
        await log_out(database, replaces)
    async with database.session() as session, session.begin():
        await session.execute(delete(LoginAttempt).where(LoginAttempt.name == name))
    return await open_session(database, user), user


async def open_session(database: Database, user: User) -> str:
    """A new session; returns its token."""
    token = secrets.token_urlsafe(32)
    async with database.session() as session, session.begin():
        await session.execute(delete(LoginSession).where(LoginSession.expires_at < now()))
        session.add(
            LoginSession(
                token_hash=_fingerprint(token),
                user_id=user.id,
                csrf_token=secrets.token_urlsafe(32),
                expires_at=now() + SESSION_LIFETIME,
            )
        )
    return token


async def find_session(database: Database, token: str | None) -> LoginSession | None:
    """The session of a cookie's token; None if there is none, it has expired, or its user is disabled."""
    if not token:
        return None
    async with database.session() as session:
        found = await session.get(LoginSession, _fingerprint(token))
    return found if found and found.expires_at > now() and not found.user.disabled_at else None


async def log_out(database: Database, token: str) -> None:
    """End a session; its token is worth nothing from now on."""
    async with database.session() as session, session.begin():
        await session.execute(delete(LoginSession).where(LoginSession.token_hash == _fingerprint(token)))


async def log_out_everywhere(database: Database, user_id: int) -> None:
    """End all sessions of a user."""
    async with database.session() as session, session.begin():
        await end_sessions(session, user_id)


async def end_sessions(session: AsyncSession, user_id: int) -> None:
    """End all sessions of a user, in a unit of work."""
    await session.execute(delete(LoginSession).where(LoginSession.user_id == user_id))


async def count_sessions(database: Database, user_id: int) -> int:
    """In how many browsers a user is logged in."""
    query = select(func.count()).where(LoginSession.user_id == user_id, LoginSession.expires_at > now())
    async with database.session() as session:
        return await session.scalar(query) or 0


def same(given: str | None, expected: str) -> bool:
    """Compare two secrets in constant time."""
    return hmac.compare_digest((given or "").encode(), expected.encode())


def _fingerprint(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def countable(address: str) -> str:
    """The address, or nothing for this machine's own: behind a proxy without DESK_PROXIES everybody would share it."""
    try:
        parsed = ipaddress.ip_address(address.strip("[]"))
    except ValueError:
        return ""
    return "" if parsed.is_loopback else str(parsed)


async def _failures(session: AsyncSession, whose: ColumnElement[bool]) -> int:
    query = select(func.count()).select_from(LoginAttempt).where(whose, LoginAttempt.at > now() - LOCKOUT)
    return await session.scalar(query) or 0


async def _rehash(database: Database, user: User, password: str) -> None:
    """Store the password with today's costs."""
    password_hash = await passwords.hashed(password)
    async with database.session() as session, session.begin():
        stored = await session.get(User, user.id)
        if stored and stored.password_hash == user.password_hash:
            stored.password_hash = password_hash
