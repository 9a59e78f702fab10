"""The vault: what the tokens in stored conversations stand for, encrypted with one key for each conversation.

A conversation's data key is wrapped by the master key of TANDEM_VAULT_KEY. Who deletes a conversation's key makes
all that was stored of its personal data unreadable, in backups too.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError

from assistant.privacy.keys import KEY_BYTES, MasterKeys, VaultError, seal, unseal
from assistant.privacy.tokens import KINDS, TOKEN, person, token
from assistant.privacy.vault_database import ADDRESSES, ENTRIES, KEYS, META, engine, metadata, url_from_environment

PEPPER = "pepper"
MAX_CONVERSATIONS = 1000  # whose decrypted values stay in memory
ATTEMPTS = 3


@dataclass
class Known:
    """The values of one conversation, in clear: token → value, and the other way round by kind and value."""

    wrapped: bytes
    key: bytes
    values: dict[str, str] = field(default_factory=dict)
    tokens: dict[tuple[str, str], str] = field(default_factory=dict)

    def add(self, name: str, value: str) -> None:
        """A token and what it stands for."""
        self.values[name] = value
        self.tokens[_kind(name), value] = name


class Vault:
    """The vault's database; one for each process."""

    def __init__(self, url: str, keys: MasterKeys) -> None:
        """Opens the database at an SQLAlchemy URL and makes its tables.

        Raises:
            VaultError: the database cannot be opened.
            Unreadable: it was written with another master key.
        """
        self.keys = keys
        self._known: OrderedDict[str, Known] = OrderedDict()
        self.engine = engine(url)
        try:
            metadata.create_all(self.engine)
        except SQLAlchemyError as error:
            raise VaultError(
                f"The vault's database cannot be opened ({type(error).__name__}): look at VAULT_DATABASE_URL."
            ) from None
        self._pepper = self._read_pepper()

    def close(self) -> None:
        """Closes the database's connections."""
        self._known.clear()
        self.engine.dispose()

    def token(self, kind: str, value: str) -> str:
        """The token for a value."""
        return token(self._pepper, kind, value)

    def known(self, conversation: str) -> Known | None:
        """The conversation's values as they are now in the database; None when it has none.

        Raises:
            Unreadable: its key or a value does not open.
        """
        mine = sa.select(KEYS.c.wrapped, KEYS.c.key_id).where(KEYS.c.conversation == conversation)
        with self.engine.connect() as db:
            row = db.execute(mine).first()
            entries = db.execute(
                sa.select(ENTRIES.c.token, ENTRIES.c.ciphertext).where(ENTRIES.c.conversation == conversation)
            ).all()
        if row is None:
            self._known.pop(conversation, None)
            return None
        known = self._known.get(conversation)
        if known is None or known.wrapped != row.wrapped or len(known.values) > len(entries):
            known = Known(row.wrapped, self.keys.unwrap(row.wrapped, _key_context(conversation), row.key_id))
        for name, blob in entries:
            if name not in known.values:
                known.add(name, unseal(known.key, blob, f"{conversation}|{name}").decode("utf-8", "surrogatepass"))
        self._remember(conversation, known)
        return known

    def put(self, conversation: str, values: Iterable[tuple[str, str]]) -> Known | None:
        """Keeps values, each a (kind, value); returns all of the conversation's as known() does."""
        wanted = list(values)
        known = self._known.get(conversation) or self.known(conversation)
        for _ in range(ATTEMPTS):
            new = {pair for pair in wanted if known is None or pair not in known.tokens}
            if not new:
                return known
            known = known or self._create_key(conversation)
            rows = {self.token(*pair): pair for pair in new}
            if self._add(conversation, known, rows):
                for name, (_, value) in rows.items():
                    known.add(name, value)
                return known
            # Another process kept one of the values, or erased the conversation.
            known = self.known(conversation)
        raise VaultError("The vault's database takes no rows: look at VAULT_DATABASE_URL.")

    def _add(self, conversation: str, known: Known, rows: dict[str, tuple[str, str]]) -> bool:
        key_there = sa.select(KEYS.c.wrapped).where(KEYS.c.conversation == conversation)
        entries = [
            {
                "conversation": conversation,
                "token": name,
                "kind": kind,
                "ciphertext": seal(known.key, value.encode("utf-8", "surrogatepass"), f"{conversation}|{name}"),
                "created_at": _now(),
            }
            for name, (kind, value) in rows.items()
        ]
        try:
            with self.transaction() as db:
                db.execute(sa.insert(ENTRIES), entries)
                if db.execute(key_there).scalar() != known.wrapped:
                    db.rollback()
                    return False
        except IntegrityError:
            return False
        return True

    def reveal(self, conversation: str, text: str) -> str:
        """The text with the tokens of this conversation replaced by what they stand for; others stay."""
        if "[[" not in text:
            return text
        known = self.known(conversation)
        values = known.values if known else {}
        return TOKEN.sub(lambda found: values.get(found.group(), found.group()), text)

    def find(self, value: str) -> list[str]:
        """The conversations in which a value occurs, of any kind and however it was written; sorted."""
        like = [ENTRIES.c.token.like(f"[[{kind}:{person(self._pepper, kind, value)}%") for kind in KINDS]
        with self.engine.connect() as db:
            return sorted(db.execute(sa.select(ENTRIES.c.conversation).where(sa.or_(*like)).distinct()).scalars())

    def remember_address(self, conversation: str, channel: str, address: str) -> None:
        """Keeps the address at which a channel reaches the conversation's customer, instead of a former one."""
        known = self.known(conversation) or self._create_key(conversation)
        blob = seal(known.key, address.encode("utf-8", "surrogatepass"), f"address|{conversation}")
        with self.transaction() as db:
            db.execute(sa.delete(ADDRESSES).where(ADDRESSES.c.conversation == conversation))
            db.execute(sa.insert(ADDRESSES).values(conversation=conversation, channel=channel, ciphertext=blob))

    def address(self, conversation: str) -> str | None:
        """The address that was kept, or None."""
        with self.engine.connect() as db:
            mine = sa.select(KEYS.c.wrapped, KEYS.c.key_id, ADDRESSES.c.ciphertext).join_from(
                KEYS, ADDRESSES, KEYS.c.conversation == ADDRESSES.c.conversation
            )
            row = db.execute(mine.where(KEYS.c.conversation == conversation)).first()
        if row is None:
            return None
        key = self.keys.unwrap(row.wrapped, _key_context(conversation), row.key_id)
        return unseal(key, row.ciphertext, f"address|{conversation}").decode("utf-8", "surrogatepass")

    def forget(self, conversation: str) -> dict[str, int]:
        """Deletes the conversation's key, entries and address; returns how many rows of each table."""
        self._known.pop(conversation, None)
        deleted = {}
        with self.transaction() as db:
            for table in (KEYS, ENTRIES, ADDRESSES):
                deleted[table.name] = db.execute(sa.delete(table).where(table.c.conversation == conversation)).rowcount
        return deleted

    def clean_up(self) -> bool:
        """Takes deleted bytes out of SQLite's files; False when the database was too busy for that."""
        if self.engine.dialect.name != "sqlite":
            return True
        try:
            with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
                db.execute(sa.text("VACUUM"))
                busy = db.execute(sa.text("PRAGMA wal_checkpoint(TRUNCATE)")).first()
            return busy is None or not busy[0]
        except OperationalError:
            return False

    @contextmanager
    def transaction(self) -> Iterator[sa.engine.Connection]:
        """A connection whose changes are committed at the end, or not at all."""
        with self.engine.begin() as db:
            yield db

    def _insert(self, table: sa.Table, row: dict[str, Any]) -> bool:
        """Adds a row; False when there is one of this key already."""
        try:
            with self.transaction() as db:
                db.execute(sa.insert(table).values(**row))
            return True
        except IntegrityError:
            return False

    def _create_key(self, conversation: str) -> Known:
        key = os.urandom(KEY_BYTES)
        wrapped = self.keys.wrap(key, _key_context(conversation))
        row = {"conversation": conversation, "wrapped": wrapped, "key_id": self.keys.key_id, "created_at": _now()}
        known: Known | None = Known(wrapped, key)
        if not self._insert(KEYS, row):
            known = self.known(conversation)  # another process made one
        if known is None:
            raise VaultError("A conversation was erased while it was written to.")
        self._remember(conversation, known)
        return known

    def _read_pepper(self) -> bytes:
        for _ in range(2):
            with self.engine.connect() as db:
                blob = db.execute(sa.select(META.c.value).where(META.c.name == PEPPER)).scalar()
            if blob is not None:
                return self.keys.unwrap(blob, PEPPER)
            self._insert(META, {"name": PEPPER, "value": self.keys.wrap(os.urandom(32), PEPPER)})
        raise VaultError("The vault's database takes no rows: look at VAULT_DATABASE_URL.")

    def _remember(self, conversation: str, known: Known) -> None:
        self._known[conversation] = known
        self._known.move_to_end(conversation)
        if len(self._known) > MAX_CONVERSATIONS:
            self._known.popitem(last=False)


def shared_vault() -> Vault:
    """The process's vault, by the environment.

    Raises:
        VaultError: a setting is missing or wrong, or the database cannot be opened with it.
    """
    # Connections must not be shared with a forked worker.
    return _open(url_from_environment(), os.environ.get("TANDEM_VAULT_KEY", ""), os.getpid())


@lru_cache(maxsize=1)
def _open(url: str, keys: str, _pid: int) -> Vault:
    return Vault(url, MasterKeys.parse(keys))


def _key_context(conversation: str) -> str:
    return f"key|{conversation}"


def _kind(name: str) -> str:
    return name[2:].partition(":")[0]


def _now() -> datetime:
    return datetime.now(timezone.utc).replace(tzinfo=None)
