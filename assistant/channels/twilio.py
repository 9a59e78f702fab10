"""SMS and WhatsApp through Twilio: Rasa's connector with checked signatures, choices as text, and nothing lost."""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Any

from rasa.core.agent import Agent
from rasa.core.channels.channel import InputChannel, UserMessage
from rasa.core.channels.twilio import TwilioInput
from sanic import Blueprint, Sanic, response
from sanic.request import Request
from sanic.response import HTTPResponse

from assistant.channels.addressbook import address_book, conversation_of
from assistant.channels.guard import Guarded, OnNewMessage
from assistant.channels.twilio_output import TextOutput
from assistant.channels.twilio_webhook import Gate, Once, add_notice, setting

logger = logging.getLogger(__name__)

ANSWER_WITHIN = 10.0  # seconds; Twilio waits for 15
FINISH_WITHIN = 20.0  # seconds that running turns get when the server stops
MAX_MEDIA = 10
# Twilio answers these itself and then blocks or unblocks the number. YES and HELP are words of a conversation too.
OPT_WORDS = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "start", "unstop"})
KINDS = {"image": "image", "audio": "audio", "video": "video"}


class _TextInput(TwilioInput):
    """Twilio's webhook for text messages.

    The webhook is answered when the turn is over, or after ANSWER_WITHIN seconds while the turn goes on. An answer at
    once would tell Twilio that all is well before anything is stored: if the process ended then, Twilio would neither
    try again nor report it. Replies never go into the webhook's answer but through the REST API, in their order.
    """

    address_prefix = ""
    number_setting, number_variable = "number", "TWILIO_NUMBER"

    @classmethod
    def from_credentials(cls, credentials: dict[str, Any] | None) -> InputChannel:
        """Reads account_sid, auth_token, public_url, the number or a messaging service, and api_url.

        Raises:
            SettingMissing: one that is needed stands neither there nor in the environment.
        """
        service = setting(credentials, "messaging_service_sid", "TWILIO_MESSAGING_SERVICE_SID", needed=False)
        number = setting(credentials, cls.number_setting, cls.number_variable, needed=not service)
        return cls(
            setting(credentials, "account_sid", "TWILIO_ACCOUNT_SID"),
            setting(credentials, "auth_token", "TWILIO_AUTH_TOKEN"),
            number,
            setting(credentials, "public_url", "TWILIO_PUBLIC_URL"),
            service,
            setting(credentials, "api_url", "TWILIO_API_URL", needed=False),
        )

    def __init__(
        self, account_sid: str, auth_token: str, number: str, public_url: str, service: str = "", api_url: str = ""
    ) -> None:
        """`service` is a messaging service, which then chooses the number that a message comes from."""
        super().__init__(account_sid, auth_token, number, debug_mode=False)
        self._gate = Gate(auth_token, public_url)
        own = self.address_prefix + number.removeprefix(self.address_prefix)
        self._sender = {"messaging_service_sid": service} if service else {"from_": own}
        self._api_url = api_url
        self._messages = Once()
        self._turns: set[asyncio.Task[None]] = set()

    def get_output_channel(self) -> TextOutput:
        """Also for messages outside of a turn, such as an agent's."""
        status_url = self._gate.address(f"/webhooks/{self.name()}/status")
        names = {"prefix": self.address_prefix, "status_url": status_url, "api_url": self._api_url}
        return TextOutput(self.name(), self.account_sid, self.auth_token, self._sender, **names)

    def blueprint(self, on_new_message: OnNewMessage) -> Blueprint:
        """POST /webhook for messages, POST /status for what became of those that were sent, GET / for health checks."""
        blueprint = Blueprint(f"{self.name()}_webhook", __name__)

        @blueprint.route("/", methods=["GET"])
        async def health(_: Request) -> HTTPResponse:
            return response.json({"status": "ok"})

        @blueprint.route("/webhook", methods=["POST"])
        async def webhook(request: Request) -> HTTPResponse:
            fields = self._gate.read(request)
            if fields is None:
                return _refused()
            if message := await self._message(fields):
                turn = asyncio.create_task(self._turn(message, on_new_message, request.app))
                self._turns.add(turn)
                turn.add_done_callback(self._turns.discard)
                await asyncio.wait({turn}, timeout=ANSWER_WITHIN)
            return response.empty()

        @blueprint.route("/status", methods=["POST"])
        async def status(request: Request) -> HTTPResponse:
            fields = self._gate.read(request)
            if fields is None:
                return _refused()
            await self._delivered(fields, request.app)
            return response.empty()

        @blueprint.listener("before_server_stop")
        async def finish(_app: Sanic, _loop: Any) -> None:
            if self._turns:
                await asyncio.wait(set(self._turns), timeout=FINISH_WITHIN)

        return blueprint

    async def _message(self, fields: dict[str, str]) -> UserMessage | None:
        """The customer's message; None for what is no message to us, or was handled already."""
        number = self._number(fields.get("From", ""))
        sid = fields.get("MessageSid") or fields.get("SmsMessageSid", "")
        if not number or not sid:
            logger.warning("A message was ignored: it has no id, or no sender that can be answered.")
            return None
        if self._is_for_twilio(fields):
            return None
        conversation = conversation_of(self.name(), number)
        await asyncio.to_thread(address_book().remember, conversation, number)
        # Last, so that Twilio may send again what failed before.
        if not self._messages.first(sid):
            return None
        metadata: dict[str, Any] = {"message_id": sid, "attachments": attachments(fields)}
        # What a template's button carries. One of ours is signed, which the guard checks.
        pressed = fields.get("ButtonPayload") or fields.get("ListId") or ""
        if pressed.startswith("/"):
            metadata["payload"] = pressed
        # Not the guard's: what it could not deliver is looked at after the turn.
        output = _TextInput.get_output_channel(self)
        return UserMessage(self._text(fields), output, conversation, None, self.name(), sid, metadata)

    def _number(self, sender: str) -> str | None:
        number = sender.removeprefix(self.address_prefix)
        is_ours = sender.startswith(self.address_prefix) and re.fullmatch(r"\+\d{6,15}", number)
        return number if is_ours else None

    def _text(self, fields: dict[str, str]) -> str:
        return fields.get("Body", "")

    def _is_for_twilio(self, fields: dict[str, str]) -> bool:
        return bool(fields.get("OptOutType"))

    async def _turn(self, message: UserMessage, on_new_message: OnNewMessage, app: Sanic) -> None:
        output = message.output_channel  # the guard puts its own before it
        try:
            await on_new_message(message)
        except Exception as error:
            logger.error("A turn of %s failed: %s.", message.sender_id, type(error).__name__)
        if isinstance(output, TextOutput) and output.failures:
            await self._tell_the_desk(app, message.sender_id, output.failures[0])

    async def _delivered(self, fields: dict[str, str], app: Sanic) -> None:
        """What became of a message that Twilio had taken, perhaps much later."""
        number, sid = self._number(fields.get("To", "")), fields.get("MessageSid", "")
        if fields.get("MessageStatus") not in ("failed", "undelivered") or not number:
            return
        if self._messages.first(f"{sid} {fields['MessageStatus']}"):
            reason = f"Twilio reports {fields['MessageStatus']}, error {fields.get('ErrorCode') or 'unknown'}"
            conversation = conversation_of(self.name(), number)
            logger.error("A message to %s did not get through: %s.", conversation, reason)
            await self._tell_the_desk(app, conversation, reason)

    async def _tell_the_desk(self, app: Sanic, conversation: str, reason: str) -> None:
        agent: Agent | None = getattr(app.ctx, "agent", None)
        try:
            await add_notice(agent, conversation, f"A message did not reach the customer: {reason}.", "undelivered")
        except Exception as error:
            logger.error("Conversation %s could not be told of it: %s.", conversation, type(error).__name__)


