"""What happens after a turn in which the bot had nothing to say although it should."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import uuid4

from rasa.core.agent import Agent
from rasa.shared.core.events import ActiveLoop, BotUttered, Event, Restarted, SessionStarted, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from assistant.policies.owner import BOT, OWNER_SLOT

logger = logging.getLogger(__name__)

TALK_TO_A_PERSON = [{"title": "Talk to a person", "payload": "/request_human"}]
NOT_DONE = {
    "text": "Sorry, something went wrong on our side and I couldn't do that. "
    "Please try again in a moment, or talk to one of our people.",
    "buttons": TALK_TO_A_PERSON,
}
NOT_RECEIVED = {
    "text": "Sorry, something went wrong on our side and your message may not have got through. "
    "Please send it again in a moment, or talk to one of our people.",
    "buttons": TALK_TO_A_PERSON,
}
KEPT = {
    "text": "Sorry, some of our systems aren't answering at the moment, so I can't do that just now. "
    "I've kept what you wrote. Please try again in a few minutes, or talk to one of our people.",
    "buttons": TALK_TO_A_PERSON,
}
QUEUED = {
    "text": "Sorry, some of our systems aren't answering. I've passed you on to our people: "
    "they can read this chat and will reply here.",
}
PERSON_INTENTS = ("request_human", "escalate")
MESSAGES_IN_SUMMARY = 3
PROMISE = "They can read this chat and will reply here."
BECAUSE = "Handed over because a system did not work."
# The queue that takes what no other does, and what holds while the files that say more cannot be read.
QUEUE, PRIORITY, SLA_MINUTES = "general", 3, 30


async def speak_up(agent: Agent | None, conversation: str, outage: bool = False) -> dict[str, Any] | None:
    """What to tell the customer after a silent turn; None when a person owns the conversation.

    In an outage, which is known to last, the turn is marked as kept: the bot's event has `kept` in its metadata.
    A customer who asked for a person is put into the queue here, because the action that does it cannot have run.
    What is said is kept in the tracker, so that the agent sees it too.
    """
    if agent is None or not agent.is_ready():
        return NOT_RECEIVED
    try:
        async with agent.lock_store.lock(conversation):
            tracker = await agent.processor.get_tracker(conversation)
            if tracker.get_slot(OWNER_SLOT) not in (None, BOT):
                return None
            wanted = _wants_person(tracker)
            message = QUEUED if wanted else KEPT if outage else NOT_DONE
            events = [*(_handoff(tracker) if wanted else []), _said(message)]
            tracker.update_with_events(events, agent.domain)
            await agent.processor.save_tracker(tracker)
            return message
    except Exception as error:
        # The error's own text can hold the customer's words.
        logger.error("Conversation %s could not be read or written: %s.", conversation, type(error).__name__)
        return NOT_RECEIVED


async def note(agent: Agent | None, conversation: str, user: UserUttered, answer: dict[str, Any]) -> bool:
    """Adds a customer's message that no action answers, and the bot's answer unless a person owns the conversation.

    Returns whether the answer is to be said. Raises what the stores raise.
    """
    if agent is None or not agent.is_ready():
        raise RuntimeError("There is no model yet.")
    async with agent.lock_store.lock(conversation):
        tracker = await agent.processor.fetch_tracker_and_update_session(conversation)
        return await _add(agent, tracker, [user], answer)


async def say(agent: Agent | None, conversation: str, message: dict[str, Any]) -> bool:
    """Adds what the bot says out of turn; False if a person owns the conversation. Raises what the stores raise."""
    if agent is None or not agent.is_ready():
        return False
    async with agent.lock_store.lock(conversation):
        return await _add(agent, await agent.processor.get_tracker(conversation), [], message)


async def offers(agent: Agent | None, conversation: str, buttons: list[dict[str, Any]]) -> bool:
    """Whether these buttons are the last thing that was said, by the bot to a customer whom no person serves."""
    tracker = await agent.tracker_store.retrieve(conversation) if agent else None
    if tracker is None or tracker.get_slot(OWNER_SLOT) not in (None, BOT):
        return False
    last = next((event for event in reversed(tracker.events) if isinstance(event, (BotUttered, UserUttered))), None)
    return isinstance(last, BotUttered) and last.data.get("buttons") == buttons


async def _add(agent: Agent, tracker: DialogueStateTracker, events: list[Event], message: dict[str, Any]) -> bool:
    may_speak = tracker.get_slot(OWNER_SLOT) in (None, BOT)
    tracker.update_with_events([*events, *([_said(message)] if may_speak else [])], agent.domain)
    await agent.processor.save_tracker(tracker)
    return may_speak


def _wants_person(tracker: DialogueStateTracker) -> bool:
    intent = tracker.latest_message.intent.get("name") if tracker.latest_message else None
    return intent in PERSON_INTENTS or (intent == "affirm" and tracker.get_slot("offer") == "person")


def _handoff(tracker: DialogueStateTracker) -> list[Event]:
    return [
        ActiveLoop(None),
        SlotSet("requested_slot", None),
        SlotSet("offer", None),
        SlotSet("handoff", _packet(tracker)),
        SlotSet(OWNER_SLOT, "queue"),
    ]


def _packet(tracker: DialogueStateTracker) -> dict[str, Any]:
    """A packet by actions/handoff.schema.json with what can be known here: the reason and the last messages."""
    messages = _messages(tracker)
    count, now = len(messages), datetime.now(timezone.utc)
    latest = [count] if count else [0]
    summary = [
        {"text": f"The customer wrote: “{message.text}”", "turns": [number]}
        for number, message in list(enumerate(messages, 1))[-MESSAGES_IN_SUMMARY:]
        if message.text
    ]
    return {
        "version": 2,
        "id": uuid4().hex,
        "reason": "tool_failure",
        "reason_turns": latest,
        "rule": "",
        "identity": {"level": "none", "how": "could not be read", "account": ""},
        "issue": "Asked for a person while the assistant's services were failing",
        "slots": [],
        "actions": [],
        "answers": [],
        "promises": [{"text": PROMISE, "turn": latest[0], "due": ""}],
        "policy": [],
        "sentiment": "calm",
        "urgency": "normal",
        "open_question": "",
        "next_steps": ["Read the conversation: the assistant could not put together what it knows."],
        "task": "",
        "summary": [*summary, {"text": BECAUSE, "turns": latest}],
        "channel": tracker.get_latest_input_channel() or "unknown",
        "language": "en",
        "queue": QUEUE,
        "skills": [QUEUE],
        "priority": PRIORITY,
        "sla_due": (now + timedelta(minutes=SLA_MINUTES)).isoformat(timespec="seconds"),
        "told": QUEUED["text"],
        "transcript": {"conversation": tracker.sender_id, "events": len(tracker.events), "turns": count},
        "requested_at": now.isoformat(timespec="seconds"),
    }


def _messages(tracker: DialogueStateTracker) -> list[UserUttered]:
    """What the customer has written in this session."""
    found: list[UserUttered] = []
    for event in tracker.events:
        if isinstance(event, (Restarted, SessionStarted)):
            found = []
        elif isinstance(event, UserUttered):
            found.append(event)
    return found


def _said(message: dict[str, Any]) -> BotUttered:
    metadata = {"author": "bot", "kept": True} if message is KEPT else {"author": "bot"}
    return BotUttered(message["text"], {"buttons": message.get("buttons")}, metadata=metadata)
