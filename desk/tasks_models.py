"""The table of what the desk still owes customers."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from desk.models import Base, Conversation, User, now


class Task(Base):
    """Something to do for a customer: kind is callback, promise, follow_up or ticket."""

    __tablename__ = "tasks"
    __table_args__ = (Index("ix_tasks_open", "done_at", "due"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"))
    kind: Mapped[str] = mapped_column(String(10))
    text: Mapped[str] = mapped_column(Text)
    due: Mapped[datetime]
    queue: Mapped[str] = mapped_column(String(64), default="")
    assigned_to: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    phone: Mapped[str] = mapped_column(String(32), default="")
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(default=now)
    done_at: Mapped[datetime | None]
    overdue_at: Mapped[datetime | None]
    request: Mapped[str | None] = mapped_column(String(64), unique=True)
    conversation: Mapped[Conversation] = relationship(lazy="joined")
    assignee: Mapped[User | None] = relationship(lazy="joined", foreign_keys=[assigned_to])

    @property
    def reference(self) -> str:
        """What the customer is told, e.g. CB-00042."""
        return f"{'CB' if self.kind == 'callback' else 'T'}-{self.id:05d}"
