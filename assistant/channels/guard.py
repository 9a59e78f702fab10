"""The guard around every channel: what customers send is checked before Rasa sees it, and no turn stays silent."""

from __future__ import annotations

import asyncio
import functools
import logging
import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from rasa.core.agent import Agent
from rasa.core.channels.channel import OutputChannel, UserMessage
from rasa.shared.core.events import UserUttered
from sanic import Blueprint, Sanic

from assistant.channels import attachments, incoming, outage, plain, prepared, recovery, sentences, turns
from assistant.channels.admission import Admission, Refused
from assistant.channels.attachments import Attachment
from assistant.channels.duplicates import Clicks, Deliveries
from assistant.channels.health import add_route
from assistant.channels.incoming import Incoming
from assistant.channels.limits import Limits
from assistant.channels.outage import Kept, Outage
from assistant.channels.output import GuardedOutput, TurnOutput
from assistant.channels.prepared import Prepared
from assistant.channels.secrets import Secrets
from assistant.channels.turns import Place, Turns
from assistant.logs import keep_customers_words_out
from assistant.stores import without_fallback

logger = logging.getLogger(__name__)

STILL_WORKING_AFTER = 10.0  # seconds
RETRY_AFTER = 1.0  # seconds

OnNewMessage = Callable[[UserMessage], Awaitable[Any]]


class Guarded:
    """Mixin for an input channel: stands before the connector's class in the list of base classes."""

    limits = Limits()
    writes_first = True  # whether a customer can be reached who has not just written

    def __init_subclass__(cls, **options: Any) -> None:
        """Has each channel read the `limits:` of its credentials, so that none can forget them."""
        super().__init_subclass__(**options)
        read = cls.from_credentials  # type: ignore[attr-defined]

        @functools.wraps(read.__func__)
        def from_credentials(kind: Any, credentials: dict[str, Any] | None) -> Any:
            channel = read.__func__(kind, credentials)
            channel.limits = Limits.read((credentials or {}).get("limits"))
            return channel

        cls.from_credentials = classmethod(from_credentials)  # type: ignore[attr-defined]

    def blueprint(self, on_new_message: OnNewMessage) -> Blueprint:
        """The connector's blueprint, with the guard between it and Rasa."""
        keep_customers_words_out()
        guard = Guard(on_new_message, self.limits, turns.of_process(), outage.of_process())
        blueprint = super().blueprint(guard.handle)  # type: ignore[misc]
        blueprint.listener("after_server_start")(guard.attach)
        blueprint.listener("before_server_stop")(guard.detach)
        if os.environ.get("RASA_TOKEN"):
            add_route(blueprint, guard.health, os.environ["RASA_TOKEN"])
        return blueprint

    def get_output_channel(self) -> OutputChannel | None:
        """The connector's channel for messages that no customer's message asked for, such as an agent's."""
        channel = super().get_output_channel()  # type: ignore[misc]
        return GuardedOutput(channel) if channel else None


