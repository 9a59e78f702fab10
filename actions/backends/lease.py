"""A turn at changing something in a system elsewhere, kept in our database so that all workers see it.

No transaction is open while the far system works. A worker that dies loses its turn after half a minute; what it
left half done is put right by whoever comes next.
"""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite

from .models import LeaseRow
from .protocols import Unavailable
from .session import transaction

LASTS = timedelta(seconds=30)
PATIENCE = 5.0  # seconds to wait for one's turn
STEP = 0.05


@contextmanager
def lease(key: str) -> Iterator[None]:
    """Be the only one that works on `key`; raises `Unavailable` when the turn does not come in time."""
    token = secrets.token_hex(8)
    give_up = time.monotonic() + PATIENCE
    while not _take(key, token):
        if time.monotonic() > give_up:
            raise Unavailable("another change is still under way")
        time.sleep(STEP)
    try:
        yield
    finally:
        with transaction() as session:
            session.execute(delete(LeaseRow).where(LeaseRow.key == key, LeaseRow.token == token))


def _take(key: str, token: str) -> bool:
    now = datetime.now(UTC)  # the machine's own clock: how long work takes has nothing to do with the business's day
    with transaction() as session:
        insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
        taken = insert(LeaseRow).values(key=key, token=token, until=now + LASTS)
        over = taken.on_conflict_do_update(
            index_elements=[LeaseRow.key],
            set_={"token": token, "until": now + LASTS},
            where=LeaseRow.until < now,
        )
        return session.scalar(over.returning(LeaseRow.token)) == token
