"""The databases that hold conversations, as endpoints.yml names them, and their rows."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from rasa.core.tracker_store import SQLTrackerStore
from rasa.utils.endpoints import EndpointConfig, read_endpoint_config
from sqlalchemy.exc import OperationalError

from assistant.privacy.keys import VaultError

TRACKER_STORES = ("sql", "assistant.privacy.tracker_store.privatetrackerstore")
LOCK_SECONDS = 10
BATCH = 500


@dataclass(frozen=True)
class Row:
    """One stored event: its number and its JSON."""

    id: int
    data: str


class EventTable:
    """The table `events` of the tracker store's or the event broker's database."""

    def __init__(self, url: Any) -> None:
        """Opens the database; a table that is not there yet is an empty one."""
        self.engine = sa.create_engine(url, future=True, **_options(url))
        self._sqlite = self.engine.dialect.name == "sqlite"
        self.table = sa.Table(
            "events",
            sa.MetaData(),
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("sender_id", sa.String(255)),
            sa.Column("data", sa.Text),
        )
        if self._sqlite:
            sa.event.listen(self.engine, "connect", lambda connection, _: connection.execute("PRAGMA secure_delete=ON"))

    def exists(self) -> bool:
        """Whether anything was ever written."""
        return bool(sa.inspect(self.engine).has_table("events"))

    def conversations(self) -> list[str]:
        """The ids of all conversations, sorted."""
        if not self.exists():
            return []
        with self.engine.connect() as db:
            return sorted(filter(None, db.execute(sa.select(self.table.c.sender_id).distinct()).scalars()))

    def rows(self, conversation: str) -> list[Row]:
        """The conversation's events in the order in which they were written."""
        if not self.exists():
            return []
        query = sa.select(self.table.c.id, self.table.c.data).where(self.table.c.sender_id == conversation)
        with self.engine.connect() as db:
            return [Row(*found) for found in db.execute(query.order_by(self.table.c.id))]

    def last_times(self) -> dict[str, float]:
        """When each conversation had its last event (Unix time); for the tracker store's table, which has the time."""
        if not self.exists():
            return {}
        latest = sa.select(self.table.c.sender_id, sa.func.max(sa.column("timestamp"))).group_by(self.table.c.sender_id)
        with self.engine.connect() as db:
            return {conversation: float(at or 0.0) for conversation, at in db.execute(latest)}

    def all_rows(self) -> Iterator[list[Row]]:
        """All events in batches, the oldest first; a batch may be deleted before the next one is read."""
        last = 0
        while self.exists():
            query = sa.select(self.table.c.id, self.table.c.data).where(self.table.c.id > last)
            with self.engine.connect() as db:
                batch = [Row(*found) for found in db.execute(query.order_by(self.table.c.id).limit(BATCH))]
            if not batch:
                return
            last = batch[-1].id
            yield batch

    def rewrite(self, changed: dict[int, str]) -> None:
        """Puts other JSON into rows, in short transactions."""
        for ids in _batches(sorted(changed)):
            with self.engine.begin() as db:
                for number in ids:
                    db.execute(sa.update(self.table).where(self.table.c.id == number).values(data=changed[number]))

    def delete(self, ids: Iterable[int]) -> int:
        """Deletes rows in short transactions; returns how many there were."""
        count = 0
        for batch in _batches(sorted(ids)):
            with self.engine.begin() as db:
                count += db.execute(sa.delete(self.table).where(self.table.c.id.in_(batch))).rowcount
        return count

    def clean_up(self) -> bool:
        """Takes the old bytes out of the database's files; False when it was too busy for that.

        Deleted and rewritten rows were overwritten before (secure_delete); PostgreSQL's own VACUUM does it there.
        """
        if not self._sqlite:
            return True
        try:
            with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
                db.execute(sa.text("PRAGMA wal_checkpoint(TRUNCATE)"))
                db.execute(sa.text("VACUUM"))
            return True
        except OperationalError:
            return False

    def close(self) -> None:
        """Closes the connections."""
        self.engine.dispose()


def tracker_events() -> EventTable:
    """The tracker store's table.

    Raises:
        VaultError: the tracker store of endpoints.yml is no SQL database.
    """
    endpoint = read_endpoint_config(_endpoints(), endpoint_type="tracker_store")
    if endpoint is None or str(endpoint.type).lower() not in TRACKER_STORES:
        raise VaultError("The tracker store in endpoints.yml is no SQL database: these commands work with one only.")
    return EventTable(_url(endpoint))


def stream_events() -> EventTable | None:
    """The event broker's table; None for a broker that keeps no table, such as RabbitMQ."""
    endpoint = read_endpoint_config(_endpoints(), endpoint_type="event_broker")
    if endpoint is not None and "inner" in endpoint.kwargs:
        endpoint = EndpointConfig.from_dict(endpoint.kwargs["inner"])
    if endpoint is None or str(endpoint.type).lower() != "sql":
        return None
    return EventTable(_url(endpoint))


def _endpoints() -> str:
    return os.environ.get("TANDEM_ENDPOINTS", "endpoints.yml")


def _url(endpoint: EndpointConfig) -> Any:
    names = ("dialect", "port", "db", "username", "password", "query")
    given = {name: endpoint.kwargs[name] for name in names if name in endpoint.kwargs}
    return SQLTrackerStore.get_db_url(host=endpoint.url, **given)


def _options(url: Any) -> dict[str, Any]:
    sqlite = sa.engine.make_url(url).get_backend_name() == "sqlite"
    return {"connect_args": {"timeout": LOCK_SECONDS}} if sqlite else {}


def _batches(ids: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]
