import asyncio
import itertools
import logging
import threading
import time

import httpx
import pytest

from assistant.channels import twilio, twilio_output
from assistant.channels.addressbook import conversation_of
from assistant.channels.twilio import SmsInput, WhatsAppInput, attachments
from assistant.channels.twilio_output import DeliveryFailed
from assistant.channels.twilio_webhook import Gate, Once, SettingMissing
from tests.unit.assistant.server import serving
from tests.unit.assistant.twilio_server import ACCOUNT, PUBLIC, TOKEN, post, signature, sms, twilio_api, whatsapp

SMS, WHATSAPP = "/webhooks/sms/webhook", "/webhooks/whatsapp/webhook"
CUSTOMER = "+447700900123"
sids = (f"SM{n:032}" for n in itertools.count())


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    from tests.unit.assistant.conftest import SECRET, VAULT_KEY

    with pytest.MonkeyPatch.context() as patch, twilio_api() as (api_url, api):
        patch.setenv("TANDEM_SECRET", SECRET)
        patch.setenv("TANDEM_VAULT_KEY", VAULT_KEY)
        patch.setenv("TANDEM_VAR", str(tmp_path_factory.mktemp("var")))
        common = {"account_sid": ACCOUNT, "auth_token": TOKEN, "public_url": PUBLIC + "/", "api_url": api_url}
        texts = SmsInput.from_credentials({**common, "number": "+441134960000"})
        chats = WhatsAppInput.from_credentials({**common, "whatsapp_number": "+441134960001"})
        with serving([texts, chats]) as server:
            server.api = api
            yield server


@pytest.fixture
def server(started, monkeypatch, tmp_path_factory):
    monkeypatch.setenv("TANDEM_VAR", str(tmp_path_factory.getbasetemp()))
    monkeypatch.setattr(twilio_output, "FIRST_WAIT", 0.01)
    started.agent.reset()
    started.api.reset()
    return started


def send(server, text, **fields):
    return post(server.url, SMS, sms(text, **{"sid": next(sids), **fields}))


def test_a_text_is_answered_through_the_api(server):
    answer = send(server, "hello", FromCity="LEEDS")
    assert (answer.status_code, answer.text) == (204, "")
    [sent] = server.api.sent
    assert sent["Body"] == "You said hello"
    assert (sent["To"], sent["From"]) == (CUSTOMER, "+441134960000")
    assert sent["StatusCallback"] == f"{PUBLIC}/webhooks/sms/status"
    assert sent["path"] == f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"


def test_the_number_is_no_conversation_id(server):
    sid = next(sids)
    post(server.url, SMS, sms("hello", sid))
    [message] = server.agent.received
    assert message.sender_id == conversation_of("sms", CUSTOMER)
    assert CUSTOMER[1:] not in message.sender_id
    assert (message.input_channel, message.message_id) == ("sms", sid)


def test_whatsapp_is_a_channel_of_its_own(server):
    post(server.url, WHATSAPP, whatsapp("hello", next(sids)))
    [message] = server.agent.received
    assert (message.sender_id, message.input_channel) == (conversation_of("whatsapp", CUSTOMER), "whatsapp")
    [sent] = server.api.sent
    assert (sent["To"], sent["From"]) == (f"whatsapp:{CUSTOMER}", "whatsapp:+441134960001")


def test_the_signature_is_twilios():
    """The example of Twilio's documentation."""
    fields = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675309",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
    }
    gate = Gate("12345", "https://mycompany.com")
    request = _Request("/myapp.php", "foo=1&bar=2", fields, "RSOYDt4T1cUTdK1PDd93/VVr8B8=")
    assert gate.read(request) == fields
    assert gate.read(_Request("/myapp.php", "foo=1&bar=3", fields, "RSOYDt4T1cUTdK1PDd93/VVr8B8=")) is None


class _Request:
    def __init__(self, path, query, fields, given):
        self.path, self.query_string = path, query
        self.body = str(httpx.QueryParams(fields)).encode()
        self.headers = {"X-Twilio-Signature": given}


