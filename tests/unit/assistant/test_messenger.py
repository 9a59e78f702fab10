import hashlib
import hmac
import json

import httpx
import pytest

from tests.platform_webhooks import Messenger
from tests.unit.assistant.test_platform_channels import received, settle


@pytest.fixture
def sam(social, platform):
    return Messenger(social.url, platform)


def test_the_address_is_confirmed_with_the_verify_token(sam):
    asked = {"hub.mode": "subscribe", "hub.verify_token": sam.verify, "hub.challenge": "1158201444"}
    answer = httpx.get(sam.url, params=asked, timeout=10)
    assert (answer.status_code, answer.text) == (200, "1158201444")
    for wrong in ({"hub.verify_token": "wrong"}, {"hub.verify_token": ""}, {"hub.mode": "unsubscribe"}):
        answer = httpx.get(sam.url, params=asked | wrong, timeout=10)
        assert answer.status_code == 403 and "1158201444" not in answer.text
    assert httpx.get(sam.url, timeout=10).status_code == 403


def test_the_old_sha1_signature_is_refused(social, sam):
    content = json.dumps({"object": "page", "entry": [{"id": sam.page, "messaging": [sam.message(text="hello")]}]})
    sha1 = hmac.new(sam.secret.encode(), content.encode(), hashlib.sha1).hexdigest()
    for headers in ({"X-Hub-Signature": f"sha1={sha1}"}, {"X-Hub-Signature-256": f"sha1={sha1}"}):
        assert httpx.post(sam.url, content=content, headers=headers, timeout=10).status_code == 403
    assert received(social) == []


def test_every_message_of_a_batch_is_handled(social, sam, platform):
    kim = Messenger(social.url, platform)
    sam.post(sam.message(text="one"), kim.message(text="two"), sam.message(text="three"))
    assert sorted(message.text for message in received(social)) == ["one", "three", "two"]


def test_receipts_echoes_and_reactions_are_only_acknowledged(social, sam, platform):
    answer = sam.post(
        sam.event(delivery={"mids": ["m_1"], "watermark": 1}),
        sam.event(read={"watermark": 1}),
        sam.event(reaction={"emoji": "👍", "mid": "m_1"}),
        sam.message(text="an echo", is_echo=True, app_id=1),
        sam.message(text="unsent", is_deleted=True),
        sam.event(optin={"ref": "x"}),
        sam.message(),
        sam.message(attachments=[{"type": "fallback", "payload": {}}]),
        sam.message(text="from the page") | {"sender": {"id": sam.page}},
    )
    assert (answer.status_code, answer.text) == (200, "EVENT_RECEIVED")
    assert received(social) == [] and platform.calls == []


def test_an_answer_carries_the_tokens_proof_and_no_token_in_the_address(social, sam, platform):
    sam.say("hello")
    settle(social)
    [call] = platform.wait("graph/me/messages")
    proof = hmac.new(sam.secret.encode(), sam.token.encode(), hashlib.sha256).hexdigest()
    assert call.body == {
        "recipient": {"id": sam.person},
        "messaging_type": "RESPONSE",
        "message": {"text": "You said hello"},
        "appsecret_proof": proof,
    }
    assert sam.token not in call.path


def test_titles_are_shortened_between_words_and_stay_different(social, sam):
    titles = [
        "Yes",
        "Talk to a person about my bill",
        "Talk to a person about my order",
        "Supercalifragilisticexpialidocious",
    ]
    buttons = [{"title": title, "payload": f"/choice_{n}"} for n, title in enumerate(titles)]
    social.agent.answer = lambda _: {"text": "Which?", "buttons": buttons}
    sam.say("choose")
    assert sam.titles(sam.reads("Which?")) == [
        "Yes",
        "2. Talk to a person…",
        "3. Talk to a person…",
        "Supercalifragilisti…",
    ]
    sam.press("3. Talk to a person…")
    assert received(social)[-1].parse_data["intent"]["name"] == "choice_2"


def test_more_than_thirteen_choices_are_named_in_the_text(social, sam):
    buttons = [{"title": f"Choice {n}", "payload": f"/choice_{n}"} for n in range(15)]
    social.agent.answer = lambda _: {"text": "Which?", "buttons": buttons}
    sam.say("choose")
    message = sam.reads("Which?")
    assert len(message["quick_replies"]) == 13
    assert message["text"] == "Which?\nYou can also write: Choice 13; Choice 14"


def test_the_get_started_button_greets(social, sam):
    social.agent.answer = lambda message: {"text": f"Intent {message.parse_data['intent']['name']}"}
    sam.post(sam.event(postback={"title": "Get Started", "payload": "GET_STARTED", "mid": "m_start"}))
    sam.reads("Intent greet")


def test_a_postback_stands_for_its_words(social, sam):
    sam.post(sam.event(postback={"title": "Opening hours", "payload": "When are you open?"}))
    [message] = received(social)
    assert message.text == "When are you open?"


def test_attachments_are_told_to_the_guard(social, sam):
    channel = next(channel for channel in social.channels if channel.name() == "messenger")
    seen, original = [], channel._on_new_message

    async def note(message):
        seen.append((message.text, message.metadata))

    channel._on_new_message = note
    try:
        image = {"type": "image", "payload": {"url": "https://cdn.example.com/private"}}
        sticker = {"type": "image", "payload": {"url": "https://cdn.example.com/s", "sticker_id": 369239263222822}}
        sam.post(sam.message(attachments=[image]), sam.message(attachments=[sticker]))
        settle(social)
    finally:
        channel._on_new_message = original
    kinds = [metadata["attachments"] for _, metadata in seen]
    assert kinds == [[{"kind": "image", "name": "", "bytes": None}], [{"kind": "sticker", "name": "", "bytes": None}]]
    assert [text for text, _ in seen] == ["", ""]
