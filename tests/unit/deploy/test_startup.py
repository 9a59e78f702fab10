"""What keeps a service from starting: guessable secrets and open addresses."""

from __future__ import annotations

import logging
import secrets

import pytest

from common.startup import StartRefused, check_secrets, host

NAMES = ("TANDEM_SECRET", "RASA_TOKEN")


def env(**more: str) -> dict[str, str]:
    return {"TANDEM_DEMO": "0", **{name: secrets.token_hex(32) for name in NAMES}} | more


def test_random_secrets_pass_in_each_usual_form():
    check_secrets(env(), NAMES)
    check_secrets(env(RASA_TOKEN=secrets.token_urlsafe(32)), NAMES)
    check_secrets(env(RASA_TOKEN=""), NAMES)  # that it is there is the service's own check


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("0123456789abcdef0123456789abcde", "too short"),
        ("change-me-change-me-change-me-change-me", "can guess"),
        ("Change_Me" + secrets.token_hex(16), "can guess"),
        ("a-secret-that-only-these-tests-know-0123", "can guess"),
        ("s" * 64, "can guess"),
        ("abababab" * 8, "can guess"),
    ],
)
def test_a_secret_that_others_could_guess_is_refused_outside_the_demo(value, said):
    with pytest.raises(StartRefused, match=f"^RASA_TOKEN .*{said}.*openssl rand -hex 32") as refused:
        check_secrets(env(RASA_TOKEN=value), NAMES)
    assert value not in str(refused.value)
    check_secrets(env(RASA_TOKEN=value, TANDEM_DEMO="1"), NAMES)


def test_one_secret_for_two_things_is_refused():
    same = secrets.token_hex(32)
    with pytest.raises(StartRefused, match="RASA_TOKEN and TANDEM_SECRET are the same"):
        check_secrets(env(TANDEM_SECRET=same, RASA_TOKEN=same), NAMES)


@pytest.mark.parametrize("value", ["", "127.0.0.1", "127.3.2.1", "localhost", "::1"])
def test_loopback_needs_no_leave(value, caplog):
    assert host({"DESK_HOST": value}, "DESK_HOST") == (value or "127.0.0.1")
    assert not caplog.records


@pytest.mark.parametrize("value", ["0.0.0.0", "::", "10.0.0.5", "desk.example.com", "127.0.0.1.example.com"])
def test_other_addresses_must_be_meant_and_are_told(value, caplog):
    with pytest.raises(StartRefused, match=f"DESK_HOST is {value}.*TANDEM_EXPOSE=1"):
        host({"DESK_HOST": value}, "DESK_HOST")
    with caplog.at_level(logging.WARNING):
        assert host({"DESK_HOST": value, "TANDEM_EXPOSE": "1"}, "DESK_HOST") == value
    assert [record.getMessage() for record in caplog.records] == ["exposed"]
