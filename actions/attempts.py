"""Tries at proving something, counted and capped.

Every try is written down before it is checked, and counts as failed until it is known to have succeeded: tries
that run side by side cannot get past a limit. Tries at facts and tries at one-time codes are counted apart;
either locks the whole conversation.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, func, not_, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from . import clock
from .backends.access import audit
from .backends.models import AttemptRow, LockRow
from .backends.protocols import BackendError, Identity
from .backends.session import transaction

LOCK = timedelta(minutes=15)
MEMORY = timedelta(hours=1)
MAX_FAILURES_CONVERSATION = 3
MAX_FAILURES_SUBJECT = 5
CODE = "code:"  # how the subject of a try at a one-time code begins
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


class Mismatch(Exception):
    """The facts do not belong together; which of them is wrong is never said."""


class Locked(Exception):
    """Too many failed tries: no try is taken for now, and a person should take over."""


@dataclass(frozen=True)
class _Limit:
    key: str
    counted: ColumnElement[bool]
    failures: int


def attempt(
    caller: Identity, action: str, subject: str, check: Callable[[], bool], grant: Callable[[Session], None]
) -> None:
    """Take one try at `subject`; `grant` runs with the success. Raises `Mismatch` or `Locked`, both audited."""
    number = _begin(caller, action, subject)
    if number is None:
        raise Locked
    try:
        succeeded = check()
    except BackendError:  # nothing was learnt, so it is no failure of the customer's
        with transaction() as session:
            session.execute(delete(AttemptRow).where(AttemptRow.id == number))
        raise
    if not succeeded:
        _finish(caller, action, subject, number, None)
        raise Locked if locked(caller.conversation_id) else Mismatch
    _finish(caller, action, subject, number, grant)


def locked(conversation_id: str) -> bool:
    """Whether this conversation takes no try for now."""
    with transaction() as session:
        return is_locked(session, [key_of(conversation_id)])


def left(caller: Identity, subject: str) -> int:
    """How many tries at `subject` the conversation has left before it is locked."""
    with transaction() as session:
        hold(session, [key_of(caller.conversation_id), subject])
        limits = _limits(caller.conversation_id, subject)
        return max(min(limit.failures - _failed(session, limit, subject) for limit in limits), 0)


def key_of(conversation_id: str) -> str:
    """The lock of a conversation."""
    return f"conversation:{conversation_id}"


def hold(session: Session, keys: list[str]) -> None:
    """Make what works on the same keys wait for each other, also on databases that lock by row."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    rows = [{"key": key, "until": _NEVER} for key in sorted(keys)]
    session.execute(insert(LockRow).values(rows).on_conflict_do_nothing())
    session.execute(select(LockRow).where(LockRow.key.in_(keys)).order_by(LockRow.key).with_for_update())


def is_locked(session: Session, keys: list[str]) -> bool:
    """Whether any of the keys is locked now."""
    held = select(func.count()).select_from(LockRow).where(LockRow.key.in_(keys), LockRow.until > clock.utc_now())
    return bool(session.scalar(held))


def _begin(caller: Identity, action: str, subject: str) -> int | None:
    """Write the try down; None when the conversation or the subject is locked."""
    with transaction() as session:
        keys = [key_of(caller.conversation_id), subject]
        hold(session, keys)
        if is_locked(session, keys) or _lock_if_exhausted(session, caller.conversation_id, subject):
            audit(session, caller, action, subject, "refused", "locked")
            # A locked account or order must look like a locked conversation: nothing about it may be learnt.
            return None
        row = AttemptRow(conversation_id=caller.conversation_id, subject=subject, succeeded=None, at=clock.utc_now())
        session.add(row)
        session.flush()
        return row.id


def _finish(caller: Identity, action: str, subject: str, number: int, grant: Callable[[Session], None] | None) -> None:
    with transaction() as session:
        hold(session, [key_of(caller.conversation_id), subject])
        session.get_one(AttemptRow, number).succeeded = grant is not None
        session.flush()
        if grant:
            grant(session)
        else:
            _lock_if_exhausted(session, caller.conversation_id, subject)
        outcome, reason = ("allowed", None) if grant else ("refused", "mismatch")
        audit(session, caller, action, subject, outcome, reason)


def _limits(conversation_id: str, subject: str) -> tuple[_Limit, _Limit]:
    code = AttemptRow.subject.startswith(CODE)
    same_kind = code if subject.startswith(CODE) else not_(code)
    mine = and_(AttemptRow.conversation_id == conversation_id, same_kind)
    return (
        _Limit(key_of(conversation_id), mine, MAX_FAILURES_CONVERSATION),
        _Limit(subject, AttemptRow.subject == subject, MAX_FAILURES_SUBJECT),
    )


def _failed(session: Session, limit: _Limit, subject: str) -> int:
    """The failures that count against a limit now."""
    since = max(clock.utc_now() - MEMORY, session.get_one(LockRow, limit.key).until)
    after = AttemptRow.at > since
    if subject.startswith(CODE):
        # The right code proves the phone or mailbox, so it clears the typing errors before it. Right facts clear
        # nothing: a caller's own would buy tries at those of others.
        proved = select(func.max(AttemptRow.id)).where(limit.counted, AttemptRow.succeeded.is_(True))
        after = and_(after, AttemptRow.id > (session.scalar(proved) or 0))
    failed = or_(AttemptRow.succeeded.is_(None), AttemptRow.succeeded.is_(False))
    count = select(func.count()).select_from(AttemptRow).where(limit.counted, failed, after)
    return session.scalar(count) or 0


def _lock_if_exhausted(session: Session, conversation_id: str, subject: str) -> bool:
    """Lock the conversation or the subject that has used up its failures."""
    exhausted = False
    for limit in _limits(conversation_id, subject):
        if _failed(session, limit, subject) >= limit.failures:
            session.get_one(LockRow, limit.key).until = clock.utc_now() + LOCK
            exhausted = True
    session.flush()
    return exhausted
