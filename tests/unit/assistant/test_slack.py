import json
import time

import httpx
import pytest

from assistant.channels import slack
from assistant.channels.signing import sign
from tests.platform_webhooks import Slack
from tests.unit.assistant.test_platform_channels import received, settle

SUPPORT = "C0SUPPORT"


@pytest.fixture
def sam(social, platform):
    return Slack(social.url, platform)


@pytest.mark.parametrize("age", [301, -301, 86_400])
def test_a_stale_signature_is_refused(social, sam, age):
    content = json.dumps(sam.event("hello"))
    headers = sam.headers(content, timestamp=str(int(time.time()) - age))
    assert sam.post(sam.event("hello"), headers).status_code == 403
    assert received(social) == []


def test_a_stale_press_is_refused(social, sam):
    content = "payload=%7B%7D"
    headers = sam.headers(content, "application/x-www-form-urlencoded", timestamp=str(int(time.time()) - 301))
    assert httpx.post(sam.url, content=content, headers=headers, timeout=10).status_code == 403


def test_the_address_is_confirmed(sam):
    answer = sam.post({"token": "x", "type": "url_verification", "challenge": "3eZbrw1a"})
    assert (answer.status_code, answer.text) == (200, "3eZbrw1a")


@pytest.mark.parametrize(
    "fields",
    [
        {"bot_id": "B1"},
        {"user": "U0BOT"},
        {"user": None, "subtype": "bot_message", "username": "bot"},
        {"subtype": "message_changed", "message": {"text": "edited"}},
        {"subtype": "message_deleted"},
        {"subtype": "channel_join"},
        {"subtype": "me_message", "hidden": True},
        {"type": "reaction_added"},
        {"text": ""},
    ],
    ids=lambda fields: "-".join(f"{key}" for key in fields),
)
def test_what_no_customer_wrote_is_only_acknowledged(social, sam, platform, fields):
    event = sam.event("hello")
    event["event"] |= fields
    assert sam.post(event).status_code == 200
    assert received(social) == [] and platform.calls == []


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("my e-mail is <mailto:priya@example.com|priya@example.com>", "my e-mail is priya@example.com"),
        ("see <https://example.com/a?b=1&amp;c=2>", "see https://example.com/a?b=1&c=2"),
        ("see <http://example.com|example.com>", "see example.com"),
        ("1 &lt; 2 &amp;&amp; 3 &gt; 2", "1 < 2 && 3 > 2"),
        ("<@U0BOT> hello", "hello"),
        ("ask <@U0OTHER|kim> in <#C1|help>", "ask @kim in #help"),
        ("call <tel:+447700900123|07700 900123>", "call 07700 900123"),
    ],
)
def test_the_text_is_what_the_customer_typed(written, text):
    assert slack._plain(written, ["U0BOT"]) == text


def test_a_file_is_told_to_the_guard(social, sam):
    channel = social.channels[0]
    seen, original = [], channel._on_new_message

    async def note(message):
        seen.append(message.metadata)

    channel._on_new_message = note
    try:
        file = {"id": "F1", "name": "bill.png", "mimetype": "image/png", "size": 1234}
        sam.say("", subtype="file_share", files=[file, {"name": "a.pdf", "mimetype": "application/pdf", "size": 5}])
        settle(social)
    finally:
        channel._on_new_message = original
    [metadata] = seen
    assert metadata["attachments"] == [
        {"kind": "image", "name": "bill.png", "bytes": 1234},
        {"kind": "file", "name": "a.pdf", "bytes": 5},
    ]
    assert metadata["message_id"].startswith(f"{sam.channel}-1700000000.")


def test_a_message_in_a_direct_messages_thread_is_answered_there(social, sam):
    sam.say("hello", thread_ts="1690000000.000001")
    assert sam.reads("You said hello")["thread_ts"] == "1690000000.000001"
    sam.say("and now")
    assert "thread_ts" not in sam.reads("You said and now")
    first, second = received(social)
    assert first.sender_id == second.sender_id


