"""The table of how good each transfer was."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from desk.models import Base, now


class TransferQuality(Base):
    """One handoff's quality, by its packet's id; no row holds what anybody wrote.

    `missing` are names of fields, `unsupported` positions of sentences in the summary, `repeated` labels of values or
    "turn 3"; `rating` is the agent's own, 1 to 5. `ended_at` is empty until the handoff has ended.
    """

    __tablename__ = "transfer_quality"
    __table_args__ = (UniqueConstraint("conversation_id", "packet"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"))
    packet: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(String(40), default="")
    queue: Mapped[str] = mapped_column(String(64), default="")
    fields: Mapped[int] = mapped_column(Integer, default=0)
    missing: Mapped[list[Any]] = mapped_column(default=list)
    sentences: Mapped[int] = mapped_column(Integer, default=0)
    unsupported: Mapped[list[Any]] = mapped_column(default=list)
    repeated: Mapped[list[Any]] = mapped_column(default=list)
    transfers: Mapped[int] = mapped_column(Integer, default=0)
    rating: Mapped[int | None] = mapped_column(Integer)
    rated_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(default=now)
    ended_at: Mapped[datetime | None]
