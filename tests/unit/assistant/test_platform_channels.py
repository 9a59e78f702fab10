"""What Slack's, Telegram's and Messenger's channels have in common."""

import asyncio
import json
import logging
import threading
import time

import httpx
import pytest
from rasa.core.channels.channel import UserMessage
from rasa.shared.core.events import BotUttered
from rasa.shared.core.trackers import DialogueStateTracker

from assistant.channels import signing, webhook
from assistant.channels.addressbook import conversation_of
from assistant.channels.messenger import MessengerInput
from assistant.channels.platform_api import DeliveryFailed
from assistant.channels.slack import SlackInput
from assistant.channels.telegram import TelegramInput
from tests.platform_server import Answer
from tests.platform_webhooks import Messenger, Slack, Telegram

KINDS = [Slack, Telegram, Messenger]
INPUTS = {Slack: SlackInput, Telegram: TelegramInput, Messenger: MessengerInput}
YES_NO = [{"title": "Yes", "payload": "/affirm"}, {"title": "No", "payload": "/deny"}]


@pytest.fixture(params=KINDS, ids=[kind.name for kind in KINDS])
def customer(request, social, platform):
    """A person on each of the platforms in turn."""
    return request.param(social.url, platform)


def settle(server):
    """Waits until all turns have ended."""
    for channel in server.channels:
        server.call(channel.finish())


def received(server):
    settle(server)
    return server.agent.received


def output_of(server, name):
    return next(channel for channel in server.channels if channel.name() == name).get_output_channel()


def address_of(customer):
    keys = {"slack": "channel", "telegram": "chat", "messenger": "person"}
    return str(getattr(customer, keys[customer.name]))


def test_a_message_and_its_answer(social, customer):
    assert customer.say("hello there").status_code == 200
    customer.reads("You said hello there")
    [message] = received(social)
    assert (message.text, message.input_channel) == ("hello there", customer.name)


def test_the_conversation_id_is_the_persons_own_and_tells_nothing(social, customer, platform):
    customer.say("one")
    customer.say("two")
    type(customer)(social.url, platform).say("three")
    first, second, other = (message.sender_id for message in received(social))
    assert first == second != other
    assert first.startswith(f"{customer.name}-") and len(first.partition("-")[2]) == 32
    assert address_of(customer) not in first


def test_messages_of_one_person_are_answered_in_their_order(social, customer):
    for number in range(8):
        customer.say(f"message {number}")
    assert [message.text for message in received(social)] == [f"message {number}" for number in range(8)]


def forged_headers(customer, case):
    """Headers that the platform would not send with `{"marked": "personal"}`."""
    now = str(int(time.time()))
    if customer.name == "slack":
        right = customer.headers('{"marked": "personal"}')
        wrong = right | {"X-Slack-Signature": "v0=" + "0" * 64}
        cases = {
            "missing": {"Content-Type": "application/json"},
            "wrong": wrong,
            "of another body": customer.headers("{}"),
            "other letters": right | {"X-Slack-Signature": "v0=ü"},
            "without a time": {k: v for k, v in right.items() if "Timestamp" not in k},
            "another time": right | {"X-Slack-Request-Timestamp": str(int(now) - 1)},
        }
    elif customer.name == "telegram":
        name = "X-Telegram-Bot-Api-Secret-Token"
        cases = {
            "missing": {},
            "wrong": {name: "wrong"},
            "of another body": {name: ""},
            "other letters": {name: "ü"},
            "without a time": {name: customer.secret.upper()},
            "another time": {name: customer.secret[:-1]},
        }
    else:
        name, right = "X-Hub-Signature-256", customer.headers('{"marked": "personal"}')["X-Hub-Signature-256"]
        sha1 = {"X-Hub-Signature": "sha1=" + "0" * 40}
        cases = {
            "missing": {},
            "wrong": {name: "sha256=" + "0" * 64},
            "of another body": customer.headers("{}"),
            "other letters": {name: "sha256=ü"},
            "without a time": sha1,
            "another time": {name: right.removeprefix("sha256=")},
        }
    return {key: value.encode("latin-1") for key, value in cases[case].items()}


@pytest.mark.parametrize(
    "case", ["missing", "wrong", "of another body", "other letters", "without a time", "another time"]
)
def test_a_call_that_the_platform_did_not_sign_is_refused(social, customer, platform, caplog, case):
    with caplog.at_level(logging.DEBUG, "assistant"):
        headers = forged_headers(customer, case)
        answer = httpx.post(customer.url, content='{"marked": "personal"}', headers=headers, timeout=10)
    assert answer.status_code == 403
    assert received(social) == [] and platform.calls == []
    assert f"A call of the {customer.name} webhook was refused" in caplog.text
    assert "personal" not in caplog.text + answer.text and customer.secret not in caplog.text + answer.text