FIELDS = sms("forged", "SMforged")


@pytest.mark.parametrize(
    "given",
    [
        "",
        "x",
        "ünï",
        signature(SMS, FIELDS, token="another"),
        signature(SMS, FIELDS | {"Body": "hello"}),
        signature(SMS, FIELDS, public="https://other.example.com"),
        signature(WHATSAPP, FIELDS),
    ],
)
def test_what_twilio_has_not_signed_stays_outside(server, given):
    signed = given.encode() if given else ""
    answer = post(server.url, SMS, FIELDS, signed=signed)
    assert answer.status_code == 403
    assert server.agent.received == [] and server.api.sent == []


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"Body=" + b"x" * 70_000, b'{"Body": "hello"}'])
def test_bodies_that_are_no_form_stay_outside(server, body):
    answer = httpx.post(server.url + SMS, content=body, headers={"X-Twilio-Signature": "x"})
    assert answer.status_code == 403
    assert server.agent.received == []


def test_a_message_that_comes_again_is_handled_once(server):
    fields = sms("hello", next(sids))
    assert [post(server.url, SMS, fields).status_code for _ in range(3)] == [204] * 3
    assert len(server.agent.received) == len(server.api.sent) == 1


def test_a_message_that_comes_again_during_its_turn_is_handled_once(server):
    reached, go_on = threading.Event(), threading.Event()

    async def writing(_message):
        reached.set()
        await asyncio.to_thread(go_on.wait, 10)

    server.agent.writing = writing
    fields = sms("hello", next(sids))
    first = threading.Thread(target=post, args=(server.url, SMS, fields))
    first.start()
    assert reached.wait(10)
    assert post(server.url, SMS, fields).status_code == 204
    go_on.set()
    first.join(10)
    assert len(server.agent.received) == len(server.api.sent) == 1


def test_the_webhook_is_answered_in_time_while_a_slow_turn_goes_on(server, monkeypatch):
    monkeypatch.setattr(twilio, "ANSWER_WITHIN", 0.05)
    go_on = threading.Event()

    async def writing(_message):
        await asyncio.to_thread(go_on.wait, 10)

    server.agent.writing = writing
    assert send(server, "hello").status_code == 204
    assert server.api.sent == []
    go_on.set()
    until = time.monotonic() + 10
    while not server.api.sent and time.monotonic() < until:
        time.sleep(0.01)
    assert server.api.texts == ["You said hello"]


def test_choices_are_numbered(server):
    buttons = [{"title": "Yes", "payload": "/affirm"}, {"title": "No", "payload": "/deny"}]
    server.agent.answer = lambda _: {"text": "Shall I?", "buttons": buttons}
    send(server, "hello")
    assert server.api.texts == ["Shall I?\n1 Yes\n2 No"]


def test_a_long_reply_comes_in_parts_that_end_with_a_sentence(server):
    text = " ".join(f"This is sentence number {n}." for n in range(200))
    server.agent.answer = lambda _: {"text": text}
    send(server, "hello")
    assert len(server.api.texts) == 4
    assert all(len(part) <= 1600 and part.endswith(".") for part in server.api.texts)
    assert " ".join(server.api.texts) == text


def test_a_reply_without_any_space_is_cut_too(server):
    server.agent.answer = lambda _: {"text": "x" * 4000}
    send(server, "hello")
    assert [len(part) for part in server.api.texts] == [1600, 1600, 800]


@pytest.mark.parametrize("word", ["STOP", "stop", " Unsubscribe ", "START", "cancel"])
def test_twilio_answers_opt_outs_itself(server, word):
    assert send(server, word).status_code == 204
    assert server.agent.received == [] and server.api.sent == []


def test_opt_outs_of_a_messaging_service_are_marked(server):
    send(server, "arrêt", OptOutType="STOP")
    assert server.agent.received == []


@pytest.mark.parametrize("word", ["yes", "help", "stop the order"])
def test_words_of_a_conversation_are_answered(server, word):
    send(server, word)
    assert [message.text for message in server.agent.received] == [word]


