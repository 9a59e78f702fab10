"""The real services behind Twilio's webhooks: a conversation by text message and a call that is put through."""

from __future__ import annotations

import shutil
import sqlite3
import time
import uuid

import pytest
import yaml

from deploy.local.environment import ROOT
from tests.twilio_server import ACCOUNT, PUBLIC, TOKEN, Caller, post, sms, twilio_api, whatsapp

OURS, PERSON = "+441134960000", "+441134960099"
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
ALL_DAY = {day: ["00:00", "23:59"] for day in DAYS}


@pytest.fixture(scope="module")
def twilio(stack, tmp_path_factory):
    """The assistant with Twilio's channels, and people who are always there; yields what Twilio was told to send."""
    folder = tmp_path_factory.mktemp("twilio")
    rules = folder / "rules"
    shutil.copytree(ROOT / "actions/backends/data", rules)
    calendar = yaml.safe_load((rules / "calendar.yml").read_text())
    (rules / "calendar.yml").write_text(yaml.safe_dump(calendar | {"opening_hours": ALL_DAY}))
    credentials = folder / "credentials.yml"
    channels = yaml.safe_load((ROOT / "tests/credentials.yml").read_text())
    names = ("twilio.SmsInput", "twilio.WhatsAppInput", "voice.VoiceInput")
    channels |= {f"assistant.channels.{name}": {"public_url": PUBLIC} for name in names}
    credentials.write_text(yaml.safe_dump(channels))
    with twilio_api() as (url, api):
        settings = {
            "TANDEM_CREDENTIALS": str(credentials),
            "TWILIO_ACCOUNT_SID": ACCOUNT,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "TWILIO_NUMBER": OURS,
            "TWILIO_WHATSAPP_NUMBER": OURS,
            "TWILIO_API_URL": url,
            "VOICE_TRANSFER_NUMBER": PERSON,
        }
        with stack.restarted("actions", TANDEM_RULES=str(rules)), stack.restarted("assistant", **settings):
            yield api


class Phone:
    """A customer's telephone: sends a text and reads what came back."""

    def __init__(self, stack, api, number, channel=sms):
        self.stack, self.api, self.number, self.form = stack, api, number, channel
        self.path = f"/webhooks/{channel.__name__}/webhook"

    def send(self, text):
        read = len(self.api.sent)
        fields = self.form(text, f"SM{uuid.uuid4().hex}", self.number)
        answer = post(self.stack.env["ASSISTANT_URL"], self.path, fields)
        assert answer.status_code == 204, answer.text
        until = time.monotonic() + 30
        while len(self.api.sent) == read and time.monotonic() < until:
            time.sleep(0.05)
        return "\n".join(message["Body"] for message in self.api.sent[read:])


def conversations(stack, channel):
    """The ids of a channel's conversations, as the desk's event stream has them."""
    with sqlite3.connect(stack.var / "events.db") as db:
        rows = db.execute("SELECT DISTINCT sender_id FROM events WHERE sender_id LIKE ?", (f"{channel}-%",))
        return {row[0] for row in rows}


def test_a_choice_by_number_over_sms(stack, twilio):
    phone = Phone(stack, twilio, "+447700900111")
    menu = phone.send("what can you do?")
    assert "1 Where is my order?\n2 What's my balance?\n3 Book a technician\n4 Talk to a person" in menu
    assert "account number" in phone.send("2")
    # The menu is closed now: a number answers the question that was asked.
    assert "order" not in phone.send("1").casefold()
    assert "postcode" in phone.send("NA204518")
    assert "£42.50" in phone.send("LS1 4AP")
    assert twilio.sent[-1]["To"] == "+447700900111"


def test_an_agents_reply_reaches_the_same_telephone(stack, twilio):
    before = conversations(stack, "whatsapp")
    Phone(stack, twilio, "+447700900112", whatsapp).send("hello")
    [conversation] = conversations(stack, "whatsapp") - before
    reply = {"event": "bot", "text": "Hi, it's Priya.", "metadata": {"author": "agent", "agent_name": "Priya"}}
    query = {"execute_side_effects": "true", "output_channel": "latest"}
    token = {"Authorization": f"Bearer {stack.env['RASA_TOKEN']}"}
    url = f"{stack.env['ASSISTANT_URL']}/conversations/{conversation}/tracker/events"
    assert stack.http.post(url, params=query, json=[reply], headers=token).status_code == 200
    assert twilio.sent[-1]["Body"] == "Priya: Hi, it's Priya."
    assert twilio.sent[-1]["To"] == "whatsapp:+447700900112"
    # What does not get through is not kept as if it had been said.
    twilio.script = [(400, 63016)]
    lost = stack.http.post(url, params=query, json=[reply | {"text": "Are you there?"}], headers=token)
    assert lost.status_code == 500
    said = [event.get("text") for event in stack.tracker(conversation)["events"] if event["event"] == "bot"]
    assert "Hi, it's Priya." in said and "Are you there?" not in said


def test_a_forged_webhook_reaches_nothing(stack, twilio):
    before = len(twilio.sent)
    url = stack.env["ASSISTANT_URL"]
    for path in ("/webhooks/sms/webhook", "/webhooks/whatsapp/webhook", "/webhooks/voice/webhook"):
        assert post(url, path, sms("hello", "SMforged", "+447700900199"), signed="x").status_code == 403
    assert len(twilio.sent) == before


def test_a_call_asks_again_after_silence_and_is_put_through(stack, twilio):
    before = conversations(stack, "voice")
    caller = Caller(stack.env["ASSISTANT_URL"], f"CA{uuid.uuid4().hex}", "+447700900113")
    assert "What can I do for you?" in caller.ring()
    question = caller.say("What's my balance?")
    assert "what's your account number?" in question
    again = caller.silence()
    assert again.startswith("Sorry, I didn't hear you.") and "account number" in again
    assert "postcode" in caller.press("204518")
    assert "forty-two pounds fifty" in caller.say("LS1 4AP")
    told = caller.say("I want to talk to a person")
    if "They're back" in told:
        pytest.skip("It is a bank holiday: nobody is rung.")
    assert "I'm passing you to" in told and "reply in this conversation" not in told
    number = caller.xml.find("Dial/Number")
    assert number.text == PERSON
    [conversation] = conversations(stack, "voice") - before
    packet = stack.tracker(conversation)["slots"]["handoff"]
    assert number.get("url").endswith(f"/whisper?packet={packet['id']}") and packet["channel"] == "voice"
    nobody = caller.send(DialCallStatus="no-answer")
    assert "nobody could take your call" in nobody and "call me back, press" in nobody
    assert "When shall we call you?" in caller.say("call me back")


def test_no_number_of_a_customer_stands_in_what_is_stored_or_logged(stack, twilio):
    Phone(stack, twilio, "+447700900114").send("hello")
    Caller(stack.env["ASSISTANT_URL"], f"CA{uuid.uuid4().hex}", "+447700900114").ring()
    time.sleep(0.2)
    for file in [*stack.var.rglob("*.db*"), *(stack.var / "log").iterdir()]:
        assert b"7700900114" not in file.read_bytes(), file.name
