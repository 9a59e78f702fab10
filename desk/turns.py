"""Turns: the numbers of the customer's messages, and what the assistant understood and did in each."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select

from desk.actions_client import ActionsClient, ActionsError
from desk.database import Database
from desk.models import Conversation, Message, now
from desk.sight import Sight
from desk.transcript_models import TurnDetail

OUTCOMES = {
    "answered": "Answered from the articles",
    "unknown": "No answer in the articles",
    "refused": "Held back by the policy",
    "upset": "Saw that the customer is upset",
    "unreadable": "Could not read the message",
}


@dataclass(frozen=True)
class Numbers:
    """The turn numbers of a conversation, by message id, and which session each message belongs to.

    The numbers count the customer's messages within a session, from 1, as the handoff packet does. `linked` is the
    session that the packet speaks of, or else the newest: only its turns are `#turn-n`.
    """

    turns: dict[int, int]
    sessions: dict[int, int]
    linked: int

    def anchor(self, message_id: int) -> str:
        """The id of the message's element: turn-3 in the packet's session, turn-earlier-1-3 in others."""
        turn, session = self.turns.get(message_id), self.sessions.get(message_id, self.linked)
        if turn is None:
            return f"message-{message_id}"
        return f"turn-{turn}" if session == self.linked else f"turn-of-{session}-{turn}"


@dataclass(frozen=True)
class Turn:
    """What happened after one message of the customer."""

    message: Message
    entities: list[tuple[str, str]] = field(default_factory=list)
    slots: list[tuple[str, str]] = field(default_factory=list)
    actions: list[str] = field(default_factory=list)
    answers: list[dict[str, Any]] = field(default_factory=list)
    policy: list[dict[str, str]] = field(default_factory=list)
    policy_error: str = ""


async def numbers(database: Database, conversation: Conversation) -> Numbers:
    """Count the customer's messages, session by session."""
    async with database.session() as session:
        messages = (
            await session.execute(
                select(Message.id, Message.who, Message.at)
                .where(Message.conversation_id == conversation.id)
                .order_by(Message.at, Message.id)
            )
        ).all()
        starts = (
            await session.scalars(
                select(TurnDetail.at)
                .where(TurnDetail.conversation_id == conversation.id, TurnDetail.kind == "session")
                .order_by(TurnDetail.at)
            )
        ).all()
    return _count([(row.id, row.who, row.at) for row in messages], starts, conversation.handoff_at or now())


def _count(messages: Sequence[tuple[int, str, datetime]], starts: Sequence[datetime], packet_at: datetime) -> Numbers:
    turns: dict[int, int] = {}
    sessions: dict[int, int] = {}
    counts: dict[int, int] = {}
    # A start before the first message opens the first session and no second one.
    later = [start for start in starts if messages and start > messages[0][2]]
    for message_id, who, at in messages:
        sessions[message_id] = bisect_right(later, at)
        if who == "customer":
            counts[sessions[message_id]] = counts.get(sessions[message_id], 0) + 1
            turns[message_id] = counts[sessions[message_id]]
    return Numbers(turns, sessions, bisect_right(later, packet_at))


async def turn(
    database: Database, actions: ActionsClient, sight: Sight, conversation: Conversation, message: Message
) -> Turn:
    """What was understood, what ran, what it used, and which policy rules decided, in the turn of `message`."""
    end = await _next_message_at(database, message)
    async with database.session() as session:
        details = await session.scalars(
            select(TurnDetail)
            .where(TurnDetail.conversation_id == conversation.id, TurnDetail.at >= message.at, TurnDetail.at < end)
            .order_by(TurnDetail.at, TurnDetail.id)
        )
        found = details.all()
    await sight.show(conversation.sender_id, [message, *found])
    policy, error = await _decisions(actions, conversation.sender_id, message.at, end)
    return Turn(
        message,
        entities=_pairs(found, "entity"),
        slots=_pairs(found, "slot"),
        actions=[action_title(row.name) for row in found if row.kind == "action"],
        answers=[
            {"outcome": OUTCOMES.get(row.name, words(row.name)), **row.value}
            for row in found
            if row.kind == "answer" and isinstance(row.value, dict)
        ],
        policy=policy,
        policy_error=error,
    )


def action_title(name: str) -> str:
    """action_order_status -> Order status; validate_order_form -> Checked the answer: order."""
    for prefix, said in (
        ("validate_", "Checked the answer: "),
        ("action_ask_", "Asked for: "),
        ("utter_ask_", "Asked for: "),
        ("utter_", "Said: "),
        ("action_", ""),
    ):
        if name.startswith(prefix):
            rest = name.removeprefix(prefix).removesuffix("_form").replace("_", " ")
            return f"{said}{rest}" if said else words(rest)
    if name.endswith("_form"):
        return f"Form: {name.removesuffix('_form').replace('_', ' ')}"
    return words(name)


def words(name: str) -> str:
    """order_number -> Order number."""
    return name.replace("_", " ").strip().capitalize()


def _pairs(details: Sequence[TurnDetail], kind: str) -> list[tuple[str, str]]:
    """Name and value, the last value of each name."""
    return list({words(row.name): str(row.value) for row in details if row.kind == kind}.items())


async def _next_message_at(database: Database, message: Message) -> datetime:
    """When the customer wrote again; the end of time if they have not."""
    async with database.session() as session:
        following = await session.scalar(
            select(Message.at)
            .where(
                Message.conversation_id == message.conversation_id,
                Message.who == "customer",
                Message.at > message.at,
            )
            .order_by(Message.at)
            .limit(1)
        )
    return following or datetime.max.replace(tzinfo=message.at.tzinfo)


async def _decisions(
    actions: ActionsClient, sender_id: str, start: datetime, end: datetime
) -> tuple[list[dict[str, str]], str]:
    """The policy's decisions that name a rule, in this span of time, or the sentence that says why there are none."""
    try:
        answer = await actions.get("/policy/decisions", {"conversation": sender_id})
    except ActionsError as error:
        return [], f"The policy's decisions can't be shown. {error}"
    rows = answer.get("decisions")
    kept = []
    for row in rows if isinstance(rows, list) else []:
        at = _moment(row.get("at")) if isinstance(row, dict) else None
        if at and start <= at < end and row.get("rule") not in (None, "", "none"):
            kept.append({key: str(row.get(key) or "") for key in ("rule", "stage", "outcome")})
    return list({tuple(row.items()): row for row in kept}.values()), ""


def _moment(text: Any) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return at if at.tzinfo else None
