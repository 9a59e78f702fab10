import asyncio
import itertools
import logging
import threading
import time

import httpx
import pytest
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActiveLoop, BotUttered, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from assistant.channels import call_turns, call_words, signing, spoken, voice
from assistant.channels.addressbook import address_book, conversation_of
from assistant.channels.call import Step
from assistant.channels.twilio_output import DeliveryFailed
from assistant.channels.voice import VoiceInput
from assistant.privacy.vault import shared_vault
from tests.twilio_server import PUBLIC, TOKEN, Caller, call, post, signature
from tests.unit.assistant.server import serving

START = "/webhooks/voice/webhook"
PERSON_NUMBER = "+441134960099"
PACKET = "4fa72c00112233445566778899aabbcc"
SLOTS = {"owner": {"type": "text", "initial_value": "bot", "mappings": [{"type": "custom"}]}}
SLOTS |= {name: {"type": "any", "mappings": [{"type": "custom"}]} for name in ("handoff", "requested_slot", "tries")}
DOMAIN = Domain.from_dict({"slots": SLOTS, "forms": {"balance_form": {"required_slots": []}}})
sids = (f"CA{n:032}" for n in itertools.count())

MENU = [{"title": "Track an order", "payload": "/order_status"}, {"title": "My balance", "payload": "/balance"}]
QUEUE = [{"title": t, "payload": t} for t in ("Correct it", "Keep waiting", "Call me back", "Back to the assistant")]


class Agent:
    """Rasa's agent with real trackers: answers by `script`, from a text or an intent to messages and events."""

    def __init__(self):
        self.domain = DOMAIN
        self.lock_store = self.tracker_store = self.processor = self
        self.reset()

    def reset(self):
        self.trackers, self.received, self.script, self.waits = {}, [], {}, None

    def is_ready(self):
        return True

    def lock(self, _conversation):
        return self

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        return None

    async def retrieve(self, conversation):
        return self.trackers.get(conversation)

    async def get_tracker(self, conversation):
        return self.trackers[conversation]

    async def save_tracker(self, tracker):
        self.trackers[tracker.sender_id] = tracker

    async def handle_message(self, message):
        self.received.append(message)
        if self.waits:
            await asyncio.to_thread(self.waits.wait, 10)
        intent = (message.parse_data or {}).get("intent") or {"name": "unknown", "confidence": 0.5}
        tracker = self.trackers.setdefault(
            message.sender_id, DialogueStateTracker(message.sender_id, DOMAIN.slots, max_event_history=100)
        )
        tracker.update(UserUttered(message.text, intent, []))
        for event in self.script.get(message.text, self.script.get(intent["name"], [say(f"You said {message.text}.")])):
            tracker.update(event)
            if isinstance(event, BotUttered):
                await message.output_channel.send_response(message.sender_id, event.message())


def say(text, buttons=None, **metadata):
    return BotUttered(text, {"buttons": buttons}, metadata={"metadata": metadata})


HANDOVER = [
    say("I'm passing you to our billing team now. They'll reply in this conversation."),
    say("Here's what I'm passing on: the balance. Is that right?", QUEUE, waiting="card"),
    SlotSet("handoff", {"id": PACKET}),
    SlotSet("owner", "queue"),
]
CLOSED = [
    say("I'm passing this on. They're back tomorrow at 8am.", [b for b in QUEUE if b["title"] != "Keep waiting"]),
    SlotSet("owner", "queue"),
]


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    from tests.unit.assistant.conftest import SECRET, VAULT_KEY

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TANDEM_SECRET", SECRET)
        patch.setenv("TANDEM_VAULT_KEY", VAULT_KEY)
        patch.setenv("TANDEM_VAR", str(tmp_path_factory.mktemp("var")))
        channel = VoiceInput.from_credentials(
            {"auth_token": TOKEN, "public_url": PUBLIC, "transfer_number": PERSON_NUMBER}
        )
        with serving([channel], Agent()) as server:
            yield server


@pytest.fixture
def server(started, monkeypatch, tmp_path_factory):
    monkeypatch.setenv("TANDEM_VAR", str(tmp_path_factory.getbasetemp()))
    started.agent.reset()
    started.agent.script = {"hello": [say("Hello! What can I do for you?", MENU)], "request_human": HANDOVER}
    return started


