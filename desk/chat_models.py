"""The table of customers' chat sessions."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from desk.models import Base, now


class ChatSession(Base):
    """Who may open a conversation of the web chat; `current` and `previous` are ids of renewal tokens, not tokens.

    Times: `rotated_at` of the last renewal, `expires_at` of the session if nobody renews it.
    """

    __tablename__ = "chat_sessions"

    conversation: Mapped[str] = mapped_column(String(32), primary_key=True)
    current: Mapped[str] = mapped_column(String(32))
    previous: Mapped[str] = mapped_column(String(32), default="")
    rotated_at: Mapped[datetime] = mapped_column(default=now)
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    revoked_at: Mapped[datetime | None]
