"""Customers' chat sessions: opened, renewed with rotation, revoked.

Each renewal token is accepted once. One that comes again after a few seconds has been copied, and nobody can tell which
of its two holders is the customer: the session ends for both (RFC 9700, section 4.14.2). Within those few seconds it
gives what the first use gave, because two tabs of one browser may renew at the same moment.
"""

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from desk import tokens
from desk.chat_models import ChatSession
from desk.database import Database
from desk.models import now
from desk.tokens import InvalidToken, Renewal

GRACE = timedelta(seconds=15)
MOST_NEW, IN_SECONDS = 30, 600
MAX_ADDRESSES = 10_000


class Copied(InvalidToken):
    """A renewal token was used again: its session has just been revoked; str() is the conversation's id."""


@dataclass(frozen=True)
class Opened:
    """A conversation's id and the tokens of its holder; `expires_in` is the access token's life in seconds."""

    session_id: str
    token: str
    renewal: str
    expires_in: int


async def start(database: Database, secret: str) -> Opened:
    """A session of a new conversation."""
    renewal, at = Renewal(tokens.new_id(), tokens.new_id()), now()
    async with database.session() as session, session.begin():
        await session.execute(delete(ChatSession).where(ChatSession.expires_at < at))
        session.add(
            ChatSession(
                conversation=renewal.session_id,
                current=renewal.jti,
                rotated_at=at,
                expires_at=at + tokens.RENEWAL_LIFETIME,
            )
        )
    return _opened(secret, renewal)


async def renew(database: Database, secret: str, token: str | None) -> Opened:
    """The next pair of tokens for a renewal token; raises InvalidToken, and Copied if it was used before."""
    given, at = tokens.read_renewal(secret, token), now()
    async with database.session() as session, session.begin():
        renewed = await _rotate(session, given, at)
    if renewed is None:
        raise Copied(given.session_id)
    return _opened(secret, renewed)


async def _rotate(session: AsyncSession, given: Renewal, at: datetime) -> Renewal | None:
    """The renewal token that takes the place of the given one; None if that was copied. Raises InvalidToken."""
    following = Renewal(given.session_id, tokens.new_id())
    mine = ChatSession.conversation == given.session_id
    # One statement decides, so that of two requests at once only one rotates.
    rotated = await session.execute(
        update(ChatSession)
        .where(mine, ChatSession.current == given.jti, ChatSession.revoked_at.is_(None))
        .values(
            current=following.jti,
            previous=given.jti,
            rotated_at=at,
            expires_at=at + tokens.RENEWAL_LIFETIME,
        )
    )
    assert isinstance(rotated, CursorResult)
    if rotated.rowcount:
        return following
    row = await session.scalar(select(ChatSession).where(mine))
    if row is None or row.revoked_at:
        raise InvalidToken
    if row.previous == given.jti and at - row.rotated_at <= GRACE:
        return Renewal(given.session_id, row.current)
    row.revoked_at = at
    return None


async def revoke(database: Database, session_id: str) -> bool:
    """End a session: its tokens open nothing from now on. False if there is none, or it has ended already."""
    async with database.session() as session, session.begin():
        ended = await session.execute(
            update(ChatSession)
            .where(ChatSession.conversation == session_id, ChatSession.revoked_at.is_(None))
            .values(revoked_at=now())
        )
    assert isinstance(ended, CursorResult)
    return bool(ended.rowcount)


async def is_open(database: Database, session_id: str) -> bool:
    """Whether somebody may still open the conversation."""
    async with database.session() as session:
        row = await session.get(ChatSession, session_id)
    return row is not None and row.revoked_at is None and row.expires_at > now()


async def holder(database: Database, secret: str, token: str | None) -> str:
    """The conversation that an access token opens now; raises InvalidToken."""
    session_id = tokens.read_access(secret, token)
    if not await is_open(database, session_id):
        raise InvalidToken
    return session_id


class Pace:
    """At most `most` new sessions in any `seconds` for each address, and no limit where the address is not known."""

    def __init__(
        self, most: int = MOST_NEW, seconds: float = IN_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most, self._seconds, self._clock = most, seconds, clock
        self._opened: OrderedDict[str, deque[float]] = OrderedDict()

    def allows(self, address: str) -> bool:
        """Counts a session that is about to be opened; refused ones do not count."""
        if not address:
            return True
        moment = self._clock()
        times = self._opened.setdefault(address, deque())
        self._opened.move_to_end(address)
        while times and times[0] <= moment - self._seconds:
            times.popleft()
        if len(times) >= self._most:
            return False
        times.append(moment)
        if len(self._opened) > MAX_ADDRESSES:
            self._opened.popitem(last=False)
        return True


def _opened(secret: str, renewal: Renewal) -> Opened:
    return Opened(
        renewal.session_id,
        tokens.access_token(secret, renewal.session_id),
        tokens.renewal_token(secret, renewal),
        int(tokens.LIFETIME.total_seconds()),
    )
