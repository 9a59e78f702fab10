import asyncio
from types import SimpleNamespace

import pytest
from rasa.core.channels.channel import CollectingOutputChannel, UserMessage
from rasa.shared.core.events import BotUttered, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from assistant.channels import plain, signing
from assistant.channels.guard import Guard

TASKS = [
    {"title": "Track an order", "payload": "/order_status"},
    {"title": "What's my balance?", "payload": "/balance"},
    {"title": "Talk to a person", "payload": "/request_human"},
]
PAYMENTS = [{"title": f"{n} payments of £{60 // n}.00", "payload": f"{n} payments"} for n in (2, 3, 6)]
RATING = [*({"title": str(n), "payload": str(n)} for n in range(1, 6)), {"title": "No thanks", "payload": "/deny"}]
PERSON = [{"title": "Talk to a person", "payload": "/request_human"}]
MANY = [{"title": f"Bill {chr(65 + n)}", "payload": f"bill {n}"} for n in range(12)]


def test_a_text_alone_stays_as_it_is():
    assert plain.as_text({"text": " Hello!\nHow are you? "}) == "Hello!\nHow are you?"


def test_choices_are_numbered_below_the_text():
    said = plain.as_text({"text": "What would you like?", "buttons": TASKS})
    assert said == "What would you like?\n1 Track an order\n2 What's my balance?\n3 Talk to a person"


def test_quick_replies_are_choices_too():
    assert plain.as_text({"text": "So?", "quick_replies": TASKS[:2]}).endswith("2 What's my balance?")


def test_letters_where_a_number_would_mean_something_else():
    said = plain.as_text({"text": "How many?", "buttons": PAYMENTS})
    assert said.splitlines()[1:] == ["A 2 payments of £30.00", "B 3 payments of £20.00", "C 6 payments of £10.00"]
    assert plain.chosen("3", PAYMENTS) is None
    assert plain.chosen("b", PAYMENTS) == "3 payments"
    assert plain.chosen("the second one", PAYMENTS) == "3 payments"


def test_titles_that_are_numbers_need_no_label():
    said = plain.as_text({"text": "How was it?", "buttons": RATING})
    assert said == "How was it?\nYou can reply: 1, 2, 3, 4, 5 or No thanks"
    assert plain.chosen("4", RATING) == "4"
    assert plain.chosen("no thanks", RATING) == "/deny"


def test_a_choice_that_stands_alone_is_named_and_has_no_number():
    assert plain.as_text({"text": "Sorry.", "buttons": PERSON}) == "Sorry.\nYou can reply: Talk to a person"
    assert plain.chosen("1", PERSON) is None
    assert plain.chosen("talk to a person", PERSON) == "/request_human"


def test_of_many_choices_none_is_lost():
    said = plain.as_text({"text": "Which?", "buttons": MANY})
    assert all(button["title"] in said for button in MANY)
    assert said.splitlines()[-1] == "You can also reply: Bill J, Bill K or Bill L"
    assert plain.chosen("Bill L", MANY) == "bill 11"


def test_sources_come_last_and_short():
    message = {
        "text": "It takes 3 days.\nSources: Delivery; Track; Fees",
        "buttons": TASKS[:2],
        "metadata": {"sources": [{"title": "Delivery"}, {"title": "Track" * 20}, {"title": "Fees"}]},
    }
    lines = plain.as_text(message).splitlines()
    assert lines[0] == "It takes 3 days."
    assert lines[-1].startswith("Sources: Delivery; TrackTrack") and lines[-1].endswith("… and 1 more")
    assert len(lines) == 4


def test_pictures_and_files_are_links_and_agents_have_their_name():
    shown = plain.as_text({"text": "Like this.", "image": "https://example.com/a.png", "attachment": "https://b.pdf"})
    assert shown == "Like this.\nhttps://example.com/a.png\nhttps://b.pdf"
    assert plain.as_text({"text": "Hi!", "author": "agent", "agent_name": "Priya"}) == "Priya: Hi!"


def test_what_cannot_be_text_is_logged(caplog):
    assert plain.as_text({"text": "Look:", "custom": {"card": 1}}) == "Look:"
    assert "cannot be shown" in caplog.text


SECOND = [
    "2",
    " 2. ",
    "2)",
    "２",
    "2\ufe0f\u20e3",
    "two",
    "Two please",
    "option 2",
    "number two",
    "#2",
    "the second one",
]
SECOND += [
    "What's my balance?",
    "what’s my BALANCE",
    "2 What's my balance?",
    "2. what's my balance",
    "I'll take the second",
]


