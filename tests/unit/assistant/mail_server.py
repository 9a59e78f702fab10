"""The e-mail channel on a free port, and the mail server that it sends through, for tests over real sockets."""

import asyncio
import smtplib
import socket
import threading
import time
from contextlib import contextmanager
from email import message_from_bytes, policy
from types import SimpleNamespace

from aiosmtpd.controller import Controller
from rasa.core.lock_store import InMemoryLockStore
from rasa.core.tracker_store import InMemoryTrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import BotUttered, UserUttered
from sanic import Sanic

US = "care@northlight.example"
PRIYA = "priya@example.com"


class Agent:
    """Keeps conversations as Rasa does, and answers with what `answer` says: a list of messages."""

    def __init__(self):
        self.domain = Domain.empty()
        self.tracker_store = InMemoryTrackerStore(self.domain)
        self.lock_store = InMemoryLockStore()
        self.processor = SimpleNamespace(get_tracker=self._tracker, save_tracker=self.tracker_store.save)
        self.received, self.begun = [], []
        self.answer = lambda message: [{"text": f"You said: {message.text}"}]
        self.hold = None  # an asyncio.Event to wait for

    def is_ready(self):
        return True

    async def _tracker(self, conversation):
        return await self.tracker_store.get_or_create_tracker(conversation)

    async def execute_action(self, conversation, name, *_):
        self.begun.append((conversation, name))

    async def handle_message(self, message):
        self.received.append(message)
        if self.hold:
            await self.hold.wait()
        tracker = await self._tracker(message.sender_id)
        tracker.update(UserUttered(message.text, {"name": "x"}, input_channel=message.input_channel))
        for said in self.answer(message):
            metadata = {key: said[key] for key in ("author", "agent_name") if key in said}
            tracker.update(BotUttered(said.get("text"), {"buttons": said.get("buttons")}, metadata=metadata))
            await message.output_channel.send_response(message.sender_id, said)
        await self.tracker_store.save(tracker)


class Sink:
    """A mail server that keeps what it gets; `answers` are given first, one for each mail."""

    def __init__(self):
        self.mails, self.envelopes, self.answers, self.tries = [], [], [], 0
        self.port = free_port()
        self._controller = None

    async def handle_DATA(self, _server, _session, envelope):
        self.tries += 1
        answer = self.answers.pop(0) if self.answers else "250 OK"
        if answer.startswith("250"):
            self.envelopes.append((envelope.mail_from, envelope.rcpt_tos))
            self.mails.append(message_from_bytes(envelope.original_content, policy=policy.default))
        return answer

    def start(self):
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self._controller.start()

    def stop(self):
        if self._controller:
            self._controller.stop()
        self._controller = None

    def wait(self, count=1):
        """The mails, as soon as there are so many."""
        until(lambda: len(self.mails) >= count)
        return self.mails


def until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "what was waited for did not come"
        time.sleep(0.02)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def post_office(var, sink_port, agent=None, waits=(0.1, 0.1), kind="EmailInput", **options):
    """The channel in a Sanic app whose listeners run; yields its port, agent, channel, and `call` for coroutines."""
    from assistant.channels import email, outage, turns
    from assistant.channels.mail import settings

    # Each office is a process of its own: what the last one left running is not this one's.
    turns.of_process.cache_clear()
    outage.of_process.cache_clear()

    block = {
        "from": f"Northlight <{US}>",
        "listen_port": free_port(),
        "smtp_host": "127.0.0.1",
        "smtp_port": sink_port,
        "smtp_security": "none",
        "smtp_timeout_seconds": 5,
        "folder": str(var / "mail"),
    }
    channel = getattr(email, kind)(settings.read(block | options), waits)
    agent = agent or Agent()
    loop = asyncio.new_event_loop()
    app = Sanic(f"mail_{free_port()}_{time.monotonic_ns()}", configure_logging=False)
    app.ctx.agent = agent

    async def handle(message):
        await agent.handle_message(message)

    app.blueprint(channel.blueprint(handle))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def call(coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(30)

    async def tell(*event):
        # As Sanic does where it serves; here nobody speaks HTTP, and Sanic serves only once in a process.
        if event[0] == "init":
            app.signalize()
        await app._server_event(*event, loop=loop)

    try:
        call(tell("init", "after"))
        port = channel.post.listener._server and channel.post.listener.port
        yield SimpleNamespace(port=port, agent=agent, channel=channel, call=call, folder=var / "mail")
    finally:
        call(tell("shutdown", "before"))
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)


def write(port, text="Where is my order?", sender=PRIYA, to=US, kind=smtplib.SMTP, mail_from=None, **headers):
    """Sends a mail as a mail server in front would; header names with _ for -."""
    head = {"From": f"Priya Shah <{sender}>", "To": US, "Subject": "My order", "Message-ID": f"<{time.time_ns()}@x>"}
    head |= {name.replace("_", "-"): value for name, value in headers.items()}
    content = "".join(f"{name}: {value}\r\n" for name, value in head.items() if value) + f"\r\n{text}\r\n"
    with kind("127.0.0.1", port, timeout=10) as server:
        return server.sendmail(sender if mail_from is None else mail_from, to, content.encode())


def reply(port, mail, text, **headers):
    """Sends an answer to a mail of ours, as a mail program does."""
    references = f"{mail['References'] or ''} {mail['Message-ID']}".strip()
    quoted = "\n".join(f"> {line}" for line in mail.get_body(("plain",)).get_content().splitlines())
    body = f"{text}\n\nOn Mon, 23 Nov 2026 at 10:12, Northlight <{US}> wrote:\n\n{quoted}".replace("\n", "\r\n")
    answered = {"Subject": mail["Subject"], "In_Reply_To": mail["Message-ID"], "References": references}
    return write(port, body, **(answered | headers))


def text_of(mail):
    return mail.get_body(("plain",)).get_content().replace("\r\n", "\n")
