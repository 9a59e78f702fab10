"""Slack: Rasa's connector, where every call must be signed, with direct messages and threads as conversations.

A conversation is one person in one direct-message channel. In the channel that `slack_channel` names it is one person
in one thread, which begins when they mention the bot. What others write in that thread is their own conversation.
"""

from __future__ import annotations

import html
import json
import logging
import re
from typing import Any

from rasa.core.channels.channel import InputChannel
from rasa.core.channels.slack import SlackInput as RasaSlackInput
from sanic import response
from sanic.request import Request
from sanic.response import HTTPResponse

from assistant.channels import handles
from assistant.channels.addressbook import AddressUnknown, address_book, conversation_of
from assistant.channels.fitting import shorten, split
from assistant.channels.guard import Guarded
from assistant.channels.platform_api import DeliveryFailed, PlatformAPI, Problem, is_temporary
from assistant.channels.reply import Reply
from assistant.channels.webhook import PlatformChannel, required

logger = logging.getLogger(__name__)

API_URL = "https://slack.com/api"
TEXT_LIMIT = 3000
TITLE_LIMIT = 75
VALUE_LIMIT = 2000  # bytes, never more than characters
BUTTONS_IN_BLOCK = 5
KINDS = ("image", "audio", "video")
WRITE_DIRECTLY = "Please send me a direct message: here, everyone could read what we talk about."

_URL = re.compile(r"https?://[^\s<>|]+[^\s<>|.,;:!?)\]]")
# What Slack makes of links and mentions in a customer's text: <https://…|label>, <mailto:…|…>, <@U123>, <#C1|name>.
_MARKED = re.compile(r"<([^<>|]*)(?:\|([^<>]*))?>")


class _SlackChannel(PlatformChannel, RasaSlackInput):
    def __init__(self, token: str, signing_secret: str, channel: str | None = None, api_url: str = API_URL) -> None:
        super().__init__(token, channel, slack_signing_secret=signing_secret)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json; charset=utf-8"}
        self.api = PlatformAPI(api_url, _problem, headers)

    def is_genuine(self, request: Request) -> bool:
        """Whether X-Slack-Signature is right and not older than five minutes, as Rasa checks it."""
        return self.is_request_from_slack_authentic(request)

    def read_body(self, request: Request) -> Any:
        """An event's JSON, or the JSON that a pressed button sends inside of a form."""
        if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return json.loads(request.form.get("payload") or "")
        return request.json

    def take(self, body: dict[str, Any]) -> HTTPResponse:
        """Takes customers' messages and pressed buttons; everything else is only acknowledged."""
        if body.get("type") == "url_verification":
            return response.text(str(body.get("challenge") or ""))
        event = body.get("event")
        if body.get("type") == "block_actions":
            self._take_press(body)
        elif body.get("type") == "event_callback" and isinstance(event, dict) and _is_customers(event):
            self._take_message(body, event)
        return response.empty(200)

    def _take_message(self, body: dict[str, Any], event: dict[str, Any]) -> None:
        user, channel, sent = (str(event[key]) for key in ("user", "channel", "ts"))
        bots = [str(entry.get("user_id")) for entry in body.get("authorizations") or []]
        if user in bots:
            return
        thread = event.get("thread_ts")
        if not _is_direct(channel):
            if not self._is_ours(event, user, channel, thread):
                return
            thread = thread or sent
        files = event.get("files") or []
        self.receive(
            _customer(user, channel, thread),
            f"{channel}/{thread or ''}",
            _plain(str(event.get("text") or ""), bots),
            # The message's own time stamp is the same in Slack's retries and in a mention's second event.
            message_id=f"{channel}-{sent}",
            attachments=[_attachment(file) for file in files],
        )

    def _is_ours(self, event: dict[str, Any], user: str, channel: str, thread: str | None) -> bool:
        """Whether a message in a channel is for the bot: it is mentioned, or this person's thread with it goes on."""
        if event["type"] != "app_mention":
            return self._is_known(user, channel, thread)
        if channel != self.slack_channel:
            self.run(self._ask_to_write_directly(user, channel))
        return channel == self.slack_channel

    def _is_known(self, user: str, channel: str, thread: str | None) -> bool:
        """Whether this person has a conversation in this thread."""
        try:
            return bool(address_book().address_of(conversation_of(self.name(), _customer(user, channel, thread))))
        except AddressUnknown:
            return False

    async def _ask_to_write_directly(self, user: str, channel: str) -> None:
        try:
            await self.api.call("chat.postEphemeral", {"channel": channel, "user": user, "text": WRITE_DIRECTLY})
        except DeliveryFailed as error:
            logger.error("A hint to write directly could not be delivered: %s.", error)

    def _take_press(self, body: dict[str, Any]) -> None:
        action = next(iter(body.get("actions") or []), {})
        message, channel = body.get("message") or {}, str((body.get("channel") or {}).get("id") or "")
        user, value = (body.get("user") or {}).get("id"), action.get("value")
        if action.get("type") != "button" or not (user and channel and isinstance(value, str)):
            return
        title = str((action.get("text") or {}).get("text") or "")
        thread = message.get("thread_ts")
        if not (_is_direct(channel) or self._is_known(str(user), channel, thread)):
            return  # someone else in the channel
        self.run(self._show_choice(channel, message, title))
        self.receive(
            _customer(str(user), channel, thread),
            f"{channel}/{thread or ''}",
            title,
            payload=value,
            message_id=f"{channel}-{message.get('ts')}-{action.get('action_ts')}",
        )

    async def _show_choice(self, channel: str, message: dict[str, Any], title: str) -> None:
        """Puts what was chosen in the place of the message's buttons."""
        blocks = [block for block in message.get("blocks") or [] if block.get("type") != "actions"]
        blocks.append(_context(_plain_text(f"✓ {title}")))
        changed = {"channel": channel, "ts": message.get("ts"), "text": message.get("text"), "blocks": blocks}
        try:
            await self.api.call("chat.update", changed)
        except DeliveryFailed as error:
            logger.warning("The buttons of an answered message could not be removed: %s.", error)

    async def post(self, address: str, conversation: str, reply: Reply, patience: float) -> None:
        """Posts each part of the text as a message of its own; sources and buttons come with the last."""
        channel, _, thread = address.partition("/")
        text, sources = _without_sources(reply)
        parts = split(text, TEXT_LIMIT) or [""]
        for number, part in enumerate(parts, 1):
            first, last = number == 1, number == len(parts)
            blocks = [
                *([_context(_plain_text(reply.agent))] if reply.agent and first else []),
                *([{"type": "section", "text": _plain_text(part)}] if part else []),
                *_links(part),
                *([_context(_plain_text(sources))] if sources and last else []),
                *([{"type": "image", "image_url": reply.image, "alt_text": "Image"}] if reply.image and last else []),
                *(_buttons(reply, conversation) if last else []),
            ]
            message = {"channel": channel, "text": _escaped(part), "mrkdwn": False, "blocks": blocks}
            message |= {"unfurl_links": False, "unfurl_media": False} | ({"thread_ts": thread} if thread else {})
            await self.api.call("chat.postMessage", message, patience)