def test_a_refused_body_is_not_even_parsed(social, customer):
    for body in (b"no json", b"", b"[1]", b'{"event": {}}'):
        assert httpx.post(customer.url, content=body, timeout=10).status_code == 403


def test_a_signed_body_that_is_no_object_is_refused(social, customer):
    for body in ("no json", "[1]", '"text"', "null"):
        headers = customer.headers(body) if customer.name != "telegram" else None
        headers = headers or {"X-Telegram-Bot-Api-Secret-Token": customer.secret}
        assert httpx.post(customer.url, content=body, headers=headers, timeout=10).status_code == 400
    assert received(social) == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"event": None, "type": "event_callback"},
        {"event": {"type": "message", "user": {}, "channel": 5, "ts": None}, "type": "event_callback"},
        {"type": "block_actions", "actions": []},
        {"type": "block_actions", "actions": [{"type": "button"}]},
        {"update_id": 1, "message": {"text": "x"}},
        {"update_id": 1, "message": {"chat": {"type": "private"}}},
        {"update_id": 1, "callback_query": {"data": "x"}},
        {"entry": [{"messaging": [{}]}]},
        {"entry": None},
    ],
)
def test_a_signed_body_with_nothing_in_it_is_only_acknowledged(social, customer, body):
    content = json.dumps(body)
    headers = {"X-Telegram-Bot-Api-Secret-Token": customer.secret}
    if customer.name != "telegram":
        headers = customer.headers(content)
    assert httpx.post(customer.url, content=content, headers=headers, timeout=10).status_code == 200
    assert received(social) == []


def test_an_oversized_body_is_refused(social, customer):
    body = b" " * (webhook.MAX_BODY_BYTES + 1)
    assert httpx.post(customer.url, content=body, timeout=10).status_code == 413


def test_the_platform_is_answered_before_the_turn_has_ended(social, customer):
    go_on = threading.Event()

    async def slowly(_message):
        await asyncio.get_running_loop().run_in_executor(None, go_on.wait, 10)

    social.agent.writing = slowly
    started = time.monotonic()
    assert customer.say("hello").status_code == 200
    assert time.monotonic() - started < 2
    assert customer.platform.calls == []
    go_on.set()
    customer.reads("You said hello")


def body_with(customer, text):
    """What the platform posts when the customer writes this."""
    if customer.name == "slack":
        return customer.event(text)
    return (
        customer.update(message=customer.message(text=text))
        if customer.name == "telegram"
        else customer.message(text=text)
    )


def test_a_message_that_is_delivered_again_is_answered_once(social, customer, platform):
    body = body_with(customer, "hello")
    for _ in range(3):
        assert customer.post(body).status_code == 200
    assert customer.post(body_with(customer, "hello again")).status_code == 200
    assert [message.text for message in received(social)] == ["hello", "hello again"]


def test_deliveries_that_overlap_are_answered_once(social, customer, platform):
    async def slowly(_message):
        await asyncio.sleep(0.3)

    social.agent.writing = slowly
    body = body_with(customer, "hello")
    assert [customer.post(body).status_code for _ in range(4)] == [200] * 4
    assert len(received(social)) == 1
    assert len([call for call in platform.calls if "You said hello" in json.dumps(call.body)]) == 1


def test_a_stopping_server_waits_for_its_turns(social, customer):
    async def slowly(_message):
        await asyncio.sleep(0.5)

    social.agent.writing = slowly
    customer.say("hello")
    settle(social)
    assert any("You said hello" in json.dumps(call.body) for call in customer.platform.calls)


def test_a_button_goes_out_signed_and_comes_back(social, customer):
    social.agent.answer = lambda message: {"text": f"Shall I {message.text}?", "buttons": YES_NO}
    customer.say("pay")
    assert customer.titles(customer.reads("Shall I pay?")) == ["Yes", "No"]
    social.agent.answer = lambda message: {"text": f"Intent {message.parse_data['intent']['name']}"}
    assert customer.press("Yes").status_code == 200
    customer.reads("Intent affirm")
    assert received(social)[-1].text == "Yes"


def test_a_button_of_another_person_is_only_words(social, customer):
    social.agent.answer = lambda _: {"text": "Shall I?", "buttons": YES_NO}
    customer.say("pay")
    settle(social)
    # This person's own button, but with what another one's carried.
    payload = signing.sign("/affirm", conversation_of(customer.name, "someone else"))
    changes = {"slack": {"value": payload}, "telegram": {"data": payload}, "messenger": {"payload": payload}}
    customer.press("Yes", **changes[customer.name])
    assert received(social)[-1].parse_data is None