@pytest.mark.parametrize("reply", SECOND)
def test_ways_to_pick_the_second(reply):
    assert plain.chosen(reply, TASKS) == "/balance"


@pytest.mark.parametrize(
    "reply",
    ["", "0", "4", "22", "2 orders", "NO482136", "a", "b", "two of them are missing", "no", "12 Park Lane", "?"],
)
def test_what_picks_nothing(reply):
    assert plain.chosen(reply, TASKS) is None


def test_a_button_without_a_payload_gives_its_title():
    assert plain.chosen("1", [{"title": "Red"}, {"title": "Blue"}]) == "Red"


def tracker(*events):
    return DialogueStateTracker.from_events("sms-1", list(events), slots=[])


def said(text, buttons=None, **metadata):
    return BotUttered(text, {"buttons": buttons}, metadata=metadata)


USER = UserUttered("hello", {"name": "greet"})


@pytest.mark.parametrize(
    "events",
    [
        [USER, said("What can I do?", TASKS)],
        [USER, said("Well."), said("What can I do?", TASKS), SlotSet("offer", "person")],
        [USER, said("What can I do?", TASKS), said("Your call is being recorded.")],
        [USER, said("What can I do?", TASKS), said("Priya has left.", author="system", notice="left")],
    ],
)
def test_buttons_of_the_latest_turn_are_open(events):
    assert plain.open_buttons(tracker(*events)) == TASKS


@pytest.mark.parametrize(
    "events",
    [
        [],
        [USER, said("What can I do?", TASKS), USER],
        [USER, said("What can I do?", TASKS), USER, said("What's your order number?")],
        [USER, said("What can I do?", TASKS), said("Or what's your order number?")],
        [USER, said("What can I do?", TASKS), said("Is it number 1?", author="agent", agent_name="Priya")],
    ],
)
def test_buttons_of_earlier_turns_and_before_another_question_are_closed(events):
    assert plain.open_buttons(tracker(*events)) == []


class Agent:
    """Rasa's agent, with one conversation in its store."""

    def __init__(self, *events):
        self.tracker = tracker(*events)
        self.tracker_store = self
        self.asked = []

    def is_ready(self):
        return True

    async def retrieve(self, sender):
        self.asked.append(sender)
        return self.tracker


class TypedChoices(CollectingOutputChannel):
    choices_are_typed = True


def through_the_guard(text, *events, output=None):
    """The message as Rasa gets it."""
    received = []

    async def rasa(message):
        received.append(message)
        await message.output_channel.send_response(message.sender_id, {"text": "Yes."})

    guard = Guard(rasa)
    guard._app = SimpleNamespace(ctx=SimpleNamespace(agent=Agent(*events)))
    output = output or TypedChoices()
    asyncio.run(guard.handle(UserMessage(text, output, "sms-1")))
    return received[0]


def test_the_guard_takes_a_number_for_the_button():
    message = through_the_guard("2", USER, said("What can I do?", TASKS))
    assert message.text == "What's my balance?"
    assert message.parse_data["intent"]["name"] == "balance"


def test_the_guard_takes_a_number_for_the_words_of_a_button_without_intent():
    words = [{"title": "Slow", "payload": "Slow or dropping connection"}, {"title": "None", "payload": "No connection"}]
    message = through_the_guard("one", USER, said("What is it?", words))
    assert (message.text, message.parse_data) == ("Slow or dropping connection", None)


def test_a_number_that_answers_another_question_stays_a_number():
    message = through_the_guard("2", USER, said("What can I do?", TASKS), USER, said("How many did you order?"))
    assert (message.text, message.parse_data) == ("2", None)


def test_channels_with_buttons_of_their_own_are_left_alone():
    message = through_the_guard("2", USER, said("What can I do?", TASKS), output=CollectingOutputChannel())
    assert (message.text, message.parse_data) == ("2", None)


def test_a_pressed_button_is_signed_for_its_conversation():
    message = UserMessage("2", None, "sms-1")
    asyncio.run(plain.take_choice(Agent(USER, said("What can I do?", TASKS)), message))
    assert signing.verify(message.metadata["payload"], "sms-1") == "/balance"
    assert signing.verify(message.metadata["payload"], "sms-2") is None


def test_the_tracker_is_not_read_for_long_texts_and_real_buttons():
    agent = Agent(USER, said("What can I do?", TASKS))
    asyncio.run(plain.take_choice(agent, UserMessage("x" * 300, None, "sms-1")))
    asyncio.run(plain.take_choice(agent, UserMessage("2", None, "sms-1", metadata={"payload": "/affirm#x"})))
    assert agent.asked == []
