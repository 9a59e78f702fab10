"""The desk's tables. Times are UTC; nothing here depends on one database engine."""

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, DateTime, Float, ForeignKey, Index, Integer, String, Text, TypeDecorator
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


def now() -> datetime:
    """The current time, aware, in UTC."""
    return datetime.now(UTC)


class Moment(TypeDecorator[datetime]):
    """An aware UTC datetime, stored without its zone because not every engine keeps one."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Aware to naive UTC."""
        return value.astimezone(UTC).replace(tzinfo=None) if value else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Naive UTC to aware."""
        return value.replace(tzinfo=UTC) if value else None


class Base(DeclarativeBase):
    """Common base of the desk's tables."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: Moment, dict[str, Any]: JSON, list[Any]: JSON}


class User(Base):
    """Somebody who works at the desk: role `agent` or `supervisor`."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    display_name: Mapped[str] = mapped_column(String(120))
    role: Mapped[str] = mapped_column(String(20))
    password_hash: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(default=now)

    @property
    def first_name(self) -> str:
        """What customers see, e.g. "Alex"."""
        return self.display_name.split()[0]

    @property
    def is_supervisor(self) -> bool:
        """Whether the user may take a conversation from another agent."""
        return self.role == "supervisor"


class LoginSession(Base):
    """A log-in. The cookie holds the token; here is only its SHA-256."""

    __tablename__ = "login_sessions"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    csrf_token: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    user: Mapped[User] = relationship(lazy="joined")


class LoginAttempt(Base):
    """A log-in that was started and not completed; five in a quarter of an hour lock the name."""

    __tablename__ = "login_attempts"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64), index=True)
    at: Mapped[datetime] = mapped_column(default=now)


class Conversation(Base):
    """One customer's conversation as the event stream tells it, with the desk's own state beside it."""

    __tablename__ = "conversations"
    __table_args__ = (
        Index("ix_conversations_queue", "owner", "waiting_since"),
        Index("ix_conversations_phase", "phase", "priority"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    sender_id: Mapped[str] = mapped_column(String(255), unique=True)
    owner: Mapped[str] = mapped_column(String(10), default="bot")
    owner_at: Mapped[datetime | None]
    handoff: Mapped[dict[str, Any] | None]
    handoff_at: Mapped[datetime | None]
    waiting_since: Mapped[datetime | None]
    assigned_to: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    assigned_at: Mapped[datetime | None]
    last_activity: Mapped[datetime] = mapped_column(default=now, index=True)
    last_text: Mapped[str] = mapped_column(String(200), default="")
    channel: Mapped[str | None] = mapped_column(String(64))
    closed_at: Mapped[datetime | None]
    disposition: Mapped[str | None] = mapped_column(String(40))
    # bot, queue, agent, wrap_up or closed: see desk/lifecycle.py
    phase: Mapped[str] = mapped_column(String(10), default="bot")
    queue: Mapped[str] = mapped_column(String(64), default="")
    # 1 is urgent, 4 can wait
    priority: Mapped[int] = mapped_column(Integer, default=3)
    skills: Mapped[list[Any]] = mapped_column(default=list)
    language: Mapped[str | None] = mapped_column(String(16))
    sla_due: Mapped[datetime | None]
    wrap_up_at: Mapped[datetime | None]
    # When the customer last wrote, and the agent who has it now
    customer_at: Mapped[datetime | None]
    agent_at: Mapped[datetime | None]
    first_reply_at: Mapped[datetime | None]
    # Set while the desk offers a waiting conversation to `assigned_to`, until they open it
    offered_at: Mapped[datetime | None]
    # When a customer in the queue was last told that they still wait
    reminded_at: Mapped[datetime | None]
    # What the watchdog found: late, unanswered or returned; empty when all is well
    flag: Mapped[str] = mapped_column(String(16), default="")
    assignee: Mapped[User | None] = relationship(lazy="joined")


class Message(Base):
    """One line of a transcript: who is `customer`, `bot`, `agent` or `system`."""

    __tablename__ = "messages"
    __table_args__ = (Index("ix_messages_transcript", "conversation_id", "at", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"))
    who: Mapped[str] = mapped_column(String(10))
    text: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    intent: Mapped[str | None] = mapped_column(String(120))
    confidence: Mapped[float | None] = mapped_column(Float)
    sources: Mapped[list[Any]] = mapped_column(default=list)
    buttons: Mapped[list[Any]] = mapped_column(default=list)
    agent_name: Mapped[str | None] = mapped_column(String(120))
    client_id: Mapped[str | None] = mapped_column(String(64))


class AppliedEvent(Base):
    """An event that has been projected; it is never applied a second time."""

    __tablename__ = "applied_events"

    identity: Mapped[str] = mapped_column(String(64), primary_key=True)


class Cursor(Base):
    """How far an event source has been read."""

    __tablename__ = "cursors"

    source: Mapped[str] = mapped_column(String(64), primary_key=True)
    position: Mapped[int] = mapped_column(Integer)


class WrapUp(Base):
    """How an agent closed a conversation."""

    __tablename__ = "wrap_ups"

    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    disposition: Mapped[str] = mapped_column(String(40))
    note: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime] = mapped_column(default=now)


class AuditEntry(Base):
    """Who did what to which conversation. Rows are only ever added."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(default=now, index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    action: Mapped[str] = mapped_column(String(40))
    conversation_id: Mapped[int | None] = mapped_column(ForeignKey("conversations.id"))
    detail: Mapped[str] = mapped_column(String(255), default="")
