"""What customers and agents write stays out of all that the services print, whatever goes wrong, however loud they log.

Marked words go through every path that there is; then every byte that the services have printed is searched for them.
"""

from __future__ import annotations

import json
import re
import sqlite3
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import httpx
import pytest
import socketio

from deploy.local.environment import SECRETS
from tests.e2e_runner.assertions import NOTIFICATION
from tests.e2e_runner.faults import locked
from tests.e2e_runner.model import Fault

SERVICES = ("assistant", "actions", "desk")
WORDS = {
    "name": "Zebedee Quillfeather",
    "e-mail": "zebedee.q@marks.example",
    "phone": "+44 7700 900613",
    "card": "4111 1111 1111 1111",
    "password": "hunter-2-marked!",
    "odd": "Ωμέγα \u202e⟦marked⟧ %s %(x)s {0} ${HOME} \\u0000",
}
TEXT = "I am {name}, {e-mail}, {phone}, card {card}, my password is {password} {odd}".format_map(WORDS)
MARKS = (
    *("zebedee", "quillfeather", "marks.example", "7700 900613", "7700900613", "4111 1111", "41111111", "hunter-2"),
    *("marked", "Ωμέγα", "u03a9", "u03bc", "%CE%A9", "NA204518", "LS1 4AP"),
)
LINE = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z [A-Z]+ [\w.]+ event=")


class Seen:
    """What the services print from now on, and the values beside the marks that must not be in it."""

    def __init__(self, stack) -> None:
        self.stack = stack
        self.start = {name: stack.log_size(name) for name in SERVICES}
        self.secrets = {stack.env[name] for name in (*SECRETS, "DEMO_AGENT_PASSWORD")}

    def lines(self) -> Iterator[tuple[str, str]]:
        """Each line with its service, without the messages that the demo's console sender prints on purpose."""
        for name in SERVICES:
            for line in self.stack.log(name, self.start[name]).splitlines():
                if line.strip() and not line.startswith(NOTIFICATION):
                    yield name, line

    def leaks(self) -> list[str]:
        """The lines with a mark or a secret."""
        wanted = [mark.casefold() for mark in MARKS] + [secret.casefold() for secret in self.secrets]
        return [f"{name}: {line[:400]}" for name, line in self.lines() if any(w in line.casefold() for w in wanted)]


@pytest.fixture(params=["plain", "debug"])
def seen(request, stack) -> Iterator[Seen]:
    """The services as they log by default, and as loud as they can, in JSON."""
    with ExitStack() as running:
        if request.param == "debug":
            loud = {"LOG_LEVEL": "DEBUG", "LOG_LEVEL_LIBRARIES": "DEBUG", "LOG_FORMAT": "json", "LOG_REQUESTS": "1"}
            for name in SERVICES:
                running.enter_context(stack.restarted(name, **loud))
        found = Seen(stack)
        found.json = request.param == "debug"
        yield found


def test_nothing_that_people_write_is_ever_printed(stage, seen):
    stack = stage.stack
    rest(stack)
    with chat(stack, seen) as session:
        agent(stack, seen, session)
    interface(stack)
    action_server(stack)
    broken(stage)
    time.sleep(1)  # what is still under way is to be printed as well
    assert seen.leaks() == []
    for name, line in seen.lines():
        if seen.json:
            assert {"time", "level", "service", "logger", "event"} <= json.loads(line).keys(), line
        else:
            assert LINE.match(line), f"{name}: {line}"
    if seen.json:
        assert {json.loads(line)["service"] for _, line in seen.lines()} == set(SERVICES)


def rest(stack) -> None:
    """A customer on REST: whole conversations, then all that is wrong."""
    customer = stack.conversation()
    for text in (TEXT, *WORDS.values(), "where is my order?", *WORDS.values(), "cancel", TEXT * 20):
        customer.say(text)
    for text in ("what's my balance", "NA204518", "LS1 4AP", "change my e-mail address", WORDS["e-mail"]):
        customer.say(text)
    named = stack.conversation()
    named.sender = WORDS["e-mail"]
    named.say("hello")
    named.post(sender=TEXT, message=TEXT, metadata={"x": TEXT})
    named.post(sender=WORDS["e-mail"], message={"text": TEXT})
    named.post(message=TEXT)
    url = f"{stack.env['ASSISTANT_URL']}/webhooks/rest/webhook"
    token = {"Authorization": f"Bearer {stack.env['RASA_TOKEN']}"}
    for headers in (token, {"Authorization": f"Bearer {WORDS['password']}"}):
        for content in (b"{" + TEXT.encode(), json.dumps([TEXT]).encode(), TEXT.encode() * 30_000):
            with suppress(httpx.TransportError):
                stack.http.post(f"{url}?name={WORDS['name']}", content=content, headers=headers)


