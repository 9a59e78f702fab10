"""Webhooks shaped and signed as Slack, Telegram and Messenger send them, with buttons read from what they were sent."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import time
from typing import Any
from urllib.parse import urlencode

import httpx

from tests.platform_server import PlatformServer

numbers = itertools.count(1)


def hex_hmac(secret: str, content: str) -> str:
    return hmac.new(secret.encode(), content.encode(), hashlib.sha256).hexdigest()


class Slack:
    """A person who writes to the bot on Slack; `channel` begins with D in a direct message."""

    name = "slack"
    secret = "slack-signing-secret-of-these-tests"
    token = "xoxb-slack-token-of-these-tests"

    def __init__(self, assistant_url: str, platform: PlatformServer, user: str = "", channel: str = "") -> None:
        number = next(numbers)
        self.url, self.platform = f"{assistant_url}/webhooks/slack/webhook", platform
        self.user, self.channel = user or f"U0CUSTOMER{number}", channel or f"D0DIRECT{number}"
        self.key = f"{self.channel}/{self.user}"  # what stands for the person in a direct message

    @classmethod
    def credentials(cls, platform: PlatformServer) -> dict[str, Any]:
        """The channel's settings in credentials.yml."""
        return {
            "slack_token": cls.token,
            "slack_signing_secret": cls.secret,
            "slack_channel": "C0SUPPORT",
            "api_url": f"{platform.url}/slack",
        }

    def event(self, text: str, **fields: Any) -> dict[str, Any]:
        """An Events API call with a message."""
        ts = f"1700000000.{next(numbers):06d}"
        event = {
            "type": "message",
            "user": self.user,
            "text": text,
            "ts": ts,
            "event_ts": ts,
            "client_msg_id": f"id-{ts}",
            "channel": self.channel,
            "channel_type": "im" if self.channel.startswith("D") else "channel",
            "team": "T0TEAM",
        } | fields
        return {
            "token": "legacy-token",
            "team_id": "T0TEAM",
            "api_app_id": "A0APP",
            "type": "event_callback",
            "event_id": f"Ev{ts}",
            "event_time": 1700000000,
            "authorizations": [{"team_id": "T0TEAM", "user_id": "U0BOT", "is_bot": True}],
            "event": {key: value for key, value in event.items() if value is not None},
        }

    def headers(self, content: str, kind: str = "application/json", **other: str) -> dict[str, str]:
        """The signature of a body, made now."""
        now = other.pop("timestamp", str(int(time.time())))
        signature = f"v0={hex_hmac(self.secret, f'v0:{now}:{content}')}"
        return {
            "Content-Type": kind,
            "X-Slack-Request-Timestamp": now,
            "X-Slack-Signature": signature,
        } | other

    def post(self, body: dict[str, Any], headers: dict[str, str] | None = None) -> httpx.Response:
        """Send a signed event, or one with these headers."""
        content = json.dumps(body)
        return httpx.post(self.url, content=content, headers=headers or self.headers(content), timeout=10)

    def say(self, text: str, **fields: Any) -> httpx.Response:
        """Write a message."""
        return self.post(self.event(text, **fields))

    def press(self, title: str, **changes: Any) -> httpx.Response:
        """Press a button of the newest message that has one with this title."""
        messages = [c.body for c in self.platform.wait("chat.postMessage") if c.body["channel"] == self.channel]
        message, button = next(
            (message, button)
            for message in reversed(messages)
            for block in message["blocks"]
            if block["type"] == "actions"
            for button in block["elements"]
            if button["text"]["text"] == title
        )
        thread = {"thread_ts": message["thread_ts"]} if "thread_ts" in message else {}
        action = {key: button[key] for key in ("type", "action_id", "text", "value")} | changes
        payload = {
            "type": "block_actions",
            "user": {"id": self.user, "username": "sam", "team_id": "T0TEAM"},
            "team": {"id": "T0TEAM", "domain": "northlight"},
            "channel": {"id": self.channel, "name": "directmessage"},
            "container": {"type": "message", "message_ts": "1700000001.000100", "channel_id": self.channel},
            "message": {"type": "message", "ts": "1700000001.000100", "text": message["text"]}
            | {"blocks": message["blocks"], "bot_id": "B0BOT"}
            | thread,
            "response_url": "https://hooks.slack.com/actions/T0TEAM/1/x",
            "trigger_id": "1.2.abc",
            "actions": [action | {"action_ts": f"1700000002.{next(numbers):06d}"}],
        }
        content = urlencode({"payload": json.dumps(payload)})
        headers = self.headers(content, "application/x-www-form-urlencoded")
        return httpx.post(self.url, content=content, headers=headers, timeout=10)

    def reads(self, words: str) -> dict[str, Any]:
        """The message of the bot or an agent that holds these words."""
        [call, *_] = self.platform.wait("chat.postMessage", containing=words)
        assert call.headers["Authorization"] == f"Bearer {self.token}"
        return call.body

    @staticmethod
    def titles(message: dict[str, Any]) -> list[str]:
        """The titles of a message's buttons."""
        blocks = [block for block in message["blocks"] if block["type"] == "actions"]
        return [button["text"]["text"] for block in blocks for button in block["elements"]]