class SmsInput(Guarded, _TextInput):
    """SMS: /webhooks/sms/webhook."""

    @classmethod
    def name(cls) -> str:
        """Also the output channel's name, so that `output_channel=latest` finds it."""
        return "sms"

    def _text(self, fields: dict[str, str]) -> str:
        # Some carriers turn @ into this.
        return super()._text(fields).replace("¡", "@")

    def _is_for_twilio(self, fields: dict[str, str]) -> bool:
        return super()._is_for_twilio(fields) or fields.get("Body", "").strip().casefold() in OPT_WORDS


class WhatsAppInput(Guarded, _TextInput):
    """WhatsApp: /webhooks/whatsapp/webhook."""

    address_prefix = "whatsapp:"
    number_setting, number_variable = "whatsapp_number", "TWILIO_WHATSAPP_NUMBER"

    @classmethod
    def name(cls) -> str:
        """Also the output channel's name, so that `output_channel=latest` finds it."""
        return "whatsapp"

    def _text(self, fields: dict[str, str]) -> str:
        return fields.get("ButtonText") or fields.get("ListTitle") or super()._text(fields)


def attachments(fields: dict[str, str]) -> list[dict[str, Any]]:
    """What came with a message, for the guard: each one's kind and name; Twilio does not tell the size."""
    count = min(int(fields["NumMedia"]), MAX_MEDIA) if fields.get("NumMedia", "").isdecimal() else 0
    found = [_attachment(fields.get(f"MediaContentType{n}", "")) for n in range(count)]
    if fields.get("Latitude") and fields.get("Longitude"):
        found.append({"kind": "location", "name": "location", "bytes": None})
    return found


def _attachment(content_type: str) -> dict[str, Any]:
    family, _, name = content_type.partition(";")[0].strip().lower().partition("/")
    kind = "contact" if "vcard" in name else KINDS.get(family, "file")
    return {"kind": kind, "name": name or "unknown", "bytes": None}


def _refused() -> HTTPResponse:
    return response.text("The signature does not fit.", status=403)
