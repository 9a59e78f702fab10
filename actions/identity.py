"""Who a conversation has shown to be: verification, its expiry, and its limits.

Levels are kept in the database by conversation id, never in a slot, so nothing that a customer, a button or a
model writes can raise one. Every try is written down before the backend is asked, and counts as failed until
it is known to have succeeded: tries that run side by side cannot get past the limit.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from . import backends, clock
from .backends.access import audit
from .backends.models import AssuranceRow, AttemptRow, LockRow
from .backends.protocols import BackendError, Identity, Level
from .backends.session import transaction
from .logs import conversation_ref, get_logger

__all__ = [
    "Identity",
    "Level",
    "Locked",
    "Mismatch",
    "current",
    "forget",
    "locked",
    "verify_account",
    "verify_order",
]

EXPIRY = timedelta(minutes=15)
LOCK = timedelta(minutes=15)
MEMORY = timedelta(hours=1)
MAX_FAILURES_CONVERSATION = 3
MAX_FAILURES_SUBJECT = 5
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)

logger = get_logger(__name__)


class Mismatch(Exception):
    """The facts do not belong together; which of them is wrong is never said."""


class Locked(Exception):
    """Too many failed tries: no try is taken for now."""


def current(conversation_id: str) -> Identity:
    """The identity of a conversation now, without what has expired."""
    with transaction() as session:
        valid = (AssuranceRow.conversation_id == conversation_id, AssuranceRow.expires_at > clock.utc_now())
        rows = session.scalars(select(AssuranceRow).where(*valid)).all()
        subjects = {row.subject.partition(":")[::2] for row in rows}
        accounts = [number for kind, number in subjects if kind == "account"]
        return Identity(
            conversation_id=conversation_id,
            level=Level(max((row.level for row in rows), default=0)),
            account_number=accounts[0] if accounts else None,
            orders=frozenset(number for kind, number in subjects if kind == "order"),
        )


def forget(conversation_id: str) -> None:
    """Take every level away from a conversation."""
    with transaction() as session:
        session.execute(delete(AssuranceRow).where(AssuranceRow.conversation_id == conversation_id))


def locked(conversation_id: str) -> bool:
    """Whether this conversation takes no try at verification for now."""
    with transaction() as session:
        return _is_locked(session, [_key(conversation_id)])


def verify_account(conversation_id: str, account_number: str, postcode: str) -> Identity:
    """Verify a customer by account number and postcode; raises `Mismatch` or `Locked`."""
    caller = current(conversation_id)
    _try(
        caller,
        f"account:{account_number}",
        Level.VERIFIED,
        lambda: backends.customers().matches(caller, account_number, postcode),
    )
    return current(conversation_id)


def verify_order(conversation_id: str, order_number: str, postcode: str) -> Identity:
    """Know the caller for one order by its number and delivery postcode; raises `Mismatch` or `Locked`."""
    caller = current(conversation_id)
    _try(
        caller,
        f"order:{order_number}",
        Level.KNOWN,
        lambda: backends.orders().matches(caller, order_number, postcode),
    )
    return current(conversation_id)


def _try(caller: Identity, subject: str, level: Level, check: Callable[[], bool]) -> None:
    attempt = _begin(caller, subject)
    if attempt is None:
        raise Locked
    try:
        succeeded = check()
    except BackendError:  # nothing was learnt, so it is no failure of the customer's
        with transaction() as session:
            session.execute(delete(AttemptRow).where(AttemptRow.id == attempt))
        raise
    if not _finish(caller, subject, level, attempt, succeeded):
        raise Locked if locked(caller.conversation_id) else Mismatch


def _begin(caller: Identity, subject: str) -> int | None:
    """Write the try down; None when the conversation or the subject is locked."""
    with transaction() as session:
        keys = [_key(caller.conversation_id), subject]
        _hold(session, keys)
        if _is_locked(session, keys) or _lock_if_exhausted(session, caller.conversation_id, subject):
            audit(session, caller, "verify", subject, "refused", "locked")
            # A locked account or order must look like a locked conversation: nothing about it may be learnt.
            return None
        row = AttemptRow(conversation_id=caller.conversation_id, subject=subject, succeeded=None, at=clock.utc_now())
        session.add(row)
        session.flush()
        return row.id


def _finish(caller: Identity, subject: str, level: Level, attempt: int, succeeded: bool) -> bool:
    with transaction() as session:
        _hold(session, [_key(caller.conversation_id), subject])
        row = session.get_one(AttemptRow, attempt)
        row.succeeded = succeeded
        session.flush()
        if succeeded:
            _grant(session, caller.conversation_id, subject, level)
        else:
            _lock_if_exhausted(session, caller.conversation_id, subject)
        audit(
            session,
            caller,
            "verify",
            subject,
            "allowed" if succeeded else "refused",
            None if succeeded else "mismatch",
        )
    ref = conversation_ref(caller.conversation_id)
    logger.info("verification", extra={"conversation": ref, "level": level.name.lower(), "succeeded": succeeded})
    return succeeded


def _grant(session: Session, conversation_id: str, subject: str, level: Level) -> None:
    replaced = AssuranceRow.subject == subject
    if subject.startswith("account:"):  # a conversation speaks for one account at a time
        replaced = or_(replaced, AssuranceRow.subject.startswith("account:"))
    session.execute(delete(AssuranceRow).where(AssuranceRow.conversation_id == conversation_id, replaced))
    now = clock.utc_now()
    session.add(
        AssuranceRow(
            conversation_id=conversation_id,
            subject=subject,
            level=int(level),
            granted_at=now,
            expires_at=now + EXPIRY,
        )
    )


def _key(conversation_id: str) -> str:
    return f"conversation:{conversation_id}"


def _hold(session: Session, keys: list[str]) -> None:
    """Make tries at the same keys wait for each other, also on databases that lock by row."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    rows = [{"key": key, "until": _NEVER} for key in sorted(keys)]
    session.execute(insert(LockRow).values(rows).on_conflict_do_nothing())
    session.execute(select(LockRow).where(LockRow.key.in_(keys)).order_by(LockRow.key).with_for_update())


def _is_locked(session: Session, keys: list[str]) -> bool:
    held = select(func.count()).select_from(LockRow).where(LockRow.key.in_(keys), LockRow.until > clock.utc_now())
    return bool(session.scalar(held))


def _lock_if_exhausted(session: Session, conversation_id: str, subject: str) -> bool:
    """Lock the conversation or the subject that has used up its failures."""
    limits = (
        (_key(conversation_id), AttemptRow.conversation_id == conversation_id, MAX_FAILURES_CONVERSATION),
        (subject, AttemptRow.subject == subject, MAX_FAILURES_SUBJECT),
    )
    exhausted = False
    now = clock.utc_now()
    for key, mine, limit in limits:
        lock = session.get_one(LockRow, key)
        since = max(now - MEMORY, lock.until)
        failed = or_(AttemptRow.succeeded.is_(None), AttemptRow.succeeded.is_(False))
        count = session.scalar(select(func.count()).select_from(AttemptRow).where(mine, failed, AttemptRow.at > since))
        if (count or 0) >= limit:
            lock.until = now + LOCK
            exhausted = True
    session.flush()
    return exhausted
