"""Projects raw events into the desk's store. Applying an event again, or an older one late, changes nothing."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from desk.database import Database
from desk.lifecycle import AGENT, BOT, CLOSED, WRAP_UP, after
from desk.models import AppliedEvent, Conversation, Message, User
from desk.routing import is_same, promised, routing
from desk.transcript import Fact, HandoffSet, Happened, OwnerSet, RawEvent, Said, identity, moment, read, readable
from desk.transcript_models import TurnDetail
from desk.vault_tokens import clipped

logger = logging.getLogger(__name__)


async def project(database: Database, events: Sequence[RawEvent]) -> set[int]:
    """Apply the events in one transaction; returns the ids of the conversations that changed."""
    facts = _facts(events)
    changed: set[int] = set()
    if not facts:
        return changed
    async with database.session() as session, session.begin():
        known = await session.scalars(select(AppliedEvent.identity).where(AppliedEvent.identity.in_(facts.keys())))
        seen = set(known)
        for key, (sender_id, at, fact) in facts.items():
            if key in seen:
                continue
            session.add(AppliedEvent(identity=key))
            conversation = await conversation_of(session, sender_id, at)
            await _apply(session, conversation, at, fact)
            await session.flush()
            changed.add(conversation.id)
    return changed


def _facts(events: Sequence[RawEvent]) -> dict[str, tuple[str, datetime, Fact]]:
    """The facts by event identity, in the order of arrival. An event of an unknown shape is logged and left out."""
    facts: dict[str, tuple[str, datetime, Fact]] = {}
    for event in events:
        sender_id = event.get("sender_id")
        if not isinstance(sender_id, str) or not 0 < len(sender_id) <= 255:
            logger.warning("Left out an event without a usable sender_id (type %s)", event.get("event"))
            continue
        fact = read(event)
        if fact:
            facts[identity(event)] = (sender_id, moment(event), fact)
    return facts


async def conversation_of(session: AsyncSession, sender_id: str, at: datetime) -> Conversation:
    """The conversation of a sender; a new one, last active `at`, if there is none."""
    found = await session.scalar(select(Conversation).where(Conversation.sender_id == sender_id))
    if found:
        return found
    conversation = Conversation(
        sender_id=sender_id, owner="bot", phase="bot", queue="", priority=3, flag="", last_activity=at, last_text=""
    )
    session.add(conversation)
    await session.flush()
    return conversation


async def _apply(session: AsyncSession, conversation: Conversation, at: datetime, fact: Fact) -> None:
    match fact:
        case Said():
            await _add_message(session, conversation, at, fact)
        case OwnerSet():
            await _set_owner(session, conversation, at, fact)
        case HandoffSet():
            if conversation.handoff_at is None or at >= conversation.handoff_at:
                _route(conversation, at, fact)
        case Happened():
            _add_detail(session, conversation, at, fact)


def _route(conversation: Conversation, at: datetime, fact: HandoffSet) -> None:
    """Keep the packet; a new one says where the conversation waits, one that is set again must not undo a transfer."""
    if fact.packet == conversation.handoff:
        return  # a new session sets its slots again: the handover was when it was
    if not is_same(fact.packet, conversation.handoff):
        route = routing(fact.packet)
        conversation.queue, conversation.skills = route.queue, list(route.skills)
        conversation.priority = route.priority
        conversation.language = route.language or conversation.language
        conversation.sla_due = route.sla_due or promised(route.priority, at)
    conversation.handoff, conversation.handoff_at = fact.packet, at


def _add_detail(session: AsyncSession, conversation: Conversation, at: datetime, fact: Happened) -> None:
    session.add(TurnDetail(conversation_id=conversation.id, at=at, kind=fact.kind, name=fact.name, value=fact.value))


async def _add_message(session: AsyncSession, conversation: Conversation, at: datetime, said: Said) -> None:
    text = said.text
    if said.who == "customer":
        if text.startswith("/"):
            text = readable(text, await _offered_buttons(session, conversation, at))
        conversation.channel = said.channel or conversation.channel
        _hear(conversation, at)
    session.add(
        Message(
            conversation_id=conversation.id,
            who=said.who,
            text=text,
            at=at,
            intent=said.intent,
            confidence=said.confidence,
            sources=said.sources,
            buttons=said.buttons,
            agent_name=said.agent_name,
            client_id=said.client_id,
        )
    )
    for happened in said.within:
        _add_detail(session, conversation, at, happened)
    if at >= conversation.last_activity:
        conversation.last_activity = at
        if said.wait_minutes:
            conversation.promised_at = at + timedelta(minutes=said.wait_minutes)
        if said.who == "customer":
            conversation.last_text = clipped(" ".join(text.split()), 200)


async def _offered_buttons(session: AsyncSession, conversation: Conversation, at: datetime) -> list[dict[str, str]]:
    """All buttons of the last bot messages before `at`, the newest first."""
    rows = await session.scalars(
        select(Message.buttons)
        .where(Message.conversation_id == conversation.id, Message.who == "bot", Message.at <= at)
        .order_by(Message.at.desc(), Message.id.desc())
        .limit(5)
    )
    return [button for buttons in rows for button in buttons]


def _hear(conversation: Conversation, at: datetime) -> None:
    """The customer wrote: a closed conversation opens again, and one in wrap-up goes back to its agent."""
    if conversation.customer_at is None or at > conversation.customer_at:
        conversation.customer_at = at
    finished = {CLOSED: conversation.closed_at, WRAP_UP: conversation.wrap_up_at}.get(conversation.phase)
    if finished and at > finished:
        conversation.phase = after(conversation.phase, "message")
        conversation.closed_at = conversation.disposition = conversation.wrap_up_at = None


async def _set_owner(session: AsyncSession, conversation: Conversation, at: datetime, fact: OwnerSet) -> None:
    if conversation.owner_at and at < conversation.owner_at:
        return
    claimed_later = conversation.assigned_at is not None and conversation.assigned_at > at
    if fact.owner == "queue" and (conversation.owner != "queue" or conversation.waiting_since is None):
        _begin_waiting(conversation, at)
    if fact.owner != "queue":
        conversation.waiting_since = None
    if fact.owner != "agent" and not claimed_later:
        conversation.assigned_to = conversation.assigned_at = conversation.offered_at = None
    if fact.owner == "agent" and fact.user and not claimed_later:
        user = await session.scalar(select(User).where(User.name == fact.user))
        if user:
            conversation.assigned_to, conversation.assigned_at, conversation.offered_at = user.id, at, None
    conversation.owner, conversation.owner_at = fact.owner, at
    conversation.phase = after(conversation.phase, f"owner:{fact.owner}")
    if conversation.phase != WRAP_UP:
        conversation.wrap_up_at = None
    if conversation.phase in (BOT, AGENT):
        conversation.sla_due = None
        conversation.closed_at = conversation.disposition = None


def _begin_waiting(conversation: Conversation, at: datetime) -> None:
    conversation.waiting_since = at
    conversation.closed_at = conversation.disposition = None
    conversation.first_reply_at = conversation.reminded_at = None
    conversation.flag = ""
    if conversation.sla_due is None or conversation.sla_due < at:
        conversation.sla_due = promised(conversation.priority, at)
