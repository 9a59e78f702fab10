"""What every form and task can do, shown on a small form of its own."""

from collections.abc import Iterator
from typing import Any

import pytest
from chats import Chat

from actions import parsing, pauses
from actions.conversation import ActionAskChange, ActionAskConfirmed, ActionStop
from actions.fields import Field
from actions.forms import FORMS, Form
from actions.handoff import ActionHandoff
from actions.tasks import TASKS, Task
from actions.turns import Turn

pytestmark = pytest.mark.usefixtures("database")
done: list[tuple[str, str]] = []


def _colour(turn: Turn) -> str | None:
    return next((c for c in ("red", "green", "blue") if c in turn.text.lower()), None)


def _size(turn: Turn) -> str | None:
    return next((s for s in ("small", "large") if s in turn.text.lower()), None)


@pytest.fixture(autouse=True)
def sample() -> Iterator[None]:
    """A form that confirms, its task, and a second form that has one slot and no read-back."""
    done.clear()

    class PaintForm(Form):
        form, title, confirm = "paint_form", "choosing your paint", True
        fields = {
            "colour": Field(_colour, lambda t: "Which colour?", _colour, "the colour", "colour", clears=("size",)),
            "size": Field(_size, lambda t: "Small or large?", _size, "the size", "size"),
            "note": Field(lambda t: parsing.free_text(t.text), lambda t: "A note?", skipped="none", free=True),
        }
        wants = {"buy_paint": "to buy paint"}

        def read_back(self, turn: Turn) -> str:
            return f"{turn.get('colour')} {turn.get('size')}, right?"

    class BuyPaint(Task):
        form, action, result = "paint_form", "action_buy_paint", "Paint"

        def perform(self, turn: Turn) -> None:
            done.append((turn.get("colour"), turn.request(turn.get("colour"))))
            turn.say("Bought.")

    class ColourForm(Form):
        form, title = "colour_form", "the colour"
        fields = {"shade": Field(_colour, lambda t: "Which?", _colour, "the shade", "shade")}
        wants = {"see_colour": "to see a colour"}

        def check(self, turn: Turn) -> None:
            if turn.get("shade") == "blue":
                turn.finish("There is no blue.")
            elif turn.get("shade") == "green" and "large" in turn.text:
                turn.instead("paint_form", colour="green", size="large")

    class SeeColour(Task):
        form, action, result = "colour_form", "action_see_colour", "Colour"

        def perform(self, turn: Turn) -> None:
            if turn.get("shade") == "red":
                turn.offer_person("Red is out. A person?", "customer_asked")
            elif turn.text == "paint it green":
                turn.then("paint_form", colour="green")
            else:
                turn.say("Here it is.")

    yield
    for name in ("paint_form", "colour_form"):
        del FORMS[name]
    for name in ("action_buy_paint", "action_see_colour"):
        del TASKS[name]


def paint(chat: Chat, text: str = "paint please") -> Chat:
    chat.hear(text, "buy_paint").start("paint_form").run(FORMS["paint_form"])
    return chat


def at_read_back(chat: Chat) -> Chat:
    paint(chat, "a large red one").hear("matt").run(FORMS["paint_form"])
    assert chat.asked == "confirmed"
    return chat


def say(chat: Chat, text: str, intent: str = "inform", form: str = "paint_form", **more: Any) -> list[str]:
    return chat.hear(text, intent, **more).run(FORMS[form])


def test_several_values_in_the_first_sentence_are_not_asked_again(chat: Chat) -> None:
    assert paint(chat, "a large red one").asked == "note"


def test_nothing_happens_before_the_yes_and_once_after_it(chat: Chat) -> None:
    at_read_back(chat)
    assert chat.run(ActionAskConfirmed()) == ["red large, right?"] and chat.buttons == ["Yes", "No"]
    assert chat.run(TASKS["action_buy_paint"]) == [] and done == []
    at_read_back(chat)
    say(chat, "yes", "affirm")
    assert chat.asked is None and chat.run(TASKS["action_buy_paint"]) == ["Bought."]
    assert len(done) == 1 and chat.slots["served"] is True
    assert all(chat.slots[slot] is None for slot in ("colour", "size", "note", "confirmed"))