@pytest.fixture
def caller(server):
    return Caller(server.url, next(sids))


def heard(server):
    return [message.text for message in server.agent.received]


def test_a_call_is_greeted_and_listened_to(server, caller):
    said = caller.ring()
    assert said == (
        "Hello! What can I do for you? For track an order, press 1. For my balance, press 2. Or just say it."
    )
    gather = caller.xml.find("Gather")
    assert gather.get("input") == "dtmf speech" and gather.get("bargeIn") == "true"
    assert gather.get("actionOnEmptyResult") == "true" and gather.get("profanityFilter") == "false"
    assert (gather.get("language"), gather.get("numDigits"), gather.get("hints")) == (
        "en-GB",
        "1",
        "Track an order, My balance",
    )
    assert gather.get("action") == f"{PUBLIC}{START}?turn=1"
    [say] = gather.findall("Say")  # all of it may be interrupted
    assert (say.get("voice"), say.get("language")) == ("Polly.Amy", "en-GB")


def test_a_call_is_a_conversation_without_the_number(server, caller):
    caller.ring()
    caller.say("hi")
    assert {message.sender_id for message in server.agent.received} == {conversation_of("voice", caller.sid)}
    assert "7700900123" not in server.agent.received[0].sender_id
    assert address_book().address_of(conversation_of("voice", caller.sid)) == "+447700900123"
    another = Caller(server.url, next(sids))
    another.ring()
    assert server.agent.received[-1].sender_id != server.agent.received[0].sender_id


def test_what_is_said_is_a_message(server, caller):
    caller.ring()
    assert caller.say("Where is my order?") == "You said Where is my order?."
    assert heard(server) == ["hello", "Where is my order?"]
    assert server.agent.received[1].input_channel == "voice"


def test_everything_said_is_escaped(server, caller):
    server.agent.script["hi"] = [say("Tom & Jerry </Say><Hangup/> \x07 £5.00")]
    caller.ring()
    assert caller.say("hi") == "Tom and Jerry /Say Hangup/ five pounds."
    assert not caller.hung_up()


def test_a_key_is_a_choice(server, caller):
    caller.ring()
    caller.press("2")
    message = server.agent.received[-1]
    assert (message.text, message.parse_data["intent"]["name"]) == ("My balance", "balance")


def test_a_choice_can_be_said(server, caller):
    caller.ring()
    caller.say("Track an order.")
    assert server.agent.received[-1].parse_data["intent"]["name"] == "order_status"


def test_keys_are_a_number_where_one_is_asked_for(server, caller):
    server.agent.script["My balance"] = [
        say("What's your account number?"),
        SlotSet("requested_slot", "account_number"),
    ]
    caller.ring()
    caller.press("2")
    gather = caller.xml.find("Gather")
    assert gather.get("numDigits") is None and gather.get("finishOnKey") == "#"
    caller.press("204518")
    assert heard(server)[-1] == "204518"
    assert server.agent.received[-1].parse_data is None


def test_zero_is_a_person_everywhere(server, caller):
    caller.ring()
    caller.press("0")
    assert server.agent.received[-1].parse_data["intent"]["name"] == "request_human"


def test_silence_is_asked_again_with_keys_then_a_person_then_the_call_ends(server, caller):
    caller.ring()
    first = caller.silence()
    assert first == f"{call_words.NOT_HEARD} Hello! What can I do for you?"
    second = caller.silence()
    assert second.startswith(call_words.STILL_THERE) and "For my balance, press 2." in second
    assert second.endswith(call_words.PERSON_KEY)
    assert caller.silence() == call_words.OFFER_PERSON
    assert not caller.hung_up()
    assert caller.silence() == call_words.CANNOT_HEAR
    assert caller.hung_up()
    assert heard(server) == ["hello"]


def test_silence_after_an_open_question_is_helped_by_examples(server, caller):
    server.agent.script["hello"] = [say("What can I do for you?")]
    caller.ring()
    caller.silence()
    assert "where is my order, what's my balance" in caller.silence()


