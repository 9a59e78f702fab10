"""One-time codes: the second factor that raises a verified conversation to step-up.

A code has six digits, lives for five minutes, and only a keyed hash of it is kept. It goes to the e-mail address
or mobile number that was on file a day ago: a contact that somebody has just changed proves nothing while its
owner can still undo the change (see `Customers.code_recipients`). Three wrong tries lock the conversation,
in the way that verification does.
"""

import hashlib
import hmac
import secrets
from datetime import timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from . import assurance, backends, clock, settings
from .attempts import CODE, Locked, Mismatch, attempt, hold, is_locked, key_of, left
from .backends.access import audit
from .backends.contacts import masked
from .backends.models import CodeRow
from .backends.protocols import BackendError, Channel, Identity, Level, NotAllowed, Recipient
from .backends.session import transaction

__all__ = [
    "CodeExpired",
    "CodeProblem",
    "Locked",
    "NoCode",
    "NoRecipient",
    "TooManyCodes",
    "WrongCode",
    "check",
    "pending",
    "recipients",
    "send",
]

DIGITS = 6
EXPIRY = timedelta(minutes=5)
MAX_CODES = 3
PERIOD = timedelta(minutes=15)
SUBJECT = "Your Northlight code"


class CodeProblem(Exception):
    """Why there is no step-up; `attempts.Locked` beside these means that a person should take over."""


class NoRecipient(CodeProblem):
    """There is no contact on file for this channel, or nothing that can send to it."""


class TooManyCodes(CodeProblem):
    """Three codes were sent in fifteen minutes, in this conversation or for this account."""


class NoCode(CodeProblem):
    """No code was sent in this conversation, or it was used or replaced."""


class CodeExpired(CodeProblem):
    """The code was sent more than five minutes ago."""


class WrongCode(CodeProblem):
    """Not the code; `tries_left` says how many tries remain before the conversation is locked."""

    def __init__(self, tries_left: int) -> None:
        super().__init__()
        self.tries_left = tries_left


def recipients(conversation_id: str) -> dict[Channel, str]:
    """Where a code can be sent, masked, by channel; raises `NotAllowed` below verified."""
    return {to.channel: masked(to) for to in _recipients(_verified(conversation_id))}


def send(conversation_id: str, channel: Channel) -> str:
    """Send a new code, which makes the former one void; returns the masked address.

    Raises `NotAllowed` (not verified), `NoRecipient`, `TooManyCodes`, `Locked`, `Unavailable`, `Undeliverable`.
    """
    caller = _verified(conversation_id)
    to = next((found for found in _recipients(caller) if found.channel == channel), None)
    if to is None:
        raise NoRecipient
    code = "".join(secrets.choice("0123456789") for _ in range(DIGITS))
    number = _keep(caller, channel, code)
    body = (
        f"Your Northlight code is {code}. It works for 5 minutes, in the chat that asked for it. "
        "If that wasn't you, ignore this message and tell nobody the code."
    )
    try:
        return backends.notifications().send(caller, to, SUBJECT, body)
    except BackendError:  # nobody got it, so it does not count
        with transaction() as session:
            session.execute(delete(CodeRow).where(CodeRow.id == number))
        raise


def pending(conversation_id: str) -> bool:
    """Whether a code was sent that can still be entered."""
    with transaction() as session:
        row = _open_code(session, conversation_id)
        return row is not None and row.expires_at > clock.utc_now()


def check(conversation_id: str, code: str) -> Identity:
    """Take a code; returns the identity at step-up.

    Raises `WrongCode`, `CodeExpired`, `NoCode`, `Locked`, and `NotAllowed` when verification has run out.
    """
    caller = _verified(conversation_id)
    subject = f"{CODE}{caller.account_number}"
    row = _current_code(caller, subject)
    given = "".join(code.split()).replace("-", "")
    try:
        attempt(
            caller,
            "code.check",
            subject,
            lambda: _is_open(row) and hmac.compare_digest(row.digest, _digest(row.salt, caller, given)),
            lambda session: _use(session, caller, row),
        )
    except Mismatch:
        raise WrongCode(left(caller, subject)) from None
    return assurance.current(conversation_id)


