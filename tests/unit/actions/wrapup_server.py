"""The end of a conversation over HTTP, in this process, so that a test's clock and database hold for it."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from sanic import Sanic

from actions.executor import SafeExecutor
from actions.server import build

AGENT = {"name": "alex", "first_name": "Alex", "role": "agent"}
REVIEWER = {"name": "dana", "first_name": "Dana", "role": "designer"}
AT = "2026-11-20T15:00:00+00:00"  # a Friday


class Desk:
    """Calls the copilot as a desk does."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, headers={"Authorization": "Bearer token"}, trust_env=False, timeout=30)

    def post(self, path: str, **body: Any) -> httpx.Response:
        """POST a JSON object."""
        return self.http.post(f"/copilot{path}", json=body)

    def get(self, path: str, **query: str) -> httpx.Response:
        """GET with a query."""
        return self.http.get(f"/copilot{path}", params=query)


@pytest.fixture
def desk() -> Iterator[Desk]:
    """A desk at the real application, without the skills' actions."""
    Sanic._app_registry.clear()
    app = build(SafeExecutor(5), "token", skills=(), apis=("actions.copilot.wrapup_api",))
    app.config.TOUCHUP = False
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.setblocking(False)
    loop = asyncio.new_event_loop()
    ready, done = threading.Event(), asyncio.Event()

    async def serve() -> None:
        running = await app.create_server(sock=listener, return_asyncio_server=True)
        await running.startup()
        ready.set()
        await done.wait()
        running.close()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert ready.wait(30)
    made = Desk(f"http://127.0.0.1:{listener.getsockname()[1]}")
    yield made
    made.http.close()
    loop.call_soon_threadsafe(done.set)
    thread.join(30)
    loop.close()


def customer(n: int, text: str, intent: str = "nlu_fallback") -> dict[str, Any]:
    """A customer's message as the desk has it."""
    return {"n": n, "who": "customer", "text": text, "intent": intent, "at": AT}


def bot(n: int, text: str, action: str = "utter_greet") -> dict[str, Any]:
    """The assistant's words."""
    return {"n": n, "who": "bot", "text": text, "action": action, "at": AT}


def agent(n: int, text: str) -> dict[str, Any]:
    """An agent's words."""
    return {"n": n, "who": "agent", "text": text, "at": AT}
