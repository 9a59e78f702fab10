"""E-mail: customers' mails come in by SMTP or LMTP, and each turn's answer goes out as one mail in the same thread.

A mail is acknowledged once it is sealed and on disk (`mail/files.py`); its file goes when its answer is on disk too.
What a process leaves behind is worked off by the next one, so after a crash a turn may run twice, and is never lost.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

from rasa.core.agent import Agent
from rasa.core.channels.channel import CollectingOutputChannel, InputChannel, OutputChannel, UserMessage
from rasa.shared.core.events import UserUttered
from sanic import Blueprint, Sanic, response
from sanic.request import Request
from sanic.response import HTTPResponse

from assistant.channels import signing
from assistant.channels.addressbook import AddressUnknown, address_book, conversation_of
from assistant.channels.guard import Guarded, OnNewMessage
from assistant.channels.mail import settings, writing
from assistant.channels.mail.files import INBOX, LATE, MailFiles
from assistant.channels.mail.listener import Listener
from assistant.channels.mail.order import OneByOne
from assistant.channels.mail.outbox import WAITS, Outbox
from assistant.channels.mail.reading import Mail
from assistant.channels.mail.references import conversation_in, new_id
from assistant.channels.mail.settings import Settings
from assistant.channels.twilio_webhook import add_notice
from assistant.privacy.vault import shared_vault

logger = logging.getLogger(__name__)

NAME = "email"
GATHER_SECONDS = 2.0  # in which an agent's or the desk's messages are joined to one mail
AGAIN_AFTER = (2.0, 20.0, 120.0)  # seconds until a turn that could not begin or end is tried again
FINISH_SECONDS = 10.0  # for the turns that run when the server stops


class Reply(OutputChannel):
    """Collects what is said in a turn."""

    choices_are_typed = True
    speaking = True  # one mail comes in the end, so nobody is told to wait

    def __init__(self) -> None:
        """Start with nothing said."""
        self.messages: list[dict[str, Any]] = []

    @classmethod
    def name(cls) -> str:
        """The input channel's name."""
        return NAME

    async def send_response(self, recipient_id: str, message: dict[str, Any]) -> None:
        """Keeps the message for the mail."""
        self.messages.append(message)


class LateOutput(OutputChannel):
    """For messages outside of a turn, such as an agent's: those of a moment make one mail."""

    def __init__(self, post: Post) -> None:
        """`post` sends them."""
        self._post = post

    @classmethod
    def name(cls) -> str:
        """The input channel's name."""
        return NAME

    async def send_response(self, recipient_id: str, message: dict[str, Any]) -> None:
        """Keeps the message on disk and sends it soon.

        Raises:
            AddressUnknown: nobody has ever written in this conversation, or it was erased.
        """
        await self._post.later(recipient_id, message)


