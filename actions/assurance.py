"""Who a conversation has shown to be: verification, its levels and their expiry.

Levels are kept in the database by conversation id, never in a slot, so nothing that a customer, a button or a
model writes can raise one. A level counts in the session that it was shown in alone: the executor says by
`in_session` which session an action runs in, so that no caller can forget to ask. `actions.attempts` caps the
tries, whatever the session; `actions.codes` has the second factor.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta

from sqlalchemy import and_, delete, or_, select
from sqlalchemy.orm import Session

from . import backends, clock
from .attempts import LOCK, MAX_FAILURES_CONVERSATION, MAX_FAILURES_SUBJECT, MEMORY, Locked, Mismatch, attempt, locked
from .backends.models import AssuranceRow
from .backends.protocols import Identity, Level
from .backends.session import transaction
from .logs import conversation_ref, get_logger

__all__ = [
    "LOCK",
    "MAX_FAILURES_CONVERSATION",
    "MAX_FAILURES_SUBJECT",
    "MEMORY",
    "Identity",
    "Level",
    "Locked",
    "Mismatch",
    "current",
    "elsewhere",
    "for_agent",
    "forget",
    "in_session",
    "locked",
    "raise_to_step_up",
    "verify_account",
    "verify_order",
]

EXPIRY = timedelta(minutes=15)
STEP_UP_EXPIRY = timedelta(minutes=10)

_session: ContextVar[str] = ContextVar("session", default="")
_actor: ContextVar[str] = ContextVar("actor", default="")
logger = get_logger(__name__)


@contextmanager
def in_session(began: float) -> Iterator[None]:
    """Let the levels count that were shown in the session that began then (seconds since the epoch), and no others."""
    token = _session.set(repr(began) if began else "")
    try:
        yield
    finally:
        _session.reset(token)


@contextmanager
def for_agent(conversation_id: str, name: str) -> Iterator[Identity]:
    """Let an agent act for the customer: what is read and done meanwhile is audited under the agent's `name`.

    The agent has the customer's level and no more, from the session in which the customer showed something last: the
    desk has no sessions of its own, and what was shown runs out as soon for both.
    """
    with transaction() as session:
        mine = AssuranceRow.conversation_id == conversation_id
        latest = session.scalar(select(AssuranceRow.session).where(mine).order_by(AssuranceRow.granted_at.desc()))
    tokens = _session.set(latest or ""), _actor.set(name)
    try:
        yield current(conversation_id)
    finally:
        _session.reset(tokens[0])
        _actor.reset(tokens[1])


def current(conversation_id: str) -> Identity:
    """The identity of a conversation in this session, without what has expired."""
    with transaction() as session:
        mine = AssuranceRow.conversation_id == conversation_id, AssuranceRow.session == _session.get()
        rows = session.scalars(select(AssuranceRow).where(*mine, AssuranceRow.expires_at > clock.utc_now()))
        kept = {tuple(row.subject.split(":", 1)) for row in rows}
    account = next((number for kind, number in kept if kind == "account"), None)
    orders = frozenset(number for kind, number in kept if kind == "order")
    if account:
        level = Level.STEP_UP if ("step-up", account) in kept else Level.VERIFIED
    else:
        level = Level.KNOWN if orders else Level.NONE
    return Identity(conversation_id, level, account, orders, _actor.get())


def elsewhere(caller: Identity, within: timedelta) -> list[str]:
    """The other conversations that showed lately that they are the caller's, the latest first; none below verified."""
    if caller.level < Level.VERIFIED:
        return []
    shown = (
        AssuranceRow.subject == f"account:{caller.account_number}",
        AssuranceRow.granted_at > clock.utc_now() - within,
    )
    others = select(AssuranceRow.conversation_id).where(*shown, AssuranceRow.conversation_id != caller.conversation_id)
    with transaction() as session:
        return list(session.scalars(others.order_by(AssuranceRow.granted_at.desc())))


def forget(conversation_id: str) -> None:
    """Take every level away from a conversation."""
    with transaction() as session:
        session.execute(delete(AssuranceRow).where(AssuranceRow.conversation_id == conversation_id))


def verify_account(conversation_id: str, account_number: str, postcode: str) -> Identity:
    """Verify a customer by account number and postcode; raises `Mismatch` or `Locked`."""
    caller = current(conversation_id)
    _verify(
        caller,
        f"account:{account_number}",
        Level.VERIFIED,
        lambda: backends.customers().matches(caller, account_number, postcode),
    )
    return current(conversation_id)


def verify_order(conversation_id: str, order_number: str, postcode: str) -> Identity:
    """Know the caller for one order by its number and delivery postcode; raises `Mismatch` or `Locked`."""
    caller = current(conversation_id)
    _verify(
        caller,
        f"order:{order_number}",
        Level.KNOWN,
        lambda: backends.orders().matches(caller, order_number, postcode),
    )
    return current(conversation_id)


def raise_to_step_up(session: Session, conversation_id: str, account_number: str) -> None:
    """Grant step-up for ten minutes, and verification anew; for `actions.codes` alone, after the right code."""
    _grant(session, conversation_id, f"account:{account_number}", Level.VERIFIED, EXPIRY)
    _grant(session, conversation_id, f"step-up:{account_number}", Level.STEP_UP, STEP_UP_EXPIRY)


def _verify(caller: Identity, subject: str, level: Level, check: Callable[[], bool]) -> None:
    succeeded = False

    def grant(session: Session) -> None:
        nonlocal succeeded
        _grant(session, caller.conversation_id, subject, level, EXPIRY)
        succeeded = True

    try:
        attempt(caller, "verify", subject, check, grant)
    finally:
        ref = conversation_ref(caller.conversation_id)
        logger.info("verification", extra={"conversation": ref, "level": level.name.lower(), "succeeded": succeeded})


def _grant(session: Session, conversation_id: str, subject: str, level: Level, expiry: timedelta) -> None:
    replaced = AssuranceRow.subject == subject
    kind, _, number = subject.partition(":")
    if kind == "account":  # a conversation speaks for one account at a time, and what it proved for another is over
        other_step_up = and_(AssuranceRow.subject.startswith("step-up:"), AssuranceRow.subject != f"step-up:{number}")
        replaced = or_(replaced, AssuranceRow.subject.startswith("account:"), other_step_up)
    session.execute(delete(AssuranceRow).where(AssuranceRow.conversation_id == conversation_id, replaced))
    now = clock.utc_now()
    session.add(
        AssuranceRow(
            conversation_id=conversation_id,
            subject=subject,
            level=int(level),
            granted_at=now,
            expires_at=now + expiry,
            session=_session.get(),
        )
    )
    session.flush()