def test_a_yes_that_repeats_a_value_is_a_yes_and_one_that_changes_it_is_not(chat: Chat) -> None:
    at_read_back(chat)
    assert say(chat, "yes, but make it green", "affirm") != [] and chat.asked == "size"
    at_read_back(chat)
    say(chat, "yes, the red one", "affirm")
    assert chat.asked is None and chat.run(TASKS["action_buy_paint"]) == ["Bought."]


def test_cancel_it_outside_a_task_can_mean_a_task(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    chat.hear("cancel it", "stop").run(ActionStop())
    assert chat.followup is None and "nothing in progress" in chat.said[0]["text"]
    monkeypatch.setattr(type(FORMS["paint_form"]), "claims", lambda self, turn: True)
    assert chat.hear("cancel it", "stop").run(ActionStop()) == [] and chat.followup == "paint_form"
    paint(chat).hear("cancel it", "stop").run(ActionStop())
    assert chat.followup is None and "stopped that" in chat.said[0]["text"]


def test_a_task_can_claim_a_message_that_would_start_another_one(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(FORMS["paint_form"]), "claims", lambda self, turn: "paint it" in turn.text)
    chat.hear("paint it red", "see_colour").start("colour_form").run(FORMS["colour_form"])
    assert chat.asked is None and chat.run(TASKS["action_see_colour"]) == [] and chat.followup == "paint_form"
    chat.start("paint_form").run(FORMS["paint_form"])
    assert (chat.slots["colour"], chat.slots["shade"], chat.asked) == ("red", None, "size")


@pytest.mark.parametrize("intent", ["deny", "correct"])
def test_a_no_that_names_what_is_wrong_is_not_asked_what_to_change(chat: Chat, intent: str) -> None:
    at_read_back(chat)
    say(chat, "no, the size is wrong", intent)
    assert (chat.asked, chat.slots["size"], chat.slots["colour"]) == ("size", None, "red")
    at_read_back(chat)
    say(chat, "no, I don't want that colour at all", "deny")
    assert chat.asked == "change"


def test_the_key_of_a_request_is_the_same_for_the_same_message_only(chat: Chat) -> None:
    at_read_back(chat)
    say(chat, "yes", "affirm")
    slots = dict(chat.slots)
    chat.run(TASKS["action_buy_paint"])
    chat.slots = dict(slots)
    chat.run(TASKS["action_buy_paint"])
    assert done[0] == done[1]
    chat.slots = dict(slots)
    chat.hear("yes", "affirm").run(TASKS["action_buy_paint"])
    assert done[2][1] != done[1][1]


def test_a_correction_is_said_back_and_empties_what_depends_on_it(chat: Chat) -> None:
    paint(chat, "a large red one")
    assert say(chat, "no, make it blue", "correct") == ["Thanks, I've changed the colour to blue."]
    assert (chat.slots["colour"], chat.slots["size"], chat.asked) == ("blue", None, "size")


def test_no_at_the_read_back_asks_what_to_change(chat: Chat) -> None:
    at_read_back(chat)
    say(chat, "no", "deny")
    assert chat.asked == "change"
    chat.run(ActionAskChange())
    assert chat.buttons == ["The colour", "The size", "Nothing, stop"]
    say(chat, "the size", "nlu_fallback")
    assert (chat.asked, chat.slots["size"], chat.slots["colour"]) == ("size", None, "red")
    say(chat, "small")
    assert chat.asked == "confirmed"


def test_no_with_a_new_value_changes_it_at_once(chat: Chat) -> None:
    at_read_back(chat)
    say(chat, "no, the small one", "deny")
    assert (chat.slots["size"], chat.asked) == ("small", "confirmed")


def test_no_twice_leaves_everything_as_it_is(chat: Chat) -> None:
    at_read_back(chat)
    say(chat, "no", "deny")
    said = say(chat, "no, nothing", "deny")
    assert "left everything as it is" in said[0] and chat.asked is None
    assert chat.run(TASKS["action_buy_paint"]) == [] and done == []


def test_a_correction_without_a_value_asks_for_the_one_that_is_named(chat: Chat) -> None:
    at_read_back(chat)
    say(chat, "the colour is wrong", "correct")
    assert (chat.asked, chat.slots["colour"]) == ("colour", None)


def test_a_refusal_skips_explains_and_then_offers_a_person(chat: Chat) -> None:
    paint(chat, "a large red one")
    say(chat, "I'd rather not", "refuse")
    assert (chat.slots["note"], chat.asked) == ("none", "confirmed")
    paint(chat)
    chat.hear("not telling", "refuse").run(FORMS["paint_form"])
    assert [m.get("response") for m in chat.said] == ["utter_explain", None] and chat.asked == "colour"
    said = say(chat, "no really", "refuse")
    assert "person" in said[0] and chat.slots["offer"] == "person" and chat.asked is None
    assert chat.run(TASKS["action_buy_paint"]) == []


def test_another_task_in_between_comes_back_without_asking_again(chat: Chat) -> None:
    paint(chat, "red paint")
    chat.hear("show me a colour", "see_colour").run(FORMS["paint_form"])
    assert chat.rejected()
    chat.start("colour_form").run(FORMS["colour_form"])
    assert pauses.waiting(chat.tracker()) == ["paint_form"] and chat.asked == "shade"
    say(chat, "green", form="colour_form")
    said = chat.run(TASKS["action_see_colour"])
    assert said == ["Here it is.", "Now, back to choosing your paint."]
    assert chat.followup == "paint_form"
    chat.start("paint_form").run(FORMS["paint_form"])
    assert (chat.slots["colour"], chat.asked) == ("red", "size")
    assert pauses.waiting(chat.tracker()) == []


def test_stopping_the_second_task_returns_to_the_first(chat: Chat) -> None:
    paint(chat, "red paint").hear("show me a colour", "see_colour").start("colour_form").run(FORMS["colour_form"])
    said = chat.hear("forget it", "stop").run(ActionStop())
    assert said == ["All right, I've stopped that.", "Now, back to choosing your paint."]
    assert chat.followup == "paint_form" and chat.slots["colour"] == "red"


def test_an_offer_of_a_person_is_answered_before_the_first_task_goes_on(chat: Chat) -> None:
    paint(chat, "red paint").hear("show me a colour", "see_colour").start("colour_form").run(FORMS["colour_form"])
    say(chat, "red", form="colour_form")
    assert chat.run(TASKS["action_see_colour"]) == ["Red is out. A person?"]
    assert chat.followup is None and pauses.waiting(chat.tracker()) == ["paint_form"]


def test_a_form_that_finishes_early_does_nothing_and_returns(chat: Chat) -> None:
    paint(chat, "red paint").hear("show me a colour", "see_colour").start("colour_form").run(FORMS["colour_form"])
    assert say(chat, "blue", form="colour_form") == ["There is no blue."] and chat.asked is None
    assert chat.run(TASKS["action_see_colour"]) == ["Now, back to choosing your paint."]


def test_a_task_can_go_on_with_another_one(chat: Chat) -> None:
    chat.hear("see a colour", "see_colour").start("colour_form").run(FORMS["colour_form"])
    say(chat, "paint it green", form="colour_form")
    chat.run(TASKS["action_see_colour"])
    assert chat.followup == "paint_form"
    chat.start("paint_form").run(FORMS["paint_form"])
    assert (chat.slots["colour"], chat.asked) == ("green", "size")


def test_a_form_can_end_for_another_one(chat: Chat) -> None:
    chat.hear("see a colour", "see_colour").start("colour_form").run(FORMS["colour_form"])
    assert say(chat, "green, and a large tin", form="colour_form") == [] and chat.asked is None
    assert chat.run(TASKS["action_see_colour"]) == [] and chat.followup == "paint_form"
    assert chat.slots["shade"] is None and chat.slots["ended"] is None
    chat.start("paint_form").run(FORMS["paint_form"])
    assert (chat.slots["colour"], chat.slots["size"], chat.asked) == ("green", "large", "note")


def test_the_form_that_goes_on_waits_no_longer(chat: Chat) -> None:
    paint(chat, "red paint").hear("show me a colour", "see_colour").start("colour_form").run(FORMS["colour_form"])
    assert pauses.waiting(chat.tracker()) == ["paint_form"]
    say(chat, "green, and a large tin", form="colour_form")
    chat.run(TASKS["action_see_colour"])
    assert chat.followup == "paint_form" and pauses.waiting(chat.tracker()) == []


def test_a_form_forgets_the_one_that_it_replaces(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(FORMS["colour_form"]), "replaces", frozenset({"paint_form"}))
    paint(chat, "red paint").hear("show me a colour", "see_colour").start("colour_form").run(FORMS["colour_form"])
    assert pauses.waiting(chat.tracker()) == []
    say(chat, "green", form="colour_form")
    assert chat.run(TASKS["action_see_colour"]) == ["Here it is."] and chat.followup is None


def test_a_handover_forgets_what_waited(chat: Chat) -> None:
    paint(chat, "red paint").hear("show me a colour", "see_colour").start("colour_form").run(FORMS["colour_form"])
    chat.hear("a person", "request_human").run(ActionHandoff())
    assert pauses.waiting(chat.tracker()) == [] and chat.slots["owner"] == "queue"


def test_what_waited_in_an_earlier_session_is_not_taken_up_again(chat: Chat) -> None:
    paint(chat, "red paint").hear("show me a colour", "see_colour").start("colour_form").run(FORMS["colour_form"])
    chat.events.append({"event": "session_started", "timestamp": 99.0})
    assert pauses.waiting(chat.tracker()) == []


def test_a_fresh_start_forgets_the_values_of_an_earlier_run(chat: Chat) -> None:
    paint(chat, "red paint").hear("stop it", "stop")
    chat.form = None
    assert paint(chat).slots["colour"] is None


@pytest.mark.parametrize(
    ("text", "intent", "confidence", "answer"),
    [
        ("red", "see_colour", 0.6, True),
        ("the red one please", "see_colour", 0.95, False),
        ("is red nice?", "ask_question", 0.5, False),
        ("red", "stop", 0.9, False),
        ("red I suppose", "nlu_fallback", 0.3, True),
    ],
)
def test_what_counts_as_an_answer(chat: Chat, text: str, intent: str, confidence: float, answer: bool) -> None:
    paint(chat).hear(text, intent)
    chat.message["intent"]["confidence"] = confidence
    chat.run(FORMS["paint_form"])
    assert (chat.slots["colour"] == "red") is answer


@pytest.mark.parametrize(
    ("text", "intent", "answer"),
    [
        ("nobody ever told me that it would cost so much", "ask_question", True),
        ("the line is dead", "report_problem", True),
        ("I rang about my balance three times and nobody ever called me back", "balance", True),
        ("what's my balance", "balance", False),
        ("how much does a visit cost", "ask_question", False),
        ("could you tell me what a visit costs?", "ask_question", False),
        ("get me a person", "request_human", False),
    ],
)
def test_a_free_question_takes_the_customers_own_words(chat: Chat, text: str, intent: str, answer: bool) -> None:
    paint(chat, "a large red one").hear(text, intent).run(FORMS["paint_form"])
    assert (chat.slots["note"] == text) is answer


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("NO482136", True),
        ("it's na 204518, ls1 4ap please", True),
        ("where is order NO482136", False),
        ("4", True),
        ("LS1 4AP?", False),
        ("yes", False),
        ("", False),
    ],
)
def test_a_message_with_nothing_but_values(text: str, values: bool) -> None:
    assert parsing.nothing_but_values(text) is values
