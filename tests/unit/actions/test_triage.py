"""Known faults, the decision tree, and the ticket at its end."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from chats import Chat

from actions import assurance, backends
from actions.conversation import ActionAskConfirmed
from actions.triage import (
    ActionAskTriageAnswer,
    ActionOutage,
    ActionTriage,
    ValidateOutageForm,
    ValidateTriageForm,
)
from actions.triage_tree import TreeProblem, tree

pytestmark = pytest.mark.usefixtures("database")
FORM, ASK, REPORT = ValidateTriageForm(), ActionAskTriageAnswer(), ActionTriage()


def started(chat: Chat, text: str = "something is wrong", verified: bool = True) -> Chat:
    """A customer who has said what is wrong, in an area without a fault."""
    if verified:
        assurance.verify_account(chat.id, "NA204518", "LS1 4AP")
    chat.hear(text, "report_problem").start("triage_form").run(FORM)
    if not verified:
        chat.hear("LS1 4AP").run(FORM)
    return chat


def answer(chat: Chat, *titles: str) -> Chat:
    for title in titles:
        assert chat.asked == "triage_answer"
        chat.run(ASK)
        chat.hear(title, "inform").run(FORM)
    return chat


def at(chat: Chat) -> str | None:
    return chat.slots["triage"]["at"]


def test_a_known_fault_is_told_and_nothing_else_is_asked(chat: Chat) -> None:
    chat.hear("my internet is down", "report_problem").start("triage_form").run(FORM)
    assert chat.asked == "outage_postcode"
    [said] = chat.hear("CF10 1EP").run(FORM)
    assert "CF10" in said and "You don't need to do anything" in said and chat.asked is None
    assert chat.run(REPORT) == []


def test_a_verified_customer_is_not_asked_where(chat: Chat) -> None:
    assert started(chat).asked == "triage_answer"


def test_who_would_rather_not_say_where_is_helped_all_the_same(chat: Chat) -> None:
    chat.hear("it's broken", "report_problem").start("triage_form").run(FORM)
    chat.hear("I'd rather not say", "refuse").run(FORM)
    assert chat.asked == "triage_answer"


@pytest.mark.parametrize(
    ("text", "step"),
    [
        ("no internet since this morning", "lights"),
        ("my broadband is really slow", "where_slow"),
        ("the connection keeps dropping", "how_often"),
        ("it's broken", "what"),
    ],
)
def test_the_first_message_leads_to_the_right_step(chat: Chat, text: str, step: str) -> None:
    assert at(started(chat, text)) == step


def test_a_ticket_tells_what_was_tried_and_is_opened_once_after_a_yes(chat: Chat) -> None:
    answer(started(chat, "no internet"), "Amber", "No")
    [said] = chat.run(ActionAskConfirmed())
    assert "No internet after a restart" in said and "light amber, restarted the hub" in said
    assert backends.tickets().own(assurance.current(chat.id)) == []
    chat.hear("yes please", "affirm").run(FORM)
    slots = dict(chat.slots)
    [said] = chat.run(REPORT)
    chat.slots = slots
    chat.run(REPORT)
    [ticket] = backends.tickets().own(assurance.current(chat.id))
    assert ticket.priority == "high" and ticket.reference in said


def test_a_ticket_needs_to_know_who_it_is(chat: Chat) -> None:
    answer(started(chat, "no internet", verified=False), "Amber", "No")
    assert chat.asked == "account_number"
    chat.hear("NA204518").run(FORM)
    chat.hear("LS1 4AP").run(FORM)
    assert chat.asked == "confirmed"


def test_no_at_the_read_back_reports_nothing(chat: Chat) -> None:
    answer(started(chat, "no internet"), "Amber", "No")
    [said] = chat.hear("no", "deny").run(FORM)
    assert "haven't reported anything" in said and chat.run(REPORT) == []
    assert backends.tickets().own(assurance.current(chat.id)) == []


def test_when_it_works_again_the_form_ends(chat: Chat) -> None:
    started(chat, "no internet")
    answer(chat, "Amber")
    [said] = chat.hear("yes it's back!", "affirm").run(FORM)
    assert "working again" in said and chat.asked is None and chat.run(REPORT) == []


def test_a_technician_is_booked_for_the_fault_that_was_found(chat: Chat) -> None:
    answer(started(chat, "no internet"), "Steady red", "Still red")
    chat.hear("yes", "affirm").run(FORM)
    chat.run(REPORT)
    assert chat.followup == "booking_form" and chat.slots["visit_reason"] == "No connection"


def test_a_wrong_answer_can_be_taken_back(chat: Chat) -> None:
    answer(started(chat, "no internet"), "Amber")
    assert at(chat) == "restart"
    chat.hear("sorry, I meant something else", "correct").run(FORM)
    assert at(chat) == "lights" and chat.slots["triage"]["path"] == []


def test_an_unclear_answer_is_asked_again_and_then_a_person_is_offered(chat: Chat) -> None:
    started(chat, "no internet")
    for _ in range(2):
        assert chat.hear("erm", "nlu_fallback").run(FORM) == ["Sorry, which of these is it?"]
    [said] = chat.hear("erm", "nlu_fallback").run(FORM)
    assert "person" in said and chat.buttons == ["Yes", "No"]


@pytest.mark.parametrize(
    ("step", "text", "title"),
    [
        ("lights", "it's orange", "Amber"),
        ("lights", "flashing red", "Flashing red"),
        ("lights", "red", "Steady red"),
        ("lights", "there's no light", "No light"),
        ("restart", "no it isn't back", "No"),
        ("restart", "that works", "Yes"),
        ("cool_down", "it's fine now", "It's fine now"),
        ("where_slow", "only upstairs", "In some rooms"),
        ("how_often", "all the time", "More than 5 times a day"),
        ("what", "hmm", None),
    ],
)
def test_answers_in_other_words(chat: Chat, step: str, text: str, title: str | None) -> None:
    from actions import parsing

    found = tree().steps[step].answer(text, parsing.yes_no(text))
    assert (found.title if found else None) == title


def ways(name: str, way: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for one in tree().steps[name].answers:
        if one.go:
            yield from ways(one.go, (*way, one.title))
        else:
            yield (*way, one.title)


@pytest.mark.parametrize("way", list(ways(tree().start)), ids=" > ".join)
def test_every_way_through_the_tree_ends_well(chat: Chat, way: tuple[str, ...]) -> None:
    started(chat)
    answer(chat, *way)
    assert chat.asked in (None, "confirmed")
    if chat.asked:
        assert "Shall I?" in chat.run(ActionAskConfirmed())[0]
        chat.hear("yes", "affirm").run(FORM)
        assert "You'll hear from our technical team by" in chat.run(REPORT)[0]


SOUND = "start: a\nsteps:\n  a:\n    ask: x\n    answers: [{title: 'Yes', solved: ok}, {title: 'No', %s}]\n"


@pytest.mark.parametrize(
    ("end", "problem"),
    [
        ("go: b", "no step b, to which a leads"),
        ("go: a", "a → a go round in a circle"),
        ("solved: x, visit: y", "exactly one of"),
        ("tried: x", "exactly one of"),
        ("ticket: {subject: x, priority: soon}", "priority"),
        ("solved: x, words: ['(']", "tree.yml"),
    ],
)
def test_a_wrong_tree_is_a_clear_error(tmp_path: Path, end: str, problem: str) -> None:
    path = tmp_path / "tree.yml"
    path.write_text(SOUND % end)
    with pytest.raises(TreeProblem, match=problem):
        tree(path)


def test_a_step_that_nothing_leads_to_is_a_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "tree.yml"
    lost = "  b:\n    ask: y\n    answers: [{title: 'Yes', solved: ok}, {title: 'No', solved: ok}]\n"
    path.write_text(SOUND % "solved: x" + lost)
    with pytest.raises(TreeProblem, match="nothing leads to the step b"):
        tree(path)


def test_faults_by_postcode(chat: Chat) -> None:
    form, task = ValidateOutageForm(), ActionOutage()
    chat.hear("is there an outage", "check_outage").start("outage_form").run(form)
    assert chat.asked == "outage_postcode"
    chat.hear("NE1 7RU").run(form)
    assert "There's a fault in NE1" in chat.run(task)[0]
    chat.form = None
    chat.hear("any faults in LS1 4AP", "check_outage").start("outage_form").run(form)
    assert "can't see any fault at LS1 4AP" in chat.run(task)[0]
