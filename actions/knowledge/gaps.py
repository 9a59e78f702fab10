"""The knowledge-gap list: questions that no article answers, grouped by meaning, for those who write articles.

`python -m actions.knowledge.gaps` (`make gaps`) prints it, most asked first; `--forget` empties it. The questions are
redacted before they come here. The list is $TANDEM_VAR/knowledge.db (SQLite), shared by the processes of a machine;
a list that cannot be written is logged and never keeps the customer waiting for more than a moment.
"""

import argparse
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from actions.knowledge.encoder import DIMENSION, ModelMissing, encoder
from actions.logs import get_logger
from actions.settings import MissingSetting, var_dir

log = get_logger(__name__)

ALIKE = 0.75  # cosine of questions that are counted together
GROUPS = 2000  # the least asked and oldest go first
LONGEST = 300  # characters of a question
WAIT = 1.0  # seconds for another process's write

_TABLE = """
CREATE TABLE IF NOT EXISTS gaps (
    id INTEGER PRIMARY KEY,
    question TEXT NOT NULL,
    vector BLOB NOT NULL,
    count INTEGER NOT NULL,
    first_seen TEXT NOT NULL,
    last_seen TEXT NOT NULL,
    nearest TEXT NOT NULL,
    score REAL NOT NULL,
    asker TEXT NOT NULL DEFAULT ''
)
"""


@dataclass(frozen=True)
class Gap:
    """Like questions without an answer. `question` is the first of them, `nearest` the article that came closest
    to the latest, `score` its retrieval score (0 to 1); times are ISO 8601 in UTC."""

    question: str
    count: int
    first_seen: str
    last_seen: str
    nearest: str
    score: float


@contextmanager
def _database() -> Iterator[sqlite3.Connection]:
    """A connection in one transaction. Raises sqlite3.Error, OSError."""
    path: Path = var_dir() / "knowledge.db"
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=WAIT, isolation_level=None)
    try:
        connection.execute(_TABLE)
        if not connection.execute("SELECT 1 FROM pragma_table_info('gaps') WHERE name = 'asker'").fetchone():
            connection.execute(
                "ALTER TABLE gaps ADD COLUMN asker TEXT NOT NULL DEFAULT ''"
            )  # a list of an earlier version
        connection.execute("BEGIN IMMEDIATE")
        yield connection
        connection.execute("COMMIT")
    finally:
        connection.close()  # rolls back what was not committed


def record(question: str, nearest: str = "", score: float = 0.0, now: datetime | None = None, asker: str = "") -> None:
    """Count a redacted question that found no answer; `asker` is the reference of its conversation. Never raises."""
    text = " ".join(question.split())[:LONGEST]
    if not text:
        return
    try:
        moment = (now or datetime.now(UTC)).isoformat(timespec="seconds")
        vector = encoder().embed_cached([text])[0]
        with _database() as database:
            rows = database.execute("SELECT id, vector FROM gaps").fetchall()
            like = _most_alike(vector, rows)
            if like is None:
                database.execute(
                    "INSERT INTO gaps (question, vector, count, first_seen, last_seen, nearest, score, asker)"
                    " VALUES (?, ?, 1, ?, ?, ?, ?, ?)",
                    (text, vector.astype(np.float32).tobytes(), moment, moment, nearest, score, asker),
                )
                if len(rows) >= GROUPS:
                    database.execute(
                        "DELETE FROM gaps WHERE id IN (SELECT id FROM gaps ORDER BY count, last_seen LIMIT 1)"
                    )
            else:
                database.execute(
                    "UPDATE gaps SET count = count + 1, last_seen = ?, nearest = ?, score = ? WHERE id = ?",
                    (moment, nearest, score, like),
                )
    except (sqlite3.Error, OSError, ValueError, ModelMissing, MissingSetting) as error:
        log.warning("gap_not_kept", extra={"reason": type(error).__name__})


def _most_alike(vector: np.ndarray, rows: list[tuple[int, bytes]]) -> int | None:
    """The group whose question means the same, if there is one."""
    if not rows:
        return None
    known = np.frombuffer(b"".join(blob for _, blob in rows), dtype=np.float32).reshape(-1, DIMENSION)
    alike = known @ vector
    best = int(np.argmax(alike))
    return rows[best][0] if alike[best] >= ALIKE else None


def gaps(limit: int = 100) -> list[Gap]:
    """The groups, most asked first and the latest first among equals. Raises sqlite3.Error, OSError."""
    with _database() as database:
        rows = database.execute(
            "SELECT question, count, first_seen, last_seen, nearest, score FROM gaps"
            " ORDER BY count DESC, last_seen DESC LIMIT ?",
            (limit,),
        ).fetchall()
    return [Gap(*row) for row in rows]


def forget() -> int:
    """Empty the list, for example after the articles were written; how many groups it held."""
    with _database() as database:
        return database.execute("DELETE FROM gaps").rowcount


def forget_asked_by(askers: Sequence[str], values: Sequence[str] = ()) -> int:
    """Delete the groups whose question one of these conversations asked, or that hold one of these values; how many.

    Raises sqlite3.Error, OSError.
    """
    count = 0
    with _database() as database:
        database.execute("PRAGMA secure_delete=ON")
        for asker in filter(None, askers):
            count += database.execute("DELETE FROM gaps WHERE asker = ?", (asker,)).rowcount
        for value in filter(None, values):
            count += database.execute("DELETE FROM gaps WHERE instr(lower(question), lower(?))", (value,)).rowcount
    return count


def forget_older(moment: datetime, dry_run: bool = False) -> int:
    """Delete the groups that nobody has asked about since; how many. Raises sqlite3.Error, OSError."""
    before = moment.isoformat(timespec="seconds")
    with _database() as database:
        if dry_run:
            return int(database.execute("SELECT count(*) FROM gaps WHERE last_seen < ?", (before,)).fetchone()[0])
        return database.execute("DELETE FROM gaps WHERE last_seen < ?", (before,)).rowcount


def main() -> int:
    """Print the list as a table."""
    parser = argparse.ArgumentParser(
        prog="python -m actions.knowledge.gaps", description="Questions without an answer."
    )
    parser.add_argument("--limit", type=int, default=50, help="how many groups to print (50)")
    parser.add_argument("--forget", action="store_true", help="empty the list")
    options = parser.parse_args()
    try:
        if options.forget:
            print(f"{forget()} groups forgotten")
            return 0
        found = gaps(options.limit)
    except MissingSetting as error:
        print(error, file=sys.stderr)
        return 2
    except (sqlite3.Error, OSError) as error:
        print(f"The list in knowledge.db cannot be read ({error}): close what uses it, or delete it", file=sys.stderr)
        return 2
    if not found:
        print("No question has stayed without an answer.")
        return 0
    print("asked  first       last        nearest article (score)                          question")
    for gap in found:
        nearest = f"{gap.nearest or 'none'} ({gap.score:.2f})"
        print(f"{gap.count:5}  {gap.first_seen[:10]}  {gap.last_seen[:10]}  {nearest:47}  {gap.question}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