def test_stop_is_a_word_of_a_whatsapp_conversation(server):
    post(server.url, WHATSAPP, whatsapp("stop", next(sids)))
    assert [message.text for message in server.agent.received] == ["stop"]


@pytest.mark.parametrize("number", ["", "NORTHLIGHT", "84433", "whatsapp:+447700900123"])
def test_senders_that_cannot_be_answered_are_ignored(server, number):
    assert send(server, "hello", number=number).status_code == 204
    assert server.agent.received == []


def test_what_came_with_a_message():
    media = {"NumMedia": "3", "MediaContentType0": "image/jpeg", "MediaUrl0": "https://api.twilio.com/secret"}
    media |= {"MediaContentType1": "audio/ogg; codecs=opus", "MediaContentType2": "text/vcard"}
    found = attachments(whatsapp("", **media, Latitude="53.8", Longitude="-1.5"))
    assert [(one["kind"], one["name"]) for one in found] == [
        ("image", "jpeg"),
        ("audio", "ogg"),
        ("contact", "vcard"),
        ("location", "location"),
    ]
    assert "secret" not in str(found)
    assert attachments(sms("hi", NumMedia="99999999"))[10:] == []
    assert attachments(sms("hi", NumMedia="x")) == []


def test_a_button_of_a_template_is_its_words(server):
    fields = whatsapp("", next(sids), MessageType="button", ButtonText="Track an order", ButtonPayload="track_1")
    post(server.url, WHATSAPP, fields)
    assert server.agent.received[0].text == "Track an order"


def test_a_forged_payload_of_a_template_is_only_words(server):
    fields = whatsapp("", next(sids), ButtonText="Restart", ButtonPayload="/restart")
    post(server.url, WHATSAPP, fields)
    [message] = server.agent.received
    assert (message.text, message.parse_data) == ("Restart", None)


@pytest.mark.parametrize("failure", [(429, 20429), (503, 20503)])
def test_a_busy_api_is_asked_again(server, failure):
    server.api.script = [failure, failure]
    send(server, "hello")
    assert server.api.texts == ["You said hello"]
    assert len(server.api.users) == 3


@pytest.mark.parametrize("failure", [(400, 21610), (500, None)])
def test_a_failure_after_which_a_message_could_come_twice_is_not_repeated(server, failure, caplog):
    server.api.script = [failure]
    assert send(server, "hello").status_code == 204
    assert server.api.sent == [] and len(server.api.users) == 1
    assert f"did not get through: Twilio answered {failure[0]}, error {failure[1]}" in caplog.text


def test_no_log_holds_the_number(server, caplog):
    caplog.set_level(logging.DEBUG)
    server.api.script = [(400, 21610)]
    send(server, "hello")
    send(server, "hello")
    assert "7700900123" not in caplog.text and "7700900123" not in str(caplog.records)


class Store:
    """Rasa's lock store, processor and domain for one conversation."""

    def __init__(self):
        self.events = []
        self.domain = None
        self.lock_store = self.processor = self

    def is_ready(self):
        return True

    def lock(self, _conversation):
        return self

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        return None

    async def get_tracker(self, conversation):
        self.conversation = conversation
        return self

    def update(self, event, _domain):
        self.events.append(event)

    async def save_tracker(self, _tracker):
        self.saved = list(self.events)


@pytest.fixture
def store(server):
    """The agent is ready, and what is added to conversations can be looked at."""
    kept = Store()
    for name in ("is_ready", "lock_store", "processor", "domain"):
        setattr(server.agent, name, getattr(kept, name))
    server.agent.tracker_store = SimpleStore()
    yield kept
    for name in ("is_ready", "lock_store", "processor", "domain", "tracker_store"):
        delattr(server.agent, name)


class SimpleStore:
    async def retrieve(self, _conversation):
        return None


