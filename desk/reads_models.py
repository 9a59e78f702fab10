"""The table of how far each user has read."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from desk.models import Base


class Read(Base):
    """When a user last had a conversation open."""

    __tablename__ = "reads"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"), primary_key=True)
    at: Mapped[datetime]
