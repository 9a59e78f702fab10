"""Facebook Messenger: Rasa's connector, where every call must be signed with SHA-256, and answers don't block."""

from __future__ import annotations

import hashlib
import hmac
import logging
from typing import Any

from rasa.core.channels.channel import InputChannel
from rasa.core.channels.facebook import FacebookInput
from sanic import Blueprint, response
from sanic.request import Request
from sanic.response import HTTPResponse

from assistant.channels import handles, signing
from assistant.channels.addressbook import conversation_of
from assistant.channels.fitting import shorten_all, split
from assistant.channels.guard import Guarded, OnNewMessage
from assistant.channels.platform_api import PlatformAPI, Problem, is_temporary
from assistant.channels.reply import Reply
from assistant.channels.webhook import PlatformChannel, required

logger = logging.getLogger(__name__)

API_URL = "https://graph.facebook.com/v23.0"
TEXT_LIMIT = 2000
TITLE_LIMIT = 20
PAYLOAD_BYTES = 1000
MAX_QUICK_REPLIES = 13
BUSY_CODES = {1, 2, 4, 613}  # an unknown or temporary fault, too many calls
GET_STARTED = "GET_STARTED"
KINDS = ("image", "audio", "video", "file", "location")


class _MessengerChannel(PlatformChannel, FacebookInput):
    def __init__(self, verify: str, secret: str, page_token: str, api_url: str = API_URL) -> None:
        super().__init__(verify, secret, page_token)
        # The token in a header, not in the address, which proxies and servers log.
        self.api = PlatformAPI(api_url, _problem, {"Authorization": f"Bearer {page_token}"})
        self._proof = _hmac(secret, page_token.encode())

    @classmethod
    def name(cls) -> str:
        """Rasa calls it facebook."""
        return "messenger"

    def blueprint(self, on_new_message: OnNewMessage) -> Blueprint:
        blueprint = super().blueprint(on_new_message)

        @blueprint.route("/webhook", methods=["GET"])
        async def verify(request: Request) -> HTTPResponse:
            given = request.args.get("hub.verify_token") or ""
            if request.args.get("hub.mode") == "subscribe" and _same(given, self.fb_verify):
                return response.text(request.args.get("hub.challenge") or "")
            logger.warning("The messenger webhook was not confirmed: hub.verify_token is not the setting `verify`.")
            return response.text("hub.verify_token is wrong.", status=403)

        return blueprint

    def is_genuine(self, request: Request) -> bool:
        """Whether X-Hub-Signature-256 is the body's, made with the app's secret."""
        return _same(request.headers.get("X-Hub-Signature-256", ""), f"sha256={_hmac(self.fb_secret, request.body)}")

    def take(self, body: dict[str, Any]) -> HTTPResponse:
        """Takes every message and pressed button in the batch; receipts, echoes and reactions are only acknowledged."""
        for entry in body.get("entry") or []:
            for event in entry.get("messaging") or []:
                customer = str((event.get("sender") or {}).get("id") or "")
                if customer and customer != str(entry.get("id")):
                    self._take_event(customer, event)
        return response.text("EVENT_RECEIVED")

    def _take_event(self, customer: str, event: dict[str, Any]) -> None:
        message, postback = event.get("message") or {}, event.get("postback") or {}
        if message and not (message.get("is_echo") or message.get("is_deleted")):
            text, payload = message.get("text") or "", (message.get("quick_reply") or {}).get("payload")
            attachments = [_attachment(found) for found in message.get("attachments") or []]
            attachments = [found for found in attachments if found["kind"] in (*KINDS, "sticker")]
            if text or attachments:
                more = {"payload": payload} if payload else {}
                self.receive(customer, customer, text, message_id=message.get("mid"), attachments=attachments, **more)
        elif postback.get("payload"):
            payload = postback["payload"]
            if payload == GET_STARTED:
                payload = signing.sign("/greet", conversation_of(self.name(), customer))
            sent = postback.get("mid") or f"postback-{event.get('timestamp')}"
            self.receive(customer, customer, str(postback.get("title") or ""), payload=payload, message_id=sent)

    async def post(self, address: str, conversation: str, reply: Reply, patience: float) -> None:
        """Sends each part of the text as a message of its own; quick replies come with the last."""
        if reply.image:
            await self._send(address, {"attachment": {"type": "image", "payload": {"url": reply.image}}}, patience)
        # Messenger shows no quick replies without a text.
        text, quick_replies = reply.signed_text, _quick_replies(reply, conversation)
        if len(reply.buttons) > MAX_QUICK_REPLIES:
            text += "\nYou can also write: " + "; ".join(title for title, _ in reply.buttons[MAX_QUICK_REPLIES:])
        parts = split(text, TEXT_LIMIT) or (["…"] if quick_replies else [])
        for number, part in enumerate(parts, 1):
            last = quick_replies and number == len(parts)
            await self._send(address, {"text": part} | ({"quick_replies": quick_replies} if last else {}), patience)

    async def _send(self, customer: str, message: dict[str, Any], patience: float) -> None:
        body = {"recipient": {"id": customer}, "messaging_type": "RESPONSE", "message": message}
        await self.api.call("me/messages", body | {"appsecret_proof": self._proof}, patience)


class MessengerInput(Guarded, _MessengerChannel):
    """The guarded Facebook Messenger channel."""

    @classmethod
    def from_credentials(cls, credentials: dict[str, Any] | None) -> InputChannel:
        """Reads `verify`, `secret` and `page-access-token`, as Rasa's connector does, and `api_url`.

        Raises:
            SettingMissing: one of the three is not set.
        """
        values = required(credentials, "Facebook Messenger", "verify", "secret", "page-access-token")
        return cls(*values, (credentials or {}).get("api_url") or API_URL)


def _problem(status: int, retry_after: float | None, answer: dict[str, Any]) -> Problem | None:
    if status == 200 and not answer.get("error"):
        return None
    error = answer["error"] if isinstance(answer.get("error"), dict) else {}
    code, detail = error.get("code"), error.get("error_subcode")
    temporary = is_temporary(status) or code in BUSY_CODES or bool(error.get("is_transient"))
    # Only the codes: the error's sentence can name the customer's id.
    return Problem(f"status {status}, code {code}, subcode {detail}", temporary, retry_after)


def _hmac(secret: str, content: bytes) -> str:
    return hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())


def _attachment(found: dict[str, Any]) -> dict[str, Any]:
    sticker = (found.get("payload") or {}).get("sticker_id")
    return {"kind": "sticker" if sticker else str(found.get("type") or ""), "name": "", "bytes": None}


def _quick_replies(reply: Reply, conversation: str) -> list[dict[str, str]]:
    buttons = reply.buttons[:MAX_QUICK_REPLIES]
    titles = shorten_all([title for title, _ in buttons], TITLE_LIMIT)
    return [
        {"content_type": "text", "title": title, "payload": handles.fit(payload, conversation, PAYLOAD_BYTES)}
        for title, (_, payload) in zip(titles, buttons, strict=True)
    ]
