"""Passing a conversation on: to another queue, or straight to a colleague."""

from typing import Any

from sqlalchemy import func, select, true

from desk.assistant import Assistant, AssistantError, notice_event, owner_event
from desk.custody import Custody, arrived, freed, holder, taken
from desk.lifecycle import QUEUE, Refused
from desk.models import Conversation, User, now
from desk.presence import AVAILABLE, TALKERS, status_of
from desk.routing import GENERAL, promised, raised


async def to_queue(
    custody: Custody, assistant: Assistant, user: User, conversation: Conversation, queue: str, note: str
) -> None:
    """The customer is told and waits again, a step ahead; raises AssistantError."""
    team = "one of my colleagues" if queue == GENERAL else f"our {queue.replace('_', ' ')} team"
    text = (
        f"{user.first_name} is passing you to {team}. They can see everything that was said here, so you won't "
        "have to repeat it, and you stay ahead of those who came after you."
    )
    values = waiting_again(conversation, queue)
    await assistant.append(
        conversation.sender_id,
        [owner_event("queue", user.name), notice_event(text, "transferred", user.first_name)],
    )
    await custody.commit(
        user,
        "transfer",
        conversation,
        values,
        detail=f"to the queue {queue}",
        already=arrived(QUEUE),
        note=("transfer", note or f"Passed to the queue {queue}."),
    )


async def to_agent(
    custody: Custody, assistant: Assistant, user: User, conversation: Conversation, name: str, note: str
) -> None:
    """The receiver has it from the moment of the claim, nobody is between; raises Refused or AssistantError."""
    async with custody.database.session() as session:
        receiver = await session.scalar(select(User).where(func.lower(User.name) == name.strip().lower()))
    if receiver is None or receiver.role not in TALKERS:
        raise Refused("There is no such colleague: choose one from the list.")
    if receiver.id == conversation.assigned_to:
        raise Refused(f"{holder(conversation)} already has this conversation.")
    if (await status_of(custody.database, receiver.id)).status != AVAILABLE:
        raise Refused(f"{receiver.display_name} is not available: choose another colleague or a queue.")
    if not await custody.swap(
        conversation.id, conversation.assigned_to, true(), assigned_to=receiver.id, assigned_at=now()
    ):
        raise Refused(f"{holder(await custody.get(conversation.id))} has this conversation now.")
    text = f"{receiver.first_name} will take over from here, and can see everything that was said."
    values = taken(conversation)
    try:
        await assistant.append(
            conversation.sender_id,
            [owner_event("agent", receiver.name), notice_event(text, "transferred", receiver.first_name)],
        )
    except AssistantError:
        await custody.unclaim(conversation, receiver.id)
        raise
    await custody.commit(
        user,
        "transfer",
        conversation,
        values,
        detail=f"to {receiver.name}",
        holder_id=receiver.id,
        note=("transfer", note or f"Passed to {receiver.display_name}."),
    )


def waiting_again(conversation: Conversation, queue: str) -> dict[str, Any]:
    """The values of a conversation that waits again: a step more urgent, with a new promise."""
    at, priority = now(), raised(conversation.priority)
    return freed(conversation, QUEUE, at) | {
        "queue": queue[:64],
        "priority": priority,
        "sla_due": promised(priority, at),
        "reminded_at": None,
        "first_reply_at": None,
    }
