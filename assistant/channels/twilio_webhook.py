"""What all of Twilio's webhooks share: the settings, the check of the signature, and requests that come twice."""

from __future__ import annotations

import os
from collections import OrderedDict
from typing import Any
from urllib.parse import parse_qs

from rasa.core.agent import Agent
from rasa.shared.core.events import BotUttered
from rasa.shared.exceptions import RasaException
from sanic.request import Request
from twilio.request_validator import RequestValidator

MAX_BODY_BYTES = 64_000
MAX_REMEMBERED = 10_000


class SettingMissing(RasaException):
    """A setting of a Twilio channel is missing."""


def setting(credentials: dict[str, Any] | None, key: str, variable: str, needed: bool = True) -> str:
    """`key` of the channel's block in the credentials file, or else the environment's `variable`.

    Raises:
        SettingMissing: it is needed and stands in neither.
    """
    value = str((credentials or {}).get(key) or os.environ.get(variable) or "")
    if needed and not value:
        raise SettingMissing(
            f"{variable} is not set: set it in the environment, or take the Twilio channel out of credentials.yml."
        )
    return value


class Gate:
    """Lets in what Twilio has signed for our public address."""

    def __init__(self, auth_token: str, public_url: str) -> None:
        """`public_url` is what Twilio calls: behind a proxy a request's own address is another one."""
        self._validator = RequestValidator(auth_token)
        self._public_url = public_url.rstrip("/")

    def address(self, path: str) -> str:
        """The public address of a path that begins with a slash."""
        return self._public_url + path

    def read(self, request: Request) -> dict[str, str] | None:
        """The fields of a webhook's form; None when the signature does not fit."""
        signature = request.headers.get("X-Twilio-Signature", "")
        if not signature or len(request.body) > MAX_BODY_BYTES:
            return None
        try:
            # Not request.form, which drops the empty fields: they are part of what is signed.
            fields = parse_qs(request.body.decode(), keep_blank_values=True, errors="strict")
        except ValueError:
            return None
        query = f"?{request.query_string}" if request.query_string else ""
        address = self.address(request.path) + query
        if not self._validator.validate(address, _Fields(fields), signature):
            return None
        return {name: values[0] for name, values in fields.items()}


class _Fields(dict[str, list[str]]):
    """A form's fields as Twilio's validator reads them."""

    def getall(self, name: str) -> list[str]:
        return self[name]


class Once:
    """Remembers the last keys that it was shown, in this process."""

    def __init__(self, size: int = MAX_REMEMBERED) -> None:
        """Start with none."""
        self._size = size
        self._seen: OrderedDict[str, None] = OrderedDict()

    def first(self, key: str) -> bool:
        """Whether the key is shown for the first time."""
        if key in self._seen:
            return False
        self._seen[key] = None
        if len(self._seen) > self._size:
            self._seen.popitem(last=False)
        return True


async def add_notice(agent: Agent | None, conversation: str, text: str, notice: str) -> None:
    """Puts a line for the people at the desk into a conversation; the customer does not get it."""
    if agent is None or not agent.is_ready():
        return
    async with agent.lock_store.lock(conversation):
        tracker = await agent.processor.get_tracker(conversation)
        tracker.update(BotUttered(text, metadata={"author": "system", "notice": notice}), agent.domain)
        await agent.processor.save_tracker(tracker)