@contextmanager
def chat(stack, seen) -> Iterator[str]:
    """A customer on the web chat who ends up with a person; gives the session's id."""
    session = stack.http.post(f"{stack.env['DESK_URL']}/chat/session").json()
    seen.secrets |= {session["token"], session["session_id"]}
    page = socketio.Client()
    page.connect(
        stack.env["ASSISTANT_URL"], auth={"token": session["token"]}, headers={"Origin": stack.env["DESK_URL"]}
    )
    try:
        for message in (TEXT, {"x": TEXT}, [TEXT], "I want to talk to a human", TEXT):
            page.emit("user_uttered", {"message": message})
        page.emit("user_uttered", TEXT)
        page.emit("odd_event", {"x": TEXT})
        yield session["session_id"]
    finally:
        page.disconnect()
    for token in (TEXT.encode(), session["token"][:-3].encode()):
        stack.http.get(f"{stack.env['DESK_URL']}/chat/history", headers={b"Authorization": b"Bearer " + token})
    with suppress(socketio.exceptions.ConnectionError):
        socketio.Client().connect(stack.env["ASSISTANT_URL"], auth={"token": TEXT})
    partial = f"{stack.env['ASSISTANT_URL']}/webhooks/webchat/partial"
    stack.http.post(partial, json={"sender": TEXT, "id": TEXT, "seq": 0, "text": TEXT})


def agent(stack, seen, session: str) -> None:
    """An agent takes the conversation, writes in every box, and gets some things wrong."""
    with httpx.Client(base_url=stack.env["DESK_URL"], timeout=30, trust_env=False) as browser:
        form = csrf(browser.get("/desk/login").text)
        for name in (WORDS["name"], "alex"):
            browser.post("/desk/login", data={"name": name, "password": WORDS["password"], "csrf_token": form})
        given = {"name": "alex", "password": stack.env["DEMO_AGENT_PASSWORD"], "csrf_token": form}
        assert browser.post("/desk/login", data=given).status_code == 303
        seen.secrets |= set(browser.cookies.values())
        form, address = csrf(browser.get("/desk").text), opened(browser, session)
        for path, fields in (
            ("take", {}),
            ("reply", {"text": TEXT}),
            ("notes", {"note_text": TEXT}),
            ("whisper", {"whisper_text": TEXT}),
            ("transfer", {"to": f"agent:{WORDS['name']}", "transfer_note": TEXT}),
            ("copilot/rewrite", {"text": TEXT, "style": "polite"}),
            ("copilot/run", {"action": TEXT, "values": TEXT}),
            ("hand-back/check", {"task": TEXT}),
            ("wrap-up/confirm", {"note": TEXT}),
            ("typing", {"text": TEXT}),
        ):
            browser.post(f"{address}/{path}", data={"csrf_token": form, **fields})
            browser.post(f"{address}/{path}", data={"csrf_token": TEXT, **fields})
        for path in (
            "",
            "/copilot",
            f"/copilot/search?q={WORDS['name']}",
            f"/replies?q={WORDS['e-mail']}",
            "/customer",
        ):
            browser.get(address + path)
        browser.get(f"/desk/inbox?view={WORDS['name']}&q={WORDS['e-mail']}")
        browser.get(f"/desk/{WORDS['e-mail']}?token={WORDS['password']}")
        browser.post("/desk/login", content=TEXT.encode() * 20_000)
        with locked(stack.var / "desk.db"), suppress(httpx.TransportError):
            browser.post(f"{address}/notes", data={"csrf_token": form, "note_text": TEXT})
    for token in ("x", stack.env["DESK_TOKEN"]):
        headers = {"Authorization": f"Bearer {token}"}
        stack.http.post(f"{stack.env['DESK_URL']}/api/callbacks", json={"text": TEXT, "phone": TEXT}, headers=headers)


def csrf(page: str) -> str:
    return page.split('name="csrf_token" value="', 1)[1].split('"', 1)[0]


def opened(browser: httpx.Client, sender: str) -> str:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        page = browser.get("/desk/inbox?view=all").text
        before, found, _ = page.partition(f'data-sender="{sender}"')
        if found:
            number = before.rsplit('id="row-', 1)[1].split('"')[0]
            return f"/desk/conversations/{number}"
        time.sleep(0.1)
    raise AssertionError("the desk never showed the conversation")


