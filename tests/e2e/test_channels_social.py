"""Slack, Telegram and Messenger against the running services; their APIs are a server on loopback."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator

import pytest
import yaml

from assistant.channels import addressbook
from deploy.local.environment import ROOT
from tests.platform_server import Answer, PlatformServer
from tests.platform_webhooks import Messenger, Slack, Telegram

CLASSES = {
    Slack: "assistant.channels.slack.SlackInput",
    Telegram: "assistant.channels.telegram.TelegramInput",
    Messenger: "assistant.channels.messenger.MessengerInput",
}
KINDS = list(CLASSES)
LONG = '/greet{"note": "a payload that is far longer than the sixty-four bytes that Telegram has room for"}'


@pytest.fixture(scope="module")
def platform(stack, tmp_path_factory) -> Iterator[PlatformServer]:
    """The platforms' APIs, with the assistant's channels switched on."""
    server = PlatformServer()
    credentials = yaml.safe_load((ROOT / "tests/credentials.yml").read_text())
    credentials |= {name: kind.credentials(server) for kind, name in CLASSES.items()}
    path = tmp_path_factory.mktemp("credentials") / "credentials.yml"
    path.write_text(yaml.safe_dump(credentials))
    with stack.restarted("assistant", TANDEM_CREDENTIALS=str(path)):
        [server.registration] = server.wait("/setWebhook")
        yield server
    server.close()


@pytest.fixture(params=KINDS, ids=[kind.name for kind in KINDS])
def customer(request, stack, platform):
    """A new customer on each of the platforms in turn."""
    platform.reset()
    return request.param(stack.env["ASSISTANT_URL"], platform)


def conversation_of(stack, customer) -> str:
    """The id of the customer's conversation."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TANDEM_SECRET", stack.env["TANDEM_SECRET"])
        return addressbook.conversation_of(customer.name, customer.key)


def desk_posts(stack, conversation: str, *events: dict) -> int:
    """Append events as the desk does; the status of the answer."""
    url = f"{stack.env['ASSISTANT_URL']}/conversations/{conversation}/tracker/events"
    params = {"execute_side_effects": "true", "output_channel": "latest"}
    token = {"Authorization": f"Bearer {stack.env['RASA_TOKEN']}"}
    return stack.http.post(url, params=params, json=list(events), headers=token).status_code


def reply(text: str) -> dict:
    return {"event": "bot", "text": text, "metadata": {"author": "agent", "agent_name": "Priya"}}


def said_by(who: str, stack, conversation: str) -> list[dict]:
    return [event for event in stack.tracker(conversation, "ALL")["events"] if event["event"] == who]


def slots(stack, conversation: str) -> dict:
    return stack.tracker(conversation)["slots"]


def eventually(happened: Callable[[], bool], seconds: float = 20) -> None:
    """Wait until it has happened."""
    until = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < until, "it has not happened in time"
        time.sleep(0.1)


def test_telegram_was_told_the_address_and_the_secret(platform):
    assert platform.registration.path == f"telegram/bot{Telegram.token}/setWebhook"
    assert platform.registration.body["secret_token"] == Telegram.secret


def test_a_question_a_button_and_an_agents_reply(stack, customer):
    assert customer.say("What does a late payment cost?").status_code == 200
    customer.reads("£7.50")
    customer.say("what can you do?")
    title = next(title for title in customer.titles(customer.reads("Here is what I can do")) if "person" in title)
    customer.press(title)
    conversation = conversation_of(stack, customer)
    eventually(lambda: slots(stack, conversation)["owner"] == "queue")
    assert slots(stack, conversation)["handoff"]["channel"] == customer.name
    owner = {"event": "slot", "name": "owner", "value": "agent"}
    assert desk_posts(stack, conversation, owner, reply("Hello, I'm reading your messages now.")) == 200
    assert "Priya" in json.dumps(customer.reads("I'm reading your messages now."))


def test_a_retried_message_is_answered_once(stack, customer):
    body = {
        "slack": lambda: customer.event("what does a late payment cost?"),
        "telegram": lambda: customer.update(message=customer.message(text="what does a late payment cost?")),
        "messenger": lambda: customer.message(text="what does a late payment cost?"),
    }[customer.name]()
    for _ in range(3):
        assert customer.post(body).status_code == 200
    customer.reads("£7.50")
    customer.say("where is my order?")
    customer.reads("order number")
    conversation = conversation_of(stack, customer)
    eventually(lambda: said_by("user", stack, conversation)[-1]["text"] == "where is my order?")
    assert len(said_by("user", stack, conversation)) == 2


def test_an_agents_reply_that_cannot_be_delivered_is_refused_and_not_kept(stack, customer, platform):
    customer.say("what does a late payment cost?")
    customer.reads("£7.50")
    conversation = conversation_of(stack, customer)
    error = {"ok": False, "error": "gone" if customer.name == "slack" else {"code": 10}}
    platform.script.append(Answer(403, error, containing="You never see this."))
    assert desk_posts(stack, conversation, reply("You never see this.")) == 500
    assert "You never see this." not in [event["text"] for event in said_by("bot", stack, conversation)]


def test_a_stopping_assistant_answers_first_and_knows_its_long_buttons_afterwards(stack, customer, platform):
    customer.say("what does a late payment cost?")
    customer.reads("£7.50")
    conversation = conversation_of(stack, customer)
    offer = {"event": "bot", "text": "Which one, please?", "data": {"buttons": [{"title": "That", "payload": LONG}]}}
    assert desk_posts(stack, conversation, offer) == 200
    customer.reads("Which one, please?")
    customer.say("where is my order?")
    stack.stop("assistant")
    assert platform.wait("", containing="order number", seconds=0.1)
    stack.start("assistant")
    customer.press("That")
    eventually(lambda: "That" in [event["text"] for event in said_by("user", stack, conversation)])
    last = said_by("user", stack, conversation)[-1]
    assert (last["text"], last["parse_data"]["intent"]["name"]) == ("That", "greet")


def test_no_log_holds_what_only_the_platforms_may_know(stack, platform):
    log = stack.log("assistant")
    for kind in KINDS:
        assert kind.secret not in log and kind.token not in log
    assert not re.search(r"\b7000000\d\d\b|U0CUSTOMER|\b88\d{14}\b", log)
