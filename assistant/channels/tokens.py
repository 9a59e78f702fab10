"""The web chat's access tokens, which the desk issues (desk/tokens.py): who may open which conversation, until when."""

from __future__ import annotations

from dataclasses import dataclass

import jwt

from assistant.channels.signing import secret

AUDIENCE = "webchat"
CLOCK_SKEW_SECONDS = 10

EXPIRED, REVOKED, INVALID = "token_expired", "token_revoked", "token_invalid"


class TokenRefused(Exception):
    """An access token that is not accepted; str() is EXPIRED, REVOKED or INVALID."""


@dataclass(frozen=True)
class ChatToken:
    """What an accepted token says."""

    conversation: str
    expires_at: float  # Unix time, seconds


def read_token(token: object) -> ChatToken:
    """The contents of an access token; whether it was revoked is not looked at.

    Raises:
        TokenRefused: it is expired, not for the web chat, not signed with our secret, or no token at all.
    """
    if not isinstance(token, str):
        raise TokenRefused(INVALID)
    try:
        claims = jwt.decode(
            token,
            secret(),
            algorithms=["HS256"],
            audience=AUDIENCE,
            leeway=CLOCK_SKEW_SECONDS,
            options={"require": ["sub", "aud", "jti", "iat", "exp"]},
        )
    except jwt.ExpiredSignatureError as error:
        raise TokenRefused(EXPIRED) from error
    except jwt.InvalidTokenError as error:
        raise TokenRefused(INVALID) from error
    conversation = claims["sub"]
    if not conversation or not isinstance(conversation, str):
        raise TokenRefused(INVALID)
    return ChatToken(conversation, float(claims["exp"]))
