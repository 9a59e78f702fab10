"""An OpenAI-compatible server on loopback whose replies and faults a test writes."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Reply:
    """One reply: its text, or its fault.

    `first` and `drip` are seconds before the first piece of a streamed text and between two pieces; `cut` closes the
    connection after so many pieces, `raw` replaces the whole body, `usage` are the token counts that are reported.
    """

    text: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    first: float = 0.0
    drip: float = 0.0
    cut: int | None = None
    raw: bytes | None = None
    usage: tuple[int, int] | None = None


class ModelServer:
    """Keeps the `requests` it got. `script` is used up first, one Reply a request; then `reply` is the text to send,
    or makes it from the request, with `status`, `wait` (seconds before anything is sent) and `raw`."""

    def __init__(self) -> None:
        self.reply: str | Callable[[dict[str, Any]], str] = ""
        self.script: list[Reply] = []
        self.status = 200
        self.delay = threading.Event()
        self.wait = 0.0
        self.raw: bytes | None = None
        self.requests: list[dict[str, Any]] = []
        self.active = 0  # requests that are being answered now
        self.given_up = 0  # requests whose caller went away meanwhile
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                outer.handle(self)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def handle(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request and keep count of those under way."""
        with self._lock:
            self.active += 1
        try:
            self.answer(handler)
        except OSError:
            handler.close_connection = True  # the caller has given up
            with self._lock:
                self.given_up += 1
        finally:
            with self._lock:
                self.active -= 1

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request as the test wants it."""
        request = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        with self._lock:
            self.requests.append(request)
            reply = self.script.pop(0) if self.script else None
        if reply is None:
            if self.wait:
                self.delay.wait(self.wait)
            text = self.reply(request) if callable(self.reply) else self.reply
            reply = Reply(text, status=self.status, raw=self.raw)
        if reply.raw is not None or reply.status != 200:
            body = reply.raw if reply.raw is not None else json.dumps({"error": {"message": "scripted"}}).encode()
            send(handler, reply, "application/json", body)
        elif request.get("stream"):
            self.stream(handler, reply, request)
        else:
            send(handler, reply, "application/json", json.dumps(completion(reply)).encode())

    def stream(self, handler: BaseHTTPRequestHandler, reply: Reply, request: dict[str, Any]) -> None:
        """Server-sent events, a few characters each, in chunks as HTTP/1.1 has them: so that a cut shows."""
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.send_header("Transfer-Encoding", "chunked")
        for name, value in reply.headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        self.sleep(handler, reply.first)
        with_usage = bool((request.get("stream_options") or {}).get("include_usage"))
        for number, event in enumerate(events(reply, with_usage)):
            if number == reply.cut:
                handler.close_connection = True
                return
            self.sleep(handler, reply.drip if number else 0)
            write_chunk(handler, b"data: " + event + b"\n\n")
        write_chunk(handler, b"")

    def sleep(self, handler: BaseHTTPRequestHandler, seconds: float) -> None:
        """Wait, but notice a caller that closes the connection: OSError."""
        until = time.monotonic() + seconds
        handler.connection.settimeout(0.02)
        try:
            while time.monotonic() < until and not self.delay.is_set():
                try:
                    if handler.connection.recv(1) == b"":
                        raise ConnectionResetError
                except TimeoutError:
                    continue
        finally:
            handler.connection.settimeout(None)

    def close(self) -> None:
        """Stop the server."""
        self.delay.set()
        self.server.shutdown()
        self.server.server_close()


def write_chunk(handler: BaseHTTPRequestHandler, data: bytes) -> None:
    """A chunk of a chunked body; an empty one ends it."""
    handler.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
    handler.wfile.flush()


def send(handler: BaseHTTPRequestHandler, reply: Reply, kind: str, body: bytes) -> None:
    """A whole response."""
    handler.send_response(reply.status)
    for name, value in reply.headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def completion(reply: Reply) -> dict[str, Any]:
    """The body of a reply that is not streamed."""
    choice = {"index": 0, "message": {"role": "assistant", "content": reply.text}, "finish_reason": "stop"}
    body = {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    return body | ({"usage": usage(reply)} if reply.usage else {})


def events(reply: Reply, with_usage: bool) -> Iterator[bytes]:
    """The data of the events of a streamed reply."""

    def event(choices: list[dict[str, Any]], **more: Any) -> bytes:
        body = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices}
        return json.dumps(body | more).encode()

    for start in range(0, len(reply.text), 5):
        yield event([{"index": 0, "delta": {"content": reply.text[start : start + 5]}, "finish_reason": None}])
    yield event([{"index": 0, "delta": {}, "finish_reason": "stop"}])
    if with_usage and reply.usage:
        yield event([], usage=usage(reply))
    yield b"[DONE]"


def usage(reply: Reply) -> dict[str, int]:
    """The token counts in OpenAI's names."""
    sent, got = reply.usage or (0, 0)
    return {"prompt_tokens": sent, "completion_tokens": got, "total_tokens": sent + got}
