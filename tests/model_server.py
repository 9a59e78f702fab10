"""An OpenAI-compatible server on loopback whose replies a test writes."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class ModelServer:
    """Keeps the `requests` it got; `reply` is the text to send, or makes it from the request."""

    def __init__(self) -> None:
        self.reply: str | Callable[[dict[str, Any]], str] = ""
        self.status = 200
        self.delay = threading.Event()
        self.wait = 0.0
        self.raw: bytes | None = None
        self.requests: list[dict[str, Any]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.answer(self)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request as the test wants it."""
        request = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        self.requests.append(request)
        if self.wait:
            self.delay.wait(self.wait)
        text = self.reply(request) if callable(self.reply) else self.reply
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        body = {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
        content = self.raw if self.raw is not None else json.dumps(body).encode()
        try:
            handler.send_response(self.status)
            handler.send_header("Content-Type", "application/json")
            handler.send_header("Content-Length", str(len(content)))
            handler.end_headers()
            handler.wfile.write(content)
        except OSError:
            handler.close_connection = True  # the caller has given up

    def close(self) -> None:
        """Stop the server."""
        self.delay.set()
        self.server.shutdown()
        self.server.server_close()
