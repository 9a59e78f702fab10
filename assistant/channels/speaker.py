"""What a caller hears, as TwiML: questions that may be interrupted, transfers, and what the person hears first."""

from __future__ import annotations

from typing import Any

from rasa.core.channels.twilio_voice import TwilioVoiceCollectingOutputChannel
from twilio.twiml.voice_response import Dial, Gather, VoiceResponse

from assistant.channels import call_words, plain, sentences, spoken
from assistant.channels.call import Step
from assistant.channels.twilio_output import DeliveryFailed
from assistant.channels.twilio_webhook import Gate

WAIT_SECONDS = 6  # for the first word or key, and between two keys
RING_SECONDS = 25
MAX_HINTS = 400  # characters


class CallOutput(TwilioVoiceCollectingOutputChannel):
    """Collects a turn's messages as they come: they are said together, with all that belongs to them."""

    def __init__(self, channel: str) -> None:
        """Takes the input channel's name."""
        super().__init__()
        self._channel = channel

    def name(self) -> str:  # type: ignore[override]
        """The input channel's name."""
        return self._channel

    async def send_response(self, recipient_id: str, message: dict[str, Any]) -> None:
        """Keeps the message.

        Raises:
            DeliveryFailed: it is an agent's: what is written cannot be said in a call.
        """
        if message.get("author") == "agent":
            raise DeliveryFailed("the customer rang us: ring them back instead of writing")
        if message.get("text") == sentences.STILL_WORKING:
            return  # the channel says so itself, when it is true, and not together with the answer
        self.messages.append(dict(message))


class Speaker:
    """Builds the answers to Twilio's requests."""

    def __init__(
        self, path: str, gate: Gate, *, voice: str, language: str, speech: dict[str, str], examples: str
    ) -> None:
        """`path` is that of the channel's routes; `speech` has timeout, model and enhanced."""
        self._path, self._gate = path, gate
        self._says = {"voice": voice, "language": language}
        self._listens = {
            "language": language,
            "speech_timeout": speech["timeout"],
            "speech_model": speech["model"],
            "enhanced": speech["enhanced"],
        }
        self._examples = examples

    def ask(
        self, said: list[str], choices: list[dict[str, Any]], step: Step, wants_digits: bool = False
    ) -> VoiceResponse:
        """Says the sentences, which a word or a key interrupts, and sends what is heard to the next step."""
        action = self._address("webhook", step)
        one_key = {} if wants_digits or not choices else {"num_digits": 1}
        gather = Gather(
            input="dtmf speech",
            action=action,
            method="POST",
            timeout=WAIT_SECONDS,
            finish_on_key="#",
            barge_in=True,
            action_on_empty_result=True,
            profanity_filter=False,
            hints=_hints(choices) or None,
            **one_key,
            **self._listens,
        )
        gather.say(" ".join(said), **self._says)
        answer = VoiceResponse()
        answer.append(gather)
        answer.redirect(action, method="POST")
        return answer

    def help(self, choices: list[dict[str, Any]], wants_digits: bool) -> list[str]:
        """What a caller who is lost hears: the keys, or examples."""
        if wants_digits:
            return [call_words.KEY_IT_IN, call_words.PERSON_KEY]
        keys = spoken.choices(choices) or [call_words.EXAMPLES.format(examples=self._examples)]
        return [*keys, call_words.PERSON_KEY]

    def hold(self, said: str, step: Step) -> VoiceResponse:
        """Says that it takes longer, and asks again for the same step."""
        answer = VoiceResponse()
        answer.say(said, **self._says)
        answer.redirect(self._address("wait", step), method="POST")
        return answer

    def goodbye(self, said: str) -> VoiceResponse:
        """Ends the call."""
        answer = VoiceResponse()
        if said:
            answer.say(said, **self._says)
        answer.hangup()
        return answer

    def transfer(self, said: list[str], number: str, packet: str, step: Step) -> VoiceResponse:
        """Rings the number; who answers hears the packet's reference before the caller is on the line."""
        answer = VoiceResponse()
        if said:
            answer.say(" ".join(said), **self._says)
        dial = Dial(action=self._address("dialled", step), method="POST", timeout=RING_SECONDS, answer_on_bridge=True)
        dial.number(number, url=self._gate.address(f"{self._path}/whisper?packet={packet}"), method="POST")
        answer.append(dial)
        return answer

    def whisper(self, packet: str, accepted: bool) -> VoiceResponse:
        """What who answers hears; without a key, as from a mailbox, the call does not get through to them."""
        answer = VoiceResponse()
        if accepted:
            return answer
        action = self._gate.address(f"{self._path}/whisper?packet={packet}")
        told = call_words.WHISPER.format(reference=spoken.reference(packet) if packet.isalnum() else "not known")
        gather = Gather(input="dtmf", num_digits=1, action=action, method="POST", timeout=WAIT_SECONDS)
        gather.say(told, loop=2, **self._says)
        answer.append(gather)
        answer.hangup()
        return answer

    def _address(self, route: str, step: Step) -> str:
        query = step.query()
        return self._gate.address(f"{self._path}/{route}{f'?{query}' if query else ''}")


def _hints(choices: list[dict[str, Any]]) -> str:
    """The titles, for Twilio to listen for."""
    titles = [str(button["title"]).replace(",", " ") for button in choices[: plain.MAX_CHOICES]]
    while titles and len(", ".join(titles)) > MAX_HINTS:
        titles.pop()
    return ", ".join(titles)
