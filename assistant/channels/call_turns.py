"""What is said next in a call: the conversation's turns, the steps when nothing is heard or understood, transfers."""

from __future__ import annotations

import asyncio
import logging
import re
from dataclasses import replace
from typing import Any

from rasa.core.channels.channel import UserMessage
from sanic.request import Request
from twilio.twiml.voice_response import VoiceResponse

from assistant.channels import call_words, plain, spoken
from assistant.channels.addressbook import address_book, conversation_of
from assistant.channels.call import Step, Talk, agrees, said_to_caller, wants_more
from assistant.channels.guard import OnNewMessage
from assistant.channels.speaker import CallOutput, Speaker
from assistant.channels.twilio_webhook import add_notice
from assistant.policies.owner import BOT, QUEUE
from assistant.privacy.keys import VaultError
from assistant.privacy.vault import shared_vault

logger = logging.getLogger(__name__)

MAX_MISSED = 3  # in a row; then a person is asked for
MAX_DIALLED = 3
MIN_CONFIDENCE = 0.3  # 0 means that the speech model tells none
OVER = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})
PERSON = {"title": "Talk to a person", "payload": spoken.PERSON_PAYLOAD}


class Call:
    """One request of a call."""

    def __init__(self, channel: str, sid: str, fields: dict[str, str], step: Step, request: Request) -> None:
        """A call is a conversation of its own: who holds a telephone number is not known."""
        self.sid, self.fields, self.step = sid, fields, step
        self.conversation = conversation_of(channel, sid)
        self.number = fields.get("From", "") if fields.get("From", "").startswith("+") else ""
        self.agent = getattr(request.app.ctx, "agent", None)


