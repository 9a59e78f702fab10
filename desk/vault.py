"""Reads the vault: puts the values in the place of the tokens that the assistant's events carry, [[email:abcd...]].

The assistant fills the vault (docs/privacy.md says what its tables hold); the desk opens it read-only. A conversation
whose key is gone was erased: its tokens stay covered. So they do while the vault cannot be read, and `trouble` is then
the sentence that pages show.
"""

import asyncio
import base64
import binascii
import hashlib
import logging
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import URL, bindparam, event, make_url, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine

from desk.vault_tokens import beginnings, found, replaced

logger = logging.getLogger(__name__)

NONCE = 12  # bytes before each ciphertext
KEEP_SECONDS = 30  # how long values stay in memory: an erased key is forgotten soon
KEPT = 500  # conversations in memory
_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}

_KEYS = text("SELECT conversation, wrapped, key_id FROM keys WHERE conversation IN :conversations").bindparams(
    bindparam("conversations", expanding=True)
)
_ENTRIES = text(
    "SELECT conversation, token, ciphertext FROM entries WHERE conversation IN :conversations AND token IN :tokens"
).bindparams(bindparam("conversations", expanding=True), bindparam("tokens", expanding=True))
_PEPPER = text("SELECT value FROM meta WHERE name = 'pepper'")

T = TypeVar("T")


class VaultTrouble(Exception):
    """The vault cannot be read; the message is one sentence for the desk's people."""


class Vault:
    """The vault of one installation. `keys` are the master keys, "new,old" while they are rotated."""

    def __init__(self, url: str, keys: str) -> None:
        self.trouble = ""
        self._keys = keys
        self._masters: dict[str, AESGCM] | None = None
        parsed = make_url(url)
        self._file = Path(parsed.database) if parsed.get_backend_name() == "sqlite" and parsed.database else None
        self._engine = create_async_engine(_asynchronous(parsed), pool_pre_ping=self._file is None)
        if self._file:
            event.listen(self._engine.sync_engine, "connect", _read_only)
        self._kept: OrderedDict[str, dict[str, str]] = OrderedDict()
        self._pepper: bytes | None = None

    async def close(self) -> None:
        """Close the connections and forget what was read."""
        self._kept.clear()
        await self._engine.dispose()

    async def reveal(self, conversation: str, value: T) -> T:
        """The text, or any JSON, with the values of this conversation in place of its tokens. Never raises."""
        [revealed] = await self.reveal_all([(conversation, value)])
        return revealed

    async def reveal_all(self, pairs: Sequence[tuple[str, T]]) -> list[T]:
        """As `reveal`, for (conversation, value) pairs, with few queries."""
        wanted: dict[str, set[str]] = {}
        for conversation, value in pairs:
            if tokens := found(value):
                wanted.setdefault(conversation, set()).update(tokens)
        known = await self._values(wanted) if wanted else {}
        return [replaced(value, known.get(conversation, {})) for conversation, value in pairs]

    async def beginnings(self, value: str) -> list[str]:
        """How the tokens of a value begin, to search for it; none while the vault cannot be read."""
        try:
            return beginnings(await self._read_pepper(), value) if value.strip() else []
        except (VaultTrouble, SQLAlchemyError) as error:
            self._report(error)
            return []

    async def _values(self, wanted: Mapping[str, set[str]]) -> dict[str, dict[str, str]]:
        known = {conversation: dict(self._kept.get(conversation, {})) for conversation in wanted}
        missing = {c: tokens - known[c].keys() for c, tokens in wanted.items()}
        missing = {c: tokens for c, tokens in missing.items() if tokens}
        if not missing:
            return known
        try:
            read, damaged = await self._read(missing)
        except (VaultTrouble, SQLAlchemyError) as error:
            self._report(error)
            return known
        self._report(damaged)
        for conversation, values in read.items():
            known[conversation] |= values
            self._keep(conversation, values)
        return known

    async def _read(self, missing: Mapping[str, set[str]]) -> tuple[dict[str, dict[str, str]], VaultTrouble | None]:
        """The values that can be read, and what keeps others from it."""
        masters = self._open()
        tokens = sorted(set().union(*missing.values()))
        keys: dict[str, AESGCM] = {}
        read: dict[str, dict[str, str]] = {}
        trouble = None
        async with self._engine.connect() as connection:
            for conversation, wrapped, key_id in await connection.execute(_KEYS, {"conversations": list(missing)}):
                try:
                    fitting = [masters[key_id]] if key_id in masters else []
                    keys[conversation] = AESGCM(_unwrapped(fitting, wrapped, f"key|{conversation}"))
                except VaultTrouble as error:
                    trouble = error
            rows = await connection.execute(_ENTRIES, {"conversations": list(keys), "tokens": tokens}) if keys else ()
            for conversation, token, ciphertext in rows:
                if token in missing[conversation]:
                    try:
                        value = _decrypted(keys[conversation], ciphertext, f"{conversation}|{token}").decode(
                            errors="replace"
                        )
                    except VaultTrouble as error:
                        trouble = error
                    else:
                        read.setdefault(conversation, {})[token] = value
        return read, trouble

    async def _read_pepper(self) -> bytes:
        if self._pepper is None:
            masters = self._open()
            async with self._engine.connect() as connection:
                wrapped = await connection.scalar(_PEPPER)
            if wrapped is None:
                raise VaultTrouble("the vault is empty")
            self._pepper = _unwrapped(masters.values(), wrapped, "pepper")
        return self._pepper

    def _open(self) -> dict[str, AESGCM]:
        """The master keys by their ids, once there is a vault that they could open."""
        if self._file and not self._file.is_file():
            raise VaultTrouble("there is no vault yet")
        if self._masters is None:
            self._masters = _master_keys(self._keys)
        return self._masters

    def _keep(self, conversation: str, values: dict[str, str]) -> None:
        """Keep values for a short while, not for longer from the first of them on."""
        if conversation not in self._kept:
            asyncio.get_running_loop().call_later(KEEP_SECONDS, self._kept.pop, conversation, None)
        self._kept.setdefault(conversation, {}).update(values)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)

    def _report(self, error: Exception | None) -> None:
        """Keep the sentence for the pages, and log a trouble once, not at every page."""
        reason = "" if error is None else str(error) if isinstance(error, VaultTrouble) else "it cannot be read"
        trouble = f"Personal data can't be shown just now: {reason}. Tell an operator." if reason else ""
        if trouble != self.trouble:
            if trouble:
                logger.error("The vault: %s (%s)", reason, type(error).__name__)
            else:
                logger.info("The vault can be read again")
            self.trouble = trouble


