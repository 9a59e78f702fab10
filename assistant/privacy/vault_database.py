"""The vault's database: its tables, which the desk reads, too, and how it is opened."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import QueuePool

from assistant.privacy.keys import VaultError

LOCK_SECONDS = 5

metadata = sa.MetaData()
META = sa.Table(
    "meta",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("value", sa.LargeBinary, nullable=False),
)
KEYS = sa.Table(
    "keys",
    metadata,
    sa.Column("conversation", sa.String(255), primary_key=True),
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
    sa.Column("key_id", sa.String(8), nullable=False),
    sa.Column("created_at", sa.DateTime, nullable=False),
)
ENTRIES = sa.Table(
    "entries",
    metadata,
    sa.Column("conversation", sa.String(255), primary_key=True),
    sa.Column("token", sa.String(40), primary_key=True, index=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("ciphertext", sa.LargeBinary, nullable=False),
    sa.Column("created_at", sa.DateTime, nullable=False),
)
ADDRESSES = sa.Table(
    "addresses",
    metadata,
    sa.Column("conversation", sa.String(255), primary_key=True),
    sa.Column("channel", sa.String(64), nullable=False),
    sa.Column("ciphertext", sa.LargeBinary, nullable=False),
)


def url_from_environment() -> str:
    """VAULT_DATABASE_URL, by default the SQLite database vault.db in TANDEM_VAR.

    Raises:
        VaultError: neither is set.
    """
    url, var = os.environ.get("VAULT_DATABASE_URL"), os.environ.get("TANDEM_VAR")
    if not url and not var:
        raise VaultError("TANDEM_VAR is not set: start Tandem with `make run`, or load var/env first.")
    return url or f"sqlite:///{Path(str(var)).resolve() / 'vault.db'}"


def engine(url: str) -> sa.engine.Engine:
    """The engine of an SQLAlchemy URL.

    Raises:
        VaultError: it is no URL of a database, or the folder cannot be written to.
    """
    try:
        parsed = sa.engine.make_url(url)
        if parsed.get_backend_name() != "sqlite":
            return sa.create_engine(parsed, future=True, pool_pre_ping=True)
        if parsed.database:
            _make_private(Path(parsed.database))
        waits = {"timeout": LOCK_SECONDS, "check_same_thread": False}
        made = sa.create_engine(parsed, future=True, poolclass=QueuePool, connect_args=waits)
    except (SQLAlchemyError, ImportError, OSError):
        raise VaultError("VAULT_DATABASE_URL is not the URL of a database that can be opened.") from None
    sa.event.listen(made, "connect", _prepare_sqlite)
    return made


def _make_private(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # Readers (the desk) never wait for a writer; deleted values are overwritten.
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA secure_delete=ON")