class SlackInput(Guarded, _SlackChannel):
    """The guarded Slack channel."""

    @classmethod
    def from_credentials(cls, credentials: dict[str, Any] | None) -> InputChannel:
        """Reads `slack_token`, `slack_signing_secret`, `slack_channel` (an id, optional) and `api_url`.

        Raises:
            SettingMissing: the token or the secret is not set.
        """
        token, secret = required(credentials, "Slack", "slack_token", "slack_signing_secret")
        settings = credentials or {}
        return cls(token, secret, settings.get("slack_channel"), settings.get("api_url") or API_URL)


def _problem(status: int, retry_after: float | None, answer: dict[str, Any]) -> Problem | None:
    if status == 200 and answer.get("ok"):
        return None
    return Problem(str(answer.get("error") or f"status {status}"), is_temporary(status), retry_after)


def _is_customers(event: dict[str, Any]) -> bool:
    """Whether a person wrote it: not a bot, an edit, a deletion, someone's joining or any other note of Slack's."""
    return (
        event.get("type") in ("message", "app_mention")
        and event.get("subtype") in (None, "file_share")
        and not event.get("bot_id")
        and not event.get("hidden")
        and all(isinstance(event.get(key), str) for key in ("user", "channel", "ts"))
        and bool(event.get("text") or event.get("files"))
    )


def _is_direct(channel: str) -> bool:
    return channel.startswith("D")


def _customer(user: str, channel: str, thread: str | None) -> str:
    return f"{channel}/{user}" if _is_direct(channel) else f"{channel}/{user}/{thread}"


def _plain(text: str, bots: list[str]) -> str:
    """A customer's text as they typed it: Slack's marks for links and mentions undone, the bot's mention removed."""

    def undo(mark: re.Match[str]) -> str:
        target, label = mark.group(1), mark.group(2)
        if target[:1] == "@" and target[1:] in bots:
            return ""
        if target[:1] in ("@", "#", "!"):
            return f"{target[0]}{label}" if label else target
        return label or target

    return html.unescape(_MARKED.sub(undo, text)).strip()


def _attachment(file: dict[str, Any]) -> dict[str, Any]:
    kind = str(file.get("mimetype") or "").partition("/")[0]
    size = file.get("size")
    return {
        "kind": kind if kind in KINDS else "file",
        "name": str(file.get("name") or ""),
        "bytes": size if isinstance(size, int) else None,
    }


def _context(element: dict[str, Any]) -> dict[str, Any]:
    return {"type": "context", "elements": [element]}


def _links(text: str) -> list[dict[str, Any]]:
    """The text's web addresses to click on: in plain text, in which nothing is mark-up, they are only words."""
    found = [f"<{_escaped(url)}>" for url in _URL.findall(text)]
    return [_context({"type": "mrkdwn", "text": "\n".join(found)})] if found else []


def _plain_text(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": False}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _without_sources(reply: Reply) -> tuple[str, str]:
    """The text, and its line of sources, which has a block of its own."""
    titles = "; ".join(reply.sources)
    text, _, last = reply.text.rpartition("\n")
    return (text, last) if titles and last.endswith(titles) else (reply.text, "")


def _buttons(reply: Reply, conversation: str) -> list[dict[str, Any]]:
    buttons = [
        {
            "type": "button",
            "action_id": f"choice-{number}",
            "text": _plain_text(shorten(title, TITLE_LIMIT)),
            "value": handles.fit(payload, conversation, VALUE_LIMIT),
        }
        for number, (title, payload) in enumerate(reply.buttons)
    ]
    groups = range(0, len(buttons), BUTTONS_IN_BLOCK)
    return [{"type": "actions", "elements": buttons[start : start + BUTTONS_IN_BLOCK]} for start in groups]
