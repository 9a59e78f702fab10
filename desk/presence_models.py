"""Tables of who is there and what they take."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from desk.models import Base, now


class Presence(Base):
    """Whether a user takes conversations, how many at once, and when their browser was last heard of."""

    __tablename__ = "presence"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    status: Mapped[str] = mapped_column(String(10), default="available")
    capacity: Mapped[int] = mapped_column(Integer, default=3)
    last_seen: Mapped[datetime | None]


class UserSkill(Base):
    """Something that a user can do; a user without any is taken to do everything."""

    __tablename__ = "user_skills"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    skill: Mapped[str] = mapped_column(String(64), primary_key=True)


class UserQueue(Base):
    """A queue that a user works on; a user without any works on all."""

    __tablename__ = "user_queues"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    queue: Mapped[str] = mapped_column(String(64), primary_key=True)


class Take(Base):
    """One customer's wait in a queue, until an agent took the conversation."""

    __tablename__ = "takes"
    __table_args__ = (Index("ix_takes_queue", "queue", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    queue: Mapped[str] = mapped_column(String(64))
    waited_seconds: Mapped[int] = mapped_column(Integer)
    at: Mapped[datetime] = mapped_column(default=now)
