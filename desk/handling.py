"""What agents do with a conversation: take it, reply, pass it on, hand it back, wrap it up and close it.

Every function checks that the user may do it, tells the assistant, and leaves an audit row. The conversation's own
state comes back through the event stream; only what the next click depends on is written here at once.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from sqlalchemy import true

from desk import notes, quality
from desk.assistant import Assistant, AssistantError, notice_event, owner_event, reply_event, slot_event
from desk.custody import Custody, arrived, freed, holder, taken, unheard_since
from desk.database import Database
from desk.lifecycle import AGENT, BOT, CLOSED, QUEUE, WRAP_UP, Refused
from desk.live import Hub
from desk.models import Conversation, User, WrapUp, now
from desk.presence import TALKERS
from desk.presence_models import Take
from desk.routing import GENERAL
from desk.transfer import to_agent, to_queue, waiting_again

__all__ = ["DISPOSITIONS", "MAX_NOTE", "MAX_REPLY", "Handling", "Refused"]

MAX_REPLY = 4000
MAX_NOTE = 2000
DISPOSITIONS = {
    "resolved": "Resolved",
    "follow_up": "Follow-up needed",
    "passed_on": "Passed to another team",
    "callback": "Call-back arranged",
    "customer_left": "Customer left",
    "not_possible": "Could not be done",
    "other": "Something else",
}
HANDED_BACK = "EXTERNAL_handed_back"
CONVERSATION_CLOSED = "EXTERNAL_agent_closed"
TASK = "task"


P = ParamSpec("P")
Action = Callable[Concatenate["Handling", User, int, P], Awaitable[None]]


def _alone(action: Action[P]) -> Action[P]:
    """One action at a time on a conversation, so that the assistant hears of them in the order of the database."""

    @wraps(action)
    async def waiting(self: "Handling", user: User, conversation_id: int, *args: P.args, **kwargs: P.kwargs) -> None:
        async with self.custody.alone(conversation_id):
            await action(self, user, conversation_id, *args, **kwargs)

    return waiting


@dataclass
class Handling:
    """The agents' actions over a store, the assistant and the open pages. All raise Refused or AssistantError."""

    database: Database
    assistant: Assistant
    hub: Hub
    custody: Custody = field(init=False)

    def __post_init__(self) -> None:
        self.custody = Custody(self.database, self.hub)

    @_alone
    async def take(self, user: User, conversation_id: int, seen_assignee: int | None) -> None:
        """Take a conversation over. Of two users exactly one gets it.

        `seen_assignee` is whom the user saw as its agent: only a supervisor may take it from somebody, and only from
        the one that they saw.
        """
        _may_talk(user)
        conversation = await self.custody.get(conversation_id)
        if seen_assignee == user.id and conversation.offered_at is None:
            raise Refused("You already have this conversation.")
        if seen_assignee not in (None, user.id) and not user.is_supervisor:
            raise Refused(f"{holder(conversation)} has this conversation.")
        if not await self.custody.swap(
            conversation_id, seen_assignee, true(), assigned_to=user.id, assigned_at=now(), offered_at=None
        ):
            raise Refused(f"{holder(await self.custody.get(conversation_id))} has taken this conversation.")
        text = f"{user.first_name} has joined the conversation."
        values = taken(conversation)
        try:
            await self.assistant.append(
                conversation.sender_id,
                [owner_event("agent", user.name), notice_event(text, "joined", user.first_name)],
            )
        except AssistantError:
            await self.custody.unclaim(conversation, user.id)
            raise
        await self.custody.commit(user, "take", conversation, values, add=_wait(user, conversation))

    async def opened(self, user: User, conversation_id: int) -> None:
        """The user looks at the conversation: what was offered to them is theirs now, and notes to them are read."""
        conversation = await self.custody.get(conversation_id)
        if conversation.assigned_to != user.id:
            return
        if conversation.offered_at is not None:
            await self.take(user, conversation_id, user.id)
        await notes.mark_seen(self.database, conversation_id, user.id)

    async def reply(self, user: User, conversation_id: int, text: str) -> None:
        """Send a reply as one message."""
        await self.opened(user, conversation_id)
        await self._say(user, conversation_id, text)

    @_alone
    async def _say(self, user: User, conversation_id: int, text: str) -> None:
        conversation = await self.custody.owned(user, conversation_id, "reply")
        if not text.strip():
            raise Refused("Write a reply first.")
        if len(text) > MAX_REPLY:
            raise Refused(f"The reply has {len(text):,} characters: shorten it to {MAX_REPLY:,}.")
        await self.assistant.append(conversation.sender_id, [reply_event(text, user.first_name)])
        at = max(now(), conversation.customer_at or now())
        values = {"agent_at": at, "first_reply_at": conversation.first_reply_at or at, "flag": ""}
        await self.custody.commit(user, "reply", conversation, values)

    async def whisper(self, user: User, conversation_id: int, text: str) -> None:
        """Tell the conversation's agent something that the customer never sees; for supervisors."""
        conversation = await self.custody.get(conversation_id)
        if not user.is_supervisor:
            raise Refused("Only a supervisor can whisper: leave a note instead.")
        if conversation.assigned_to in (None, user.id):
            raise Refused("Nobody else has this conversation: leave a note instead.")
        await self.custody.commit(user, "whisper", conversation, note=("whisper", _checked(text, "whisper")))

    @_alone
    async def transfer(
        self, user: User, conversation_id: int, *, queue: str = "", agent: str = "", note: str = ""
    ) -> None:
        """Pass the conversation to another queue or straight to an agent (by name); `note` is for who gets it."""
        if bool(queue) == bool(agent):
            raise Refused("Choose a queue or a colleague.")
        _checked(note, "note", empty=True)
        trigger = "to_queue" if queue else "to_agent"
        conversation = await self._movable(user, conversation_id, trigger)
        if queue:
            await to_queue(self.custody, self.assistant, user, conversation, queue, note)
        else:
            await to_agent(self.custody, self.assistant, user, conversation, agent, note)

    @_alone
    async def start_wrap_up(self, user: User, conversation_id: int) -> None:
        """The talking is over and the agent writes down what came of it; a message of the customer ends this."""
        conversation = await self.custody.owned(user, conversation_id, "start_wrap_up")
        await self.custody.commit(
            user, "start_wrap_up", conversation, {"phase": WRAP_UP, "wrap_up_at": now(), "flag": ""}
        )

    @_alone
    async def resume(self, user: User, conversation_id: int) -> None:
        """Go back from the wrap-up to the customer."""
        conversation = await self.custody.owned(user, conversation_id, "resume")
        await self.custody.commit(user, "resume", conversation, {"phase": AGENT, "wrap_up_at": None})

    @_alone
    async def hand_back(
        self,
        user: User,
        conversation_id: int,
        *,
        slots: Mapping[str, Any] | None = None,
        task: str = "",
        message: str = "",
    ) -> None:
        """Give the conversation back to the assistant, with what was found out (slot name to value).

        `task` is the intent of the task that the assistant goes on with, `message` the agent's last words. If the
        assistant cannot be told to go on, the conversation is its own all the same, and AssistantError says so.
        """
        conversation = await self.custody.owned(user, conversation_id, "hand_back")
        if len(message) > MAX_REPLY:
            raise Refused(f"The message has {len(message):,} characters: shorten it to {MAX_REPLY:,}.")
        at = now()
        found = [slot_event(name, value) for name, value in (slots or {}).items()]
        last = [reply_event(message, user.first_name)] if message.strip() else []
        await self._release(user, conversation, "left", "has left the conversation", found, last)
        await self.custody.commit(user, "hand_back", conversation, freed(conversation, BOT, at), detail=task)
        await quality.record(self.database, conversation.id)
        await self._trigger(conversation, HANDED_BACK, "The conversation is handed back", {TASK: task} if task else {})

    @_alone
    async def close(self, user: User, conversation_id: int, disposition: str, note: str) -> None:
        """Close the conversation with how it ended; the assistant then asks how it was."""
        conversation = await self.custody.owned(user, conversation_id, "close")
        if disposition not in DISPOSITIONS:
            raise Refused("Choose how the conversation ended.")
        _checked(note, "note", empty=True)
        at = now()
        await self._release(user, conversation, "closed", "has closed this conversation")
        wrap_up = WrapUp(conversation_id=conversation.id, user_id=user.id, disposition=disposition, note=note.strip())
        await self.custody.commit(
            user,
            "close",
            conversation,
            freed(conversation, CLOSED, at) | {"disposition": disposition},
            detail=disposition,
            add=wrap_up,
            already=arrived(BOT) & unheard_since(at),
        )
        await quality.record(self.database, conversation.id)
        await self._trigger(conversation, CONVERSATION_CLOSED, "The conversation is closed")

    async def requeue(self, seen: Conversation, text: str, why: str, flag: str) -> None:
        """The desk itself puts an agent's conversation back into its queue and tells the customer `text`."""
        async with self.custody.alone(seen.id):
            conversation = await self.custody.get(seen.id)
            if (conversation.phase, conversation.assigned_to) != (seen.phase, seen.assigned_to):
                raise Refused("Somebody has acted meanwhile.")
            values = waiting_again(conversation, conversation.queue or GENERAL) | {"flag": flag}
            await self.assistant.append(
                conversation.sender_id, [owner_event("queue", ""), notice_event(text, "transferred", "")]
            )
            await self.custody.commit(
                None,
                "requeue",
                conversation,
                values,
                detail=why,
                holder_id=conversation.assigned_to,
                already=arrived(QUEUE),
                note=("system", why),
            )

    async def _movable(self, user: User, conversation_id: int, trigger: str) -> Conversation:
        """The conversation, if it is the user's to pass on: their own, or for supervisors any that waits."""
        conversation = await self.custody.get(conversation_id)
        if user.is_supervisor and conversation.assigned_to is None and conversation.phase == QUEUE:
            return conversation
        return await self.custody.owned(user, conversation_id, trigger)

    async def _release(
        self,
        user: User,
        conversation: Conversation,
        notice: str,
        what: str,
        before: list[dict[str, Any]] | None = None,
        after: list[dict[str, Any]] | None = None,
    ) -> None:
        """The assistant has it from here: first what it must know, then the slot, then what the customer reads."""
        told = notice_event(f"{user.first_name} {what}.", notice, user.first_name)
        events = [*(before or []), owner_event("bot", user.name), *(after or []), told]
        await self.assistant.append(conversation.sender_id, events)

    async def _trigger(
        self, conversation: Conversation, intent: str, done: str, entities: dict[str, str] | None = None
    ) -> None:
        """What is done stays done if the assistant cannot go on: it does at the customer's next message."""
        try:
            await self.assistant.trigger(conversation.sender_id, intent, entities)
        except AssistantError:
            raise AssistantError(
                f"{done}, but the assistant could not go on by itself: it answers the customer's next message."
            ) from None


def _may_talk(user: User) -> None:
    if user.role not in TALKERS:
        raise Refused("Your role can read conversations, but not take them.")


def _checked(text: str, what: str, empty: bool = False) -> str:
    if not text.strip() and not empty:
        raise Refused(f"Write the {what} first.")
    if len(text) > MAX_NOTE:
        raise Refused(f"The {what} has {len(text):,} characters: shorten it to {MAX_NOTE:,}.")
    return text


def _wait(user: User, conversation: Conversation) -> Take | None:
    """How long the customer waited, if they did."""
    if conversation.waiting_since is None or conversation.phase != QUEUE:
        return None
    waited: datetime = conversation.waiting_since
    return Take(
        conversation_id=conversation.id,
        user_id=user.id,
        queue=conversation.queue or GENERAL,
        waited_seconds=max(0, round((now() - waited).total_seconds())),
    )
