"""The tokens of a chat session, and signed buttons."""

import hashlib
import hmac
from datetime import timedelta

import jwt
import pytest

from desk import tokens
from desk.models import now

SECRET = "k" * 40
CONVERSATION = "a" * 32


def forged(secret=SECRET, algorithm="HS256", **changes):
    claims = {"sub": CONVERSATION, "jti": "b" * 32, "aud": "webchat", "iat": now(), "exp": now() + timedelta(hours=1)}
    content = {name: value for name, value in (claims | changes).items() if value is not None}
    return jwt.encode(content, secret, algorithm=algorithm)


def test_an_access_token_opens_its_conversation_for_a_quarter_of_an_hour():
    token = tokens.access_token(SECRET, CONVERSATION)
    assert tokens.read_access(SECRET, token) == CONVERSATION
    claims = jwt.decode(token, SECRET, algorithms=["HS256"], audience="webchat")
    assert claims["exp"] - claims["iat"] == 15 * 60


def test_no_two_access_tokens_are_the_same():
    assert tokens.access_token(SECRET, CONVERSATION) != tokens.access_token(SECRET, CONVERSATION)


def test_a_renewal_token_says_whose_it_is_and_which():
    renewal = tokens.Renewal(CONVERSATION, "c" * 32)
    assert tokens.read_renewal(SECRET, tokens.renewal_token(SECRET, renewal)) == renewal


def test_neither_token_does_the_work_of_the_other():
    with pytest.raises(tokens.InvalidToken):
        tokens.read_renewal(SECRET, tokens.access_token(SECRET, CONVERSATION))
    with pytest.raises(tokens.InvalidToken):
        tokens.read_access(SECRET, tokens.renewal_token(SECRET, tokens.Renewal(CONVERSATION, "c" * 32)))


@pytest.mark.parametrize(
    "token",
    [
        None,
        "",
        "nonsense",
        forged("x" * 40),
        forged(None, "none"),
        forged(exp=now() - timedelta(seconds=1)),
        forged(exp=None),
        forged(jti=None),
        forged(jti="../etc"),
        forged(aud="desk"),
        forged(sub="../etc"),
    ],
)
def test_every_other_token_is_refused(token):
    with pytest.raises(tokens.InvalidToken):
        tokens.read_access(SECRET, token)


def test_buttons_are_signed_for_one_conversation():
    expected = hmac.new(SECRET.encode(), b"button\nabc\n/affirm", hashlib.sha256).hexdigest()[:32]
    assert tokens.signed(SECRET, "abc", "/affirm") == f"/affirm#{expected}"
    assert tokens.signed(SECRET, "abc", f"/affirm#{expected}") == f"/affirm#{expected}"
    assert tokens.signed(SECRET, "abd", "/affirm") != f"/affirm#{expected}"
    assert tokens.signed(SECRET, "abc", "No connection") == "No connection"
