"""A person is exported and erased while everything runs, and then no byte of them is left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import zipfile

import httpx
import pytest

from deploy.local.environment import ROOT

ACCOUNT, POSTCODE = "NA936105", "NE1 7RU"
ON_FILE = ["Grace Lambert", "grace@example.com", "0191 498 0123", "40 Bridge Road"]
NAME, EMAIL, PHONE = "Zebedee Markworth", "zebedee.markworth@example.org", "07700 900888"
NOTED = "prefers to be called Mr Markworth"


def wait_for(condition, seconds=20):
    """The condition's first true value."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if value := condition():
            return value
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s")


def holding(var, *marks):
    """Where one of the marks stands: all files but the models, which are made of data/ alone."""
    files = [path for path in var.rglob("*") if path.is_file() and path.parent.name != "models"]
    return [
        f"{path.relative_to(var)}: {mark}"
        for path in files
        for mark in marks
        if mark.lower().encode() in path.read_bytes().lower()
    ]


def privacy(stack, *arguments):
    """The launcher beside the running services."""
    argv = [sys.executable, "-m", "deploy.local.privacy", *arguments]
    return subprocess.run(argv, cwd=ROOT, env={**os.environ, **stack.env}, capture_output=True, text=True, timeout=300)


class Agent:
    """Somebody at the desk."""

    def __init__(self, stack, name):
        self.client = httpx.Client(base_url=stack.env["DESK_URL"], timeout=20, trust_env=False)
        form = self.hidden(self.client.get("/desk/login").text)
        password = stack.env["DEMO_AGENT_PASSWORD"]
        answer = self.client.post("/desk/login", data={"name": name, "password": password, "csrf_token": form})
        assert answer.status_code == 303, answer.text
        self.token = self.hidden(self.client.get("/desk").text)

    @staticmethod
    def hidden(page):
        return page.split('name="csrf_token" value="', 1)[1].split('"', 1)[0]

    def address(self, sender):
        """Where the conversation is at the desk, once the stream has brought it."""
        page = self.client.get("/desk/inbox?view=all").text
        before = page.split(f'data-sender="{sender}"')[0]
        if before == page:
            return None
        number = before.rsplit('id="row-', 1)[1].split('"')[0]
        return f"/desk/conversations/{number}"

    def post(self, path, **fields):
        answer = self.client.post(path, data={"csrf_token": self.token, **fields})
        assert answer.status_code in (200, 303), answer.text
        return answer


@pytest.fixture
def customer(stage):
    """A customer who has said who they are, was handed over, and was noted upon."""
    stage.reset()
    yield stage.stack.conversation()
    stage.reset()


def test_a_person_is_exported_and_erased(stack, customer, tmp_path):
    other = stack.conversation()
    other.say("hello, where is order NO482136, postcode LS1 4AP?")
    customer.say(f"hi, my name is {NAME} and my email is {EMAIL}")
    customer.say("what's my balance?")
    assert "£" in customer.say(f"{ACCOUNT}, {POSTCODE}")
    customer.say(f"you can ring me on {PHONE}")
    customer.say("I want to talk to a human")
    if customer.slots()["owner"] != "queue":
        customer.say("yes")
    agent = Agent(stack, "alex")
    address = wait_for(lambda: agent.address(customer.sender))
    wait_for(lambda: "Waiting for a person" in agent.client.get(address).text)
    assert NAME in agent.client.get(address).text and EMAIL in agent.client.get(address).text
    agent.post(f"{address}/take", seen_assignee="")
    agent.post(f"{address}/notes", note_text=NOTED)
    agent.post(f"{address}/reply", text=f"Hello {NAME}, is {PHONE} the right number?")
    wait_for(lambda: "the right number?" in agent.client.get(address).text)
    assert NAME in agent.client.get(address).text

    to = tmp_path / "person.zip"
    done = privacy(stack, "export", ACCOUNT, "--to", str(to))
    assert done.returncode == 0, done.stdout + done.stderr
    with zipfile.ZipFile(to) as archive:
        account = json.loads(archive.read("account.json"))
        told = "".join(archive.read(name).decode() for name in archive.namelist() if name.startswith("conversations/"))
    assert account["contacts"][0]["name"] == ON_FILE[0] and account["invoices"] and account["accesses"]
    assert NAME in told and EMAIL in told and NOTED in told and "NO482136" not in told

    assert holding(stack.var, customer.sender, ACCOUNT, NOTED)
    done = privacy(stack, "erase", ACCOUNT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing of the person is left" in done.stdout
    marks = [NAME, "Markworth", EMAIL, PHONE, NOTED, ACCOUNT, *ON_FILE, customer.sender]
    assert holding(stack.var, *marks) == []
    assert "NO482136" in json.dumps(stack.tracker(other.sender)["events"])  # somebody else's is whole

    again = privacy(stack, "erase", customer.sender)
    assert again.returncode == 0, again.stdout + again.stderr
    # The services go on: the customer is new, the account is gone, others are served.
    assert "£" not in customer.say(f"what's my balance? {ACCOUNT} {POSTCODE}")
    assert "NO482136" in stack.conversation().say("where is order NO482136, postcode LS1 4AP?")
    wait_for(lambda: agent.address(customer.sender))
