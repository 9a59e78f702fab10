"""The telephone through Twilio Voice: speech and keys, asked again in steps, and put through to a person."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

from rasa.core.channels.channel import InputChannel, OutputChannel
from rasa.core.channels.twilio_voice import TwilioVoiceInput
from sanic import Blueprint, response
from sanic.request import Request
from sanic.response import HTTPResponse
from twilio.twiml.voice_response import VoiceResponse

from assistant.channels import call_words
from assistant.channels.call import MAX_STEPS, Step
from assistant.channels.call_turns import Call, CallTurns
from assistant.channels.guard import Guarded, OnNewMessage
from assistant.channels.speaker import CallOutput, Speaker
from assistant.channels.twilio_webhook import Gate, setting

logger = logging.getLogger(__name__)

ANSWER_WITHIN = 11.0  # seconds; Twilio waits for 15
MAX_CALLS = 2000  # whose latest answer is remembered


class _CallInput(TwilioVoiceInput):
    """Twilio's webhooks for calls.

    Each answer names the next address, and with it where the call stands (Step), so that any process can go on with it.
    """

    @classmethod
    def from_credentials(cls, credentials: dict[str, Any] | None) -> InputChannel:
        """Reads auth_token, public_url, transfer_number, and what Rasa's connector reads, with language and examples.

        Raises:
            SettingMissing: a setting that is needed stands neither there nor in the environment.
        """
        given = credentials or {}
        return cls(
            Gate(
                setting(given, "auth_token", "TWILIO_AUTH_TOKEN"),
                setting(given, "public_url", "TWILIO_PUBLIC_URL"),
            ),
            setting(given, "transfer_number", "VOICE_TRANSFER_NUMBER", needed=False),
            given,
        )

    def __init__(self, gate: Gate, transfer_number: str, settings: dict[str, Any]) -> None:
        """`settings` are the optional ones of the channel's block."""
        super().__init__(
            settings.get("initial_prompt", "hello"),
            settings.get("reprompt_fallback_phrase", call_words.NOT_CAUGHT),
            settings.get("assistant_voice", "Polly.Amy"),
            str(settings.get("speech_timeout", "2")),
            settings.get("speech_model", "phone_call"),
            str(settings.get("enhanced", "false")),
        )
        self._gate = gate
        self._speaker = Speaker(
            f"/webhooks/{self.name()}",
            gate,
            voice=self.assistant_voice,
            language=settings.get("language", "en-GB"),
            speech={"timeout": self.speech_timeout, "model": self.speech_model, "enhanced": self.enhanced},
            examples=settings.get("examples", "where is my order, what's my balance, or book a technician"),
        )
        self._turns = CallTurns(
            self.name(),
            self._speaker,
            transfer_number,
            self.initial_prompt or "hello",
            self.reprompt_fallback_phrase or call_words.NOT_CAUGHT,
        )
        self._answers: OrderedDict[str, tuple[int, asyncio.Task[VoiceResponse]]] = OrderedDict()

    def get_output_channel(self) -> OutputChannel:
        """For messages outside of a call's turn, which cannot be said."""
        return CallOutput(self.name())

    def blueprint(self, on_new_message: OnNewMessage) -> Blueprint:
        """POST /webhook for each turn, /wait while one runs, /whisper and /dialled around a transfer."""
        blueprint = Blueprint("voice_webhook", __name__)

        @blueprint.route("/", methods=["GET"])
        async def health(_: Request) -> HTTPResponse:
            return response.json({"status": "ok"})

        @blueprint.route("/webhook", methods=["POST"])
        async def webhook(request: Request) -> HTTPResponse:
            return await self._answer(request, lambda call: self._turns.answer(call, on_new_message))

        @blueprint.route("/dialled", methods=["POST"])
        async def dialled(request: Request) -> HTTPResponse:
            return await self._answer(request, self._turns.dialled)

        @blueprint.route("/wait", methods=["POST"])
        async def wait(request: Request) -> HTTPResponse:
            return await self._answer(request, self._turns.again)

        @blueprint.route("/whisper", methods=["POST"])
        async def whisper(request: Request) -> HTTPResponse:
            fields = self._gate.read(request)
            if fields is None:
                return _refused()
            return _twiml(self._speaker.whisper(request.args.get("packet", ""), "Digits" in fields))

        return blueprint

    async def _answer(self, request: Request, work: Callable[[Call], Awaitable[VoiceResponse]]) -> HTTPResponse:
        """Answers a request of the call's caller: once for each step, and within the time that Twilio waits."""
        fields = self._gate.read(request)
        call = fields.get("CallSid", "") if fields else ""
        if fields is None or not call:
            return _refused()
        step = Step.read(request.args)
        known, task = self._answers.get(call, (-1, None))
        if step.turn < known or step.turn >= MAX_STEPS:
            # Its step is over: somebody sends a recorded request again.
            return _refused()
        if task is None or step.turn > known:
            task = asyncio.create_task(self._safely(work(Call(self.name(), call, fields, step, request)), step))
            self._remember(call, step.turn, task)
        await asyncio.wait({task}, timeout=ANSWER_WITHIN)
        return _twiml(task.result() if task.done() else self._speaker.hold(call_words.ONE_MOMENT, step))

    async def _safely(self, answer: Awaitable[VoiceResponse], step: Step) -> VoiceResponse:
        try:
            return await answer
        except Exception as error:
            logger.error("A turn of a call failed: %s.", type(error).__name__)
            return self._speaker.ask([call_words.FAILED], [], step.next())

    def _remember(self, call: str, turn: int, task: asyncio.Task[VoiceResponse]) -> None:
        self._answers[call] = (turn, task)
        self._answers.move_to_end(call)
        if len(self._answers) > MAX_CALLS:
            self._answers.popitem(last=False)


class VoiceInput(Guarded, _CallInput):
    """The guarded telephone: /webhooks/voice/webhook."""

    writes_first = False

    @classmethod
    def name(cls) -> str:
        """Also the output channel's name."""
        return "voice"


def _twiml(answer: VoiceResponse) -> HTTPResponse:
    return response.text(str(answer), content_type="text/xml")


def _refused() -> HTTPResponse:
    return response.text("The signature does not fit.", status=403)
