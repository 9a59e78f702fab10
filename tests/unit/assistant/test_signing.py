import random
import string

import pytest

from assistant.channels import signing

CONVERSATION = "0123456789abcdef0123456789abcdef"


def random_payloads(count):
    rng = random.Random(7)
    letters = string.printable + "é#/{}😀\u200b"
    return ["/" + "".join(rng.choice(letters) for _ in range(rng.randint(0, 60))) for _ in range(count)]


def test_what_is_signed_is_verified_in_its_conversation_only():
    for payload in random_payloads(200):
        signed = signing.sign(payload, CONVERSATION)
        assert signed.startswith(payload + "#")
        assert signing.verify(signed, CONVERSATION) == payload
        assert signing.verify(signed, CONVERSATION[:-1] + "0") is None


def test_no_change_to_a_signed_payload_is_accepted():
    signed = signing.sign('/affirm{"a": 1}', CONVERSATION)
    for position in range(len(signed)):
        other = "0" if signed[position] != "0" else "1"
        assert signing.verify(signed[:position] + other + signed[position + 1 :], CONVERSATION) is None
    assert signing.verify(signed[:-1], CONVERSATION) is None
    assert signing.verify(signed.upper(), CONVERSATION) is None
    for forged in ["", "#", "/affirm", "/affirm#", "/affirm#" + "0" * 32, "/affirm#" + "é" * 32]:
        assert signing.verify(forged, CONVERSATION) is None


def test_another_secret_signs_otherwise(monkeypatch):
    signed = signing.sign("/affirm", CONVERSATION)
    monkeypatch.setenv("TANDEM_SECRET", "another secret of more than 32 characters")
    assert signing.verify(signed, CONVERSATION) is None


def test_a_missing_secret_says_what_to_do(monkeypatch):
    monkeypatch.delenv("TANDEM_SECRET")
    with pytest.raises(signing.SecretMissing, match="TANDEM_SECRET is not set: start Tandem with `make run`"):
        signing.sign("/affirm", CONVERSATION)
