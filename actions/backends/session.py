"""Engines and transactions of the backend database.

SQLite runs in WAL mode, waits up to 5 s for a lock, and starts each transaction with BEGIN IMMEDIATE: every
access writes an audit row, and a read that turns into a write could otherwise fail at once instead of
waiting.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from .. import settings
from ..logs import get_logger
from .protocols import Unavailable

logger = get_logger(__name__)

BUSY_TIMEOUT_MS = 5000
NO_TRANSACTION = {"tandem_no_transaction": True}  # execution options for what SQLite refuses inside one


@lru_cache(maxsize=8)
def engine(url: str) -> Engine:
    """The engine of `url`; one a process, shared by all threads."""
    made = create_engine(url, pool_size=10, max_overflow=20, pool_timeout=5, pool_pre_ping=True)
    if made.dialect.name == "sqlite":
        event.listen(made, "connect", _prepare_sqlite)
        event.listen(made, "begin", _begin_immediate)
    return made


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver's own BEGIN would be a deferred one
    for pragma in (f"busy_timeout={BUSY_TIMEOUT_MS}", "foreign_keys=ON", "synchronous=NORMAL"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: Connection) -> None:
    if not connection.get_execution_options().keys() & NO_TRANSACTION.keys():
        connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextmanager
def transaction() -> Iterator[Session]:
    """A session in one transaction, committed at the end; raises `Unavailable` when that cannot be done."""
    try:
        with Session(engine(settings.backend_url()), expire_on_commit=False) as session, session.begin():
            yield session
    except IntegrityError:
        raise
    except (DBAPIError, PoolTimeout) as error:
        # Only these speak of the connection alone; the text of others may quote a customer's data.
        told = isinstance(error, (OperationalError, InterfaceError, PoolTimeout))
        reason = str(getattr(error, "orig", error)).partition("\n")[0] if told else type(error).__name__
        logger.warning("backend_unavailable", extra={"reason": reason})
        raise Unavailable("the backend database cannot be used") from error