class Guard:
    """Handles a channel's messages in Rasa's place."""

    def __init__(
        self,
        on_new_message: OnNewMessage,
        limits: Limits | None = None,
        turns: Turns | None = None,
        outage: Outage | None = None,
    ) -> None:
        """`turns` and `outage` are those that the channels of a process share."""
        self._on_new_message = on_new_message
        self._limits = limits or Limits()
        self._turns = turns or Turns()
        self._outage = outage or Outage()
        self._app: Sanic | None = None
        self._admission = Admission(self._limits)
        self._deliveries = Deliveries()
        self._clicks = Clicks()
        self._secrets = Secrets()
        self._receiving: set[asyncio.Task[None]] = set()

    async def attach(self, app: Sanic, _loop: Any = None) -> None:
        """Remembers the server, which knows Rasa's agent."""
        self._app = app
        self._agent()

    async def detach(self, _app: Sanic, _loop: Any = None) -> None:
        """Ends what goes on beside the turns."""
        self._outage.stop()

    def health(self) -> dict[str, Any]:
        """Figures of the whole process for a health check: the turns, and the circuit of the action server."""
        return {"turns": self._turns.counts(), "action_server": self._outage.counts()}

    def _agent(self) -> Agent | None:
        agent = getattr(self._app.ctx, "agent", None) if self._app else None
        if agent is not None:
            # Each time: a model that is loaded while the server runs brings a new agent.
            without_fallback(agent)
            self._outage.watch(agent)
        return agent

    async def handle(self, message: UserMessage) -> None:
        """Checks a customer's message, has Rasa answer it, and sees to it that something is said. Never raises."""
        # A customer who goes away neither cuts the turn off before its events are stored nor gives its room to others.
        turn = asyncio.ensure_future(self._receive(message))
        self._receiving.add(turn)
        turn.add_done_callback(self._receiving.discard)
        await asyncio.shield(turn)

    async def _receive(self, message: UserMessage) -> None:
        output = TurnOutput(message.output_channel)
        try:
            came = incoming.read(message.text, message.metadata)
            # Nothing else that a client calls metadata goes into the tracker.
            message.metadata = {}
            if not self._deliveries.is_new(message.sender_id, came.message_id):
                return
            if came.message_id or came.attachments:
                await self._admit(message, came, output)
                return
            with self._clicks.click(message.sender_id, f"{came.text}\n{came.payload}", output) as is_meant:
                if is_meant:
                    await self._admit(message, came, output)
        except Exception as error:
            logger.error("A message of %s could not be handled: %s.", message.sender_id, type(error).__name__)
            await output.notify(message.sender_id, dict(recovery.NOT_RECEIVED))

    async def _admit(self, message: UserMessage, came: Incoming, output: TurnOutput) -> None:
        """Refuses what is too much or no message, and waits for the turn of what is one."""
        sender = message.sender_id
        try:
            ready = self._admission.admit(sender, came)
        except Refused as refusal:
            if str(refusal):
                await output.notify(sender, {"text": str(refusal)})
            return
        message.text = None  # what waits for its turn holds only what Rasa may read
        with self._turns.place(sender) as place:
            if place is Place.SENDER_FULL or place is Place.FULL:
                full = sentences.FULL if place is Place.FULL else sentences.TOO_FAST
                await output.notify(sender, {"text": full})
                return
            if place is Place.LATER:
                await output.notify(sender, {"text": sentences.waiting(self._turns.wait())})
            async with self._turns.room(sender):
                await self._handle(message, came.attachments, ready, output)

    async def _handle(
        self, message: UserMessage, attached: tuple[Attachment, ...], ready: Prepared, output: TurnOutput
    ) -> None:
        sender = message.sender_id
        if not ready.intent and getattr(message.output_channel, "choices_are_typed", False):
            # Only now: an earlier message of theirs may have brought another list of choices.
            button = await plain.typed_choice(self._agent(), sender, ready.words)
            ready = prepared.again(plain.payload_of(button), button["title"]) if button else ready
        typed = ready.words
        words = await self._secrets.remove(self._agent(), sender, typed)
        ready = replace(ready, words=words[: self._limits.characters])  # a marker can be longer than its secret
        ready.put_into(message)
        for notice in self._secrets.notices(sender, typed, ready.words):
            await output.notify(sender, {"text": notice})
        if attached:
            await self._tell_about(attached, message, output)
        elif not ready.words:
            await output.notify(sender, {"text": sentences.EMPTY})
        if not ready.words:
            return
        kept = self._outage.again(sender, ready.words)
        if kept and not await recovery.offers(self._agent(), sender, outage.CARRY_ON):
            kept = False  # something else was asked since, perhaps by a person
        if kept is True:
            await self._note(message, ready.words, outage.LEFT, output)
            return
        if kept:
            ready = prepared.again(kept.payload, kept.shown)
            ready.put_into(message)
        message.output_channel = output
        await self._answer(message, ready, output)
        if output.failed and not output.delivered:
            logger.error("A turn of %s is over, but none of its messages could be delivered.", sender)

    async def _answer(self, message: UserMessage, ready: Prepared, output: TurnOutput) -> None:
        sender = message.sender_id
        with self._outage.turn() as calls:
            worked = await self._run(message, output)
        self._outage.judge(calls, self._tell_it_works)
        if not worked:
            await output.notify(sender, dict(recovery.NOT_RECEIVED))
        elif output.silent:
            is_outage = calls.unreachable and not self._outage.circuit.is_closed
            said = await recovery.speak_up(self._agent(), sender, is_outage)
            if said is recovery.KEPT:
                self._outage.keep(sender, ready.payload, ready.words, message.input_channel or "")
            if said:
                await output.notify(sender, dict(said))

    async def _run(self, message: UserMessage, output: TurnOutput) -> bool:
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

    async def _run_with_notice(self, message: UserMessage, output: TurnOutput) -> None:
        turn = asyncio.ensure_future(self._on_new_message(message))
        await asyncio.wait({turn}, timeout=STILL_WORKING_AFTER)
        if not turn.done() and not output.has_spoken:
            await output.notify(message.sender_id, {"text": sentences.STILL_WORKING})
        await turn

    async def _tell_about(self, attached: tuple[Attachment, ...], message: UserMessage, output: TurnOutput) -> None:
        """Says what cannot be read, and notes for the desk what the channel is set to take."""
        taken = [one for one in attached if one.kind in self._limits.attachments]
        others = [one for one in attached if one.kind not in self._limits.attachments]
        if others:
            await output.notify(message.sender_id, {"text": attachments.cannot_read(others, bool(message.text))})
        if taken:
            message.metadata = {"attachments": [one.note() for one in taken]}
            if not message.text:
                await self._note(message, attachments.shown(taken), {"text": attachments.noted(taken)}, output)

    async def _note(self, message: UserMessage, words: str, answer: dict[str, Any], output: TurnOutput) -> None:
        """Keeps a message that is nothing for the NLU in the conversation, with the guard's own answer to it."""
        user = UserUttered(words, input_channel=message.input_channel, metadata=message.metadata)
        if await recovery.note(self._agent(), message.sender_id, user, answer):
            await output.notify(message.sender_id, answer)

    async def _tell_it_works(self, conversation: str, kept: Kept) -> bool:
        """Asks a customer whether to go on, on the channel that they used; False if that cannot be."""
        channels = getattr(self._app.ctx, "input_channels", None) or [] if self._app else []
        channel = next((one for one in channels if one.name() == kept.channel), None)
        output = channel.get_output_channel() if channel and getattr(channel, "writes_first", True) else None
        try:
            if output is None or not await recovery.say(self._agent(), conversation, kept.question()):
                return False
            await output.send_response(conversation, kept.question())
            return True
        except Exception as error:
            logger.error("%s could not be told that it works again: %s.", conversation, type(error).__name__)
            return False
