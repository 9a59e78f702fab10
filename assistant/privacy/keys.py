"""The vault's master keys and what is encrypted with them (AES-256-GCM)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from rasa.shared.exceptions import RasaException

KEY_BYTES = 32
NONCE_BYTES = 12
HOW = "the urlsafe base64 of 32 bytes, or two of them with a comma between (new,old) while keys are rotated"


class VaultError(RasaException):
    """The vault cannot be used; the text says what to do and holds no personal data."""


class KeyFormatError(VaultError):
    """TANDEM_VAULT_KEY is missing or is not what it should be."""


class Unreadable(VaultError):
    """Something encrypted does not open: it was changed, or another key encrypted it."""


def seal(key: bytes, plain: bytes, context: str) -> bytes:
    """12 bytes of nonce and the ciphertext, which opens with the same key and context only."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, context.encode())


def unseal(key: bytes, blob: bytes, context: str) -> bytes:
    """What seal() took.

    Raises:
        Unreadable: another key or context, or changed bytes.
    """
    try:
        return AESGCM(key).decrypt(blob[:NONCE_BYTES], blob[NONCE_BYTES:], context.encode())
    except (InvalidTag, ValueError):
        raise Unreadable(
            "Something in the vault does not open: it was changed, or TANDEM_VAULT_KEY is not the key that it was "
            "written with. Put the former key back, or the database."
        ) from None


class MasterKeys:
    """The keys of TANDEM_VAULT_KEY: the first encrypts, all of them open."""

    def __init__(self, keys: list[bytes]) -> None:
        """Takes at least one key of 32 bytes, the newest first."""
        self._keys = {_id(key): key for key in keys}
        self.key_id = _id(keys[0])
        self._newest = keys[0]

    @classmethod
    def from_environment(cls) -> MasterKeys:
        """Reads TANDEM_VAULT_KEY.

        Raises:
            KeyFormatError: it is not set, or not one or two keys.
        """
        return cls.parse(os.environ.get("TANDEM_VAULT_KEY", ""))

    @classmethod
    def parse(cls, text: str) -> MasterKeys:
        """The keys of `new` or `new,old`.

        Raises:
            KeyFormatError: a part is not the base64 of 32 bytes.
        """
        if not text.strip():
            raise KeyFormatError("TANDEM_VAULT_KEY is not set: start Tandem with `make run`, or load var/env first.")
        return cls([_decode(part.strip()) for part in text.split(",")])

    def wrap(self, plain: bytes, context: str) -> bytes:
        """`plain` encrypted with the newest key."""
        return seal(self._newest, plain, context)

    def unwrap(self, blob: bytes, context: str, key_id: str | None = None) -> bytes:
        """What wrap() took, with the key of that id, or with any of them.

        Raises:
            Unreadable: none of the keys opens it.
        """
        if key_id is not None and key_id not in self._keys:
            raise Unreadable(
                f"The vault was written with the key {key_id}, which is not in TANDEM_VAULT_KEY: "
                "put that key back, after a comma, behind the one that is there."
            )
        candidates = [self._keys[key_id]] if key_id else list(self._keys.values())
        for key in candidates[:-1]:
            try:
                return unseal(key, blob, context)
            except Unreadable:
                continue
        return unseal(candidates[-1], blob, context)


def _decode(part: str) -> bytes:
    try:
        key = base64.b64decode(part, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise KeyFormatError(f"TANDEM_VAULT_KEY is not a key: it must be {HOW}.")
    return key


def _id(key: bytes) -> str:
    return hashlib.sha256(key).hexdigest()[:8]
