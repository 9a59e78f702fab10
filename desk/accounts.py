"""Users, passwords and log-ins."""

import asyncio
import hashlib
import hmac
import secrets
from datetime import timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError

from desk.database import Database
from desk.models import LoginAttempt, LoginSession, User, now

ROLES = ("agent", "supervisor")
MIN_PASSWORD = 10
MAX_FAILURES = 5
LOCKOUT = timedelta(minutes=15)
SESSION_LIFETIME = timedelta(hours=10)

_hasher = PasswordHasher()
# Verified when the name is unknown, so that a wrong name takes as long as a wrong password.
_UNKNOWN_USER_HASH = _hasher.hash(secrets.token_hex(16))


class LoginFailed(Exception):
    """The log-in was refused; the message is for the person who tried."""


class LockedOut(LoginFailed):
    """Too many failures: also the right password is refused for a while."""


class AccountError(Exception):
    """A user cannot be added; the message says why."""


async def add_user(database: Database, name: str, display_name: str, role: str, password: str) -> None:
    """Add a user; raises AccountError."""
    name = name.strip().lower()
    if not name or len(name) > 64 or not name.replace(".", "").replace("-", "").isalnum():
        raise AccountError("The name may have letters, digits, dots and hyphens, and at most 64 of them")
    if role not in ROLES:
        raise AccountError(f"The role is {role!r}: use agent or supervisor")
    if len(password) < MIN_PASSWORD:
        raise AccountError(f"The password is too short: use at least {MIN_PASSWORD} characters")
    user = User(
        name=name,
        display_name=" ".join(display_name.split()) or name.capitalize(),
        role=role,
        password_hash=await asyncio.to_thread(_hasher.hash, password),
    )
    try:
        async with database.session() as session, session.begin():
            session.add(user)
    except IntegrityError:
        raise AccountError(f"There is already a user {name}: choose another name") from None


async def ensure_demo_users(database: Database, password: str) -> None:
    """Add the demonstration's users, or give them this password."""
    for name, display_name, role in (("alex", "Alex Morgan", "agent"), ("sam", "Sam Reid", "supervisor")):
        async with database.session() as session, session.begin():
            user = await session.scalar(select(User).where(User.name == name))
            if user is None:
                user = User(name=name, display_name=display_name, role=role)
                session.add(user)
            if not user.password_hash or not await _matches(user.password_hash, password):
                user.password_hash = await asyncio.to_thread(_hasher.hash, password)


async def log_in(database: Database, name: str, password: str) -> tuple[str, User]:
    """Check a password and open a session; returns its token, for the cookie. Raises LoginFailed.

    The attempt is recorded before the password is looked at, so that guesses in parallel count too.
    """
    name = name.strip().lower()[:64]
    async with database.session() as session, session.begin():
        recent = select(func.count()).where(LoginAttempt.name == name, LoginAttempt.at > now() - LOCKOUT)
        attempt = LoginAttempt(name=name)
        session.add(attempt)
        await session.flush()
        locked = (await session.scalar(recent) or 0) > MAX_FAILURES
        if locked:
            # A refused attempt does not prolong the lock.
            await session.delete(attempt)
        user = await session.scalar(select(User).where(User.name == name))
    if locked:
        raise LockedOut("Too many failed log-ins. Wait 15 minutes, then try again.")
    if not await _matches(user.password_hash if user else _UNKNOWN_USER_HASH, password) or user is None:
        raise LoginFailed("The name or the password is wrong.")
    token = secrets.token_urlsafe(32)
    async with database.session() as session, session.begin():
        await session.execute(delete(LoginAttempt).where(LoginAttempt.name == name))
        await session.execute(delete(LoginSession).where(LoginSession.expires_at < now()))
        session.add(
            LoginSession(
                token_hash=_fingerprint(token),
                user_id=user.id,
                csrf_token=secrets.token_urlsafe(32),
                expires_at=now() + SESSION_LIFETIME,
            )
        )
    return token, user


async def find_session(database: Database, token: str | None) -> LoginSession | None:
    """The session of a cookie's token; None if there is none or it has expired."""
    if not token:
        return None
    async with database.session() as session:
        found = await session.get(LoginSession, _fingerprint(token))
    return found if found and found.expires_at > now() else None


async def log_out(database: Database, token: str) -> None:
    """End a session; its token is worth nothing from now on."""
    async with database.session() as session, session.begin():
        await session.execute(delete(LoginSession).where(LoginSession.token_hash == _fingerprint(token)))


def same(given: str | None, expected: str) -> bool:
    """Compare two secrets in constant time."""
    return hmac.compare_digest((given or "").encode(), expected.encode())


def _fingerprint(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


async def _matches(password_hash: str, password: str) -> bool:
    try:
        return await asyncio.to_thread(_hasher.verify, password_hash, password)
    except (VerificationError, InvalidHashError):
        return False
