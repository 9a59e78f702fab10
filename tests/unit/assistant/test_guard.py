import asyncio
from types import SimpleNamespace

import pytest
from rasa.core.channels.channel import CollectingOutputChannel, UserMessage
from rasa.shared.core.events import SlotSet
from rasa.shared.core.slots import AnySlot
from rasa.shared.core.trackers import DialogueStateTracker

from assistant.channels import guard as module
from assistant.channels import recovery, sentences, signing
from assistant.channels.guard import Guard
from assistant.channels.limits import Limits
from assistant.channels.output import GuardedOutput
from assistant.channels.turns import Turns
from assistant.privacy import redactor
from tests.unit.assistant.test_recovery import Conversation

CUSTOMER = "c0ffee"


class Rasa:
    """Stands for Rasa: keeps what reaches it, and answers, fails or says nothing."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.received = []

    async def __call__(self, message):
        self.received.append(message)
        answer = self.answers.pop(0) if self.answers else "Hello!"
        if isinstance(answer, Exception):
            raise answer
        if answer is not None:
            await message.output_channel.send_response(message.sender_id, {"text": answer})


def send(rasa, *texts, guard=None, **options):
    """What the customer reads after sending texts, as a list of messages."""
    guard = guard or Guard(rasa)
    output = CollectingOutputChannel()

    async def scene():
        for text in texts:
            await guard.handle(UserMessage(text, output, CUSTOMER, **options))

    asyncio.run(scene())
    return output.messages


def texts(messages):
    return [message["text"] for message in messages]


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(module, "RETRY_AFTER", 0)


def test_an_ordinary_message_passes_unchanged():
    rasa = Rasa()
    assert texts(send(rasa, "Where's my order? 😀 <b>")) == ["Hello!"]
    [message] = rasa.received
    assert (message.text, message.sender_id, message.parse_data) == ("Where's my order? 😀 <b>", CUSTOMER, None)


@pytest.mark.parametrize(
    "typed", ["/restart", " /session_start", "\u200b/restart", '/inform{"owner": "agent"}', "/affirm#" + "0" * 32]
)
def test_a_typed_command_is_just_text(typed):
    rasa = Rasa()
    send(rasa, typed)
    [message] = rasa.received
    assert message.parse_data is None
    assert not message.text.startswith("/")
    assert message.text[1:] == typed.strip().strip("\u200b")[1:]


def test_a_signed_button_is_its_intent_under_its_title():
    rasa = Rasa()
    signed = signing.sign('/choose{"slot": "am"}', CUSTOMER)
    send(rasa, "Tuesday morning", metadata={"payload": signed})
    [message] = rasa.received
    assert message.text == "Tuesday morning"
    assert message.metadata == {}
    assert message.parse_data["intent"] == {"name": "choose", "confidence": 1.0}
    assert [(e["entity"], e["value"]) for e in message.parse_data["entities"]] == [("slot", "am")]


def test_a_signed_payload_sent_as_text_is_its_intent():
    rasa = Rasa()
    send(rasa, signing.sign("/affirm", CUSTOMER))
    assert rasa.received[0].parse_data["intent"]["name"] == "affirm"
    assert rasa.received[0].text == "/affirm"


@pytest.mark.parametrize("forged", ["/affirm", "/affirm#" + "0" * 32, signing.SEPARATOR])
def test_a_forged_button_is_its_title_at_most(forged):
    rasa = Rasa()
    send(rasa, "Yes", metadata={"payload": forged})
    assert all(message.parse_data is None for message in rasa.received)
    assert rasa.received[0].text in ("Yes", forged)
    assert not rasa.received[0].text.startswith("/")


def test_another_conversations_button_is_no_intent():
    rasa = Rasa()
    send(rasa, signing.sign("/affirm", "another"))
    assert rasa.received[0].parse_data is None


def test_a_button_without_an_intent_stands_for_its_words():
    rasa = Rasa()
    send(rasa, "Slow or dropping", metadata={"payload": "Slow or dropping connection"})
    assert rasa.received[0].text == "Slow or dropping connection"


def test_buttons_go_out_signed_and_the_original_stays():
    class Offer(Rasa):
        async def __call__(self, message):
            self.buttons = [{"title": "Yes", "payload": "/affirm"}, {"title": "Slow", "payload": "slow"}]
            await message.output_channel.send_response(CUSTOMER, {"text": "Shall I?", "buttons": self.buttons})

    rasa = Offer()
    [message] = send(rasa, "hi")
    yes, slow = message["buttons"]
    assert signing.verify(yes["payload"], CUSTOMER) == "/affirm"
    assert slow["payload"] == "slow"
    assert rasa.buttons[0]["payload"] == "/affirm"


@pytest.mark.parametrize("empty", ["", "  \n", "\u200b\ufeff", "\x00", None])
def test_an_empty_message_gets_a_sentence_and_stops_here(empty):
    rasa = Rasa()
    assert texts(send(rasa, empty)) == [sentences.EMPTY]
    assert rasa.received == []


def test_a_message_that_is_no_text_gets_a_sentence_and_stops_here(caplog):
    rasa = Rasa()
    output = CollectingOutputChannel()
    message = UserMessage("", output, CUSTOMER)
    message.text = {"a": 1}
    asyncio.run(Guard(rasa).handle(message))
    assert texts(output.messages) == [sentences.EMPTY]
    assert rasa.received == []
    assert "is not text" in caplog.text


def test_the_limit_is_said_when_a_message_is_too_long():
    rasa = Rasa()
    assert texts(send(rasa, "x" * 1_000)) == ["Hello!"]
    for length in (1_001, 10_000, 100_000):
        assert texts(send(rasa, "x" * length)) == [sentences.too_long(1_000)]
    assert "1,000 characters" in sentences.too_long(1_000)
    assert len(rasa.received) == 1


def test_a_channel_can_set_its_own_limits():
    rasa = Rasa()
    guard = Guard(rasa, Limits(characters=20, messages=2))
    said = texts(send(rasa, "x" * 21, "hi", "hi", guard=guard))
    assert said == [sentences.too_long(20), "Hello!", sentences.TOO_FAST]


def test_a_card_number_reaches_nobody_and_the_customer_is_told_once():
    rasa = Rasa()
    said = texts(send(rasa, "it's 4111 1111 1111 1111", "again 4111-1111-1111-1111"))
    assert said == [redactor.notice("card"), "Hello!", "Hello!"]
    assert [message.text for message in rasa.received] == ["it's [card number removed]", "again [card number removed]"]


def test_each_kind_of_secret_is_told_about_once():
    rasa = Rasa()
    said = texts(send(rasa, "my password is hunter2", "cvv 123 and my pin is 4921", "my code is 482915"))
    notices = [redactor.notice(kind) for kind in ("password", "card_code", "code")]
    assert said == [notices[0], "Hello!", notices[1], "Hello!", notices[2], "Hello!"]
    received = "".join(message.text for message in rasa.received)
    assert not any(secret in received for secret in ("hunter2", "123", "4921", "482915"))


def test_a_typed_token_is_made_harmless():
    rasa = Rasa()
    send(rasa, "who is [[email:aaaaaaaaaaaaaaaa]]?")
    assert rasa.received[0].text == "who is [email:aaaaaaaaaaaaaaaa]?"


@pytest.mark.parametrize("asked, received", [("code", "my code is 482915"), ("postcode", "my code is [code removed]")])
def test_a_code_reaches_rasa_only_where_it_was_asked_for(asked, received):
    tracker = DialogueStateTracker.from_events(
        CUSTOMER, [SlotSet("requested_slot", asked)], [AnySlot("requested_slot", [])]
    )

    class Store:
        async def retrieve(self, conversation):
            return tracker

    rasa = Rasa()
    guard = Guard(rasa)
    guard._app = SimpleNamespace(ctx=SimpleNamespace(agent=SimpleNamespace(tracker_store=Store())))
    asyncio.run(guard.handle(UserMessage("my code is 482915", CollectingOutputChannel(), CUSTOMER)))
    assert rasa.received[0].text == received


def test_clients_metadata_is_dropped():
    rasa = Rasa()
    send(rasa, "hi", metadata={"owner": "agent", "is_verified": True})
    assert rasa.received[0].metadata == {}


def test_too_many_messages_get_one_sentence():
    rasa = Rasa()
    said = texts(send(rasa, *["hi"] * 25))
    assert said == ["Hello!"] * 20 + [sentences.TOO_FAST]
    assert len(rasa.received) == 20


def test_a_turn_that_fails_before_a_word_is_tried_once_more():
    rasa = Rasa(RuntimeError("database is locked"), "Hello!")
    assert texts(send(rasa, "hi")) == ["Hello!"]
    assert [message.text for message in rasa.received] == ["hi", "hi"]


def test_a_turn_that_keeps_failing_is_told_and_offers_a_person(caplog):
    rasa = Rasa(RuntimeError("INSERT 'my secret words'"), RuntimeError("INSERT 'my secret words'"))
    [message] = send(rasa, "my secret words")
    assert message["text"] == recovery.NOT_RECEIVED["text"]
    assert signing.verify(message["buttons"][0]["payload"], CUSTOMER) == "/request_human"
    assert "secret" not in caplog.text
    assert "RuntimeError" in caplog.text


def test_a_turn_that_fails_after_speaking_is_told_and_not_repeated():
    class Half(Rasa):
        async def __call__(self, message):
            await super().__call__(message)
            raise RuntimeError("database is locked")

    rasa = Half()
    assert texts(send(rasa, "hi")) == ["Hello!", recovery.NOT_RECEIVED["text"]]
    assert len(rasa.received) == 1


def test_a_silent_turn_without_a_model_is_told():
    assert texts(send(Rasa(None), "hi")) == [recovery.NOT_RECEIVED["text"]]


def test_a_slow_turn_says_so_while_it_goes_on(monkeypatch):
    monkeypatch.setattr(module, "STILL_WORKING_AFTER", 0.01)

    class Slow(Rasa):
        async def __call__(self, message):
            await asyncio.sleep(0.05)
            await super().__call__(message)

    assert texts(send(Slow(), "hi")) == [sentences.STILL_WORKING, "Hello!"]


def test_messages_of_one_sender_are_handled_in_their_order():
    class Slower(Rasa):
        async def __call__(self, message):
            await asyncio.sleep(0.03 if message.text == "first" else 0)
            await super().__call__(message)
            self.done.append(message.text)

    rasa = Slower()
    rasa.done = []
    guard = Guard(rasa)
    output = CollectingOutputChannel()

    async def scene():
        await asyncio.gather(*(guard.handle(UserMessage(t, output, CUSTOMER)) for t in ["first", "second", "third"]))

    asyncio.run(scene())
    assert rasa.done == ["first", "second", "third"]


def test_a_picture_without_words_is_told_and_goes_no_further():
    rasa = Rasa()
    said = texts(send(rasa, "", metadata={"attachments": [{"kind": "image", "name": "me.jpg", "bytes": 9}]}))
    assert said == ["I can't look at pictures here. Could you tell me in words what it shows?"]
    assert rasa.received == []


def test_words_beside_a_picture_are_answered():
    rasa = Rasa()
    said = texts(send(rasa, "it's broken", metadata={"attachments": [{"kind": "image"}]}))
    assert said == ["I can't look at pictures here, so I'll go by what you wrote.", "Hello!"]
    assert (rasa.received[0].text, rasa.received[0].metadata) == ("it's broken", {})


def test_what_a_channel_takes_is_noted_for_the_desk():
    rasa = Rasa()
    guard = Guard(rasa, Limits(attachments=("image",)))
    sent = [{"kind": "image", "name": "me.jpg", "bytes": 9, "url": "https://example.com"}, {"kind": "video"}]
    said = texts(send(rasa, "it's broken", guard=guard, metadata={"attachments": sent}))
    assert said == ["I can't look at videos here, so I'll go by what you wrote.", "Hello!"]
    assert rasa.received[0].metadata == {"attachments": [{"kind": "image", "name": "me.jpg", "bytes": 9}]}


def test_a_taken_picture_without_words_is_put_into_the_conversation():
    conversation = Conversation()
    guard = Guard(Rasa(), Limits(attachments=("image",)))
    conversation.agent.tracker_store = conversation.store
    conversation.agent.processor.fetch_tracker_and_update_session = conversation.store.get_or_create_tracker
    guard._app = SimpleNamespace(ctx=SimpleNamespace(agent=conversation.agent))
    output = CollectingOutputChannel()
    asyncio.run(guard.handle(UserMessage("", output, "c", metadata={"attachments": [{"kind": "image"}]})))
    [told] = texts(output.messages)
    assert told.startswith("I've noted for our people that you sent a picture")
    user, bot = list(conversation.tracker().events)[-2:]
    assert (user.text, user.metadata["attachments"][0]["kind"]) == ("[a picture]", "image")
    assert bot.text == told


def test_what_a_platform_delivers_again_is_handled_once():
    rasa = Rasa()
    guard = Guard(rasa)
    for number in ("m1", "m1", "m2", 7, 7):
        send(rasa, "hi", guard=guard, metadata={"message_id": number})
    assert len(rasa.received) == 3


def test_a_double_click_is_handled_once_and_a_second_yes_twice():
    class Asks(Rasa):
        """Asks a second question before its turn is over."""

        async def __call__(self, message):
            self.received.append(message)
            await asyncio.sleep(0.02)
            await message.output_channel.send_response(message.sender_id, {"text": "And the other one?"})
            await asyncio.sleep(0.02)

    async def scene(pause):
        rasa = Asks()
        guard = Guard(rasa)
        first = asyncio.ensure_future(guard.handle(UserMessage("yes", CollectingOutputChannel(), CUSTOMER)))
        await asyncio.sleep(pause)
        await guard.handle(UserMessage("yes", CollectingOutputChannel(), CUSTOMER))
        await first
        return len(rasa.received)

    assert asyncio.run(scene(0.005)) == 1
    assert asyncio.run(scene(0.03)) == 2


def test_a_network_that_floods_is_refused_and_others_are_not():
    rasa = Rasa()
    guard = Guard(rasa, Limits(address_conversations=3))

    async def scene(address, *senders):
        said = []
        for sender in senders:
            output = CollectingOutputChannel()
            await guard.handle(UserMessage("hi", output, sender, metadata={"address": address}))
            said += texts(output.messages)
        return said

    flood = asyncio.run(scene("203.0.113.9", *"abcd"))
    assert flood == ["Hello!"] * 3 + [sentences.TOO_MANY_FROM_NETWORK]
    assert asyncio.run(scene("203.0.113.10", "e")) == ["Hello!"]


class Broken(CollectingOutputChannel):
    """A platform that takes no messages."""

    async def send_response(self, recipient_id, message):
        raise OSError(f"could not send to +447700900123: {message['text']}")


@pytest.mark.parametrize("text", ["hi", "", "x" * 5_000, "4111 1111 1111 1111"])
def test_a_platform_that_takes_no_messages_ends_no_turn(text, caplog):
    rasa = Rasa()
    asyncio.run(Guard(rasa).handle(UserMessage(text, Broken(), CUSTOMER)))
    assert len(rasa.received) == (text in ("hi", "4111 1111 1111 1111")), "once, and not again"
    assert "could not be delivered: OSError" in caplog.text
    assert "07700" not in caplog.text and "7700900123" not in caplog.text and "Hello" not in caplog.text
    if text == "hi":
        assert "none of its messages could be delivered" in caplog.text


def test_an_agents_message_that_cannot_be_delivered_is_an_error_for_them():
    with pytest.raises(OSError):
        asyncio.run(GuardedOutput(Broken()).send_response(CUSTOMER, {"text": "Hello"}))


def test_when_it_is_busy_the_customer_hears_how_long_it_takes():
    class Busy(Turns):
        def wait(self):
            return 20.0

    said = texts(send(Rasa(), "hi", guard=Guard(Rasa(), turns=Busy())))
    assert said == [sentences.waiting(20.0), "Hello!"]
    assert "about half a minute" in said[0]


def test_a_customer_who_goes_away_neither_ends_the_turn_nor_makes_room():
    class Slow(Rasa):
        async def __call__(self, message):
            await asyncio.sleep(0.05)
            await super().__call__(message)

    async def scene():
        rasa = Slow()
        guard = Guard(rasa, turns=Turns(running=1))
        gone = [
            asyncio.ensure_future(guard.handle(UserMessage("hi", CollectingOutputChannel(), name))) for name in "abc"
        ]
        await asyncio.sleep(0.01)
        for request in gone:
            request.cancel()
        await asyncio.sleep(0.01)
        during = guard.health()["turns"]
        await guard.handle(UserMessage("hi", CollectingOutputChannel(), "d"))
        return during, [message.sender_id for message in rasa.received]

    during, handled = asyncio.run(scene())
    assert (during["running"], during["waiting"]) == (1, 2)
    assert handled == ["a", "b", "c", "d"]
