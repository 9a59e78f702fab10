"""What the desk signs for customers: the two tokens of a chat session, and buttons.

The access token opens a conversation at the assistant and at the desk for a quarter of an hour. The renewal token is
for the desk alone: it gets the next pair, once (desk/chat_sessions.py).
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta

import jwt

from desk.models import now

AUDIENCE = "webchat"
RENEWAL_AUDIENCE = "webchat-renewal"
LIFETIME = timedelta(minutes=15)
RENEWAL_LIFETIME = timedelta(hours=24)
_HEX_ID = re.compile(r"[0-9a-f]{32}")
_SIGNATURE = re.compile(r"#[0-9a-f]{32}$")


class InvalidToken(Exception):
    """The token is missing, wrong, revoked or has expired."""


@dataclass(frozen=True)
class Renewal:
    """What a renewal token says: the conversation's id and the token's own, 32 hexadecimal digits each."""

    session_id: str
    jti: str


def new_id() -> str:
    """A random id: 32 hexadecimal digits."""
    return secrets.token_hex(16)


def access_token(secret: str, session_id: str) -> str:
    """A token that opens the conversation for LIFETIME."""
    return _issue(secret, AUDIENCE, session_id, new_id(), LIFETIME)


def renewal_token(secret: str, renewal: Renewal) -> str:
    """A token that is exchanged for the next pair within RENEWAL_LIFETIME."""
    return _issue(secret, RENEWAL_AUDIENCE, renewal.session_id, renewal.jti, RENEWAL_LIFETIME)


def read_access(secret: str, token: str | None) -> str:
    """The conversation that an access token was made for; raises InvalidToken. It may have been revoked since."""
    return _read(secret, AUDIENCE, token).session_id


def read_renewal(secret: str, token: str | None) -> Renewal:
    """What a renewal token says; raises InvalidToken. It may have been used, or revoked, since."""
    return _read(secret, RENEWAL_AUDIENCE, token)


def signed(secret: str, session_id: str, payload: str) -> str:
    """A button's payload as the assistant's guard signs it; payloads that are plain text need no signature."""
    if not payload.startswith("/"):
        return payload
    bare = _SIGNATURE.sub("", payload)
    digest = hmac.new(secret.encode(), f"button\n{session_id}\n{bare}".encode(), hashlib.sha256).hexdigest()
    return f"{bare}#{digest[:32]}"


def _issue(secret: str, audience: str, session_id: str, jti: str, lifetime: timedelta) -> str:
    at = now()
    claims = {"sub": session_id, "aud": audience, "jti": jti, "iat": at, "exp": at + lifetime}
    return jwt.encode(claims, secret, algorithm="HS256")


def _read(secret: str, audience: str, token: str | None) -> Renewal:
    try:
        claims = jwt.decode(
            token or "",
            secret,
            algorithms=["HS256"],
            audience=audience,
            options={"require": ["sub", "aud", "jti", "iat", "exp"]},
        )
    except jwt.InvalidTokenError:
        raise InvalidToken from None
    session_id, jti = claims["sub"], claims["jti"]
    if not all(isinstance(value, str) and _HEX_ID.fullmatch(value) for value in (session_id, jti)):
        raise InvalidToken
    return Renewal(session_id, jti)
