"""Chat tokens: a customer's proof that a conversation is theirs. The assistant's web chat channel checks the same."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta

import jwt

from desk.models import now

AUDIENCE = "webchat"
LIFETIME = timedelta(hours=24)
_SESSION_ID = re.compile(r"[0-9a-f]{32}")
_SIGNATURE = re.compile(r"#[0-9a-f]{32}$")


class InvalidToken(Exception):
    """The token is missing, wrong or has expired."""


@dataclass(frozen=True)
class ChatSession:
    """A conversation's id (32 hexadecimal digits) and the signed token that opens it."""

    session_id: str
    token: str


def issue(secret: str, session_id: str | None = None) -> ChatSession:
    """A token for a new conversation, or a fresh one for an old conversation."""
    session_id = session_id or secrets.token_hex(16)
    at = now()
    claims = {"sub": session_id, "aud": AUDIENCE, "iat": at, "exp": at + LIFETIME}
    return ChatSession(session_id, jwt.encode(claims, secret, algorithm="HS256"))


def session_of(secret: str, token: str | None) -> str:
    """The conversation that a token opens; raises InvalidToken."""
    try:
        claims = jwt.decode(
            token or "",
            secret,
            algorithms=["HS256"],
            audience=AUDIENCE,
            options={"require": ["sub", "aud", "iat", "exp"]},
        )
    except jwt.InvalidTokenError:
        raise InvalidToken from None
    session_id = claims["sub"]
    if not isinstance(session_id, str) or not _SESSION_ID.fullmatch(session_id):
        raise InvalidToken
    return session_id


def signed(secret: str, session_id: str, payload: str) -> str:
    """A button's payload as the assistant's guard signs it; payloads that are plain text need no signature."""
    if not payload.startswith("/"):
        return payload
    bare = _SIGNATURE.sub("", payload)
    digest = hmac.new(secret.encode(), f"button\n{session_id}\n{bare}".encode(), hashlib.sha256).hexdigest()
    return f"{bare}#{digest[:32]}"