class Post:
    """What lies between the listener, Rasa and the mail server; it lives as long as the server runs."""

    def __init__(self, configured: Settings, on_new_message: OnNewMessage, app: Sanic, waits: Sequence[float]) -> None:
        """Nothing happens before start()."""
        self._settings, self._on_new_message, self._app = configured, on_new_message, app
        self._files = MailFiles(configured.folder, shared_vault())
        self.outbox = Outbox(configured, self._files, self._tell_the_desk, waits)
        self.listener = Listener(configured, self.accept)
        self._order, self._gathering = OneByOne(), set[str]()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen, and work off what an earlier process left; in one process of several only."""
        if not self._files.hold():
            logger.info("Another process takes the mails.")
            return
        await self.listener.start()
        self.outbox.resume()
        for path in self._files.waiting(INBOX):
            self._run(self._turn, path)
        for conversation in {path.stem for path in self._files.waiting(LATE)}:
            self._gather_soon(conversation)

    async def stop(self) -> None:
        """Take no more mails, and finish what runs."""
        await self.listener.stop()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=FINISH_SECONDS)
        for task in self._tasks:
            task.cancel()
        await self.outbox.stop(FINISH_SECONDS)
        self._files.release()

    async def accept(self, mail: Mail) -> None:
        """Takes a mail; once this returns, it is on disk. Its turn runs afterwards.

        A mail belongs to the conversation of the mail of ours that it answers, if that went to its sender, and else to
        the sender's address. Only the first kind, and one that the mail server in front found genuine, is known to
        come from the sender's mailbox.
        """
        answered = conversation_in(mail.answers, mail.sender)
        conversation = answered or conversation_of(NAME, mail.sender)
        await asyncio.to_thread(address_book().remember, conversation, mail.sender)
        content = {
            "message_id": mail.message_id,
            "id": _id(conversation, mail.message_id),
            "subject": mail.subject,
            "references": [*reversed(mail.answers), *([mail.message_id] if mail.message_id else [])],
            "text": mail.words,
            "attachments": list(mail.attachments),
            "proven": bool(answered) or mail.proven,
        }
        path = await asyncio.to_thread(self._files.add, INBOX, conversation, content)
        self._run(self._turn, path)

    async def later(self, conversation: str, message: dict[str, Any]) -> None:
        """Sends a message that answers no mail, with others of the same moment."""
        await asyncio.to_thread(address_book().address_of, conversation)  # says at once that there is none
        await asyncio.to_thread(self._files.add, LATE, conversation, message)
        self._gather_soon(conversation)

    async def _turn(self, path: Path) -> None:
        conversation = path.stem
        async with self._order.of(conversation):
            content = await asyncio.to_thread(self._files.read, path)
            if content is None:  # erased meanwhile
                return
            if not content["proven"]:
                await self._begin_session(conversation)
            thread = {"subject": content["subject"], "references": content["references"]}
            await asyncio.to_thread(self._files.keep_thread, conversation, thread)
            reply = Reply()
            metadata = {"message_id": content["id"], "attachments": content["attachments"]}
            message = UserMessage(content["text"], reply, conversation, None, NAME, content["id"], metadata)
            await self._on_new_message(message)
            if await self._sent(conversation, reply.messages):
                path.unlink(missing_ok=True)

    async def _sent(self, conversation: str, messages: Sequence[dict[str, Any]]) -> bool:
        """Whether a turn's messages are in the outbox. The turn itself cannot be had again: the guard knows its id."""
        for wait in (*AGAIN_AFTER, None):
            try:
                await self._send(conversation, messages)
                return True
            except Exception as error:  # the disk, the vault
                logger.error("An answer to %s is not on disk yet: %s.", conversation, type(error).__name__)
            if wait is not None:
                await asyncio.sleep(wait)
        return False

    async def _send(self, conversation: str, messages: Sequence[dict[str, Any]]) -> None:
        """Hands the messages to the outbox as one mail."""
        try:
            to = await asyncio.to_thread(address_book().address_of, conversation)
            thread = await asyncio.to_thread(self._files.thread, conversation)
            message_id = new_id(conversation, to, self._settings.domain)
            mail = writing.compose(self._settings, to, message_id, thread, messages)
        except AddressUnknown:  # erased meanwhile
            return
        except ValueError as error:
            await self._tell_the_desk(conversation, f"a mail cannot be written to the address ({type(error).__name__})")
            return
        if mail:
            await self.outbox.send(conversation, to, mail)
            await asyncio.to_thread(self._files.keep_thread, conversation, writing.continued(thread, message_id))

    def _gather_soon(self, conversation: str) -> None:
        if conversation not in self._gathering:
            self._gathering.add(conversation)
            self._run(self._gather, conversation)

    async def _gather(self, conversation: str) -> None:
        await asyncio.sleep(GATHER_SECONDS)
        self._gathering.discard(conversation)
        async with self._order.of(conversation):
            paths = await asyncio.to_thread(self._files.waiting, LATE, conversation)
            read = [await asyncio.to_thread(self._files.read, path) for path in paths]
            await self._send(conversation, [message for message in read if message])
            for path in paths:
                path.unlink(missing_ok=True)

    async def _begin_session(self, conversation: str) -> None:
        """What the customer has shown so far counts no more: anybody may have written this mail."""
        agent = self._agent()
        if agent is None or not agent.is_ready():
            return
        async with agent.lock_store.lock(conversation):
            tracker = await agent.processor.get_tracker(conversation)
            if tracker.get_last_event_for(UserUttered):
                name = "action_session_start"
                await agent.execute_action(conversation, name, CollectingOutputChannel(), None, None)

    async def _tell_the_desk(self, conversation: str, reason: str) -> None:
        try:
            text = f"A message did not reach the customer: {reason}."
            await add_notice(self._agent(), conversation, text, "undelivered")
        except Exception as error:
            logger.error("Conversation %s could not be told of it: %s.", conversation, type(error).__name__)

    def _agent(self) -> Agent | None:
        return getattr(self._app.ctx, "agent", None)

    def _run(self, work: Callable[[Any], Awaitable[None]], what: Any) -> None:
        task = asyncio.create_task(self._again(work, what))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @staticmethod
    async def _again(work: Callable[[Any], Awaitable[None]], what: Any) -> None:
        for wait in (*AGAIN_AFTER, None):
            try:
                await work(what)
                return
            except Exception as error:  # the disk, the vault, the conversation store
                logger.error("A mail could not be worked off, and is kept: %s.", type(error).__name__)
            if wait is not None:
                await asyncio.sleep(wait)


def _id(conversation: str, message_id: str) -> str:
    """The mail's id in the tracker: the customer's mail program may put names into its own."""
    told = f"{conversation}\n{message_id or uuid4().hex}".encode("utf-8", "surrogatepass")
    return hashlib.sha256(told).hexdigest()[:32]


class _MailChannel(InputChannel):
    """The connector itself."""

    @classmethod
    def name(cls) -> str:
        """Also the output channel's name, so that `output_channel=latest` finds it."""
        return NAME

    @classmethod
    def from_credentials(cls, credentials: dict[str, Any] | None) -> InputChannel:
        """Reads the settings: see docs/channels.md.

        Raises:
            SettingMissing: one is missing or cannot be used.
        """
        signing.secret()
        return cls(settings.read(credentials))

    def __init__(self, configured: Settings, waits: Sequence[float] = WAITS) -> None:
        """`waits` are the seconds between the attempts to deliver a mail."""
        self._settings, self._waits = configured, waits
        self.post: Post | None = None

    def get_output_channel(self) -> OutputChannel | None:
        """For messages outside of a turn."""
        return LateOutput(self.post) if self.post else None

    def blueprint(self, on_new_message: OnNewMessage) -> Blueprint:
        """GET / for health checks; mails come by a port of their own while the server runs."""
        blueprint = Blueprint("email_webhook", __name__)

        @blueprint.route("/", methods=["GET"])
        async def health(_: Request) -> HTTPResponse:
            return response.json({"status": "ok"})

        @blueprint.listener("after_server_start")
        async def start(app: Sanic, _loop: Any) -> None:
            self.post = Post(self._settings, on_new_message, app, self._waits)
            await self.post.start()

        @blueprint.listener("before_server_stop")
        async def stop(_app: Sanic, _loop: Any) -> None:
            if self.post:
                await self.post.stop()

        return blueprint


class EmailInput(Guarded, _MailChannel):
    """E-mail behind the guard."""
