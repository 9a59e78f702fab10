"""Slack's, Telegram's and Messenger's APIs on loopback: what the assistant sends is kept, faults are scripted."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

WAIT = 20.0  # seconds


@dataclass
class Call:
    """One call of an API: its path after the platform's base address, and what it carried."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class Answer:
    """What a call is answered with instead of success; `seconds` later. It is for a call that holds these words."""

    status: int = 200
    body: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    containing: str = ""


class PlatformServer:
    """Answers each call with success, in the words of all three platforms, or with the next fitting one of `script`."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.script: list[Answer] = []
        self._arrived = threading.Condition()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                outer.handle(self)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def handle(self, handler: BaseHTTPRequestHandler) -> None:
        """Keep one call and answer it."""
        body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        with self._arrived:
            text = json.dumps(body, ensure_ascii=False)
            answer = next((one for one in self.script if one.containing in text), None)
            if answer:
                self.script.remove(answer)
            else:
                answer = Answer(body={"ok": True, "result": {}})
            self.calls.append(Call(handler.path.strip("/"), dict(handler.headers.items()), body))
            self._arrived.notify_all()
        time.sleep(answer.seconds)
        content = json.dumps(answer.body).encode()
        try:
            handler.send_response(answer.status)
            for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                handler.send_header(name, value)
            handler.send_header("Content-Length", str(len(content)))
            handler.end_headers()
            handler.wfile.write(content)
        except OSError:
            handler.close_connection = True  # the caller has given up

    def wait(self, path: str, count: int = 1, containing: str = "", seconds: float = WAIT) -> list[Call]:
        """The calls whose path ends so and whose body holds these words, when there are `count` of them."""

        def found() -> list[Call]:
            return [
                call
                for call in self.calls
                if call.path.endswith(path) and containing in json.dumps(call.body, ensure_ascii=False)
            ]

        with self._arrived:
            assert self._arrived.wait_for(lambda: len(found()) >= count, seconds), [
                (call.path, call.body) for call in self.calls
            ]
            return found()

    def reset(self) -> None:
        """Nothing called, nothing scripted."""
        with self._arrived:
            self.calls.clear()
            self.script.clear()

    def close(self) -> None:
        """Stop the server."""
        self.server.shutdown()
        self.server.server_close()
