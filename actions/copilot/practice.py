"""What agents ran, kept so that a repeated click does nothing twice and later cases can learn from it.

A case is the task that was open and the handoff's reason. A conversation counts once for each action.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, distinct, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import NoResultFound

from actions import clock
from actions.backends.models import RunRow
from actions.backends.session import transaction

PERIOD = timedelta(days=180)
STUCK = timedelta(seconds=60)  # a run whose process ended is over by then


@dataclass(frozen=True)
class Case:
    """Why a person has the conversation: the intent of the open task and the handoff's reason, each may be ""."""

    task: str = ""
    reason: str = ""


class Running(Exception):
    """The same click is being carried out just now, or the same key was used for another action."""


def begin(conversation: str, request: str, action: str, case: Case) -> str | None:
    """Claim a run; returns what came of it when it was done before. Raises `Running`, Unavailable."""
    key = {"conversation_id": conversation, "request": _hashed(request)}
    now = clock.utc_now()
    with transaction() as session:
        stale = RunRow.result.is_(None), RunRow.at < now - STUCK
        session.execute(delete(RunRow).filter_by(**key).where(*stale))
        insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
        values = {**key, "action": action, "task": case.task, "reason": case.reason, "result": None, "at": now}
        fresh = insert(RunRow).values(values).on_conflict_do_nothing().returning(RunRow.request)
        if session.scalar(fresh) is not None:
            return None
        try:
            row = session.scalars(select(RunRow).filter_by(**key)).one()
        except NoResultFound:
            raise Running from None
        if row.action != action or row.result is None:
            raise Running
        return row.result


def end(conversation: str, request: str, result: str | None) -> None:
    """Keep what came of a run; None forgets it, since nothing was done. Raises Unavailable."""
    key = {"conversation_id": conversation, "request": _hashed(request)}
    with transaction() as session:
        if result is None:
            session.execute(delete(RunRow).filter_by(**key))
        else:
            session.execute(update(RunRow).filter_by(**key).values(result=result))


def counts(case: Case) -> tuple[int, dict[str, int]]:
    """In how many conversations like `case` agents ran something, and in how many of them each action.

    Those with the same task, or without a task with the same reason, of the last half year. Raises Unavailable.
    """
    if not (case.task or case.reason):
        return 0, {}
    alike = RunRow.task == case.task if case.task else (RunRow.task == "") & (RunRow.reason == case.reason)
    done = alike, RunRow.result.is_not(None), RunRow.at > clock.utc_now() - PERIOD
    conversations = func.count(distinct(RunRow.conversation_id))
    with transaction() as session:
        each = session.execute(select(RunRow.action, conversations).where(*done).group_by(RunRow.action)).all()
        total = session.scalar(select(conversations).where(*done)) or 0
    return total, {action: number for action, number in each}


def _hashed(request: str) -> str:
    return hashlib.sha256(request.encode("utf-8", "replace")).hexdigest()
