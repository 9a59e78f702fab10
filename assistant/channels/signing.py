"""What the channels sign: button payloads, so that only those that we sent are read as intents."""

from __future__ import annotations

import hashlib
import hmac
import os

from rasa.shared.exceptions import RasaException

SEPARATOR = "#"
SIGNATURE_LENGTH = 32


class SecretMissing(RasaException):
    """TANDEM_SECRET is not set."""


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
