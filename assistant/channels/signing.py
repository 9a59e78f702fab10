"""What the channels sign: button payloads (HMAC) and the web chat's session tokens (JWT)."""

from __future__ import annotations

import hashlib
import hmac
import os
from dataclasses import dataclass

import jwt
from rasa.shared.exceptions import RasaException

SEPARATOR = "#"
SIGNATURE_LENGTH = 32
AUDIENCE = "webchat"
CLOCK_SKEW_SECONDS = 10


class SecretMissing(RasaException):
    """TANDEM_SECRET is not set."""


class TokenRefused(Exception):
    """A chat token that is not accepted; str() is `token_expired` or `token_invalid`."""


@dataclass(frozen=True)
class ChatToken:
    """What an accepted chat token says."""

    conversation: str
    expires_at: float  # Unix time, seconds


def secret() -> str:
    """TANDEM_SECRET.

    Raises:
        SecretMissing: it is not set.
    """
    value = os.environ.get("TANDEM_SECRET")
    if not value:
        raise SecretMissing("TANDEM_SECRET is not set: start Tandem with `make run`, or load var/env first.")
    return value


def sign(payload: str, conversation: str) -> str:
    """`payload#signature`, which verify() accepts in this conversation only."""
    return f"{payload}{SEPARATOR}{_signature(payload, conversation)}"


def verify(signed: str, conversation: str) -> str | None:
    """The payload of a signed payload, or None when it was not signed for this conversation."""
    payload, separator, signature = signed.rpartition(SEPARATOR)
    if not separator or len(signature) != SIGNATURE_LENGTH or not signature.isascii():
        return None
    return payload if hmac.compare_digest(signature, _signature(payload, conversation)) else None


def _signature(payload: str, conversation: str) -> str:
    # The prefix keeps a payload's signature from ever being one of a chat token, which has the same key.
    signed = f"button\n{conversation}\n{payload}".encode("utf-8", "surrogatepass")
    return hmac.new(secret().encode(), signed, hashlib.sha256).hexdigest()[:SIGNATURE_LENGTH]


def read_token(token: object) -> ChatToken:
    """The contents of a chat token.

    Raises:
        TokenRefused: it is expired, not for the web chat, not signed with our secret, or no token at all.
    """
    if not isinstance(token, str):
        raise TokenRefused("token_invalid")
    try:
        claims = jwt.decode(
            token,
            secret(),
            algorithms=["HS256"],
            audience=AUDIENCE,
            leeway=CLOCK_SKEW_SECONDS,
            options={"require": ["sub", "aud", "iat", "exp"]},
        )
    except jwt.ExpiredSignatureError as error:
        raise TokenRefused("token_expired") from error
    except jwt.InvalidTokenError as error:
        raise TokenRefused("token_invalid") from error
    conversation = claims["sub"]
    if not conversation or not isinstance(conversation, str):
        raise TokenRefused("token_invalid")
    return ChatToken(conversation, float(claims["exp"]))
