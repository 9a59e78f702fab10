"""What agents do with a conversation: take it, reply, hand it back, wrap it up.

Every function checks that the user may do it, tells the assistant, and leaves an audit row. The conversation's own
state comes back through the event stream; only what the next click depends on is written here at once.
"""

from dataclasses import dataclass

from sqlalchemy import CursorResult, update

from desk import audit
from desk.assistant import Assistant, AssistantError, notice_event, owner_event, reply_event
from desk.conversations import find
from desk.database import Database
from desk.live import Hub
from desk.models import Conversation, User, WrapUp, now

MAX_REPLY = 4000
MAX_NOTE = 2000
DISPOSITIONS = {
    "resolved": "Resolved",
    "follow_up": "Follow-up needed",
    "passed_on": "Passed to another team",
    "customer_left": "Customer left",
    "other": "Something else",
}


class Refused(Exception):
    """The user may not do this now; the message says why."""


@dataclass(frozen=True)
class Handling:
    """The agents' actions over a store, the assistant and the open pages."""

    database: Database
    assistant: Assistant
    hub: Hub

    async def take(self, user: User, conversation_id: int, seen_assignee: int | None) -> None:
        """Take a conversation over. Of two users exactly one gets it.

        `seen_assignee` is whom the user saw as its agent: only a supervisor may take it from somebody, and only from
        the one that they saw. Raises Refused or AssistantError.
        """
        conversation = await self._get(conversation_id)
        if seen_assignee == user.id:
            raise Refused("You already have this conversation.")
        if seen_assignee is not None and not user.is_supervisor:
            raise Refused(f"{_who(conversation)} has this conversation.")
        previous = (conversation.owner, conversation.assigned_at)
        if not await self._claim(conversation.id, seen_assignee, user.id):
            raise Refused(f"{_who(await self._get(conversation_id))} has taken this conversation.")
        try:
            await self.assistant.append(
                conversation.sender_id,
                [
                    owner_event("agent", user.name),
                    notice_event(f"{user.first_name} has joined the conversation.", "joined", user.first_name),
                ],
            )
        except AssistantError:
            await self._unclaim(conversation, user.id, seen_assignee, previous[1])
            raise
        await self._done(user, "take", conversation, owner="agent", waiting_since=None)

    async def reply(self, user: User, conversation_id: int, text: str) -> None:
        """Send a reply as one message. Raises Refused or AssistantError."""
        conversation = await self._mine(user, conversation_id)
        if not text.strip():
            raise Refused("Write a reply first.")
        if len(text) > MAX_REPLY:
            raise Refused(f"The reply has {len(text):,} characters: shorten it to {MAX_REPLY:,}.")
        await self.assistant.append(conversation.sender_id, [reply_event(text, user.first_name)])
        await self._done(user, "reply", conversation)

    async def hand_back(self, user: User, conversation_id: int) -> None:
        """Give the conversation back to the assistant. Raises Refused or AssistantError."""
        conversation = await self._mine(user, conversation_id)
        text = (
            f"You're back with Northlight's assistant. {user.first_name} has left the conversation. "
            "What else can I do for you?"
        )
        await self._release(user, conversation, text, "left")
        await self._done(user, "hand_back", conversation, owner="bot", assigned_to=None, assigned_at=None)

    async def wrap_up(self, user: User, conversation_id: int, disposition: str, note: str) -> None:
        """Close the conversation with how it ended. Raises Refused or AssistantError."""
        conversation = await self._mine(user, conversation_id)
        if disposition not in DISPOSITIONS:
            raise Refused("Choose how the conversation ended.")
        if len(note) > MAX_NOTE:
            raise Refused(f"The note has {len(note):,} characters: shorten it to {MAX_NOTE:,}.")
        text = (
            f"{user.first_name} has closed this conversation. Northlight's assistant is here whenever you need "
            "anything else."
        )
        await self._release(user, conversation, text, "closed")
        async with self.database.session() as session, session.begin():
            session.add(
                WrapUp(
                    conversation_id=conversation.id,
                    user_id=user.id,
                    disposition=disposition,
                    note=note.strip(),
                )
            )
            await session.execute(
                update(Conversation)
                .where(Conversation.id == conversation.id)
                .values(disposition=disposition, closed_at=now())
            )
        await self._done(user, "wrap_up", conversation, disposition, owner="bot", assigned_to=None, assigned_at=None)

    async def _get(self, conversation_id: int) -> Conversation:
        conversation = await find(self.database, conversation_id)
        if conversation is None:
            raise Refused("There is no such conversation.")
        return conversation

    async def _mine(self, user: User, conversation_id: int) -> Conversation:
        """The conversation, if this user has it."""
        conversation = await self._get(conversation_id)
        if conversation.assigned_to != user.id:
            if conversation.assigned_to is None:
                raise Refused("Take the conversation over first.")
            raise Refused(f"{_who(conversation)} has this conversation now.")
        return conversation

    async def _claim(self, conversation_id: int, seen: int | None, user_id: int) -> bool:
        """Compare and swap the assignee in one statement."""
        is_seen = Conversation.assigned_to.is_(None) if seen is None else Conversation.assigned_to == seen
        async with self.database.session() as session, session.begin():
            result = await session.execute(
                update(Conversation)
                .where(Conversation.id == conversation_id, is_seen)
                .values(assigned_to=user_id, assigned_at=now())
            )
        assert isinstance(result, CursorResult)
        return result.rowcount == 1

    async def _unclaim(self, conversation: Conversation, user_id: int, seen: int | None, at: object) -> None:
        """The assistant does not know of the claim: undo it."""
        async with self.database.session() as session, session.begin():
            await session.execute(
                update(Conversation)
                .where(Conversation.id == conversation.id, Conversation.assigned_to == user_id)
                .values(assigned_to=seen, assigned_at=at)
            )
        self.hub.publish([conversation.id])

    async def _release(self, user: User, conversation: Conversation, text: str, notice: str) -> None:
        await self.assistant.append(
            conversation.sender_id,
            [owner_event("bot", user.name), notice_event(text, notice, user.first_name)],
        )

    async def _done(
        self, user: User, action: str, conversation: Conversation, detail: str = "", **values: object
    ) -> None:
        """Write what the next click depends on and the audit row together, and tell the open pages.

        The values are written only while the user has the conversation: the event stream may already be further.
        """
        async with self.database.session() as session, session.begin():
            if values:
                await session.execute(
                    update(Conversation)
                    .where(Conversation.id == conversation.id, Conversation.assigned_to == user.id)
                    .values(**values)
                )
            audit.note(session, user.id, action, conversation.id, detail)
        self.hub.publish([conversation.id])


def _who(conversation: Conversation) -> str:
    return conversation.assignee.display_name if conversation.assignee else "Somebody else"