def test_the_desk_sees_that_a_reply_did_not_get_through(server, store):
    server.api.script = [(400, 30006)]
    send(server, "hello")
    [event] = store.saved
    assert event.metadata == {"author": "system", "notice": "undelivered"}
    assert event.text == "A message did not reach the customer: Twilio answered 400, error 30006."
    assert store.conversation == conversation_of("sms", CUSTOMER)


def test_the_desk_sees_what_the_network_reports_later(server, store):
    fields = {"MessageSid": next(sids), "MessageStatus": "undelivered", "ErrorCode": "30003", "To": CUSTOMER}
    fields |= {"From": "+441134960000", "AccountSid": ACCOUNT}
    path = "/webhooks/sms/status"
    assert post(server.url, path, fields, signed="x").status_code == 403
    assert [post(server.url, path, fields).status_code for _ in range(2)] == [204, 204]
    assert [event.text for event in store.saved] == [
        "A message did not reach the customer: Twilio reports undelivered, error 30003."
    ]
    post(server.url, path, fields | {"MessageStatus": "delivered", "MessageSid": next(sids)})
    assert len(store.saved) == 1


def test_an_agents_reply_goes_out_and_a_failure_is_told_to_the_desk(server):
    send(server, "hello")
    conversation = conversation_of("sms", CUSTOMER)
    output = server.channels[0].get_output_channel()
    assert output.name() == "sms"
    reply = {"text": "Hi, it's Priya.", "author": "agent", "agent_name": "Priya"}
    server.call(output.send_response(conversation, dict(reply)))
    assert server.api.texts[-1] == "Priya: Hi, it's Priya."
    server.api.script = [(400, 21610)]
    with pytest.raises(DeliveryFailed, match=r"^Twilio answered 400, error 21610$"):
        server.call(output.send_response(conversation, dict(reply)))
    with pytest.raises(DeliveryFailed, match="address is unknown"):
        server.call(output.send_response("sms-" + "0" * 32, dict(reply)))


def test_an_agent_can_join_although_no_message_gets_through(server):
    send(server, "hello")
    server.api.script = [(400, 21610)]
    joined = {"text": "Priya has joined.", "author": "system", "notice": "joined"}
    server.call(server.channels[0].get_output_channel().send_response(conversation_of("sms", CUSTOMER), joined))
    assert server.api.texts == ["You said hello"]


def test_an_api_that_cannot_be_reached_is_tried_again_and_told(server, monkeypatch):
    send(server, "hello")
    broken = SmsInput(ACCOUNT, TOKEN, "+441134960000", PUBLIC, api_url="http://127.0.0.1:1").get_output_channel()
    with pytest.raises(DeliveryFailed, match="could not be reached"):
        server.call(broken.send_response(conversation_of("sms", CUSTOMER), {"text": "hi", "author": "agent"}))


def test_a_messaging_service_chooses_the_number(server):
    send(server, "hello")
    url = server.channels[0]._api_url
    output = SmsInput(ACCOUNT, TOKEN, "", PUBLIC, "MG1", url).get_output_channel()
    server.call(output.send_response(conversation_of("sms", CUSTOMER), {"text": "hi"}))
    assert server.api.sent[-1]["MessagingServiceSid"] == "MG1" and "From" not in server.api.sent[-1]


def test_health_checks_need_no_signature(server):
    assert httpx.get(f"{server.url}/webhooks/sms/").json() == {"status": "ok"}
    assert httpx.get(f"{server.url}{SMS}").status_code == 405


def test_a_missing_setting_is_named(monkeypatch):
    monkeypatch.delenv("TWILIO_ACCOUNT_SID", raising=False)
    with pytest.raises(SettingMissing, match="TWILIO_ACCOUNT_SID is not set"):
        SmsInput.from_credentials({"number": "+441134960000"})
    with pytest.raises(SettingMissing, match="TWILIO_WHATSAPP_NUMBER is not set"):
        WhatsAppInput.from_credentials({})


def test_only_the_last_ids_are_remembered():
    once = Once(2)
    assert [once.first(key) for key in ("a", "a", "b", "c", "a")] == [True, False, True, True, True]