def _asynchronous(url: URL) -> URL:
    """The URL, which is written for the assistant's drivers, for the desk's."""
    return url.set(drivername=_DRIVERS.get(url.get_backend_name(), url.drivername))


def _read_only(connection, _record) -> None:  # type: ignore[no-untyped-def]
    cursor = connection.cursor()
    cursor.execute("PRAGMA busy_timeout=2000")
    cursor.execute("PRAGMA query_only=ON")
    cursor.close()


def _master_keys(text: str) -> dict[str, AESGCM]:
    keys: dict[str, AESGCM] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        try:
            raw = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
        except (ValueError, binascii.Error):
            raw = b""
        if len(raw) != 32:
            raise VaultTrouble("TANDEM_VAULT_KEY is not 32 bytes in base64")
        keys[hashlib.sha256(raw).hexdigest()[:8]] = AESGCM(raw)
    if not keys:
        raise VaultTrouble("TANDEM_VAULT_KEY is not set")
    return keys


def _unwrapped(masters: Iterable[AESGCM], blob: bytes, context: str) -> bytes:
    for master in masters:
        try:
            return _decrypted(master, blob, context)
        except VaultTrouble:
            continue
    raise VaultTrouble("the vault was locked with another key than TANDEM_VAULT_KEY")


def _decrypted(key: AESGCM, blob: bytes, context: str) -> bytes:
    try:
        return key.decrypt(blob[:NONCE], blob[NONCE:], context.encode())
    except InvalidTag:
        raise VaultTrouble("an entry of the vault is damaged") from None
