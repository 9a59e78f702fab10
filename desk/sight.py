"""What one reader sees of the rows in the store, which hold the vault's tokens in place of personal data.

Every row with customers' words passes `Sight.show` once, between the query and the view. Who may see personal data gets
the values; everybody else the kinds, such as [email]. The values stay in these objects: no session writes them back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm.attributes import set_committed_value

from desk.models import Base, Conversation, Message, User, WrapUp
from desk.notes_models import Note
from desk.packet import sees_values
from desk.roles import can
from desk.tasks_models import Task
from desk.transcript_models import TurnDetail
from desk.vault import Vault
from desk.vault_tokens import covered

_WORDS: dict[type[Base], tuple[str, ...]] = {
    Conversation: ("last_text", "handoff"),
    Message: ("text", "buttons"),
    Note: ("text",),
    Task: ("text",),
    TurnDetail: ("value",),
    WrapUp: ("note",),
}


@dataclass(frozen=True)
class Sight:
    """The eyes of a user of the desk; without one, of somebody who may see all of the conversation: its customer."""

    vault: Vault
    user: User | None = None

    async def show(self, sender_id: str, rows: Sequence[Base]) -> None:
        """Put into rows of one conversation what this reader sees. The rows must have left their session."""
        await self.show_all([(sender_id, row) for row in rows])

    async def show_all(self, rows: Sequence[tuple[str, Base]]) -> None:
        """As `show`, for rows of several conversations, each with its conversation's sender_id."""
        parts = [(sender_id, row, name) for sender_id, row in rows for name in _WORDS[type(row)]]
        seen = [part for part in parts if self._sees(part[1], part[2])]
        values = await self.vault.reveal_all([(sender_id, getattr(row, name)) for sender_id, row, name in seen])
        for (_, row, name), value in zip(seen, values, strict=True):
            set_committed_value(row, name, value)
        for _, row, name in parts:
            _cover(row, name)

    def _sees(self, row: Base, name: str) -> bool:
        if self.user is None:
            return True
        if isinstance(row, Conversation) and name == "handoff":
            return sees_values(self.user, row)
        return can(self.user, "see_personal_data")


def _cover(row: Base, name: str) -> None:
    """Nothing leaves with a token in it: what was not revealed is covered."""
    value: Any = getattr(row, name)
    hidden = covered(value)
    if hidden != value:
        set_committed_value(row, name, hidden)