def test_a_word_ends_the_silence(server, caller):
    caller.ring()
    caller.silence()
    caller.silence()
    caller.say("my balance")
    assert caller.silence().startswith(call_words.NOT_HEARD)


def test_the_offered_person_is_taken_by_word(server, caller):
    caller.ring()
    for _ in range(3):
        caller.silence()
    caller.say("Yes, a person.")
    assert server.agent.received[-1].parse_data["intent"]["name"] == "request_human"


def test_star_repeats(server, caller):
    first = caller.ring()
    assert caller.press("*") == first
    assert heard(server) == ["hello"]


def test_words_that_twilio_is_unsure_of_are_asked_again_and_then_a_person_comes(server, caller):
    caller.ring()
    first = caller.say("blurb", confidence="0.12")
    assert first == f"{call_words.NOT_CAUGHT} Hello! What can I do for you?"
    assert "press 2" in caller.say("blurb", confidence="0.12")
    assert heard(server) == ["hello"]
    caller.say("blurb", confidence="0.12")
    assert caller.xml.find("Dial") is not None
    assert heard(server) == ["hello", "Talk to a person"]


def test_a_model_that_tells_no_confidence_is_believed(server, caller):
    caller.ring()
    assert caller.say("my bill", confidence="0.0") == "You said my bill."


def test_three_answers_that_were_not_understood_bring_a_person(server, caller):
    server.agent.script["unknown"] = [say("I don't know that.", outcome="unknown")]
    caller.ring()
    assert caller.say("wibble") == "I don't know that."
    caller.say("wobble")
    caller.say("wubble")
    assert caller.xml.find("Dial/Number").text == PERSON_NUMBER
    assert heard(server)[-2:] == ["wubble", "Talk to a person"]


def test_an_answer_between_starts_the_count_again(server, caller):
    server.agent.script["wibble"] = [say("I don't know that.", outcome="unknown")]
    caller.ring()
    for words in ("wibble", "wibble", "fine", "wibble", "wibble"):
        caller.say(words)
    assert caller.xml.find("Dial") is None


def test_a_failed_try_in_a_form_counts(server, caller):
    server.agent.script["um"] = [ActiveLoop("balance_form"), SlotSet("tries", 1.0), say("Which number?")]
    caller.ring()
    caller.say("um")
    assert "missed=1" in caller.path


def test_a_person_is_rung_with_the_packet(server, caller):
    caller.ring()
    said = caller.press("0")
    assert said == "I'm passing you to our billing team now."  # neither the card nor what only holds in writing
    dial = caller.xml.find("Dial")
    assert (dial.get("timeout"), dial.get("answerOnBridge")) == ("25", "true")
    number = dial.find("Number")
    assert number.text == PERSON_NUMBER
    assert number.get("url") == f"{PUBLIC}/webhooks/voice/whisper?packet={PACKET}"


def test_who_answers_hears_the_reference_and_takes_the_call_by_key(server, caller):
    path = f"/webhooks/voice/whisper?packet={PACKET}"
    agents = call("CAchild", CallStatus="in-progress", Direction="outbound-dial", ParentCallSid=caller.sid)
    assert post(server.url, path, agents, signed="x").status_code == 403
    xml = post(server.url, path, agents).text
    assert "The reference is 4, F A, 7 2, C." in xml and "<Hangup" in xml
    assert post(server.url, path, agents | {"Digits": "5"}).text.endswith("<Response />")


def test_a_call_that_was_taken_ends_when_the_person_hangs_up(server, caller):
    caller.ring()
    caller.press("0")
    caller.send(DialCallStatus="completed", DialCallSid="CAchild", DialCallDuration="61", DialBridged="true")
    assert caller.hung_up()
    tracker = server.agent.trackers[conversation_of("voice", caller.sid)]
    assert tracker.events[-1].text == "The caller was put through to a person."
    assert tracker.events[-1].metadata == {"author": "system", "notice": "telephone"}