def test_a_mention_in_the_support_channel_begins_a_thread_of_that_person(social, platform):
    sam, kim = Slack(social.url, platform, channel=SUPPORT), Slack(social.url, platform, channel=SUPPORT)
    sam.say("just chatting")
    kim.say("same here", thread_ts="1690000000.000001")
    assert received(social) == []
    event = sam.event("<@U0BOT> where is my order?", type="app_mention")
    sam.post(event)
    thread = event["event"]["ts"]
    assert sam.reads("You said where is my order?")["thread_ts"] == thread
    sam.say("the first one", thread_ts=thread)
    kim.say("I'm only reading", thread_ts=thread)
    first, second = received(social)
    assert (first.sender_id, second.text) == (second.sender_id, "the first one")


def test_a_strangers_press_in_a_channel_does_nothing(social, platform):
    sam, kim = Slack(social.url, platform, channel=SUPPORT), Slack(social.url, platform, channel=SUPPORT)
    social.agent.answer = lambda _: {"text": "Shall I?", "buttons": [{"title": "Yes", "payload": "/affirm"}]}
    sam.say("<@U0BOT> pay", type="app_mention")
    sam.reads("Shall I?")
    kim.press("Yes")
    assert len(received(social)) == 1
    sam.press("Yes")
    assert received(social)[-1].parse_data["intent"]["name"] == "affirm"


def test_a_mention_elsewhere_is_asked_to_write_directly(social, platform):
    sam = Slack(social.url, platform, channel="C0RANDOM")
    sam.say("<@U0BOT> what is my balance?", type="app_mention")
    [call] = platform.wait("chat.postEphemeral")
    assert call.body == {"channel": "C0RANDOM", "user": sam.user, "text": slack.WRITE_DIRECTLY}
    assert received(social) == []


def test_many_buttons_come_five_in_a_row_with_values_that_fit(social, sam):
    title = "with a long title " * 6
    buttons = [{"title": f"Choice {n} {title}", "payload": f"/choose_{n}"} for n in range(12)]
    social.agent.answer = lambda _: {"text": "Which?", "buttons": buttons}
    sam.say("choose")
    rows = [block["elements"] for block in sam.reads("Which?")["blocks"] if block["type"] == "actions"]
    assert [len(row) for row in rows] == [5, 5, 2]
    everyone = [button for row in rows for button in row]
    assert all(len(button["text"]["text"]) <= 75 and len(button["value"]) <= 2000 for button in everyone)
    assert len({button["action_id"] for button in everyone}) == 12


def test_the_choice_takes_the_place_of_the_buttons(social, sam, platform):
    social.agent.answer = lambda _: {"text": "Shall I?", "buttons": [{"title": "Yes", "payload": "/affirm"}]}
    sam.say("pay")
    sam.reads("Shall I?")
    assert sam.press("Yes").content == b""
    [call] = platform.wait("chat.update")
    assert call.body["channel"] == sam.channel and call.body["ts"] == "1700000001.000100"
    assert [block["type"] for block in call.body["blocks"]] == ["section", "context"]
    assert call.body["blocks"][-1]["elements"][0]["text"] == "✓ Yes"


def test_sources_and_links_have_blocks_of_their_own(social, sam):
    sources = [{"title": "Late payments", "article": "billing/late"}, {"title": "Fees", "article": "billing/fees"}]
    text = "The fee is £7.50, see https://example.com/fees?a=1&b=2.\nSources: Late payments; Fees"
    social.agent.answer = lambda _: {"text": text, "metadata": {"sources": sources}}
    sam.say("what is the fee?")
    section, links, named = sam.reads("The fee is")["blocks"]
    assert section["text"]["text"] == "The fee is £7.50, see https://example.com/fees?a=1&b=2."
    assert links["elements"] == [{"type": "mrkdwn", "text": "<https://example.com/fees?a=1&amp;b=2>"}]
    assert named["elements"][0] == {"type": "plain_text", "text": "Sources: Late payments; Fees", "emoji": False}


def test_a_select_menu_of_another_app_is_only_acknowledged(social, sam, platform):
    social.agent.answer = lambda _: {"text": "Shall I?", "buttons": [{"title": "Yes", "payload": "/affirm"}]}
    sam.say("pay")
    sam.reads("Shall I?")
    assert sam.press("Yes", type="static_select", value=sign("/affirm", "x")).status_code == 200
    assert len(received(social)) == 1
