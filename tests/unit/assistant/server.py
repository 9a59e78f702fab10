"""A Sanic server with the channels on a free port, in a thread of its own, for tests over real sockets."""

import asyncio
import socket
import threading
from contextlib import contextmanager
from types import SimpleNamespace

from rasa.core.channels.channel import register
from sanic import Sanic

# Without it, Sanic starts only once in a process: it rewrites its own methods at the start.
Sanic.test_mode = True


class FakeAgent:
    """Answers each message with its intent or its text, or with what `answer` says; keeps what it was sent.

    `writing` is awaited with the message before the answer is sent: what the action server does meanwhile.
    """

    def __init__(self):
        self.received = []
        self.reset()

    def reset(self):
        self.received.clear()
        self.answer = lambda message: {"text": f"You said {message.text}"}
        self.writing = None

    def is_ready(self):
        return False

    async def handle_message(self, message):
        self.received.append(message)
        if self.writing:
            await self.writing(message)
        await message.output_channel.send_response(message.sender_id, self.answer(message))


@contextmanager
def serving(channels):
    """Yields the server's url, its agent, and `call`, which runs a coroutine on the server's loop."""
    loop = asyncio.new_event_loop()
    agent = FakeAgent()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    app = Sanic(f"test_{port}", configure_logging=False)
    app.ctx.agent = agent
    register(channels, app, "/webhooks/")

    async def start():
        server = await app.create_server("127.0.0.1", port, return_asyncio_server=True, access_log=False)
        await server.startup()
        await server.before_start()
        await server.start_serving()
        return server

    server = loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def call(coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(10)

    try:
        yield SimpleNamespace(url=f"http://127.0.0.1:{port}", agent=agent, call=call, channels=channels)
    finally:
        server.close()
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
