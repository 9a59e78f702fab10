"""The table of what happened within the turns of a conversation, beside what was said."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from desk.models import Base


class TurnDetail(Base):
    """An entity, slot, action, answer or start of a session; see `transcript.Happened`. It belongs to the customer's
    latest message before `at`."""

    __tablename__ = "turn_details"
    __table_args__ = (Index("ix_turn_details_conversation", "conversation_id", "at", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"))
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(10))
    name: Mapped[str] = mapped_column(String(120))
    value: Mapped[Any] = mapped_column(JSON, nullable=True)
