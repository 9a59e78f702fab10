"""A stand-in for the assistant's HTTP API on loopback: it gives and changes the conversations of a test."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from chats import Chat, Clock


class AssistantServer:
    """Conversations by id; each one's customer wrote on `channel`, last at the clock's time when it was added."""

    token = "the assistant's token"

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._chats: dict[str, tuple[Chat, str, float]] = {}
        self.asked: list[str] = []
        self.status = 200
        self.delay = 0.0
        self.body: Any = None  # given instead of a tracker
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def add(self, chat: Chat, channel: str = "webchat") -> Chat:
        """Keep a conversation."""
        self._chats[chat.id] = (chat, channel, self._clock.now.timestamp())
        return chat

    def __enter__(self) -> "AssistantServer":
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def _answer(self, method: str, path: str, token: str, body: Any) -> tuple[int, Any]:
        time.sleep(self.delay)
        self.asked.append(f"{method} {path}")
        if token != f"Bearer {self.token}":
            return 401, {"reason": "NotAuthenticated"}
        if self.status != 200 or self.body is not None:
            return self.status, self.body
        chat, channel, at = self._chats[unquote(urlsplit(path).path.split("/")[2])]
        if method == "POST":
            chat.apply(body)
        events = [e | {"input_channel": channel, "timestamp": at} if e["event"] == "user" else e for e in chat.events]
        return 200, {"slots": chat.slots, "events": events, "active_loop": {"name": chat.form} if chat.form else {}}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        assistant = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._reply("GET", None)

            def do_POST(self) -> None:
                self._reply("POST", json.loads(self.rfile.read(int(self.headers["content-length"]))))

            def _reply(self, method: str, body: Any) -> None:
                status, found = assistant._answer(method, self.path, self.headers.get("authorization", ""), body)
                try:
                    self.send_response(status)
                    self.end_headers()
                    self.wfile.write(json.dumps(found).encode())
                except (BrokenPipeError, ConnectionResetError):  # the caller did not wait
                    pass

            def log_message(self, *_: object) -> None:
                pass

        return Handler
