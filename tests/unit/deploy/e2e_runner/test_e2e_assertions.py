"""Each assertion on a turn, and how the conversation is shown when one does not hold."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from scripted import DOMAIN

from tests.e2e_runner.assertions import Outcome, together
from tests.e2e_runner.checks import KINDS, Reader
from tests.e2e_runner.domain import Domain
from tests.e2e_runner.model import Assertion, Turn
from tests.e2e_runner.reading import Located
from tests.e2e_runner.transcript import Message, Played, Problem, difference, report

MESSAGES = [
    Message("You owe £42.50."),
    Message("Anything else?", (("Yes", "/affirm#f00"), ("No", "/deny#f00"), ("Other", "Something else"))),
    Message("Hello, Priya, and welcome."),
]
EVENTS = [
    {"event": "user", "parse_data": {"intent": {"name": "balance"}}},
    {"event": "action", "name": "action_balance"},
    {"event": "slot", "name": "owner", "value": "queue"},
    {"event": "slot", "name": "owner", "value": None},
    {"event": "bot", "text": "You owe £42.50.", "metadata": {"utter_action": "utter_unused"}},
    {"event": "action", "name": "action_listen"},
]
PACKET = {"reason": "policy", "slots": {"products": "fibre 500", "plan": "x"}, "actions": [{"name": "a", "ok": True}]}
LOG = "noise 111111\n[notification] sms to 07…: your code is 204816\n"


@pytest.fixture
def domain(tmp_path: Path) -> Domain:
    path = tmp_path / "domain.yml"
    path.write_text(DOMAIN)
    return Domain.load(path)


@pytest.fixture
def outcome(tmp_path: Path, domain: Domain) -> Outcome:
    database = tmp_path / "backend.db"
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE visits (account TEXT, slot TEXT)")
        connection.executemany("INSERT INTO visits VALUES (?, ?)", [("NA1", "am"), ("NA1", None), ("NA2", "am")])
    connection.close()
    slots = {"owner": None, "postcode": "LS1 4AP", "handoff": PACKET}
    return Outcome(played(MESSAGES), domain, database, lambda: LOG, EVENTS, slots)


def played(messages: list[Message], said: str = "hi", name: str = "customer") -> Played:
    return Played(Turn("user", said, name, 1), "id", said, 0.0, 0, messages)


def check(outcome: Outcome, kind: str, value: Any) -> list[Problem]:
    return outcome.check(Assertion(kind, KINDS[kind](Reader(outcome.domain), located(value), 1), 1))


def located(value: Any) -> Any:
    """As the YAML reader gives it."""
    if isinstance(value, dict):
        return Located({key: located(inner) for key, inner in value.items()})
    return [located(inner) for inner in value] if isinstance(value, list) else value


HOLDS = [
    ("bot", "Anything else?"),
    ("bot", "You owe £42.50.\n\nAnything else?"),
    ("utter", "utter_greet"),
    ("utter", "utter_unused"),
    ("bot_uttered", {"text_matches": "OWE £42\\.50"}),
    ("bot_uttered", {"text_matches": "else", "buttons": ["Yes", "Other"]}),
    (
        "bot_uttered",
        {"buttons": [{"title": "No", "payload": "/deny"}, {"title": "Other", "payload": "Something else"}]},
    ),
    ("bot_uttered", {"utter_name": "utter_greet", "text_matches": "priya"}),
    ("bot_did_not_utter", {"text_matches": "£43", "buttons": ["Maybe"]}),
    ("slot_was_set", [{"owner": "queue"}, {"owner": None}, "postcode", {"name": "postcode", "value": "LS1 4AP"}]),
    ("slot_was_not_set", ["owner", {"postcode": "M3 2BW"}]),
    ("action_executed", "action_balance"),
    ("intent_was", "balance"),
    ("handoff_contains", {"slots": {"products": "fibre 500"}, "actions": [{"name": "a"}]}),
    ("backend_rows", {"table": "visits", "where": {"account": "NA1"}, "count": 2}),
    ("backend_rows", {"table": "visits", "where": {"slot": None}, "count": 1}),
    ("backend_rows", {"table": "visits"}),
    ("notified", {"text_matches": "sms .* \\d{6}$"}),
]
FAILS = [
    ("bot", "Anything", "did not say"),
    ("bot", "Anything else?\n\nYou owe £42.50.", "did not say"),
    ("bot_uttered", {"text_matches": "You owe.*else"}, "fits"),
    ("bot_uttered", {"text_matches": "owe", "buttons": ["Yes"]}, "fits"),
    ("bot_uttered", {"buttons": ["No", "Yes"]}, "fits"),
    ("bot_uttered", {"buttons": [{"title": "Yes", "payload": "/deny"}]}, "fits"),
    ("bot_uttered", {"utter_name": "utter_greet", "text_matches": "£"}, "fits"),
    ("bot_did_not_utter", {"text_matches": "anything"}, "must not say"),
    ("bot_did_not_utter", {"text_matches": "£43", "utter_name": "utter_unused"}, "must not say utter_unused"),
    ("bot_did_not_utter", {"buttons": ["Maybe", "No"]}, "must not say \\[No\\]"),
    ("slot_was_set", [{"owner": "bot"}], "owner was not set"),
    ("slot_was_set", [{"postcode": "M3 2BW"}], "postcode was not set"),
    ("slot_was_not_set", ["postcode"], "postcode must not"),
    ("slot_was_not_set", [{"owner": None}], "owner must not"),
    ("action_executed", ["action_balance", "balance_form"], "balance_form did not run"),
    ("intent_was", "greet", "understood as balance, not as greet"),
    ("handoff_contains", {"slots": {"products": "fibre 900"}}, "slots.products = 'fibre 500', not 'fibre 900'"),
    ("handoff_contains", {"actions": [{"name": "a", "ok": False}]}, "actions"),
    ("backend_rows", {"table": "visits", "where": {"account": "NA2"}, "count": 2}, "1 rows of visits"),
    ("backend_rows", {"table": "visits", "where": {"account": "NA3"}}, "0 rows"),
    ("backend_rows", {"table": "gone"}, "no table `gone`"),
    ("backend_rows", {"table": "visits", "where": {"x": 1}}, "no column `x`"),
    ("notified", {"text_matches": "111111"}, "None of the 1 notifications"),
]


@pytest.mark.parametrize(("kind", "value"), HOLDS)
def test_it_holds(outcome, kind, value):
    assert check(outcome, kind, value) == []


@pytest.mark.parametrize(("kind", "value", "sentence"), FAILS)
def test_it_does_not_hold(outcome, kind, value, sentence):
    [problem] = check(outcome, kind, value)
    assert re.search(sentence, problem.sentence)


def test_steps_name_the_messages_in_their_order(outcome):
    assert not check(outcome, "bot", "You owe £42.50.") and not check(outcome, "utter", "utter_greet")
    assert check(outcome, "bot", "Anything else?")  # it stood before


def test_there_is_no_packet_for_the_agent(outcome, domain):
    nothing = Outcome(outcome.played, domain, outcome.database, lambda: "", [], {"handoff": None})
    assert "no packet" in check(nothing, "handoff_contains", {"reason": "policy"})[0].sentence


@pytest.mark.parametrize(("count", "problems"), [(1, 0), (2, 1), (None, 0)])
def test_an_assertion_about_all_answers(domain, tmp_path, count, problems):
    answers = [[Message("Booked."), Message("Booked again.")], [Message("Sorry, that one has gone.")]]
    outcomes = [Outcome(played(messages), domain, tmp_path / "no.db", lambda: "") for messages in answers]
    more = {"count": count} if count is not None else {}
    expected = Reader(domain).said(located({"text_matches": "booked"} | more), 1)
    assert len(together(outcomes, Assertion("bot_uttered", expected, 1))) == problems
    assert together(outcomes, Assertion("bot_did_not_utter", expected, 1))


def test_the_conversation_shows_expected_beside_got():
    first, second = (
        played([Message("Hello!")]),
        played([Message("You owe\n£42.50."), Message("Bye.")], "balance", "tom"),
    )
    second.problems = [
        Problem("Not said.", "You owe £43.00.", (0,)),
        Problem("Must not.", unwanted=(1,)),
        Problem("Nor this.", "(a message that fits /x/)"),
        Problem("A slot.", slots=(("owner", "'queue'", "'bot'"),)),
    ]
    text = report("cases.yml:3: failed", [first, second], ["action_balance"])
    lines = text.splitlines()
    assert lines[:5] == ["cases.yml:3: failed", "  Not said.", "  Must not.", "  Nor this.", "  A slot."]
    assert [line for line in lines if line.startswith("-")] == [
        "-      bot: You owe £43.00.",
        "-      bot: (a message that fits /x/)",
        "- owner: 'queue'",
    ]
    assert [line for line in lines if line.startswith("+")] == [
        "+      bot: You owe",
        "+           £42.50.",
        "+      bot: Bye.",
        "+ owner: 'bot'",
    ]
    assert "       bot: Hello!" in lines and "       tom: balance" in lines
    assert lines[-1] == "Actions in the last turn: action_balance"


def test_a_conversation_as_expected_has_no_marks():
    assert difference([played([Message("Hello!")])]) == ["  customer: hi", "       bot: Hello!"]
