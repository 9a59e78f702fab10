"""How good a transfer was: what the packet lacked, what it claimed without support, and what was said twice.

A handoff is scored from the packet and the transcript when an agent ends it, and the agent may rate it. The summary
is checked here with the desk's own copy of the transcript: what a sentence quotes, and its numbers, must stand in the
turns that it names, with half of its words. What a sentence says of the wish or of the reason is the assistant's
reading of a message, which no word of the message need hold: its turns must exist.
"""

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from desk.database import Database
from desk.lifecycle import Refused
from desk.models import AuditEntry, Conversation, Message, User, now
from desk.packet_schema import SCHEMA, lacking
from desk.presence_models import Take
from desk.quality_models import TransferQuality
from desk.turns import Numbers, numbers
from desk.vault_tokens import PERSON_LENGTH, TOKEN

logger = logging.getLogger(__name__)

AGENT_TURNS = 3  # in which nothing should have to be said again
ALIKE = 0.8  # share of words from which two messages say the same
SHORT = 4  # words: a shorter message, such as "yes please", may well be said twice
WORDS = 0.5  # share of a sentence's words that its turns must hold

_QUOTED = re.compile(r"[\"“]([^\"”]+)[\"”]")
_HIDDEN = re.compile(r"\[[^\]]*\]|…")
_WORD = re.compile(r"[^\W_]+")
_READING = re.compile(r"handed over because|(?:still open: )?the customer wanted", re.IGNORECASE)
_FRAME = frozenset(
    {"the", "a", "an", "and", "or", "of", "to", "in", "on", "at", "by", "for", "with", "from", "was", "were", "is"}
    | {"are", "has", "had", "have", "it", "its", "that", "this", "he", "she", "they", "still", "open", "question"}
    | {"customer", "assistant", "agent", "asked", "answered", "said", "told", "wrote", "wanted", "reported", "result"}
)


@dataclass(frozen=True)
class Quality:
    """A transfer's quality: see TransferQuality for what the lists hold."""

    fields: int
    missing: list[str] = field(default_factory=list)
    sentences: int = 0
    unsupported: list[int] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    transfers: int = 0
    rating: int | None = None

    @property
    def points(self) -> int:
        """0 to 100: a quarter each for complete fields, supported sentences, nothing repeated, and one transfer."""
        complete = 1 - len(self.missing) / self.fields if self.fields else 0.0
        supported = 1 - len(self.unsupported) / self.sentences if self.sentences else 0.0
        once = max(0.0, 1 - len(self.repeated) / AGENT_TURNS)
        direct = 1 / (1 + self.transfers)
        return round(25 * (complete + supported + once + direct))


def score(
    packet: Mapping[str, Any],
    turns: Mapping[int, str],
    before: Sequence[str],
    after: Sequence[tuple[str, str]],
    transfers: int,
) -> Quality:
    """The quality of a transfer.

    `turns` has what was said in each turn of the packet's session by its number; `before` are the customer's messages
    up to the handoff, `after` (who, text) all messages from the moment an agent joined; `transfers` counts how often
    the conversation was passed on then.
    """
    summary = packet.get("summary")
    sentences = [row for row in summary if isinstance(row, dict)] if isinstance(summary, list) else []
    return Quality(
        fields=len(SCHEMA["required"]),
        missing=lacking(dict(packet)),
        sentences=len(sentences),
        unsupported=[number for number, sentence in enumerate(sentences) if not supported(sentence, turns)],
        repeated=repeated(packet, before, after),
        transfers=transfers,
    )


def supported(sentence: Mapping[str, Any], turns: Mapping[int, str]) -> bool:
    """Whether the turns that a sentence of the summary names exist and hold what it says."""
    text, named = str(sentence.get("text") or ""), sentence.get("turns")
    if not isinstance(named, list) or not named or not all(turn in turns for turn in named):
        return False
    if _READING.match(text):
        return True
    said = _plain(" ".join(turns[turn] for turn in named))
    quoted = [part for quote in _QUOTED.findall(text) for part in _HIDDEN.split(quote)]
    if not all(_plain(part) in said for part in quoted):
        return False
    words = [word for word in _plain(_HIDDEN.sub(" ", text)).split() if word not in _FRAME]
    held = set(said.split())
    if not all(word in held for word in words if any(c.isdigit() for c in word)):
        return False
    return not words or sum(word in held for word in words) >= WORDS * len(words)


def repeated(packet: Mapping[str, Any], before: Sequence[str], after: Sequence[tuple[str, str]]) -> list[str]:
    """What the customer said again in the first three turns of an agent: labels of values, or "turn n" of `before`."""
    again = list(_early(after))
    slots = packet.get("slots")
    given = [row for row in slots if isinstance(row, dict)] if isinstance(slots, list) else []
    values = {str(row.get("label") or row.get("name")): _packed(str(row.get("value") or "")) for row in given if row}
    found = [label for label, value in values.items() if len(value) > 2 and any(value in _packed(t) for t in again)]
    for turn, text in enumerate(before, 1):
        if any(_alike(text, other) for other in again):
            found.append(f"turn {turn}")
    return found


def _early(after: Sequence[tuple[str, str]]) -> Iterable[str]:
    """The customer's messages until an agent has written for the fourth time."""
    agent_turns, last = 0, ""
    for who, text in after:
        if who == "agent" and last != "agent":
            agent_turns += 1
        if agent_turns > AGENT_TURNS:
            return
        if who == "customer":
            yield text
        last = who if who in ("agent", "customer") else last


