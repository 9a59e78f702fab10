"""A messaging platform's webhook: only the platform may post, it is answered at once, and turns run to their end."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine
from typing import Any

from rasa.core.channels.channel import InputChannel, OutputChannel, UserMessage
from rasa.shared.exceptions import RasaException
from sanic import Blueprint, response
from sanic.exceptions import InvalidUsage
from sanic.request import Request
from sanic.response import HTTPResponse

from assistant.channels import handles
from assistant.channels.addressbook import address_book, conversation_of
from assistant.channels.guard import OnNewMessage
from assistant.channels.platform_api import PlatformAPI
from assistant.channels.reply import PlatformOutput, Reply

logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 1_000_000
SHUTDOWN_SECONDS = 20.0
OLD_BUTTON = "That button is from earlier and no longer works. Please tell me in your own words what you would like."
NOT_READ = "Sorry, something went wrong on our side. Please press the button again in a moment."


class SettingMissing(RasaException):
    """A channel lacks a setting without which it would let strangers in or could not answer."""


def required(credentials: dict[str, Any] | None, channel: str, *names: str) -> list[str]:
    """The settings of a channel in credentials.yml.

    Raises:
        SettingMissing: one of them is not there or empty.
    """
    values = [str((credentials or {}).get(name) or "") for name in names]
    for name, value in zip(names, values, strict=True):
        if not value:
            raise SettingMissing(
                f"`{name}` of the {channel} channel is not set in credentials.yml: see docs/channels.md."
            )
    return values


class PlatformChannel(InputChannel):
    """What the channels of messaging platforms share; stands before Rasa's connector in the list of base classes."""

    api: PlatformAPI

    def is_genuine(self, request: Request) -> bool:
        """Whether the platform sent the request: its body must not be trusted before."""
        raise NotImplementedError

    def take(self, body: dict[str, Any]) -> HTTPResponse:
        """Has the customers' messages in a webhook's body handled by receive(), and answers the platform."""
        raise NotImplementedError

    def read_body(self, request: Request) -> Any:
        """The body of a genuine request. Raises InvalidUsage, ValueError."""
        return request.json

    async def post(self, address: str, conversation: str, reply: Reply, patience: float) -> None:
        """Shows a reply. Raises DeliveryFailed."""
        raise NotImplementedError

    def get_output_channel(self) -> OutputChannel:
        """For messages that no customer's message asked for, such as an agent's."""
        return PlatformOutput(self)

    def blueprint(self, on_new_message: OnNewMessage) -> Blueprint:
        """GET / says that the channel is there, POST /webhook takes the platform's calls."""
        self._on_new_message = on_new_message
        self._running: set[asyncio.Task] = set()
        blueprint = Blueprint(f"{self.name()}_webhook", __name__)

        @blueprint.route("/", methods=["GET"])
        async def health(_: Request) -> HTTPResponse:
            return response.json({"status": "ok"})

        # As a stream, so that the limit of the body's size holds for this address alone.
        @blueprint.route("/webhook", methods=["POST"], stream=True)
        async def webhook(request: Request) -> HTTPResponse:
            request.stream.request_max_size = MAX_BODY_BYTES
            await request.receive_body()  # raises PayloadTooLarge, which Sanic answers with 413
            return self._answer(request)

        blueprint.listener("before_server_stop")(self.finish)
        return blueprint

    def _answer(self, request: Request) -> HTTPResponse:
        if not self.is_genuine(request):
            logger.warning("A call of the %s webhook was refused: %s did not sign it.", self.name(), self.name())
            return response.text("This address is for the platform's signed calls.", status=403)
        try:
            body = self.read_body(request)
        except (InvalidUsage, ValueError):
            body = None
        if not isinstance(body, dict):
            return response.text("The body is not what this webhook takes.", status=400)
        self._app = request.app
        return self.take(body)

    def receive(self, customer: str, address: str, text: str, **metadata: Any) -> str:
        """Runs a turn in the background, after those of this conversation that came before; returns its id.

        `customer` stands for the person on the platform, always in the same form, `address` is where answers go.
        `metadata` is what the guard reads: payload, message_id, attachments.
        """
        conversation = conversation_of(self.name(), customer)
        address_book().remember(conversation, address)
        output = PlatformOutput(self, address)
        message = UserMessage(text, output, conversation, input_channel=self.name(), metadata=metadata)
        self.run(self._turn(message))
        return conversation

    async def _turn(self, message: UserMessage) -> None:
        payload = message.metadata.get("payload")
        if payload and handles.is_handle(payload):
            refusal = await self._resolve(payload, message)
            if refusal:
                await message.output_channel.send_response(message.sender_id, {"text": refusal})
                return
        await self._on_new_message(message)

    async def _resolve(self, handle: str, message: UserMessage) -> str | None:
        """Puts what the handle stands for in its place; returns what to tell the customer when that cannot be."""
        try:
            payload = await handles.resolve(handle, message.sender_id, self._app.ctx.agent.tracker_store)
        except Exception as error:
            # A failing store's text can hold the customer's words.
            logger.error("Conversation %s could not be read: %s.", message.sender_id, type(error).__name__)
            return NOT_READ
        message.metadata["payload"] = payload
        return None if payload else OLD_BUTTON

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Starts work that the platform's call must not wait for."""
        task = asyncio.ensure_future(work)
        # asyncio itself keeps no reference to a running task.
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task) -> None:
        self._running.discard(task)
        if not task.cancelled() and task.exception():
            logger.error("Work for the %s channel failed: %s.", self.name(), type(task.exception()).__name__)

    async def finish(self, *_: Any) -> None:
        """Waits for the turns that run before the server stops: the platforms don't send a message again."""
        until = time.monotonic() + SHUTDOWN_SECONDS
        while self._running and time.monotonic() < until:
            await asyncio.wait(self._running, timeout=until - time.monotonic())
        await self.api.close()
