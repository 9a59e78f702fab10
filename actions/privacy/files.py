"""Deleting for good: SQLite files without what was deleted, and the files that are no databases."""

import fcntl
import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import make_url

from actions.copilot.articles import Draft, folder
from actions.metering import usage_file

PATIENCE = 30.0  # seconds that other processes may take to let go of a database


class Busy(Exception):
    """A database is held by another process, so that deleted data is still in its file; the text says what to do."""


def sqlite_file(url: str) -> Path | None:
    """The file of an SQLite URL; None for a server."""
    parsed = make_url(url)
    named = parsed.get_backend_name() == "sqlite" and parsed.database not in (None, "", ":memory:")
    return Path(str(parsed.database)) if named else None


def scrub(path: Path) -> None:
    """Rewrite an SQLite file, while others use it, so that nothing is left in it of what was deleted. Raises Busy."""
    if not path.is_file():
        return
    until = time.monotonic() + PATIENCE
    try:
        with closing(sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)) as connection:
            connection.execute("PRAGMA secure_delete=ON")
            connection.execute("VACUUM")
            # A reader keeps the log of changes (-wal), and with it old pages, from being emptied.
            while connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                if time.monotonic() > until:
                    raise Busy(f"{path.name} is read all the time: run this again in a quieter moment.")
                time.sleep(0.1)
    except sqlite3.OperationalError as error:
        raise Busy(f"{path.name} could not be rewritten ({error}): run this again in a quieter moment.") from None


def change_usage(change: Callable[[dict[str, Any]], dict[str, Any] | None], dry_run: bool = False) -> int:
    """Replace or (None) drop lines of llm-usage.jsonl, in place so that a running server goes on; how many changed."""
    path = usage_file()
    if not path.is_file():
        return 0
    with path.open("r+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # actions.metering takes it for each line
        lines = file.read().splitlines()
        kept, changed = [], 0
        for text in lines:
            try:
                line = json.loads(text)
            except ValueError:
                continue
            made = change(line)
            changed += made != line
            if made is not None:
                kept.append(json.dumps(made))
        if changed and not dry_run:
            file.seek(0)
            file.write("".join(f"{text}\n" for text in kept))
            file.truncate()
            file.flush()
            os.fsync(file.fileno())
    return changed


def forget_drafts(conversations: Iterable[str]) -> int:
    """Delete the drafts of articles that were made of these conversations; how many.

    What a reviewer has accepted is an article without personal data and stays, without its conversation.
    """
    gone = set(conversations)
    count = 0
    for path in sorted(folder().glob("*.json")):
        draft = Draft(**json.loads(path.read_text(encoding="utf-8")))
        if draft.conversation in gone:
            path.unlink()
            count += 1
    return count
