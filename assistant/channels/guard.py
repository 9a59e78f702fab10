"""The guard around every channel: what customers send is checked before Rasa sees it, and no turn stays silent."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

from rasa.core.agent import Agent
from rasa.core.channels.channel import OutputChannel, UserMessage
from rasa.shared.core.training_data.story_reader.yaml_story_reader import YAMLStoryReader
from rasa.shared.nlu.training_data.message import Message
from sanic import Blueprint, Sanic

from assistant.channels import plain, recovery, signing, text
from assistant.channels.limits import MAX_SENDERS, Pace, RateLimit, Turns
from assistant.channels.output import GuardedOutput
from assistant.logs import keep_customers_words_out
from assistant.stores import without_fallback

logger = logging.getLogger(__name__)

MAX_CHARACTERS = 1000
MAX_MESSAGES, IN_SECONDS = 20, 10
STILL_WORKING_AFTER = 10.0  # seconds
RETRY_AFTER = 1.0  # seconds

EMPTY = "I didn't get any text. What can I do for you?"
TOO_LONG = (
    f"That's a bit long for me: I can read up to {MAX_CHARACTERS:,} characters at a time. "
    "Could you say it in fewer words, or send it in parts?"
)
TOO_FAST = "You're writing faster than I can read. Please wait a few seconds, then send your last message again."
CARD_SEEN = (
    "I've removed a card number from your message. Please never send card details in a chat: "
    "we won't ask for them here."
)
STILL_WORKING = "One moment, please: this is taking longer than usual."

OnNewMessage = Callable[[UserMessage], Awaitable[Any]]


class Guarded:
    """Mixin for an input channel: stands before the connector's class in the list of base classes."""

    def blueprint(self, on_new_message: OnNewMessage) -> Blueprint:
        """The connector's blueprint, with the guard between it and Rasa."""
        keep_customers_words_out()
        guard = Guard(on_new_message)
        blueprint = super().blueprint(guard.handle)  # type: ignore[misc]
        blueprint.listener("after_server_start")(guard.attach)
        return blueprint

    def get_output_channel(self) -> OutputChannel | None:
        """The connector's channel for messages that no customer's message asked for, such as an agent's."""
        channel = super().get_output_channel()  # type: ignore[misc]
        return GuardedOutput(channel) if channel else None


class Guard:
    """Handles a channel's messages in Rasa's place."""

    def __init__(self, on_new_message: OnNewMessage) -> None:
        self._on_new_message = on_new_message
        self._app: Sanic | None = None
        self._rate = RateLimit(MAX_MESSAGES, IN_SECONDS)
        self._turns = Turns()
        self._told_about_cards: OrderedDict[str, None] = OrderedDict()

    async def attach(self, app: Sanic, _loop: Any = None) -> None:
        """Remembers the server, which knows Rasa's agent."""
        self._app = app
        self._agent()

    def _agent(self) -> Agent | None:
        agent = getattr(self._app.ctx, "agent", None) if self._app else None
        if agent is not None:
            # Each time: a model that is loaded while the server runs brings a new agent.
            without_fallback(agent)
        return agent

    async def handle(self, message: UserMessage) -> None:
        """Checks a customer's message, has Rasa answer it, and sees to it that something is said. Never raises."""
        output = GuardedOutput(message.output_channel)
        try:
            pace = self._rate.check(message.sender_id)
            if pace is Pace.HANDLE:
                async with self._turns.of(message.sender_id):
                    await self._handle(message, output)
            elif pace is Pace.WARN:
                await output.notify(message.sender_id, {"text": TOO_FAST})
        except Exception as error:
            logger.error("A message of %s could not be handled: %s.", message.sender_id, type(error).__name__)
            await output.notify(message.sender_id, dict(recovery.NOT_RECEIVED))

    async def _handle(self, message: UserMessage, output: GuardedOutput) -> None:
        if getattr(message.output_channel, "choices_are_typed", False):
            await plain.take_choice(self._agent(), message)
        refusal = self._prepare(message)
        if refusal:
            await output.notify(message.sender_id, {"text": refusal})
            return
        if text.CARD_REMOVED in message.text and self._is_first_card(message.sender_id):
            await output.notify(message.sender_id, {"text": CARD_SEEN})
        message.output_channel = output
        if not await self._run(message, output):
            await output.notify(message.sender_id, dict(recovery.NOT_RECEIVED))
        elif output.silent:
            said = await recovery.speak_up(self._agent(), message.sender_id)
            if said:
                await output.notify(message.sender_id, dict(said))

    def _prepare(self, message: UserMessage) -> str | None:
        """Makes the message safe in place; returns what to tell the customer when it cannot be handled."""
        payload = (message.metadata or {}).get("payload") or message.text
        # Nothing else that a client calls metadata goes into the tracker.
        message.metadata = {}
        if not isinstance(message.text, str | None) or not isinstance(payload, str | None):
            logger.error("A message of %s was ignored: it is not text.", message.sender_id)
            return EMPTY
        typed = text.clean(message.text or "")
        intent = signing.verify(payload, message.sender_id) if payload and payload.startswith("/") else None
        if intent is None and payload and not text.starts_with_slash(payload):
            # A button without an intent stands for the words in its payload.
            typed = text.clean(payload)
        if len(typed) > MAX_CHARACTERS:
            return TOO_LONG
        if intent is None:
            message.text = text.remove_cards(text.neutralise(typed))
            return None if message.text else EMPTY
        titled = typed and not text.starts_with_slash(typed)
        message.text = text.remove_cards(typed) if titled else intent
        message.parse_data = _parse(intent, message.text)
        return None

    async def _run(self, message: UserMessage, output: GuardedOutput) -> bool:
        """Runs the turn; False if it failed. A turn that failed before a word was said is tried once more."""
        self._agent()
        for attempt in (1, 2):
            try:
                await self._run_with_notice(message, output)
                return True
            except Exception as error:
                logger.error("A turn of %s failed: %s.", message.sender_id, type(error).__name__)
                if attempt == 2 or not output.silent:
                    return False
                await asyncio.sleep(RETRY_AFTER)
        return False

    async def _run_with_notice(self, message: UserMessage, output: GuardedOutput) -> None:
        turn = asyncio.ensure_future(self._on_new_message(message))
        # A customer who goes away must not cut the turn off before its events are stored.
        await asyncio.wait({turn}, timeout=STILL_WORKING_AFTER)
        if not turn.done() and output.silent and not output.speaking:
            await output.notify(message.sender_id, {"text": STILL_WORKING})
        await turn

    def _is_first_card(self, sender: str) -> bool:
        if sender in self._told_about_cards:
            return False
        self._told_about_cards[sender] = None
        if len(self._told_about_cards) > MAX_SENDERS:
            self._told_about_cards.popitem(last=False)
        return True


def _parse(payload: str, shown: str) -> dict[str, Any]:
    """What Rasa's NLU would make of a payload of ours, with the button's title as the message's text."""
    parsed = YAMLStoryReader.unpack_regex_message(Message({"text": payload}), entity_extractor_name="button")
    intent = parsed.get("intent")
    return {
        "text": shown,
        "intent": intent,
        "entities": parsed.get("entities", []),
        "intent_ranking": [intent],
    }