def test_an_agents_reply_reaches_the_person_later(social, customer):
    customer.say("hello")
    [message] = received(social)
    reply = {"text": "Hello, it's me.\n \nAll fine?", "author": "agent", "agent_name": "Priya", "timestamp": 1.0}
    social.call(output_of(social, customer.name).send_response(message.sender_id, reply))
    shown = json.dumps(customer.reads("All fine?"), ensure_ascii=False)
    assert "Priya" in shown and "it's me.\\n\\nAll fine?" in shown


def test_an_agents_reply_to_someone_unknown_fails_so_that_the_desk_can_tell(social, customer):
    reply = {"text": "Hello", "author": "agent", "agent_name": "Priya"}
    with pytest.raises(Exception, match="no address"):
        social.call(output_of(social, customer.name).send_response(conversation_of(customer.name, "?"), reply))


REFUSED = {
    "slack": Answer(200, {"ok": False, "error": "channel_not_found"}),
    "telegram": Answer(403, {"ok": False, "error_code": 403, "description": "Forbidden: bot was blocked by the user"}),
    "messenger": Answer(400, {"error": {"message": "To 88 personal", "code": 10, "error_subcode": 2018278}}),
}
REASONS = {"slack": "channel_not_found", "telegram": "blocked by the user", "messenger": "subcode 2018278"}


def test_a_refused_reply_of_the_bot_is_logged_and_the_turn_goes_on(social, customer, platform, caplog):
    platform.script += [REFUSED[customer.name]]
    customer.say("hello personal")
    [message] = received(social)
    [record] = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert REASONS[customer.name] in record.getMessage() and message.sender_id in record.getMessage()
    assert "personal" not in record.getMessage() and address_of(customer) not in record.getMessage()
    assert len(platform.calls) == 1


def test_a_refused_reply_of_an_agent_fails_so_that_the_desk_can_tell(social, customer, platform):
    customer.say("hello")
    [message] = received(social)
    platform.script += [REFUSED[customer.name]]
    with pytest.raises(DeliveryFailed, match=REASONS[customer.name]):
        social.call(
            output_of(social, customer.name).send_response(message.sender_id, {"text": "Hello", "author": "agent"})
        )


def test_the_desks_notices_never_fail(social, customer, platform):
    customer.say("hello")
    [message] = received(social)
    platform.script += [REFUSED[customer.name]]
    notice = {"text": "Priya has joined", "author": "system", "agent_name": "Priya", "notice": "joined"}
    social.call(output_of(social, customer.name).send_response(message.sender_id, notice))


BUSY = {
    "slack": Answer(429, {"ok": False, "error": "ratelimited"}, {"Retry-After": "0"}),
    "telegram": Answer(429, {"ok": False, "description": "Too Many Requests", "parameters": {"retry_after": 0}}),
    "messenger": Answer(400, {"error": {"message": "limit", "code": 613}}, {"Retry-After": "0"}),
}


def test_a_busy_platform_is_asked_again(social, customer, platform):
    platform.script += [BUSY[customer.name], Answer(503, {}, {"Retry-After": "0"})]
    customer.say("hello")
    settle(social)
    assert len([c for c in platform.calls if "You said hello" in json.dumps(c.body)]) == 3


def test_a_platform_that_is_busy_for_long_does_not_hold_the_turn(social, customer, platform, caplog):
    platform.script += [Answer(429, {"ok": False, "error": "ratelimited"}, {"Retry-After": "3600"})]
    customer.say("hello")
    settle(social)
    assert len(platform.calls) == 1
    assert "could not be delivered" in caplog.text


MARK_UP = "<b>*bold*</b> _it_ `x` [a](http://x) & <@U1> <!channel> ~s~"


def test_nothing_becomes_mark_up(social, customer, platform):
    social.agent.answer = lambda _: {"text": f"It says: {MARK_UP}"}
    customer.say("what does it say?")
    message = customer.reads("It says")
    if customer.name == "slack":
        [section] = [block for block in message["blocks"] if block["type"] == "section"]
        assert section["text"] == {"type": "plain_text", "text": f"It says: {MARK_UP}", "emoji": False}
        assert "<" not in message["text"] and "&lt;!channel&gt;" in message["text"] and message["mrkdwn"] is False
    else:
        assert message["text"] == f"It says: {MARK_UP}"
        assert "parse_mode" not in message and "entities" not in message


