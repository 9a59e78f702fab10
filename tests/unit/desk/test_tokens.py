"""Chat tokens and signed buttons."""

import hashlib
import hmac
from datetime import timedelta

import jwt
import pytest

from desk import tokens
from desk.models import now

SECRET = "k" * 40


def forged(**changes):
    claims = {"sub": "a" * 32, "aud": "webchat", "iat": now(), "exp": now() + timedelta(hours=1)}
    return {name: value for name, value in (claims | changes).items() if value is not None}


def test_a_token_opens_the_conversation_that_it_was_made_for():
    session = tokens.issue(SECRET)
    assert len(session.session_id) == 32
    assert tokens.session_of(SECRET, session.token) == session.session_id
    claims = jwt.decode(session.token, SECRET, algorithms=["HS256"], audience="webchat")
    assert claims["exp"] - claims["iat"] == 24 * 3600


def test_a_renewed_token_opens_the_same_conversation():
    old = tokens.issue(SECRET)
    assert tokens.issue(SECRET, old.session_id).session_id == old.session_id
    assert tokens.issue(SECRET).session_id != old.session_id


@pytest.mark.parametrize(
    "token",
    [
        None,
        "",
        "nonsense",
        jwt.encode(forged(), "x" * 40, algorithm="HS256"),
        jwt.encode(forged(), None, algorithm="none"),
        jwt.encode(forged(exp=now() - timedelta(seconds=1)), SECRET, algorithm="HS256"),
        jwt.encode(forged(exp=None), SECRET, algorithm="HS256"),
        jwt.encode(forged(aud="desk"), SECRET, algorithm="HS256"),
        jwt.encode(forged(sub="../etc"), SECRET, algorithm="HS256"),
    ],
)
def test_every_other_token_is_refused(token):
    with pytest.raises(tokens.InvalidToken):
        tokens.session_of(SECRET, token)


def test_buttons_are_signed_for_one_conversation():
    expected = hmac.new(SECRET.encode(), b"button\nabc\n/affirm", hashlib.sha256).hexdigest()[:32]
    assert tokens.signed(SECRET, "abc", "/affirm") == f"/affirm#{expected}"
    assert tokens.signed(SECRET, "abc", f"/affirm#{expected}") == f"/affirm#{expected}"
    assert tokens.signed(SECRET, "abd", "/affirm") != f"/affirm#{expected}"
    assert tokens.signed(SECRET, "abc", "No connection") == "No connection"
