"""A vault as the assistant makes it: SQLite with the tables, the sealing and the tokens that docs/privacy.md names."""

import base64
import hashlib
import hmac
import os
import sqlite3
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_TABLES = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value BLOB);
CREATE TABLE IF NOT EXISTS keys (conversation TEXT PRIMARY KEY, wrapped BLOB, key_id TEXT, created_at TEXT);
CREATE TABLE IF NOT EXISTS entries (conversation TEXT, token TEXT, kind TEXT, ciphertext BLOB, created_at TEXT,
    PRIMARY KEY (conversation, token));
CREATE TABLE IF NOT EXISTS addresses (conversation TEXT PRIMARY KEY, channel TEXT, ciphertext BLOB);
"""
MASTER = base64.urlsafe_b64encode(bytes(range(32))).decode()


class VaultFile:
    """Fills a vault's file; `hold` gives the token that stands for a value."""

    def __init__(self, path: Path, master: str = MASTER, pepper: bytes = b"p" * 32) -> None:
        self.path, self.url = path, f"sqlite:///{path}"
        raw = base64.urlsafe_b64decode(master)
        self._master, self._key_id, self._pepper = AESGCM(raw), hashlib.sha256(raw).hexdigest()[:8], pepper
        self._keys: dict[str, AESGCM] = {}
        with self.connect() as connection:
            connection.executescript(_TABLES)
            connection.execute("PRAGMA journal_mode=WAL")
            sealed = _sealed(self._master, pepper, "pepper")
            connection.execute("INSERT OR REPLACE INTO meta VALUES ('pepper', ?)", (sealed,))

    def connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=5)

    def token(self, kind: str, value: str, form: str) -> str:
        """Ten characters by the normalised `form` of the value, six by how it is written."""
        return f"[[{kind}:{self._hash(f'{kind}|{form}')[:10]}{self._hash(f'{kind}|={value}')[:6]}]]"

    def _hash(self, text: str) -> str:
        return base64.b32encode(hmac.new(self._pepper, text.encode(), hashlib.sha256).digest()).decode().lower()

    def hold(self, conversation: str, kind: str, value: str, form: str = "") -> str:
        token = self.token(kind, value, form or value)
        with self.connect() as connection:
            if conversation not in self._keys:
                raw = os.urandom(32)
                self._keys[conversation] = AESGCM(raw)
                wrapped = _sealed(self._master, raw, f"key|{conversation}")
                connection.execute("INSERT INTO keys VALUES (?, ?, ?, '')", (conversation, wrapped, self._key_id))
            sealed = _sealed(self._keys[conversation], value.encode(), f"{conversation}|{token}")
            connection.execute(
                "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, '')", (conversation, token, kind, sealed)
            )
        return token

    def erase(self, conversation: str) -> None:
        self._keys.pop(conversation, None)
        with self.connect() as connection:
            connection.execute("DELETE FROM keys WHERE conversation = ?", (conversation,))
            connection.execute("DELETE FROM entries WHERE conversation = ?", (conversation,))


def _sealed(key: AESGCM, data: bytes, context: str) -> bytes:
    nonce = os.urandom(12)
    return nonce + key.encrypt(nonce, data, context.encode())
