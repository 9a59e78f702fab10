"""Follows the assistant's event stream and keeps the desk's store up to date with it."""

import asyncio
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import column, func, make_url, select, table
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine

from desk.database import Database
from desk.live import Hub
from desk.models import Cursor
from desk.projection import project
from desk.transcript import RawEvent

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.15
RETRY_SECONDS = 1.0
# One batch is one transaction, and nobody else can write meanwhile: short enough that clicks need not wait for it.
BATCH = 50
# A transaction that is still open leaves a gap in the ids on engines other than SQLite. Rows behind a gap are read
# at once, and the gap is looked at again until the stream is this many rows further.
GAP_ROWS = 200

_events = table("events", column("id"), column("data"))


@dataclass(frozen=True)
class Batch:
    """Some events in the order of the stream, and what the source needs to know to acknowledge them."""

    events: list[RawEvent]
    ids: list[int] = field(default_factory=list)


class EventSource(Protocol):
    """Where the assistant's events come from. A source may deliver an event more than once."""

    async def next_batch(self) -> Batch:
        """Wait for events."""

    async def acknowledge(self, batch: Batch) -> None:
        """The batch has been stored: a restart need not deliver it again."""

    async def close(self) -> None:
        """Let go of connections."""


class SQLEventSource:
    """Reads the table that Rasa's SQL event broker writes: events(id, sender_id, data)."""

    def __init__(self, url: str, database: Database, name: str = "sql") -> None:
        """`url` is the event database, `database` the desk's own, which keeps the cursor under `name`."""
        self._engine = create_async_engine(url)
        parsed = make_url(url)
        self._file = Path(parsed.database) if parsed.get_backend_name() == "sqlite" and parsed.database else None
        self._file_id: tuple[int, int] | None = None
        self._database = database
        self._name = name
        self._position: int | None = None
        self._ahead: set[int] = set()
        self._trouble = ""

    async def next_batch(self) -> Batch:
        """Poll until there are new rows. A database that is missing or locked is waited for."""
        while True:
            try:
                rows = await self._read()
            except SQLAlchemyError as error:
                self._report(f"cannot read the event database, trying again: {_reason(error)}")
                rows = []
            if rows:
                events = [event for row_id, data in rows if (event := _decode(row_id, data))]
                return Batch(events, [row_id for row_id, _ in rows])
            await asyncio.sleep(POLL_SECONDS)

    async def acknowledge(self, batch: Batch) -> None:
        """Move the cursor up to the first gap, or past a gap that has stayed open for too long."""
        ahead = self._ahead | set(batch.ids)
        start = self._position or 0
        position = max(start, max(ahead, default=start) - GAP_ROWS)
        while position + 1 in ahead:
            position += 1
        async with self._database.session() as session, session.begin():
            cursor = await session.get(Cursor, self._name)
            if cursor:
                cursor.position = position
            else:
                session.add(Cursor(source=self._name, position=position))
        self._position, self._ahead = position, {row_id for row_id in ahead if row_id > position}

    async def close(self) -> None:
        """Close the connections."""
        await self._engine.dispose()

    async def _read(self) -> list[tuple[int, str]]:
        if not await self._ready():
            return []
        if self._position is None:
            async with self._database.session() as session:
                cursor = await session.get(Cursor, self._name)
                self._position = cursor.position if cursor else 0
        query = (
            select(_events.c.id, _events.c.data)
            .where(_events.c.id > self._position)
            .order_by(_events.c.id)
            .limit(BATCH)
        )
        async with self._engine.connect() as connection:
            rows = [(row.id, row.data) for row in await connection.execute(query)]
            if not rows and self._position:
                newest = await connection.scalar(select(func.max(_events.c.id))) or 0
                if newest < self._position:
                    logger.warning("The event database was replaced: reading it from its start")
                    self._position, self._ahead = 0, set()
        if self._trouble:
            self._trouble = ""
            logger.info("Reading the event database again")
        return [row for row in rows if row[0] not in self._ahead]

    async def _ready(self) -> bool:
        """Whether the database file is there. Opening a missing one would create it, and that is not the desk's job."""
        if self._file is None:
            return True
        try:
            stat = self._file.stat()
        except OSError:
            self._report("the event database is not there yet: the assistant creates it when it starts", logging.INFO)
            return False
        file_id = (stat.st_dev, stat.st_ino)
        if self._file_id not in (None, file_id):
            await self._engine.dispose()
        self._file_id = file_id
        return True

    def _report(self, trouble: str, level: int = logging.WARNING) -> None:
        """Log a trouble once, not at every poll."""
        if trouble != self._trouble:
            logger.log(level, "Event stream: %s", trouble)
            self._trouble = trouble


async def follow(source: EventSource, database: Database, hub: Hub) -> None:
    """Project the stream for ever. A locked database is waited for; an event that cannot be stored is left out."""
    while True:
        batch = await source.next_batch()
        try:
            hub.publish(await _store(database, batch.events))
            await source.acknowledge(batch)
        except SQLAlchemyError as error:
            logger.warning("Event stream: cannot store events, trying again: %s", _reason(error))
            await asyncio.sleep(RETRY_SECONDS)


async def _store(database: Database, events: Sequence[RawEvent]) -> set[int]:
    """Project a batch; if that fails for another reason than the database's state, one event at a time."""
    try:
        return await project(database, events)
    except OperationalError:
        raise
    except Exception:
        if len(events) == 1:
            logger.exception("Event stream: left out an event of type %r", events[0].get("event"))
            return set()
    changed: set[int] = set()
    for event in events:
        changed |= await _store(database, [event])
    return changed


def _decode(row_id: int, data: str) -> RawEvent | None:
    try:
        event = json.loads(data)
    except (TypeError, ValueError):
        event = None
    if not isinstance(event, dict):
        logger.warning("Event stream: row %s is not a JSON object and is left out", row_id)
        return None
    return {key: _storable(value) for key, value in event.items()}


def _storable(value: Any) -> Any:
    """The value without the characters that databases refuse: halves of surrogate pairs and NUL."""
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_storable(item) for item in value]
    if isinstance(value, dict):
        return {key: _storable(item) for key, item in value.items()}
    return value


def _reason(error: SQLAlchemyError) -> str:
    """The engine's own words, without the statement and its parameters (they hold customers' texts)."""
    return str(getattr(error, "orig", None) or type(error).__name__).splitlines()[0]
