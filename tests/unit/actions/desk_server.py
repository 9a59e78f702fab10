"""A stand-in for the desk's API for the action server, on loopback."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


class DeskServer:
    """Answers what `estimates` holds by queue and keeps the calls; with `status` every answer is an error."""

    token = "the desk's token"

    def __init__(self) -> None:
        self.estimates: dict[str, Any] = {}
        self.asked: list[dict[str, str]] = []
        self.calls: dict[str, dict[str, Any]] = {}
        self.status = 200
        self.delay = 0.0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "DeskServer":
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def answer(self, method: str, path: str, token: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Status and JSON of one call."""
        time.sleep(self.delay)
        if token != f"Bearer {self.token}":
            return 401, {"error": "This is not the token."}
        if self.status != 200:
            return self.status, {"error": "Something is broken."}
        address = urlsplit(path)
        parts = address.path.strip("/").split("/")
        if method == "POST" and parts == ["api", "callbacks"]:
            self.calls.setdefault(body["request"], body)
            return 201, {"reference": f"CB{list(self.calls).index(body['request']) + 1:03d}"}
        if method == "GET" and parts[:2] == ["api", "queues"] and parts[3:] == ["estimate"]:
            queue = unquote(parts[2])
            self.asked.append({"queue": queue, "conversation": parse_qs(address.query)["conversation"][0]})
            if queue in self.estimates:
                return 200, self.estimates[queue]
        return 404, {"error": "There is nothing here."}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        desk = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._reply("GET", {})

            def do_POST(self) -> None:
                self._reply("POST", json.loads(self.rfile.read(int(self.headers["content-length"]))))

            def _reply(self, method: str, body: dict[str, Any]) -> None:
                status, found = desk.answer(method, self.path, self.headers.get("authorization", ""), body)
                try:
                    self.send_response(status)
                    self.end_headers()
                    self.wfile.write(json.dumps(found).encode())
                except BrokenPipeError:  # the caller did not wait
                    pass

            def log_message(self, *_: object) -> None:
                pass

        return Handler
