"""The backend's SQLite database under test: put back before each case, and looked into by assertions."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

PATIENCE = 10.0  # seconds that a restore waits for others to let go of the database
RETRY = 0.02  # seconds
HELD = (5, 6)  # SQLITE_BUSY, SQLITE_LOCKED


class BackendError(Exception):
    """The backend's database cannot be used as asked; the text says why."""


def database_of(env: dict[str, str], var: Path) -> Path:
    """The file of the backend's database. Raises BackendError when it is no SQLite database."""
    url = env.get("BACKEND_DATABASE_URL", "").strip()
    if not url:
        return var / "backend.db"
    scheme, separator, path = url.partition(":///")
    if not separator or not scheme.startswith("sqlite") or not path:
        raise BackendError(
            "The end-to-end tests put the backend's database back before each case, which they can do with an SQLite "
            "file only: unset BACKEND_DATABASE_URL to run them."
        )
    return Path(path)


class Snapshot:
    """A copy, in memory, of a database that others have open."""

    def __init__(self, database: Path) -> None:
        self.database = database
        self.copy = sqlite3.connect(":memory:", check_same_thread=False)
        with_source = sqlite3.connect(database)
        try:
            with_source.backup(self.copy)
        finally:
            with_source.close()

    def restore(self) -> None:
        """Put the copy back in one transaction. Raises BackendError when others hold the database for PATIENCE."""
        until = time.monotonic() + PATIENCE

        def give_up(status: int, _remaining: int, _total: int) -> None:
            if status in HELD and time.monotonic() > until:
                raise BackendError(f"The backend's database was held by others for {PATIENCE:.0f} s.")

        live = sqlite3.connect(self.database, timeout=RETRY)
        try:
            self.copy.backup(live, progress=give_up, sleep=RETRY)
        finally:
            live.close()

    def close(self) -> None:
        """Forget the copy."""
        self.copy.close()


def count(database: Path, table: str, where: dict[str, Any]) -> int:
    """How many rows of `table` have these values. Raises BackendError for a table or column that is not there."""
    with_database = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=5)
    try:
        columns = {row[1] for row in with_database.execute("SELECT * FROM pragma_table_info(?)", (table,))}
        if not columns:
            raise BackendError(f"the backend has no table `{table}`")
        for column in where:
            if column not in columns:
                raise BackendError(f"the backend's table `{table}` has no column `{column}`")
        condition = " AND ".join(f'"{column}" IS ?' for column in where) or "1"
        query = f'SELECT count(*) FROM "{table}" WHERE {condition}'
        return with_database.execute(query, tuple(where.values())).fetchone()[0]
    except sqlite3.Error as error:
        raise BackendError(f"the backend's database cannot be read: {error}") from error
    finally:
        with_database.close()
