"""The web chat on two server processes that share a Redis server."""

import json
import os
import pickle
import shutil
import socket
import subprocess
import sys
import time
import uuid
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import redis
import socketio

from tests.unit.assistant.conftest import SECRET
from tests.unit.assistant.test_partial import FIRST, SECOND, post, shown
from tests.unit.assistant.test_webchat import Page

ROOT = Path(__file__).parents[3]
RECOVERS_WITHIN = 20

pytestmark = pytest.mark.skipif(
    not shutil.which("redis-server"), reason="redis-server is not installed: apt-get install redis-server"
)


class Redis:
    """A Redis server that can go away and come back."""

    def __init__(self, folder):
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.client = redis.Redis.from_url(self.url)
        self.start()

    def start(self):
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self.folder)]
        self.process = subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL)
        eventually(self.is_up)

    def is_up(self):
        try:
            return self.client.ping()
        except redis.ConnectionError:
            return False

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


class Worker:
    """A server process."""

    def __init__(self, url):
        env = {**os.environ, "TANDEM_SECRET": SECRET}
        command = [sys.executable, "-W", "ignore", "-m", "tests.unit.assistant.webchat_worker", url]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen(command, cwd=ROOT, env=env, text=True, stderr=subprocess.DEVNULL, **pipes)

    def line(self):
        line = self.process.stdout.readline().strip()
        assert line, "the worker has ended"
        return line

    def do(self, **command):
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        assert self.line() == "done"

    def stop(self):
        self.process.kill()  # it has nothing to tidy up
        self.process.communicate()


def eventually(condition, seconds=RECOVERS_WITHIN):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    server = Redis(tmp_path_factory.mktemp("redis"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def workers(shared):
    """Two processes; their listening is seen by the number of Redis's subscribers."""
    both = [Worker(shared.url) for _ in range(2)]
    try:
        for worker in both:
            worker.url = worker.line()
        eventually(lambda: subscribers(shared) == 2)
        yield both
    finally:
        for worker in both:
            worker.stop()


def subscribers(server):
    return server.client.pubsub_numsub("tandem-webchat")[0][1]


@pytest.fixture
def alice():
    return uuid.uuid4().hex


@contextmanager
def slow_turn(worker, page):
    """Yields the id of the reply while its turn runs."""
    page.say("slow")
    yield worker.line()
    worker.do(end=True)


def test_an_agents_reply_in_one_process_reaches_the_customer_of_the_other(workers, alice):
    here, there = workers
    with Page(here, alice) as page, Page(there, uuid.uuid4().hex) as stranger:
        there.do(to=alice, text="Hello, I'm Alex", author="agent", agent_name="Alex")
        bubble = page.read()
        assert (bubble["text"], bubble["author"]) == ("Hello, I'm Alex", "agent")
        assert page.reads_nothing() and stranger.reads_nothing()


def test_tabs_on_different_processes_read_the_same(workers, alice):
    with Page(workers[0], alice) as first, Page(workers[1], alice) as second:
        first.say("hello")
        assert first.read()["text"] == second.read()["text"] == "You said hello"
        second.say("again")
        assert first.read()["text"] == second.read()["text"] == "You said again"
        assert first.reads_nothing() and second.reads_nothing()


def test_a_reply_grows_whichever_process_the_action_server_asks(workers, alice):
    here, there = workers
    with Page(here, alice) as page, slow_turn(here, page) as reply:
        assert post(there, alice, reply).status_code == 204
        assert shown(page) == {"id": reply, "sentences": [FIRST], "done": False}
        with Page(there, alice) as late:
            late.client.emit("session_request", {})
            assert shown(late)["sentences"] == [FIRST]
            assert post(here, alice, reply, 1, SECOND).status_code == 204
            assert shown(page)["sentences"] == shown(late)["sentences"] == [FIRST, SECOND]


def test_a_sentence_for_another_conversation_is_shown_to_nobody(workers, alice):
    here, there = workers
    bob = uuid.uuid4().hex
    with Page(here, alice) as page, Page(there, bob) as other:
        page.say("hello")
        assert page.read()["reply_id"]
        post(there, bob, "no-such-turn")
        assert other.partials.empty() and other.reads_nothing()


def test_revoking_in_one_process_ends_the_session_in_both(workers, alice):
    here, there = workers
    with Page(here, alice) as first, Page(there, alice) as second, Page(here, uuid.uuid4().hex) as bob:
        answer = httpx.post(
            f"{there.url}/webhooks/webchat/revoke",
            json={"conversation": alice, "seconds": 60},
            headers={"Authorization": "Bearer from-the-desk"},
            trust_env=False,
        )
        assert answer.status_code == 204
        eventually(lambda: not first.client.connected and not second.client.connected)
        for worker in workers:
            with pytest.raises(socketio.exceptions.ConnectionError):
                Page(worker, alice)
        bob.say("hello")
        assert bob.read()["text"] == "You said hello"


class Planted:
    """Runs a command where it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


def test_what_else_is_published_does_nothing(workers, shared, alice, tmp_path):
    for junk in (pickle.dumps(Planted(tmp_path / "ran")), b"{", b"[]", b'{"method": "told", "kind": "x"}', b"\xff"):
        assert shared.client.publish("tandem-webchat", junk) == 2
    with Page(workers[0], alice) as page:
        workers[1].do(to=alice, text="Still here")
        assert page.read()["text"] == "Still here"
    assert not (tmp_path / "ran").exists()


def test_without_redis_each_process_goes_on_and_with_it_they_meet_again(workers, shared, alice):
    with Page(workers[0], alice) as page:
        shared.stop()
        page.say("hello")
        assert page.read()["text"] == "You said hello"
        shared.start()
        eventually(lambda: subscribers(shared) == 2)
        workers[1].do(to=alice, text="Back again")
        assert page.read()["text"] == "Back again"
