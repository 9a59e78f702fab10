"""The table of what the copilot suggested and what was sent in the end."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from desk.models import Base, now


class SuggestionUse(Base):
    """A suggestion that an agent put into a reply; `sent_text` and `edited` are None until the reply is sent."""

    __tablename__ = "suggestion_uses"
    __table_args__ = (Index("ix_suggestion_uses_open", "conversation_id", "user_id", "sent_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    kind: Mapped[str] = mapped_column(String(20))
    suggestion: Mapped[str] = mapped_column(Text)
    sources: Mapped[list[Any]] = mapped_column(default=list)
    at: Mapped[datetime] = mapped_column(default=now)
    sent_text: Mapped[str | None] = mapped_column(Text)
    edited: Mapped[bool | None]
    sent_at: Mapped[datetime | None]
