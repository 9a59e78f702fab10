"""Does a request once: a repetition, also one side by side in another worker, gets the first outcome.

The first thing that a changing method does in its transaction is to insert its request under a unique key. A
second worker waits there until the first has committed, and then reads the outcome; when the first rolls
back, the second does the work.
"""

import hashlib
from collections.abc import Callable, Hashable
from functools import cache
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter
from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from .. import clock
from .access import access
from .models import RequestRow
from .protocols import Identity, Level

T = TypeVar("T")


@cache
def _adapter(kind: Hashable) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def owner_of(identity: Identity) -> str:
    """Whose requests these are: the account's, or the conversation's."""
    return identity.account_number or f"conversation:{identity.conversation_id}"


def _key(owner: str, action: str, request: str) -> dict[str, str]:
    return {"owner": owner, "action": action, "request": hashlib.sha256(request.encode()).hexdigest()}


def change(
    identity: Identity,
    action: str,
    needed: Level,
    subject: str | None,
    request: str,
    kind: type[T],
    do: Callable[[Session], T],
    owner: str | None = None,
) -> T:
    """The outcome of `do` in an audited transaction, done once a `request`; `kind` is the outcome's dataclass."""
    with access(identity, action, needed, subject) as session:
        key = _key(owner or owner_of(identity), action, request)
        if not _insert(session, {**key, "outcome": "", "at": clock.utc_now()}):
            return _kept(session, key, kind)  # type: ignore[return-value]
        outcome = do(session)
        text = _adapter(cast(Hashable, kind)).dump_json(outcome).decode()
        session.execute(update(RequestRow).filter_by(**key).values(outcome=text))
        return outcome


def outcome(session: Session, identity: Identity, action: str, request: str, kind: type[T]) -> T | None:
    """The outcome of a request that was done before."""
    return _kept(session, _key(owner_of(identity), action, request), kind)


def keep(session: Session, identity: Identity, action: str, request: str, result: T) -> T:
    """Write down what a request did elsewhere; returns the first outcome if another worker was faster."""
    kind = type(result)
    key = _key(owner_of(identity), action, request)
    text = _adapter(cast(Hashable, kind)).dump_json(result).decode()
    _insert(session, {**key, "outcome": text, "at": clock.utc_now()})
    return _kept(session, key, kind) or result


def _insert(session: Session, values: dict[str, Any]) -> bool:
    """Whether the request is new."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    new = insert(RequestRow).values(values).on_conflict_do_nothing().returning(RequestRow.request)
    return session.scalar(new) is not None


def _kept(session: Session, key: dict[str, str], kind: type[T]) -> T | None:
    text = session.scalar(select(RequestRow.outcome).filter_by(**key))
    return None if text is None else _adapter(cast(Hashable, kind)).validate_json(text)