def _alike(text: str, other: str) -> bool:
    """Whether two messages say the same in nearly the same words."""
    ours, theirs = set(_plain(text).split()), set(_plain(other).split())
    return min(len(ours), len(theirs)) >= SHORT and len(ours & theirs) >= ALIKE * len(ours | theirs)


def _plain(text: str) -> str:
    return " ".join(_WORD.findall(text.casefold()))


def _packed(text: str) -> str:
    """Letters and digits alone; of a token the part that is the same however its value was written."""
    alike = TOKEN.sub(lambda token: token[2][:PERSON_LENGTH], text)
    return "".join(_WORD.findall(alike.casefold()))


async def quality_of(database: Database, conversation_id: int) -> Quality | None:
    """The quality of the conversation's latest handoff, as it stands now; None while no agent has joined since."""
    async with database.session() as session:
        conversation = await session.get(Conversation, conversation_id)
        if conversation is None or not conversation.handoff:
            return None
        row = await _row(session, conversation)
    if row is not None and row.ended_at:
        return Quality(row.fields, row.missing, row.sentences, row.unsupported, row.repeated, row.transfers, row.rating)
    now_so = await _measure(database, conversation)
    if now_so and row is not None:
        return Quality(**{**vars(now_so), "rating": row.rating})
    return now_so


async def rate(database: Database, conversation_id: int, user: User, score: int) -> None:
    """Keep what the agent thinks of the packet, 1 (useless) to 5 (knew everything). Raises Refused."""
    if score not in range(1, 6):
        raise Refused("Rate the packet from 1 to 5.")
    async with database.session() as session, session.begin():
        conversation = await session.get(Conversation, conversation_id)
        if conversation is None or not conversation.handoff:
            raise Refused("This conversation was not handed over.")
        took = select(func.count()).where(Take.conversation_id == conversation_id, Take.user_id == user.id)
        if conversation.assigned_to != user.id and not await session.scalar(took):
            raise Refused("Only somebody who had this conversation can rate its packet.")
        row = await _row(session, conversation) or _new_row(session, conversation)
        row.rating, row.rated_by = score, user.id


async def record(database: Database, conversation_id: int) -> None:
    """Keep the quality of a handoff that has just ended. A failure is logged: the ending must not fail with it."""
    try:
        async with database.session() as session:
            conversation = await session.get(Conversation, conversation_id)
        found = await _measure(database, conversation) if conversation and conversation.handoff else None
        if conversation is None or found is None:
            return
        async with database.session() as session, session.begin():
            row = await _row(session, conversation) or _new_row(session, conversation)
            row.fields, row.missing = found.fields, found.missing
            row.sentences, row.unsupported = found.sentences, found.unsupported
            row.repeated, row.transfers, row.ended_at = found.repeated, found.transfers, now()
    except SQLAlchemyError as error:
        logger.warning("The quality of a transfer could not be kept: %s", type(error).__name__)


async def _measure(database: Database, conversation: Conversation) -> Quality | None:
    """The score of the conversation's packet; None while no agent has joined since the handoff."""
    at: datetime | None = conversation.handoff_at
    if at is None:
        return None
    counted = await numbers(database, conversation)
    async with database.session() as session:
        messages = (
            await session.scalars(
                select(Message).where(Message.conversation_id == conversation.id).order_by(Message.at, Message.id)
            )
        ).all()
        actions = select(AuditEntry.action, AuditEntry.at).where(
            AuditEntry.conversation_id == conversation.id, AuditEntry.at >= at
        )
        done = [(row.action, row.at) for row in (await session.execute(actions.order_by(AuditEntry.id))).all()]
    joined = next((moment for action, moment in done if action == "take"), None)
    if joined is None:
        return None
    session_of_packet = [m for m in messages if counted.sessions.get(m.id) == counted.linked]
    return score(
        conversation.handoff or {},
        _spoken(session_of_packet, counted),
        [m.text for m in session_of_packet if m.who == "customer" and m.at <= at],
        [(m.who, m.text) for m in messages if m.at >= joined],
        sum(action in ("transfer", "requeue") for action, _ in done),
    )


def _spoken(messages: Sequence[Message], counted: Numbers) -> dict[int, str]:
    """What was said in each turn, with the titles of its sources; 0 is before the customer's first message."""
    spoken: dict[int, str] = {}
    turn = 0
    for message in messages:
        turn = counted.turns.get(message.id, turn)
        titles = " ".join(str(source.get("title")) for source in message.sources if isinstance(source, dict))
        spoken[turn] = f"{spoken.get(turn, '')} {message.text} {titles}"
    return spoken


async def _row(session: AsyncSession, conversation: Conversation) -> TransferQuality | None:
    return await session.scalar(
        select(TransferQuality).where(
            TransferQuality.conversation_id == conversation.id, TransferQuality.packet == _packet_id(conversation)
        )
    )


def _new_row(session: AsyncSession, conversation: Conversation) -> TransferQuality:
    packet = conversation.handoff or {}
    row = TransferQuality(
        conversation_id=conversation.id,
        packet=_packet_id(conversation),
        reason=str(packet.get("reason") or "")[:40],
        queue=str(packet.get("queue") or "")[:64],
        fields=0,
        missing=[],
        sentences=0,
        unsupported=[],
        repeated=[],
        transfers=0,
    )
    session.add(row)
    return row


def _packet_id(conversation: Conversation) -> str:
    """The packet's own id; packets of version 1 have only their time."""
    packet = conversation.handoff or {}
    return str(packet.get("id") or packet.get("requested_at") or "")[:64]
