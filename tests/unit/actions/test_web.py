"""The common part of the servers on a small one: a stop that comes while it starts, and slow requests."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[3]
# When its port is open it prints a line, and goes on starting until it reads one.
SERVER = """
import asyncio, socket, sys
from sanic import Sanic, json
from common import web
web.HEADER_SECONDS = web.IDLE_SECONDS = web.BODY_SECONDS = 0.5
app = Sanic("small", configure_logging=False)
web.protect(app, "https://tandem.example.com", 1000, 5, web.API_HEADERS)

@app.get("/health")
async def health(request):
    return json({}, status=200 if app.ctx.ready else 503)

@app.post("/take")
async def take(request):
    return json({"bytes": len(request.body)})

@app.after_server_start
async def slow(app):
    print("open", flush=True)
    await asyncio.to_thread(sys.stdin.readline)

listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
app.run(sock=listener, single_process=True, motd=False)
print("ended", flush=True)
"""


@contextmanager
def running(held: bool = False) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The server and its address; `held`: it goes on starting until `let_go`."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command, env = [sys.executable, "-c", SERVER, str(port)], os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, cwd=ROOT, env=env, text=True, stdin=-1, stdout=-1)
    try:
        if not held:
            let_go(process)
        assert process.stdout and process.stdout.readline() == "open\n"
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def let_go(process: subprocess.Popen[str]) -> None:
    """Let the server start to its end."""
    assert process.stdin
    process.stdin.write("\n")
    process.stdin.flush()


def until(condition: Callable[[], bool]) -> None:
    """Wait for the condition."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("held", [True, False])
def test_a_stop_while_it_starts_is_remembered(sign: signal.Signals, held: bool) -> None:
    with running(held) as (process, _):
        process.send_signal(sign)
        if held:
            let_go(process)
        assert process.stdout and process.stdout.read() == "ended\n"
        assert process.wait(30) == 0


def test_it_is_not_healthy_before_it_can_be_stopped() -> None:
    with running(held=True) as (process, url):
        assert httpx.get(f"{url}/health").status_code == 503
        let_go(process)
        until(lambda: httpx.get(f"{url}/health").status_code == 200)
        process.terminate()
        assert process.wait(30) == 0


def drip(url: str, head: bytes) -> tuple[float, bytes]:
    """Seconds until the server gives up on a request that goes on letter by letter, and what it said."""
    began, said = time.monotonic(), b""
    with socket.create_connection(("127.0.0.1", int(url.rsplit(":", 1)[1])), timeout=0.1) as client:
        client.sendall(head)
        while time.monotonic() - began < 20:
            try:
                piece = client.recv(4096)
                said += piece
                if not piece:
                    break
                continue
            except TimeoutError:
                pass
            except OSError:
                break
            try:
                client.sendall(b"x")
            except OSError:
                break
    return time.monotonic() - began, said


def test_slow_and_large_requests_are_cut_off_and_others_are_not() -> None:
    with running() as (_, url):
        until(lambda: httpx.get(f"{url}/health").status_code == 200)
        assert httpx.post(f"{url}/take", content=b"x" * 900).json() == {"bytes": 900}
        assert httpx.post(f"{url}/take", content=b"x" * 1100).status_code == 413
        seconds, said = drip(url, b"POST /take HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n")
        assert seconds < 15 and b" 408 " in said.splitlines()[0]
        assert drip(url, b"GET /health HTTP/1.1\r\nHost: x\r\nX: ")[0] < 15


def test_each_answer_has_the_headers_also_an_error() -> None:
    with running() as (_, url):
        for path in ("/health", "/nowhere", "/take"):
            headers = httpx.get(url + path).headers
            assert headers["x-content-type-options"] == "nosniff" and headers["cache-control"] == "no-store"
            assert headers["strict-transport-security"].startswith("max-age=") and "server" not in headers