def interface(stack) -> None:
    """The assistant's HTTP API, with and without the token."""
    base, token = stack.env["ASSISTANT_URL"], {"Authorization": f"Bearer {stack.env['RASA_TOKEN']}"}
    for headers in (token, {}, {"Authorization": f"Bearer {WORDS['password']}"}):
        for method, path, body in (
            ("POST", "tracker/events", {"event": TEXT}),
            ("POST", "tracker/events", {"event": "user", "text": TEXT, "parse_data": {"intent": TEXT}}),
            ("POST", "tracker/events", {"event": "slot", "name": TEXT, "value": TEXT}),
            ("POST", f"tracker/events?include_events={WORDS['name']}", {"event": "restart"}),
            ("POST", "tracker/events?execute_side_effects=true&output_channel=latest", {"event": "bot", "text": TEXT}),
            ("POST", "trigger_intent", {"name": TEXT, "entities": {TEXT: TEXT}}),
            ("POST", "execute", {"name": TEXT}),
            ("POST", "messages", {"text": TEXT, "sender": "user"}),
            ("GET", f"tracker?until={WORDS['name']}", None),
            ("GET", "story", None),
        ):
            stack.http.request(method, f"{base}/conversations/{WORDS['e-mail']}/{path}", json=body, headers=headers)
        stack.http.post(f"{base}/model/parse", json={"text": TEXT, "message_id": TEXT}, headers=headers)
        stack.http.post(f"{base}/model/parse", content=TEXT.encode(), headers=headers)
        stack.http.get(f"{base}/{WORDS['e-mail']}?token={stack.env['RASA_TOKEN']}&x={WORDS['name']}", headers=headers)


def action_server(stack) -> None:
    """The action server and its copilot, called wrongly and rightly."""
    base = stack.env["ACTIONS_URL"]
    tracker = {"sender_id": WORDS["e-mail"], "slots": {"name": TEXT}, "latest_message": {"text": TEXT}, "events": []}
    talk = {"conversation": WORDS["e-mail"], "turns": [{"n": 1, "who": "customer", "text": TEXT}]}
    member = {"name": WORDS["name"], "first_name": "Zebedee", "role": "agent"}
    for token in (stack.env["ACTIONS_TOKEN"], WORDS["password"]):
        headers = {"Authorization": f"Bearer {token}"}
        for path, body in (
            ("webhook", [TEXT]),
            ("webhook", {"next_action": TEXT, "tracker": tracker, "domain": {}}),
            ("webhook", {"next_action": "action_answer", "tracker": tracker, "domain": {}}),
            ("webhook", {"next_action": "action_balance", "tracker": TEXT, "domain": TEXT}),
            ("webhook", {"next_action": "validate_balance_form", "tracker": {**tracker, "events": TEXT}}),
            ("copilot/search", {"query": TEXT}),
            ("copilot/suggest", {**talk, "agent": member}),
            ("copilot/draft", {**talk, "agent": member, "text": TEXT}),
            ("copilot/rewrite", {"text": TEXT, "style": "polite", "agent": member}),
            ("copilot/run", {**talk, "agent": member, "action": TEXT, "request": TEXT}),
            ("copilot/customer", {"conversation": TEXT, "agent": TEXT}),
            (f"copilot/{WORDS['e-mail']}", {"x": TEXT}),
        ):
            stack.http.post(f"{base}/{path}", json=body, headers=headers)
        stack.http.post(f"{base}/webhook", content=TEXT.encode(), headers=headers)
        stack.http.get(f"{base}/policy/decisions?conversation={WORDS['e-mail']}", headers=headers)


def broken(stage) -> None:
    """Words that are said while something fails."""
    stack = stage.stack
    customer = stack.conversation()
    for kind in ("500", "down"):
        with stage.faults.injected((Fault("action", "any", kind),)):
            customer.say(f"where is my order? {TEXT}")
            customer.say("NO482136 LS1 4AP")
    for name in ("tracker.db", "backend.db", "policy.db", "events.db"):
        with suppress(sqlite3.OperationalError), locked(stack.var / name):
            customer.say(f"what's my balance? {TEXT}")
            customer.say("NA204518 LS1 4AP")
    for kind in ("slow", "500", "down"):
        with stage.faults.injected((Fault("model", "", kind),)):
            customer.say(f"What is the late payment fee? {uuid.uuid4()} {WORDS['name']}")
