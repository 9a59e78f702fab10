"""The record of each decision: which rule, which version of the policy, on what, and why; never the text itself.

Records go to the log and into the append-only table `policy_decisions` (POLICY_DATABASE_URL). A decision never
waits for the table: a thread writes what has gathered, a few times a second, and again at the end of the process.
When the table cannot be written the newest records are kept in memory and tried again.
"""

import atexit
import hashlib
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Column,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    delete,
    event,
    func,
    insert,
    select,
)
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import CreateIndex, CreateTable

from actions.logs import conversation_ref, get_logger
from actions.settings import MissingSetting, policy_url

log = get_logger(__name__)

PERIOD = 0.3  # seconds between two writes
AFTER_FAILURE = 5.0
MOST = 20_000  # records in memory while the table cannot be written

DECISIONS = Table(
    "policy_decisions",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("at", String(27), nullable=False, index=True),  # ISO 8601, UTC
    Column("conversation", String(10), nullable=False, index=True),
    Column("stage", String(10), nullable=False),
    Column("outcome", String(10), nullable=False),
    Column("rule", String(100), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("policy_version", String(40), nullable=False),
    Column("evidence", Text, nullable=False),
    Column("text_sha256", String(64), nullable=False),
)
_APPEND_ONLY = """CREATE TRIGGER IF NOT EXISTS policy_decisions_no_{verb} BEFORE {verb} ON policy_decisions
BEGIN SELECT RAISE(ABORT, 'policy_decisions is append-only'); END"""


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True)
class Row:
    """One decision. `rule` is "none" when the text was allowed; `conversation` a reference, "" outside of any."""

    rule: str
    kind: str
    policy_version: str
    stage: str
    outcome: str
    evidence: str
    text_sha256: str
    conversation: str = ""
    at: str = field(default_factory=_now)


def sha256(text: str) -> str:
    """The hash under which a decision names its text."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def keep(row: Row) -> None:
    """Log a decision and have it written soon. Never raises and never waits."""
    log.info("policy_decision", extra={k: v for k, v in asdict(row).items() if k not in ("at", "kind") and v != ""})
    _WRITER.add(row)


def flush() -> None:
    """Write what has gathered now."""
    _WRITER.write()


def read(since: str = "", conversation: str = "", last: int = 0) -> Iterator[dict[str, Any]]:
    """Decisions, oldest first: from the day or moment `since` (ISO 8601, UTC), of a conversation's id or reference.

    With `last` only so many of the latest. Raises MissingSetting, SQLAlchemyError.
    """
    wanted = select(DECISIONS)
    if since:
        wanted = wanted.where(DECISIONS.c.at >= since)
    if conversation:
        wanted = wanted.where(DECISIONS.c.conversation.in_([conversation, conversation_ref(conversation)]))
    wanted = wanted.order_by(DECISIONS.c.id.desc()).limit(last) if last else wanted.order_by(DECISIONS.c.id)
    with _database(policy_url()).connect() as connection:
        found = connection.execution_options(stream_results=not last).execute(wanted).mappings()
        yield from map(dict, reversed(found.all()) if last else found)


def forget_older(before: str, dry_run: bool = False) -> int:
    """Delete the decisions of before this moment (ISO 8601, UTC), as the policy's retention wants; how many.

    The table is append-only for everything else: its triggers are off within this transaction alone. Raises
    MissingSetting, SQLAlchemyError.
    """
    old = DECISIONS.c.at < before
    with _database(policy_url()).begin() as connection:
        count = connection.execute(select(func.count()).where(old)).scalar_one()
        if dry_run or not count:
            return int(count)
        sqlite = connection.dialect.name == "sqlite"
        if sqlite:
            connection.exec_driver_sql("DROP TRIGGER IF EXISTS policy_decisions_no_DELETE")
        connection.execute(delete(DECISIONS).where(old))
        if sqlite:
            connection.exec_driver_sql(_APPEND_ONLY.format(verb="DELETE"))
    return int(count)


@lru_cache(maxsize=8)
def _database(url: str) -> Engine:
    """The database with the table, which is made when it is missing: other threads and processes may do so too."""
    made = create_engine(url, pool_pre_ping=True)
    if made.dialect.name == "sqlite":
        event.listen(made, "connect", lambda connection, _: connection.execute("PRAGMA journal_mode=WAL"))
    with made.begin() as connection:
        connection.execute(CreateTable(DECISIONS, if_not_exists=True))
        for index in DECISIONS.indexes:
            connection.execute(CreateIndex(index, if_not_exists=True))
        for verb in ("UPDATE", "DELETE") if made.dialect.name == "sqlite" else ():
            connection.exec_driver_sql(_APPEND_ONLY.format(verb=verb))
    return made


class _Writer:
    """Gathers records and writes them in a thread, many in one transaction."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[str, Row]] = deque(maxlen=MOST)
        self._some = threading.Event()
        self._writing = threading.Lock()
        self._thread: threading.Thread | None = None
        self._failing = False

    def add(self, row: Row) -> None:
        try:
            url = policy_url()
        except MissingSetting as error:
            self._failed(str(error))
            return
        self._waiting.append((url, row))
        if not self._some.is_set():
            self._some.set()
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="policy-records", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            self._some.wait()
            pause.wait(AFTER_FAILURE if self._failing else PERIOD)
            self._some.clear()
            self.write()
            if self._waiting:
                self._some.set()

    def write(self) -> None:
        """Write all records that wait; those that cannot be written wait on."""
        with self._writing:
            batch = [self._waiting.popleft() for _ in range(len(self._waiting))]
            for url in dict.fromkeys(url for url, _ in batch):
                rows = [row for other, row in batch if other == url]
                try:
                    with _database(url).begin() as connection:
                        connection.execute(insert(DECISIONS), [asdict(row) for row in rows])
                    self._failing = False
                except SQLAlchemyError as error:
                    self._waiting.extendleft((url, row) for row in reversed(rows))
                    self._failed(type(error).__name__)

    def _failed(self, reason: str) -> None:
        if not self._failing:
            log.error("policy_records_unavailable", extra={"reason": reason, "waiting": len(self._waiting)})
        self._failing = True


_WRITER = _Writer()
atexit.register(flush)