@pytest.mark.parametrize("result", [{"DialCallStatus": "no-answer"}, {"DialCallStatus": "busy"}])
def test_when_nobody_answers_the_caller_has_the_queues_choices(server, caller, result):
    server.agent.script["Call me back"] = [say("When shall we call you?")]
    caller.ring()
    caller.press("0")
    said = caller.send(**result)
    assert said.startswith(call_words.NOBODY)
    assert "For keep waiting, press 1. For call me back, press 2." in said and "Correct" not in said
    assert caller.press("2") == "When shall we call you?"
    assert heard(server)[-1] == "Call me back"


def test_a_number_that_is_said_is_the_one_that_was_offered(server, caller):
    caller.ring()
    caller.press("0")
    caller.send(DialCallStatus="busy")
    caller.say("Number two, please.")
    assert heard(server)[-1] == "Call me back"
    assert caller.say("number four")
    assert heard(server)[-1] == "number four"


def test_a_mailbox_that_answers_takes_no_call(server, caller):
    caller.ring()
    caller.press("0")
    said = caller.send(DialCallStatus="completed", DialCallDuration="9", DialBridged="false")
    assert said.startswith(call_words.NOBODY)


def test_who_keeps_waiting_is_put_through_again_but_not_for_ever(server, caller):
    server.agent.script["Keep waiting"] = [say("All right.")]
    caller.ring()
    caller.press("0")
    for _ in range(call_turns.MAX_DIALLED - 1):
        caller.send(DialCallStatus="no-answer")
        caller.say("keep waiting")
        assert caller.xml.find("Dial") is not None
    caller.send(DialCallStatus="no-answer")
    caller.say("keep waiting")
    assert caller.xml.find("Dial") is None


def test_nobody_is_rung_while_the_team_is_away(server, caller):
    server.agent.script["request_human"] = CLOSED
    caller.ring()
    said = caller.press("0")
    assert caller.xml.find("Dial") is None
    assert said.startswith("I'm passing this on. They're back tomorrow at eight a.m. For call me back, press 1.")


def test_the_desk_knows_whom_to_ring_back_and_the_number_is_a_token(server, caller):
    caller.ring()
    caller.press("0")
    conversation = conversation_of("voice", caller.sid)
    notice = server.agent.trackers[conversation].events[-1]
    assert notice.metadata["notice"] == "telephone"
    assert "7700900123" not in notice.text and "[[phone:" in notice.text
    assert shared_vault().reveal(conversation, notice.text) == "The customer rang from +447700900123."


def test_a_withheld_number_is_no_obstacle(server):
    caller = Caller(server.url, next(sids), number="anonymous")
    caller.ring()
    caller.press("0")
    notice = server.agent.trackers[conversation_of("voice", caller.sid)].events[-1]
    assert notice.text == "The customer rang from a number that is not known."


def test_a_person_who_took_over_at_the_desk_is_rung_when_the_caller_speaks(server, caller):
    server.agent.script["unknown"] = []
    caller.ring()
    server.agent.trackers[conversation_of("voice", caller.sid)].update(SlotSet("owner", "agent"))
    caller.say("hello?")
    assert caller.xml.find("Dial") is not None


def test_a_long_answer_stops_and_goes_on_when_asked(server, caller):
    sentences = [f"Sentence number {n} is about your contract." for n in range(1, 25)]
    server.agent.script["tell me"] = [say(" ".join(sentences))]
    caller.ring()
    said = caller.say("tell me")
    parts = []
    while said.endswith(spoken.MORE):
        parts.append(said.removesuffix(spoken.MORE).strip())
        said = caller.press("*") if len(parts) % 2 else caller.say("More, please.")
    assert " ".join([*parts, said]) == " ".join(sentences)
    assert len(parts) == 2
    assert heard(server) == ["hello", "tell me"]


def test_a_request_that_comes_again_has_the_same_answer_and_no_second_turn(server, caller):
    caller.ring()
    path = caller.path
    fields = {"SpeechResult": "my bill", "Confidence": "0.9"}
    first, second = caller.request(path, **fields), caller.request(path, **fields)
    assert first.text == second.text
    assert heard(server) == ["hello", "my bill"]


def test_a_recorded_request_of_an_earlier_step_is_refused(server, caller):
    caller.ring()
    path = caller.path
    caller.say("my bill")
    caller.say("thanks")
    assert caller.request(path, SpeechResult="my bill", Confidence="0.9").status_code == 403
    assert caller.request(START, CallStatus="ringing").status_code == 403
    assert heard(server) == ["hello", "my bill", "thanks"]


