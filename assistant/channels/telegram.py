"""Telegram: Rasa's connector, where every call must carry the secret that setWebhook was given.

Private chats only: in a group, everyone would read a customer's bills and bookings.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from typing import Any

from rasa.core.channels.channel import InputChannel
from rasa.core.channels.telegram import TelegramInput as RasaTelegramInput
from sanic import Blueprint, response
from sanic.request import Request
from sanic.response import HTTPResponse

from assistant.channels import handles, signing
from assistant.channels.addressbook import conversation_of
from assistant.channels.fitting import split
from assistant.channels.guard import Guarded, OnNewMessage
from assistant.channels.platform_api import DeliveryFailed, PlatformAPI, Problem, is_temporary
from assistant.channels.reply import Reply
from assistant.channels.webhook import PlatformChannel, required

logger = logging.getLogger(__name__)

API_URL = "https://api.telegram.org"
TEXT_LIMIT = 4096
CALLBACK_BYTES = 64
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
UPDATES = ["message", "callback_query"]
PAUSES = (5, 30, 120, 600)  # seconds between the attempts to register the webhook
START = "/start"
ATTACHMENTS = {
    "photo": "image",
    "voice": "audio",
    "audio": "audio",
    "video": "video",
    "video_note": "video",
    "animation": "video",
    "document": "file",
    "sticker": "sticker",
    "location": "location",
    "contact": "contact",
}


class _TelegramChannel(PlatformChannel, RasaTelegramInput):
    def __init__(self, token: str, secret: str, webhook_url: str | None = None, api_url: str = API_URL) -> None:
        super().__init__(token, None, webhook_url)
        self._secret = secret
        self.api = PlatformAPI(f"{api_url.rstrip('/')}/bot{token}", _problem)

    def blueprint(self, on_new_message: OnNewMessage) -> Blueprint:
        blueprint = super().blueprint(on_new_message)
        if self.webhook_url:

            @blueprint.listener("after_server_start")
            async def register(*_: Any) -> None:
                self._registration = asyncio.ensure_future(self.register())

            @blueprint.listener("before_server_stop")
            async def give_up(*_: Any) -> None:
                self._registration.cancel()

        return blueprint

    async def register(self) -> None:
        """Tells Telegram where to call and with which secret; tries again later, because the network may be away."""
        body = {"url": self.webhook_url, "secret_token": self._secret, "allowed_updates": UPDATES}
        for pause in (*PAUSES, None):
            try:
                await self.api.call("setWebhook", body)
            except DeliveryFailed as error:
                logger.error(
                    "Telegram was not told the webhook's address: %s. %s",
                    error,
                    f"Trying again in {pause} seconds." if pause else "Start the assistant again to repeat it.",
                )
                if pause:
                    await asyncio.sleep(pause)
            else:
                return

    def is_genuine(self, request: Request) -> bool:
        """Whether the call carries the secret."""
        given = request.headers.get(SECRET_HEADER, "")
        return hmac.compare_digest(given.encode("utf-8", "replace"), self._secret.encode())

    def take(self, body: dict[str, Any]) -> HTTPResponse:
        """Takes customers' messages and pressed buttons; edits, channels' posts and groups are only acknowledged."""
        message, press = body.get("message"), body.get("callback_query")
        update = str(body.get("update_id") or "")
        if isinstance(message, dict) and _is_private(message):
            self._take_message(update, message)
        elif isinstance(press, dict) and isinstance(press.get("data"), str) and _is_private(press.get("message") or {}):
            self._take_press(update, press)
            # Telegram takes a call in the answer: this one ends the button's waiting sign.
            return response.json({"method": "answerCallbackQuery", "callback_query_id": press.get("id")})
        return response.empty(200)

    def _take_message(self, update: str, message: dict[str, Any]) -> None:
        sender, text = message.get("from") or {}, message.get("text") or message.get("caption") or ""
        attachments = [_attachment(key, message[key]) for key in ATTACHMENTS if message.get(key)]
        if sender.get("is_bot") or not (text or attachments):
            return
        chat = str(message["chat"]["id"])
        more: dict[str, Any] = {"message_id": update, "attachments": attachments}
        if text.split(maxsplit=1)[:1] == [START]:
            # What Telegram's own start button sends.
            more["payload"] = signing.sign("/greet", conversation_of(self.name(), chat))
        self.receive(chat, chat, text if "payload" in more else text.removeprefix("/"), **more)

    def _take_press(self, update: str, press: dict[str, Any]) -> None:
        message, data = press["message"], press["data"]
        chat = str(message["chat"]["id"])
        rows = (message.get("reply_markup") or {}).get("inline_keyboard") or []
        titles = [button.get("text") for row in rows for button in row if button.get("callback_data") == data]
        self.run(self._remove_buttons(chat, message.get("message_id")))
        self.receive(chat, chat, str(titles[0]) if titles else "", payload=data, message_id=update)

    async def _remove_buttons(self, chat: str, message_id: Any) -> None:
        try:
            await self.api.call("editMessageReplyMarkup", {"chat_id": chat, "message_id": message_id})
        except DeliveryFailed as error:
            logger.warning("The buttons of an answered message could not be removed: %s.", error)

    async def post(self, address: str, conversation: str, reply: Reply, patience: float) -> None:
        """Sends each part of the text as a message of its own, without any mark-up; buttons come with the last."""
        if reply.image:
            await self.api.call("sendPhoto", {"chat_id": address, "photo": reply.image}, patience)
        # Telegram shows no buttons without a text.
        parts = split(reply.signed_text, TEXT_LIMIT) or (["…"] if reply.buttons else [])
        for number, part in enumerate(parts, 1):
            message: dict[str, Any] = {"chat_id": address, "text": part, "link_preview_options": {"is_disabled": True}}
            if reply.buttons and number == len(parts):
                message["reply_markup"] = {"inline_keyboard": _rows(reply, conversation)}
            await self.api.call("sendMessage", message, patience)


class TelegramInput(Guarded, _TelegramChannel):
    """The guarded Telegram channel."""

    @classmethod
    def from_credentials(cls, credentials: dict[str, Any] | None) -> InputChannel:
        """Reads `access_token`, `secret_token`, `webhook_url` (registered at each start if it is set) and `api_url`.

        Raises:
            SettingMissing: the token or the secret is not set.
        """
        token, secret = required(credentials, "Telegram", "access_token", "secret_token")
        settings = credentials or {}
        return cls(token, secret, settings.get("webhook_url"), settings.get("api_url") or API_URL)


def _problem(status: int, retry_after: float | None, answer: dict[str, Any]) -> Problem | None:
    if status == 200 and answer.get("ok"):
        return None
    parameters = answer.get("parameters")
    if isinstance(parameters, dict) and isinstance(parameters.get("retry_after"), int):
        retry_after = parameters["retry_after"]
    # Telegram's descriptions are fixed sentences, such as "Forbidden: bot was blocked by the user".
    return Problem(str(answer.get("description") or f"status {status}"), is_temporary(status), retry_after)


def _is_private(message: dict[str, Any]) -> bool:
    chat = message.get("chat") or {}
    return chat.get("type") == "private" and isinstance(chat.get("id"), int)


def _attachment(key: str, content: Any) -> dict[str, Any]:
    # A photo comes in several sizes, the largest last.
    file = content[-1] if isinstance(content, list) else content
    return {"kind": ATTACHMENTS[key], "name": str(file.get("file_name") or ""), "bytes": file.get("file_size")}


def _rows(reply: Reply, conversation: str) -> list[list[dict[str, str]]]:
    """One button a row, so that whole titles can be read."""
    return [
        [{"text": title, "callback_data": handles.fit(payload, conversation, CALLBACK_BYTES)}]
        for title, payload in reply.buttons
    ]
