"""One access to customer data: its level is checked, and it is audited whether allowed or refused."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from .. import clock
from .models import AuditRow
from .protocols import BackendError, Identity, Level, NotAllowed, Unavailable
from .session import transaction


def audit(
    session: Session,
    identity: Identity,
    action: str,
    subject: str | None,
    outcome: str,
    reason: str | None = None,
) -> None:
    """Add an audit row to `session`; `outcome` is allowed or refused."""
    row = AuditRow(
        at=clock.utc_now(),
        conversation_id=identity.conversation_id,
        account_number=identity.account_number,
        action=action,
        subject=subject,
        level=int(identity.level),
        outcome=outcome,
        reason=reason,
        actor=identity.actor,
    )
    session.add(row)


@contextmanager
def access(identity: Identity, action: str, needed: Level, subject: str | None = None) -> Iterator[Session]:
    """A transaction for `action` on `subject`; a BackendError raised inside is audited as a refusal."""
    try:
        if identity.level < needed:
            raise NotAllowed(f"{action} needs the level {needed.name.lower()}")
        with transaction() as session:
            yield session
            audit(session, identity, action, subject, "allowed")
    except Unavailable:
        raise
    except BackendError as refusal:
        with transaction() as session:
            audit(session, identity, action, subject, "refused", type(refusal).__name__)
        raise


@contextmanager
def far_access(identity: Identity, action: str, needed: Level, subject: str | None = None) -> Iterator[None]:
    """As `access`, for a system elsewhere: no transaction is open while it is asked, and its failure is audited too."""
    outcome, reason = "allowed", None
    try:
        if identity.level < needed:
            raise NotAllowed(f"{action} needs the level {needed.name.lower()}")
        yield
    except BackendError as refusal:
        outcome = "failed" if isinstance(refusal, Unavailable) else "refused"
        reason = type(refusal).__name__
        raise
    except BaseException as error:
        outcome, reason = "failed", type(error).__name__
        raise
    finally:
        with transaction() as session:
            audit(session, identity, action, subject, outcome, reason)
