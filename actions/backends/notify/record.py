"""What every sender leaves behind: an audit row and a row about the message, without its body."""

from ... import clock
from ...logs import conversation_ref, get_logger
from ..access import audit
from ..contacts import masked
from ..models import NotificationRow
from ..protocols import Identity, Recipient
from ..session import transaction

logger = get_logger(__name__)
MAX_SUBJECT = 200


def record(identity: Identity, to: Recipient, subject: str, reason: str | None = None, attempts: int = 1) -> str:
    """Write down that a message was sent, or not, for `reason`; returns the masked address."""
    shown = masked(to)
    outcome = "failed" if reason else "sent"
    with transaction() as session:
        row = NotificationRow(
            at=clock.utc_now(),
            conversation_id=identity.conversation_id,
            channel=to.channel,
            recipient=shown,
            subject=subject[:MAX_SUBJECT],
            outcome=outcome,
            reason=reason,
            attempts=attempts,
        )
        session.add(row)
        audit(session, identity, "notification.send", f"{to.channel}:{shown}", outcome, reason)
    where = conversation_ref(identity.conversation_id)
    logger.info("notification", extra={"conversation": where, "channel": to.channel, "outcome": outcome})
    return shown