class CallTurns:
    """Answers the requests of calls."""

    def __init__(
        self, channel: str, speaker: Speaker, transfer_number: str, greeting: str, not_understood: str
    ) -> None:
        """`greeting` is what the conversation hears when a call begins; an empty `transfer_number` rings nobody."""
        self._channel, self._speaker, self._transfer_number = channel, speaker, transfer_number
        self._greeting, self._not_understood = greeting, not_understood

    async def _talk(self, call: Call) -> Talk:
        agent = call.agent
        tracker = await agent.tracker_store.retrieve(call.conversation) if agent and agent.is_ready() else None
        return Talk.of(tracker, bool(self._transfer_number))

    async def answer(self, call: Call, on_new_message: OnNewMessage) -> VoiceResponse:
        """What is said next in the call."""
        if call.fields.get("CallStatus") in OVER:
            return VoiceResponse()
        keys, words = call.fields.get("Digits", "").strip(), call.fields.get("SpeechResult", "").strip()
        if call.step.turn == 0 and not keys and not words:
            await self._keep_number(call)
            return await self._hear(call, self._greeting, None, on_new_message)
        before = await self._talk(call)
        if not keys and not words:
            return self._silence(call.step, before)
        if call.step.left and (keys == "*" or wants_more(words)):
            return self._more(call.step, before)
        if keys == "*":
            return self._ask(before.messages, before, call.step.next())
        if keys == spoken.PERSON_KEY or (call.step.silent >= 3 and agrees(words)):
            return await self._hear(call, PERSON["title"], PERSON, on_new_message)
        if keys:
            return await self._hear(call, keys, _pressed(keys, before), on_new_message)
        if 0 < _confidence(call.fields) < MIN_CONFIDENCE:
            return await self._not_caught(call, before, on_new_message)
        # Here and not by the guard: not all of the choices are offered in a call.
        return await self._hear(call, words, plain.picked(words, before.choices), on_new_message)

    async def _hear(
        self, call: Call, words: str, button: dict[str, Any] | None, on_new_message: OnNewMessage
    ) -> VoiceResponse:
        """A turn of the conversation, and another one for a person when the caller was not understood too often."""
        messages = await self._run(call, words, button, on_new_message)
        talk = await self._talk(call)
        missed = 0 if talk.understood else call.step.missed + 1
        if missed >= MAX_MISSED and talk.owner == BOT:
            messages = await self._run(call, PERSON["title"], PERSON, on_new_message)
            talk, missed = await self._talk(call), 0
        step = call.step.next(missed=missed)
        if talk.handed_over:
            await self._tell_number(call)
        if self._is_put_through(talk, messages, step):
            said = spoken.sentences(said_to_caller(messages))
            step = replace(step, dialled=step.dialled + 1)
            return self._speaker.transfer(said, self._transfer_number, talk.packet, step)
        if talk.owner not in (BOT, QUEUE) and not messages:
            return self._speaker.goodbye(call_words.WITH_PERSON)
        return self._ask(messages or ([] if talk.owner == BOT else [{"text": call_words.PASSED_ON}]), talk, step)

    async def _run(
        self, call: Call, words: str, button: dict[str, Any] | None, on_new_message: OnNewMessage
    ) -> list[dict[str, Any]]:
        output = CallOutput(self._channel)
        sid = f"{call.sid}-{call.step.turn}" + ("-person" if button is PERSON else "")
        message = UserMessage(words, output, call.conversation, None, self._channel, sid, {"message_id": sid})
        if button:
            plain.press(message, button)
        await on_new_message(message)
        return output.messages

    def _is_put_through(self, talk: Talk, messages: list[dict[str, Any]], step: Step) -> bool:
        if talk.owner == BOT or not self._transfer_number or step.dialled >= MAX_DIALLED:
            return False
        if talk.handed_over:
            return not talk.is_closed
        # Without a word of the bot's, the caller waits for the person.
        return talk.keeps_waiting or not messages

    async def _keep_number(self, call: Call) -> None:
        """Keeps the caller's number, for the desk as a token of the vault: agents may have to ring back."""
        if not call.number:
            return
        try:
            await asyncio.to_thread(address_book().remember, call.conversation, call.number)
            await asyncio.to_thread(shared_vault().put, call.conversation, [("phone", call.number)])
        except VaultError as error:
            logger.error("The number of call %s is not kept: %s", call.conversation, error)

    async def _tell_desk(self, call: Call, told: str) -> None:
        try:
            await add_notice(call.agent, call.conversation, told, "telephone")
        except Exception as error:
            logger.error("Conversation %s has no notice of its call: %s.", call.conversation, type(error).__name__)

    async def _tell_number(self, call: Call) -> None:
        """Tells the desk whom to ring back."""
        try:
            known = shared_vault().known(call.conversation) if call.number else None
        except VaultError:
            known = None
        token = known.tokens.get(("phone", call.number)) if known else None
        await self._tell_desk(call, f"The customer rang from {token or 'a number that is not known'}.")

    def _ask(self, messages: list[dict[str, Any]], talk: Talk, step: Step) -> VoiceResponse:
        """Says a turn's messages, as much as can be said at once, and waits for the caller."""
        said, left = spoken.shortened(spoken.sentences(said_to_caller(messages)))
        offered = talk.choices or [b for m in messages for b in plain.buttons_of(m) if _is_person(b)][:1]
        after = [spoken.MORE] if left else spoken.choices(offered)
        step = replace(step, left=left)
        return self._speaker.ask([*(said or [call_words.ANYTHING_ELSE]), *after], talk.choices, step, talk.wants_digits)

    def _more(self, step: Step, talk: Talk) -> VoiceResponse:
        """The rest of a long answer, counted from its end: a notice before it may have been said, too."""
        rest = spoken.sentences(said_to_caller(talk.messages))[-step.left :]
        said, left = spoken.shortened(rest)
        after = [spoken.MORE] if left else spoken.choices(talk.choices)
        return self._speaker.ask([*said, *after], talk.choices, step.next(left=left), talk.wants_digits)

    def _silence(self, step: Step, talk: Talk) -> VoiceResponse:
        """Asks again; then with examples or keys; then offers a person; then ends the call."""
        after = step.next(silent=step.silent + 1)
        question = spoken.sentences(said_to_caller(talk.messages)[-1:])[-2:]
        if after.silent == 1:
            said = [call_words.NOT_HEARD, *question]
        elif after.silent == 2:
            said = [call_words.STILL_THERE, *question, *self._speaker.help(talk.choices, talk.wants_digits)]
        elif after.silent == 3:
            said = [call_words.OFFER_PERSON]
        else:
            return self._speaker.goodbye(call_words.CANNOT_HEAR)
        return self._speaker.ask(said, talk.choices, after, talk.wants_digits)

    async def _not_caught(self, call: Call, talk: Talk, on_new_message: OnNewMessage) -> VoiceResponse:
        """Twilio is unsure what it heard: rather asked again than misunderstood."""
        step = call.step.next(missed=call.step.missed + 1)
        if step.missed >= MAX_MISSED:
            return await self._hear(call, PERSON["title"], PERSON, on_new_message)
        question = spoken.sentences(said_to_caller(talk.messages)[-1:])[-2:]
        helped = self._speaker.help(talk.choices, talk.wants_digits) if step.missed > 1 else []
        said = [self._not_understood, *question, *helped]
        return self._speaker.ask(said, talk.choices, step, talk.wants_digits)

    async def dialled(self, call: Call) -> VoiceResponse:
        """After the transfer: the call is over, or nobody took it and the caller has the queue's other choices."""
        status = call.fields.get("DialCallStatus", "failed")
        taken = status in ("completed", "answered") and call.fields.get("DialBridged", "true") != "false"
        told = "The caller was put through to a person." if taken else f"Nobody took the caller's transfer ({status})."
        await self._tell_desk(call, told)
        if taken or call.fields.get("CallStatus") in OVER:
            return self._speaker.goodbye("")
        talk = await self._talk(call)
        return self._speaker.ask([call_words.NOBODY, *spoken.choices(talk.choices)], talk.choices, call.step.next())

    async def again(self, call: Call) -> VoiceResponse:
        """This process does not know the turn that was waited for: the caller hears the tracker's latest messages."""
        talk = await self._talk(call)
        return self._ask(talk.messages, talk, call.step.next())


def _pressed(keys: str, talk: Talk) -> dict[str, Any] | None:
    """The choice that a key stands for; None where the keys are a number that was asked for."""
    position = int(keys) - 1 if re.fullmatch("[1-9]", keys) else -1
    return talk.choices[position] if 0 <= position < len(talk.choices) else None


def _is_person(button: dict[str, Any]) -> bool:
    return str(button.get("payload") or "").startswith(spoken.PERSON_PAYLOAD)


def _confidence(fields: dict[str, str]) -> float:
    try:
        return float(fields.get("Confidence") or 0)
    except ValueError:
        return 0