class Telegram:
    """A person who writes to the bot on Telegram."""

    name = "telegram"
    secret = "telegram-secret-token-of-these-tests"
    token = "123456:telegram-token-of-these-tests"

    def __init__(self, assistant_url: str, platform: PlatformServer) -> None:
        self.url, self.platform = f"{assistant_url}/webhooks/telegram/webhook", platform
        self.chat = 700_000_000 + next(numbers)
        self.key = str(self.chat)

    @classmethod
    def credentials(cls, platform: PlatformServer) -> dict[str, Any]:
        """The channel's settings in credentials.yml."""
        return {
            "access_token": cls.token,
            "secret_token": cls.secret,
            "webhook_url": "https://assistant.example.com/webhooks/telegram/webhook",
            "api_url": f"{platform.url}/telegram",
        }

    def message(self, **content: Any) -> dict[str, Any]:
        """A message in the private chat."""
        return {
            "message_id": next(numbers),
            "from": {"id": self.chat, "is_bot": False, "first_name": "Sam", "language_code": "en"},
            "chat": {"id": self.chat, "first_name": "Sam", "type": "private"},
            "date": 1700000000,
        } | content

    def update(self, **content: Any) -> dict[str, Any]:
        """An update with its number."""
        return {"update_id": 90_000_000 + next(numbers)} | content

    def post(self, body: dict[str, Any], headers: dict[str, str] | None = None) -> httpx.Response:
        """Send an update with the secret, or with these headers."""
        sent = {"X-Telegram-Bot-Api-Secret-Token": self.secret} if headers is None else headers
        return httpx.post(self.url, json=body, headers=sent, timeout=10)

    def say(self, text: str) -> httpx.Response:
        """Write a message."""
        return self.post(self.update(message=self.message(text=text)))

    def press(self, title: str, **changes: Any) -> httpx.Response:
        """Press a button of the newest message that has one with this title."""
        messages = [c.body for c in self.platform.wait("/sendMessage") if c.body["chat_id"] == str(self.chat)]
        message, button = next(
            (message, button)
            for message in reversed(messages)
            for row in message.get("reply_markup", {}).get("inline_keyboard", [])
            for button in row
            if button["text"] == title
        )
        assert 1 <= len(button["callback_data"].encode()) <= 64
        shown = self.message(text=message["text"], reply_markup=message["reply_markup"])
        shown["from"] = {"id": 123456, "is_bot": True, "first_name": "Tandem", "username": "tandem_bot"}
        query = {
            "id": str(next(numbers)),
            "from": {"id": self.chat, "is_bot": False, "first_name": "Sam"},
            "message": shown,
            "chat_instance": "1",
            "data": button["callback_data"],
        } | changes
        return self.post(self.update(callback_query=query))

    def reads(self, words: str) -> dict[str, Any]:
        """The message of the bot or an agent that holds these words."""
        return self.platform.wait(f"bot{self.token}/sendMessage", containing=words)[0].body

    @staticmethod
    def titles(message: dict[str, Any]) -> list[str]:
        """The titles of a message's buttons."""
        return [button["text"] for row in message["reply_markup"]["inline_keyboard"] for button in row]


class Messenger:
    """A person who writes to the page on Facebook Messenger."""

    name = "messenger"
    secret = "messenger-app-secret-of-these-tests"
    token = "messenger-page-token-of-these-tests"
    verify = "messenger-verify-token-of-these-tests"
    page = "1000200030004"

    def __init__(self, assistant_url: str, platform: PlatformServer) -> None:
        self.url, self.platform = f"{assistant_url}/webhooks/messenger/webhook", platform
        self.key = self.person = f"88{next(numbers):014d}"

    @classmethod
    def credentials(cls, platform: PlatformServer) -> dict[str, Any]:
        """The channel's settings in credentials.yml."""
        return {
            "verify": cls.verify,
            "secret": cls.secret,
            "page-access-token": cls.token,
            "api_url": f"{platform.url}/graph",
        }

    def event(self, **content: Any) -> dict[str, Any]:
        """One thing that happened between the person and the page."""
        pair = {"sender": {"id": self.person}, "recipient": {"id": self.page}}
        return pair | {"timestamp": 1700000000000 + next(numbers)} | content

    def message(self, **content: Any) -> dict[str, Any]:
        """A message with its id."""
        return self.event(message={"mid": f"m_{next(numbers)}"} | content)

    def post(self, *events: dict[str, Any], headers: dict[str, str] | None = None) -> httpx.Response:
        """Send a signed batch, or one with these headers."""
        entry = {"id": self.page, "time": 1700000000000, "messaging": list(events)}
        content = json.dumps({"object": "page", "entry": [entry]})
        sent = self.headers(content) if headers is None else headers
        return httpx.post(self.url, content=content, headers={"Content-Type": "application/json"} | sent, timeout=10)

    def headers(self, content: str) -> dict[str, str]:
        """The signature of a body."""
        return {"X-Hub-Signature-256": f"sha256={hex_hmac(self.secret, content)}"}

    def say(self, text: str) -> httpx.Response:
        """Write a message."""
        return self.post(self.message(text=text))

    def press(self, title: str, **changes: Any) -> httpx.Response:
        """Press a quick reply of the newest message that has one with this title."""
        messages = [c.body for c in self.platform.wait("me/messages") if c.body["recipient"]["id"] == self.person]
        reply = next(
            reply
            for body in reversed(messages)
            for reply in body["message"].get("quick_replies", [])
            if reply["title"] == title
        )
        return self.post(self.message(text=title, quick_reply={"payload": reply["payload"]} | changes))

    def reads(self, words: str) -> dict[str, Any]:
        """The message of the bot or an agent that holds these words."""
        [call, *_] = self.platform.wait("me/messages", containing=words)
        assert call.headers["Authorization"] == f"Bearer {self.token}"
        return call.body["message"]

    @staticmethod
    def titles(message: dict[str, Any]) -> list[str]:
        """The titles of a message's quick replies."""
        return [reply["title"] for reply in message["quick_replies"]]
