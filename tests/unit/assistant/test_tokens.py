"""The web chat's access tokens."""

import time
import uuid

import jwt
import pytest

from assistant.channels import tokens
from tests.unit.assistant.conftest import SECRET

CONVERSATION = "0123456789abcdef0123456789abcdef"


def token(secret=SECRET, algorithm="HS256", **claims):
    """As the desk issues them; a claim of None is left out."""
    now = int(time.time())
    made = {"sub": CONVERSATION, "aud": "webchat", "jti": uuid.uuid4().hex, "iat": now, "exp": now + 900}
    content = {name: value for name, value in (made | claims).items() if value is not None}
    return jwt.encode(content, secret, algorithm=algorithm)


def test_a_good_token_names_the_conversation_and_its_end():
    read = tokens.read_token(token(exp=2_000_000_000))
    assert (read.conversation, read.expires_at) == (CONVERSATION, 2_000_000_000)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (token(secret="the wrong secret, of more than 32 characters"), tokens.INVALID),
        (token(exp=int(time.time()) - 60), tokens.EXPIRED),
        (token(aud="desk"), tokens.INVALID),
        (token(aud="webchat-renewal"), tokens.INVALID),
        (token(sub=None), tokens.INVALID),
        (token(exp=None), tokens.INVALID),
        (token(jti=None), tokens.INVALID),
        (token(sub=""), tokens.INVALID),
        (token(None, "none"), tokens.INVALID),
        ("", tokens.INVALID),
        (None, tokens.INVALID),
        ({"sub": CONVERSATION}, tokens.INVALID),
        (tokens.AUDIENCE, tokens.INVALID),
    ],
)
def test_other_tokens_are_refused(bad, reason):
    with pytest.raises(tokens.TokenRefused, match=reason):
        tokens.read_token(bad)
