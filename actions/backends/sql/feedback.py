"""Ratings of conversations on SQL."""

from sqlalchemy.dialects import postgresql, sqlite

from ... import clock
from ..access import access
from ..models import RatingRow
from ..protocols import Identity, Invalid, Level, NotFound

MAX_COMMENT = 1000


class SqlFeedback:
    """Implements `Feedback`."""

    def rate(self, identity: Identity, session: str, score: int) -> bool:
        """See `Feedback.rate`."""
        with access(identity, "feedback.rate", Level.NONE, session) as database:
            if not 1 <= score <= 5:
                raise Invalid("score", "A rating is a whole number from 1 to 5.")
            insert = postgresql.insert if database.get_bind().dialect.name == "postgresql" else sqlite.insert
            row = {
                "conversation_id": identity.conversation_id,
                "session": session,
                "score": score,
                "comment": "",
                "at": clock.utc_now(),
            }
            new = insert(RatingRow).values(row).on_conflict_do_nothing().returning(RatingRow.score)
            return database.scalar(new) is not None

    def comment(self, identity: Identity, session: str, text: str) -> None:
        """See `Feedback.comment`."""
        with access(identity, "feedback.comment", Level.NONE, session) as database:
            row = database.get(RatingRow, (identity.conversation_id, session))
            if row is None:
                raise NotFound("no rating of this session")
            row.comment = text[:MAX_COMMENT]
