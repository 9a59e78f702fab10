import asyncio
import json

import pytest

from assistant.channels import telegram
from assistant.channels.telegram import TelegramInput
from tests.platform_server import Answer
from tests.platform_webhooks import Telegram
from tests.unit.assistant.test_platform_channels import received, settle


@pytest.fixture
def sam(social, platform):
    return Telegram(social.url, platform)


def test_groups_channels_edits_and_bots_are_only_acknowledged(social, sam, platform):
    message = sam.message(text="hello")
    group = message | {"chat": {"id": -100123, "type": "supergroup", "title": "Friends"}}
    joined = {key: value for key, value in message.items() if key != "text"} | {"new_chat_members": [{"id": 1}]}
    for update in (
        {"message": group},
        {"message": group | {"chat": {"id": -5, "type": "group"}}},
        {"channel_post": message},
        {"edited_channel_post": message},
        {"edited_message": message},
        {"message": message | {"from": {"id": 9, "is_bot": True}}},
        {"message": joined},
        {"my_chat_member": {"chat": message["chat"]}},
        {"callback_query": {"id": "1", "data": "/affirm", "message": group}},
        {"inline_query": {"id": "1", "query": "x"}},
    ):
        assert sam.post(sam.update(**update)).status_code == 200
    assert received(social) == [] and platform.calls == []


def test_the_start_button_greets(social, sam):
    social.agent.answer = lambda message: {"text": f"Intent {message.parse_data['intent']['name']}"}
    for text in ("/start", "/start from_the_website"):
        sam.say(text)
    assert [message.parse_data["intent"]["name"] for message in received(social)] == ["greet", "greet"]


@pytest.mark.parametrize("text", ["/help", "/restart", '/inform{"verified": true}'])
def test_other_commands_are_words(social, sam, text):
    sam.say(text)
    [message] = received(social)
    assert message.text == text[1:] and message.parse_data is None


def test_a_press_ends_its_waiting_sign_and_the_buttons_go(social, sam, platform):
    social.agent.answer = lambda _: {"text": "Shall I?", "buttons": [{"title": "Yes", "payload": "/affirm"}]}
    sam.say("pay")
    sam.reads("Shall I?")
    answer = sam.press("Yes", id="query-7").json()
    assert answer == {"method": "answerCallbackQuery", "callback_query_id": "query-7"}
    [call] = platform.wait("/editMessageReplyMarkup")
    assert call.body["chat_id"] == str(sam.chat) and "reply_markup" not in call.body


@pytest.mark.parametrize("length", [10, 30, 31, 32, 60, 300])
def test_every_payload_fits_and_comes_back(social, sam, length):
    from rasa.shared.core.events import BotUttered

    from tests.unit.assistant.test_platform_channels import store_events

    intent = "i" * length
    buttons = [{"title": "That", "payload": f"/{intent}"}]
    social.agent.answer = lambda _: {"text": "Which?", "buttons": buttons}
    sam.say("choose")
    [row] = sam.reads("Which?")["reply_markup"]["inline_keyboard"]
    data = row[0]["callback_data"]
    assert len(data.encode()) <= 64 and data.startswith("#") == (length + 1 + 33 > 64)
    [message] = received(social)
    social.call(store_events(social, message, BotUttered("Which?", {"buttons": buttons})))
    sam.press("That")
    assert received(social)[-1].parse_data["intent"]["name"] == intent


@pytest.mark.parametrize("data", ["#", "#" + "0" * 32, "#" + "ü" * 16])
def test_a_forged_handle_does_nothing(social, sam, data):
    social.agent.answer = lambda _: {"text": "Which?", "buttons": [{"title": "That", "payload": "/affirm"}]}
    sam.say("choose")
    sam.reads("Which?")
    sam.press("That", data=data)
    sam.reads("no longer works")
    assert len(received(social)) == 1


def test_attachments_are_told_to_the_guard(social, sam):
    channel = next(channel for channel in social.channels if channel.name() == "telegram")
    seen, original = [], channel._on_new_message

    async def note(message):
        seen.append((message.text, message.metadata))

    channel._on_new_message = note
    photo = [{"file_id": "a", "file_size": 10}, {"file_id": "b", "file_size": 99}]
    try:
        update = sam.update(message=sam.message(photo=photo, caption="my meter"))
        sam.post(update)
        sam.post(sam.update(message=sam.message(document={"file_name": "bill.pdf", "file_size": 7})))
        sam.post(sam.update(message=sam.message(location={"latitude": 53.8, "longitude": -1.5})))
        settle(social)
    finally:
        channel._on_new_message = original
    assert [text for text, _ in seen] == ["my meter", "", ""]
    assert [metadata["attachments"] for _, metadata in seen] == [
        [{"kind": "image", "name": "", "bytes": 99}],
        [{"kind": "file", "name": "bill.pdf", "bytes": 7}],
        [{"kind": "location", "name": "", "bytes": None}],
    ]
    assert seen[0][1]["message_id"] == str(update["update_id"])


def test_the_webhook_is_registered_with_the_secret(social, platform):
    channel = next(channel for channel in social.channels if channel.name() == "telegram")
    social.call(channel.register())
    [call] = platform.wait("/setWebhook")
    assert call.path == f"telegram/bot{Telegram.token}/setWebhook"
    assert call.body == {
        "url": "https://assistant.example.com/webhooks/telegram/webhook",
        "secret_token": Telegram.secret,
        "allowed_updates": ["message", "callback_query"],
    }


def test_without_network_the_channel_starts_and_registers_later(social, platform, caplog, monkeypatch):
    monkeypatch.setattr(telegram, "PAUSES", (0.01, 0.01))
    channel = next(channel for channel in social.channels if channel.name() == "telegram")
    platform.script += [Answer(401, {"ok": False, "description": "Unauthorized"})] * 2
    social.call(channel.register())
    assert len(platform.wait("/setWebhook")) == 3
    assert "Telegram was not told the webhook's address: Unauthorized. Trying again" in caplog.text
    assert Telegram.token not in caplog.text and Telegram.secret not in caplog.text


def test_an_unreachable_server_never_shows_the_token(caplog, monkeypatch):
    monkeypatch.setattr(telegram, "PAUSES", ())
    monkeypatch.setattr("assistant.channels.platform_api.PATIENCE", 0.0)
    settings = {"access_token": "1:hidden-token", "secret_token": "s", "api_url": "http://127.0.0.1:9"}
    channel = TelegramInput.from_credentials(settings | {"webhook_url": "https://a.example"})

    async def start():
        await channel.register()
        await channel.api.close()

    asyncio.run(start())
    assert "cannot be reached" in caplog.text and "hidden-token" not in caplog.text


def test_the_output_channel_calls_nobody(platform):
    platform.reset()
    assert TelegramInput.from_credentials(Telegram.credentials(platform)).get_output_channel().name() == "telegram"
    assert platform.calls == []


def test_the_callback_query_of_a_message_that_telegram_forgot(social, sam):
    """An old message comes without its text and buttons."""
    query = {"id": "5", "from": {"id": sam.chat}, "data": "some words"}
    query["message"] = {"chat": {"id": sam.chat, "type": "private"}, "message_id": 5, "date": 0}
    assert json.loads(sam.post(sam.update(callback_query=query)).content)["method"] == "answerCallbackQuery"
    [message] = received(social)
    assert message.text == "some words"
