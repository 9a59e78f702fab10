"""Who a conversation has shown to be, and what was done on whose behalf."""

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, UtcDateTime


class AssuranceRow(Base):
    """What a conversation has shown in one `session`; `subject` is `account:`, `step-up:` or `order:` and a number."""

    __tablename__ = "assurance"

    conversation_id: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    level: Mapped[int]
    granted_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    session: Mapped[str] = mapped_column(default="")


class AttemptRow(Base):
    """One try at verification; `succeeded` is unknown while the backend is asked, and counts as failed."""

    __tablename__ = "verification_attempts"
    __table_args__ = (
        Index("ix_attempts_conversation", "conversation_id", "at"),
        Index("ix_attempts_subject", "subject", "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[str]
    subject: Mapped[str]
    succeeded: Mapped[bool | None]
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class LockRow(Base):
    """Until when a conversation or a subject takes no more tries."""

    __tablename__ = "verification_locks"

    key: Mapped[str] = mapped_column(primary_key=True)
    until: Mapped[datetime] = mapped_column(UtcDateTime)


class AuditRow(Base):
    """One access to customer data, allowed or refused; `actor` is the agent who asked, empty for the customer."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_conversation", "conversation_id", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    conversation_id: Mapped[str]
    account_number: Mapped[str | None]
    action: Mapped[str]
    subject: Mapped[str | None]
    level: Mapped[int]
    outcome: Mapped[str]
    reason: Mapped[str | None]
    actor: Mapped[str] = mapped_column(default="")


class CodeRow(Base):
    """A one-time code: a keyed hash of it, never the code; `state` is open, void or used."""

    __tablename__ = "one_time_codes"
    __table_args__ = (
        Index("ix_codes_conversation", "conversation_id", "sent_at"),
        Index("ix_codes_account", "account_number", "sent_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[str]
    account_number: Mapped[str]
    channel: Mapped[str]
    salt: Mapped[str]
    digest: Mapped[str]
    sent_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[str]


class RequestRow(Base):
    """A request that was done: its first outcome, as JSON, is what every repetition gets."""

    __tablename__ = "done_requests"

    owner: Mapped[str] = mapped_column(primary_key=True)
    action: Mapped[str] = mapped_column(primary_key=True)
    request: Mapped[str] = mapped_column(primary_key=True)
    outcome: Mapped[str]
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class RunRow(Base):
    """A back-office action that an agent ran, with the case that it was for; `result` is NULL while it runs."""

    __tablename__ = "copilot_runs"
    __table_args__ = (Index("ix_copilot_runs_task", "task", "at"),)

    conversation_id: Mapped[str] = mapped_column(primary_key=True)
    request: Mapped[str] = mapped_column(primary_key=True)
    action: Mapped[str]
    task: Mapped[str]
    reason: Mapped[str]
    result: Mapped[str | None]
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class NotificationRow(Base):
    """A message that was sent or could not be; neither its body nor the whole address is kept."""

    __tablename__ = "notifications"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    conversation_id: Mapped[str]
    channel: Mapped[str]
    recipient: Mapped[str]
    subject: Mapped[str]
    outcome: Mapped[str]
    reason: Mapped[str | None]
    attempts: Mapped[int]


class LeaseRow(Base):
    """Who may change something in a system elsewhere until when, so that two workers take turns."""

    __tablename__ = "leases"

    key: Mapped[str] = mapped_column(primary_key=True)
    token: Mapped[str]
    until: Mapped[datetime] = mapped_column(UtcDateTime)