def _verified(conversation_id: str) -> Identity:
    caller = assurance.current(conversation_id)
    if caller.level < Level.VERIFIED:
        with transaction() as session:
            audit(session, caller, "code", None, "refused", "NotAllowed")
        raise NotAllowed("a one-time code needs the level verified")
    return caller


def _recipients(caller: Identity) -> list[Recipient]:
    channels = backends.notifications().channels()
    return [to for to in backends.customers().code_recipients(caller) if to.channel in channels]


def _keep(caller: Identity, channel: Channel, code: str) -> int:
    """Void the former code and keep the new one, within the limits."""
    subject = f"{CODE}{caller.account_number}"
    refusal: type[Exception] | None = None
    number = 0
    with transaction() as session:
        hold(session, [key_of(caller.conversation_id), subject])
        if is_locked(session, [key_of(caller.conversation_id), subject]):
            refusal = Locked
        elif _sent(session, caller) >= MAX_CODES:
            refusal = TooManyCodes
        else:
            number = _add(session, caller, channel, code)
        outcome = "refused" if refusal else "allowed"
        audit(session, caller, "code.send", channel, outcome, refusal.__name__ if refusal else None)
    if refusal:
        raise refusal
    return number


def _sent(session: Session, caller: Identity) -> int:
    """The codes of the last fifteen minutes: the conversation's or the account's, whichever are more."""
    since = CodeRow.sent_at > clock.utc_now() - PERIOD
    mine = (CodeRow.conversation_id == caller.conversation_id, CodeRow.account_number == caller.account_number)
    counts = [session.scalar(select(func.count()).select_from(CodeRow).where(since, one)) or 0 for one in mine]
    return max(counts)


def _add(session: Session, caller: Identity, channel: Channel, code: str) -> int:
    now = clock.utc_now()
    former = CodeRow.conversation_id == caller.conversation_id, CodeRow.state == "open"
    session.execute(update(CodeRow).where(*former).values(state="void"))
    session.execute(delete(CodeRow).where(CodeRow.expires_at < now - timedelta(days=1)))
    salt = secrets.token_hex(16)
    row = CodeRow(
        conversation_id=caller.conversation_id,
        account_number=caller.account_number or "",
        channel=channel,
        salt=salt,
        digest=_digest(salt, caller, code),
        sent_at=now,
        expires_at=now + EXPIRY,
        state="open",
    )
    session.add(row)
    session.flush()
    return row.id


def _digest(salt: str, caller: Identity, code: str) -> str:
    """A keyed hash that is of use for this code, this conversation and this account alone."""
    text = "\0".join(("one-time code", salt, caller.conversation_id, caller.account_number or "", code))
    return hmac.new(settings.secret().encode(), text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def _open_code(session: Session, conversation_id: str) -> CodeRow | None:
    mine = CodeRow.conversation_id == conversation_id, CodeRow.state == "open"
    return session.scalar(select(CodeRow).where(*mine).order_by(CodeRow.id.desc()))


def _current_code(caller: Identity, subject: str) -> CodeRow:
    """The code that was sent last; a locked conversation, or none to be entered, costs no try."""
    with transaction() as session:
        if is_locked(session, [key_of(caller.conversation_id), subject]):
            audit(session, caller, "code.check", subject, "refused", "locked")
            locked, row = True, None
        else:
            locked, row = False, _open_code(session, caller.conversation_id)
    if locked:
        raise Locked
    if row is None or row.account_number != caller.account_number:
        raise NoCode
    if row.expires_at <= clock.utc_now():
        raise CodeExpired
    return row


def _is_open(row: CodeRow) -> bool:
    """Whether the code has neither been used nor replaced in the meantime."""
    with transaction() as session:
        return session.scalar(select(CodeRow.state).where(CodeRow.id == row.id)) == "open"


def _use(session: Session, caller: Identity, row: CodeRow) -> None:
    session.execute(update(CodeRow).where(CodeRow.id == row.id).values(state="used"))
    assurance.raise_to_step_up(session, caller.conversation_id, row.account_number)
