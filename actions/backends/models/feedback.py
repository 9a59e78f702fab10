"""What customers thought of a conversation."""

from datetime import datetime

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, UtcDateTime


class RatingRow(Base):
    """A rating from 1 (poor) to 5 (great) with a comment; `session` tells the visits of one conversation apart."""

    __tablename__ = "ratings"
    __table_args__ = (CheckConstraint("score BETWEEN 1 AND 5", name="ck_rating_score"),)

    conversation_id: Mapped[str] = mapped_column(primary_key=True)
    session: Mapped[str] = mapped_column(primary_key=True)
    score: Mapped[int]
    comment: Mapped[str]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
