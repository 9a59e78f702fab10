"""When a part is down the customer hears about it, nothing is lost, and it goes on when the part is back."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.local.environment import ROOT


@pytest.fixture
def without_actions(stack):
    """The stack while its action server is down."""
    stack.stop("actions")
    yield stack
    if "actions" not in stack.processes:
        stack.start("actions")


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Nobody else can read or write the database meanwhile."""
    lock = sqlite3.connect(database, isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        lock.execute("ROLLBACK")
        lock.close()


def test_the_action_server_is_down(without_actions):
    stack = without_actions
    customer = stack.conversation()
    reply = customer.say("where is my order NO482136, postcode LS1 4AP?")
    assert "something went wrong" in reply and "Talk to a person" in str(customer.last)
    assert "Northlight" in customer.say("hello")  # what needs no action still works
    stack.start("actions")
    reply = customer.say("where is my order NO482136, postcode LS1 4AP?")
    assert "NO482136" in reply


def test_a_person_is_reached_while_the_action_server_is_down(without_actions):
    customer = without_actions.conversation()
    assert "our people" in customer.say("I want to talk to a human")
    slots = customer.slots()
    assert slots["owner"] == "queue"
    assert slots["handoff"]["reason"] == "tool_failure"


def test_a_locked_backend_database(stack):
    customer = stack.conversation()
    customer.say("what's my balance")
    customer.say("NA204518")
    with locked(stack.var / "backend.db"):
        reply = customer.say("LS1 4AP")
    assert "person" in reply and "£" not in reply
    assert "£42.50" in customer.say("what's my balance? NA204518 LS1 4AP")


def test_a_locked_tracker_database(stack):
    customer = stack.conversation()
    customer.say("hello")
    with locked(stack.var / "tracker.db"):
        reply = customer.say("what can you do?")
    assert reply.strip()
    assert customer.say("what can you do?").strip()


def test_a_missing_encoder_file_is_one_clear_sentence(stack, tmp_path):
    env = stack.env | {"MINILM_MODEL": str(tmp_path / "absent.onnx"), "TANDEM_VAR": str(tmp_path)}
    command = ["actions/.venv/bin/python", "-m", "actions.knowledge"]
    result = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode != 0
    assert "absent.onnx" in result.stderr + result.stdout and "Traceback" not in result.stderr


def test_a_malformed_article_is_named_and_the_rest_is_indexed(stack, tmp_path):
    articles = tmp_path / "knowledge" / "billing"
    articles.mkdir(parents=True)
    good = next(path for path in sorted((ROOT / "knowledge/billing").glob("*.md")))
    shutil.copy(good, articles)
    (articles / "broken.md").write_text("---\ntitle: [unclosed\n---\nText\n")
    env = stack.env | {"TANDEM_KNOWLEDGE": str(tmp_path / "knowledge"), "TANDEM_VAR": str(tmp_path / "var")}
    os.makedirs(env["TANDEM_VAR"])
    command = ["actions/.venv/bin/python", "-m", "actions.knowledge"]
    result = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert "broken.md" in result.stdout + result.stderr
    assert result.returncode == 1


def test_the_assistant_without_its_encoder_file_does_not_start(stack, tmp_path):
    env = stack.env | {"MINILM_MODEL": str(tmp_path / "absent.onnx")}
    command = [".venv/bin/python", "-m", "assistant"]
    result = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 2
    assert "absent.onnx" in result.stderr and result.stderr.count("\n") == 1