@pytest.mark.parametrize("route", [START, "/webhooks/voice/dialled", "/webhooks/voice/wait", "/webhooks/voice/whisper"])
def test_what_twilio_has_not_signed_stays_outside(server, route):
    form = call(next(sids), SpeechResult="hi")
    for signed in ("", "x", signature(route + "?turn=1", form), signature(route, form, token="another")):
        assert post(server.url, route, form, signed=signed or b"").status_code == 403
    assert heard(server) == []


def test_where_a_call_stands_cannot_be_changed_without_twilio(server, caller):
    caller.ring()
    form = call(caller.sid, SpeechResult="hi")
    answer = post(server.url, caller.path + "&dialled=0&missed=0", form, signed=signature(caller.path, form))
    assert answer.status_code == 403


def test_a_slow_turn_is_waited_for(server, caller, monkeypatch):
    monkeypatch.setattr(voice, "ANSWER_WITHIN", 0.05)
    caller.ring()
    until = time.monotonic() + 10
    while caller.heard == call_words.ONE_MOMENT and time.monotonic() < until:
        caller.send()
    server.agent.waits = threading.Event()
    assert caller.say("my bill") == call_words.ONE_MOMENT
    assert "/wait?turn=1" in caller.path
    assert caller.send() == call_words.ONE_MOMENT
    server.agent.waits.set()
    until = time.monotonic() + 10
    while caller.heard == call_words.ONE_MOMENT and time.monotonic() < until:
        caller.send()
    assert caller.heard == "You said my bill."
    assert heard(server) == ["hello", "my bill"]


def test_a_caller_who_hung_up_starts_no_turn(server, caller):
    caller.ring()
    caller.send(CallStatus="completed", SpeechResult="hi")
    assert heard(server) == ["hello"]


def test_a_failure_is_told_and_the_call_goes_on(server, caller, monkeypatch):
    caller.ring()

    async def broken(_conversation):
        raise RuntimeError("my secret words")

    monkeypatch.setattr(server.agent, "retrieve", broken)
    assert caller.say("my bill") == call_words.FAILED
    monkeypatch.undo()
    assert "turn=2" in caller.path


def test_what_an_agent_writes_cannot_be_said_and_the_desk_is_told(server, caller):
    caller.ring()
    conversation = conversation_of("voice", caller.sid)
    output = server.channels[0].get_output_channel()
    with pytest.raises(DeliveryFailed, match="ring them back"):
        server.call(output.send_response(conversation, {"text": "Hi", "author": "agent"}))
    server.call(output.send_response(conversation, {"text": "Priya has joined.", "author": "system"}))


def test_no_log_holds_the_number_or_the_words(server, caller, caplog):
    caplog.set_level(logging.DEBUG)
    caller.ring()
    caller.say("my secret words")
    caller.press("0")
    caller.send(DialCallStatus="no-answer")
    assert "7700900123" not in caplog.text and "secret words" not in caplog.text


def test_payloads_are_signed_for_the_call(server, caller):
    caller.ring()
    caller.press("1")
    assert server.agent.received[-1].parse_data["intent"]["name"] == "order_status"
    assert signing.verify(signing.sign("/order_status", "x"), conversation_of("voice", caller.sid)) is None


def test_odd_steps_in_an_address_are_zero():
    assert Step.read({"turn": "3", "silent": "-1", "missed": "x", "left": "99999"}) == Step(turn=3)
    assert Step.read({}) == Step()
    assert Step.read({"turn": "7", "left": "2"}).query() == "turn=7&left=2"


def test_health_checks_need_no_signature(server):
    assert httpx.get(f"{server.url}/webhooks/voice/").json() == {"status": "ok"}


def test_without_a_number_for_transfers_the_queues_choices_are_offered(server, monkeypatch):
    [channel] = server.channels
    monkeypatch.setattr(channel._turns, "_transfer_number", "")
    caller = Caller(server.url, next(sids))
    caller.ring()
    said = caller.press("0")
    assert caller.xml.find("Dial") is None
    assert "For call me back, press 1." in said and "waiting" not in said
