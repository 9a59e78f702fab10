"""The conversation as it is shown: messages and notes in the order of time, with turn numbers and session borders."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from desk.models import Message
from desk.notes_models import Note
from desk.turns import Numbers


@dataclass(frozen=True)
class Entry:
    """One line: a message, or a note of the staff. `turn` is the number of a customer's message in its session."""

    anchor: str
    at: datetime
    message: Message | None = None
    note: Note | None = None
    turn: int | None = None
    new_session: bool = False


def timeline(messages: Sequence[Message], notes: Sequence[Note], numbers: Numbers) -> list[Entry]:
    """Messages and notes, oldest first. A message that opens a later session says so."""
    firsts: dict[int, int] = {}
    for message_id, session in numbers.sessions.items():
        firsts.setdefault(session, message_id)
    openers = {message_id for session, message_id in firsts.items() if session > 0}
    entries = [
        Entry(
            numbers.anchor(message.id),
            message.at,
            message=message,
            turn=numbers.turns.get(message.id),
            new_session=message.id in openers,
        )
        for message in messages
    ]
    entries += [Entry(f"note-{note.id}", note.at, note=note) for note in notes]
    return sorted(entries, key=lambda entry: entry.at)