LIMITS = {"slack": 3000, "telegram": 4096, "messenger": 2000}
PATHS = {"slack": "chat.postMessage", "telegram": "/sendMessage", "messenger": "me/messages"}


def test_a_long_text_is_split_between_sentences_with_the_buttons_last(social, customer, platform):
    sentences = [f"This is sentence number {number} of a long answer." for number in range(250)]
    social.agent.answer = lambda _: {"text": " ".join(sentences), "buttons": YES_NO}
    customer.say("tell me everything")
    settle(social)
    bodies = [call.body.get("message", call.body) for call in platform.wait(PATHS[customer.name])]
    texts = [b["blocks"][0]["text"]["text"] if customer.name == "slack" else b["text"] for b in bodies]
    assert len(texts) > 2 and all(len(text) <= LIMITS[customer.name] for text in texts)
    assert " ".join(texts) == " ".join(sentences)
    assert all(text.endswith(".") for text in texts)
    keys = [str(body) for body in bodies]
    assert ["Yes" in key for key in keys] == [False] * (len(keys) - 1) + [True]


def long_payload(index):
    return f'/inform{{"slot": "{index}{"x" * 2100}"}}'


def test_a_payload_without_room_gets_a_handle_that_the_tracker_resolves(social, customer):
    buttons = [{"title": f"Choice {index}", "payload": long_payload(index)} for index in range(3)]
    social.agent.answer = lambda _: {"text": "Which one?", "buttons": buttons}
    customer.say("choose")
    customer.reads("Which one?")
    [message] = received(social)
    said = BotUttered("Which one?", {"buttons": buttons})
    social.call(store_events(social, message, said))
    social.agent.answer = lambda _: {"text": "Done"}
    customer.press("Choice 1")
    pressed = received(social)[-1]
    assert pressed.text == "Choice 1"
    assert pressed.parse_data["entities"][0]["value"].startswith("1xxx")


def test_an_old_handle_gets_a_sentence(social, customer):
    social.agent.answer = lambda _: {"text": "Which?", "buttons": [{"title": "A", "payload": long_payload(1)}]}
    customer.say("choose")
    customer.reads("Which?")
    customer.press("A")  # the tracker holds no button
    customer.reads(webhook.OLD_BUTTON)
    assert len(received(social)) == 1


def test_a_handle_is_not_lost_silently_when_the_store_fails(social, customer, monkeypatch, caplog):
    social.agent.answer = lambda _: {"text": "Which?", "buttons": [{"title": "A", "payload": long_payload(1)}]}
    customer.say("choose")
    customer.reads("Which?")

    async def fails(_conversation):
        raise RuntimeError("personal words")

    monkeypatch.setattr(social.agent.tracker_store, "retrieve", fails)
    customer.press("A")
    customer.reads(webhook.NOT_READ)
    assert "could not be read: RuntimeError" in caplog.text and "personal words" not in caplog.text


def test_a_button_of_words_without_room_comes_back_as_the_words(social, customer):
    words = "the order with the very long label " * 70
    buttons = [{"title": "That one", "payload": words.strip()}]
    social.agent.answer = lambda _: {"text": "Which?", "buttons": buttons}
    customer.say("choose")
    customer.reads("Which?")
    [message] = received(social)
    social.call(store_events(social, message, BotUttered("Which?", {"buttons": buttons})))
    channel = next(c for c in social.channels if c.name() == customer.name)
    seen = []
    original = channel._on_new_message

    async def note(message: UserMessage):
        seen.append(message.metadata["payload"])

    channel._on_new_message = note
    try:
        customer.press("That one")
        settle(social)
    finally:
        channel._on_new_message = original
    assert seen == [words.strip()]


async def store_events(server, message, *events):
    tracker = DialogueStateTracker(message.sender_id, [])
    for event in events:
        tracker.update(event)
    await server.agent.tracker_store.save(tracker)


@pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])
def test_a_missing_setting_says_what_to_do(kind, platform):
    settings = kind.credentials(platform)
    for name in [name for name in settings if name not in ("api_url", "slack_channel", "webhook_url")]:
        with pytest.raises(webhook.SettingMissing, match=f"^`{name}` of the .*docs/channels.md"):
            INPUTS[kind].from_credentials({**settings, name: None})
    with pytest.raises(webhook.SettingMissing):
        INPUTS[kind].from_credentials(None)


def test_the_channels_answer_health_checks(social, customer):
    assert httpx.get(customer.url.removesuffix("webhook"), timeout=10).json() == {"status": "ok"}
