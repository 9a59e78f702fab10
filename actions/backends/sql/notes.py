"""Agents' notes on conversations on SQL."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from ... import clock
from ..access import access
from ..done import change
from ..models import NoteRow
from ..protocols import Identity, Invalid, Level, Note
from .common import customer

MAX_TEXT = 8000


class SqlNotes:
    """Implements `Notes`."""

    def add(self, identity: Identity, text: str, disposition: str, author: str, request: str) -> str:
        """See `Notes.add`."""

        def do(session: Session) -> str:
            if not text.strip():
                raise Invalid("text", "A note needs some words.")
            verified = identity.level >= Level.VERIFIED
            row = NoteRow(
                conversation_id=identity.conversation_id,
                customer_id=customer(session, identity).id if verified else None,
                text=text[:MAX_TEXT],
                disposition=disposition,
                author=author,
                at=clock.utc_now(),
            )
            session.add(row)
            session.flush()
            return _reference(row)

        # As with tickets: the level may end between two sends of the same request.
        owner = f"conversation:{identity.conversation_id}"
        return change(identity, "note.add", Level.NONE, disposition, request, str, do, owner)

    def own(self, identity: Identity) -> list[Note]:
        """See `Notes.own`."""
        with access(identity, "note.list", Level.VERIFIED, identity.account_number) as session:
            mine = select(NoteRow).where(NoteRow.customer_id == customer(session, identity).id)
            rows = session.scalars(mine.order_by(NoteRow.id.desc()))
            return [Note(_reference(row), row.text, row.disposition, row.author, row.at) for row in rows]


def _reference(row: NoteRow) -> str:
    return f"NN{row.id:06d}"
