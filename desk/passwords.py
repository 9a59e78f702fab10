"""Passwords: what is accepted, how they are stored, and one-time passwords."""

import asyncio
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_LENGTH = 10
MAX_LENGTH = 200
ADVICE = f"Use at least {MIN_LENGTH} characters; three or four words that have nothing to do with each other work well."
# Without the letters and digits that look like others.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"

_hasher = PasswordHasher()
# Verified when the name is unknown, so that a wrong name takes as long as a wrong password.
NOBODY = _hasher.hash(secrets.token_hex(16))


def weakness(password: str, name: str) -> str:
    """Why this cannot be the user's password, as a sentence; empty if it can."""
    if len(password) < MIN_LENGTH:
        return f"The password is too short. {ADVICE}"
    if len(password) > MAX_LENGTH:
        return f"The password is too long: use at most {MAX_LENGTH} characters."
    if len(set(password)) < 5:
        return f"The password repeats the same few characters. {ADVICE}"
    if len(name) > 2 and name.lower() in password.lower():
        return f"The password contains the name. {ADVICE}"
    return ""


def one_time() -> str:
    """Sixteen random characters in groups of four (79 bits), to be read out or typed once."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4))


async def hashed(password: str) -> str:
    """The argon2id hash, made beside the event loop."""
    return await asyncio.to_thread(_hasher.hash, password)


async def matches(password_hash: str, password: str) -> bool:
    """Whether this is the password of the hash."""
    try:
        return await asyncio.to_thread(_hasher.verify, password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def outdated(password_hash: str) -> bool:
    """Whether the hash was made with other costs than today's."""
    return _hasher.check_needs_rehash(password_hash)
