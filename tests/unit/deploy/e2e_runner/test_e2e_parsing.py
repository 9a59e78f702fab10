"""Reading the files of conversations, and what is refused in them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from scripted import DOMAIN

from deploy.local.environment import ROOT
from tests.e2e_runner.domain import Domain
from tests.e2e_runner.model import ANY, Case, Fault
from tests.e2e_runner.parsing import parse
from tests.e2e_runner.reading import FormatError


@pytest.fixture
def domain(tmp_path: Path) -> Domain:
    path = tmp_path / "domain.yml"
    path.write_text(DOMAIN)
    return Domain.load(path)


@pytest.fixture
def read(tmp_path: Path, domain: Domain):
    """The cases of a text."""

    def read(text: str) -> list[Case]:
        path = tmp_path / "cases.yml"
        path.write_text(text)
        return parse(path, domain)

    return read


@pytest.fixture
def steps(read):
    """The steps of a case, given in YAML."""

    def steps(text: str, more: str = ""):
        return read(f"test_cases:\n- test_case: one\n  steps:\n{text}\n{more}")[0].steps

    return steps


def test_the_example_of_the_documentation_is_a_case_that_is_run():
    text = (ROOT / "docs/developers.md").read_text()
    example = re.search(r"## End-to-end tests.*?```yaml\n(.*?)```", text, re.DOTALL)[1]
    assert (ROOT / "tests/e2e/runner.yml").read_text() == example
    known = [*re.findall(r"^\| `([a-z_]+)`", text, re.MULTILINE)]
    assert {"user", "press", "press_earlier", "raw", "parallel", "restart_session", "bot", "utter"} <= set(known)


def test_fixtures_and_metadata_are_found_by_their_names(read):
    case = read(
        "fixtures:\n- a: {owner: queue}\n- b: {postcode: LS1 4AP}\n"
        "metadata:\n- app: {version: '1', kind: app}\n- web: {kind: web}\n"
        "test_cases:\n- test_case: one\n  fixtures: [a, b]\n  metadata: app\n  tags: [invalid input]\n"
        "  steps:\n  - user: hi\n    metadata: web\n  - user: hi\n"
    )[0]
    assert case.slots == {"owner": "queue", "postcode": "LS1 4AP"} and case.tags == ("invalid input",)
    assert case.steps[0].turns[0].metadata == {"version": "1", "kind": "web"}
    assert case.steps[1].turns[0].metadata == {"version": "1", "kind": "app"}


def test_slots_may_be_written_as_in_steps_and_as_in_assertions(steps):
    found = steps(
        "  - user: hi\n"
        "  - slot_was_set: [owner, postcode: LS1 4AP, {name: owner, value: null}, {name: postcode}]\n"
        "  - slot_was_not_set: owner\n"
    )
    assert found[1].check.expected == (("owner", ANY), ("postcode", "LS1 4AP"), ("owner", None), ("postcode", ANY))
    assert found[2].check.expected == (("owner", ANY),)


def test_a_list_within_steps_is_played_in_its_place(read):
    [one, two] = read(
        "test_cases:\n- test_case: one\n  steps:\n  - &start\n    - user: a\n    - user: b\n  - user: c\n"
        "- test_case: two\n  steps: [*start]\n"
    )
    assert [step.turns[0].content for step in one.steps] == ["a", "b", "c"]
    assert [step.turns[0].content for step in two.steps] == ["a", "b"]


def test_faults_are_of_an_action_the_backend_or_the_model(steps):
    [step] = steps(
        "  - user: hi\n    faults: [{action: action_balance, fault: 500}, {action: any, fault: down},"
        " {backend: locked}, {model: slow}]\n"
    )
    assert step.faults == (
        Fault("action", "action_balance", "500"),
        Fault("action", "any", "down"),
        Fault("backend", "", "locked"),
        Fault("model", "", "slow"),
    )


def test_parallel_turns_and_a_raw_body(steps):
    [step] = steps(
        "  - parallel:\n    - {as: a, user: hi}\n    - {as: b, raw: {message: 5}}\n"
        "    assertions: [bot_uttered: {text_matches: Hello, count: 1}]\n"
    )
    assert [(turn.conversation, turn.how) for turn in step.turns] == [("a", "user"), ("b", "raw")]
    assert step.turns[1].content == {"message": 5} and step.together[0].expected.count == 1


MISTAKES = {
    "an unknown step": ("  - say: hi", "line 4: a step has one of user"),
    "an unknown key of a turn": ("  - user: hi\n    asserts: []", "cannot have the key `asserts`"),
    "two kinds in a step": ("  - user: hi\n    bot: Hello!", "a step has one of"),
    "a yes that YAML reads as true": ("  - user: yes", "`user` must be a text, not True: put it in quotes"),
    "an unknown slot": ("  - user: hi\n  - slot_was_set: [ownr: bot]", "line 5: domain.yml has no slot `ownr`"),
    "an unknown response": ("  - user: hi\n  - utter: utter_x", "domain.yml has no response `utter_x`"),
    "an unknown action": ("  - user: hi\n  - action_executed: action_x", "domain.yml has no action `action_x`"),
    "an unknown intent": ("  - user: hi\n  - intent_was: x", "domain.yml has no intent `x`"),
    "an unknown assertion": ("  - user: hi\n    assertions: [flow_started: x]", "no assertion `flow_started`"),
    "an assertion with two keys": (
        "  - user: hi\n    assertions: [{intent_was: greet, action_executed: a}]",
        "one key",
    ),
    "assertions that are no list": ("  - user: hi\n    assertions: {intent_was: greet}", "must be a list"),
    "an empty assertion": ("  - user: hi\n    assertions: [bot_uttered: {}]", "at least one of utter_name"),
    "a wrong expression": ("  - user: hi\n    assertions: [bot_uttered: {text_matches: '('}]", "no regular expression"),
    "a count for one turn": ("  - user: hi\n    assertions: [bot_uttered: {text_matches: a, count: 1}]", "`count` is"),
    "an unknown fault": ("  - user: hi\n    faults: [{action: action_balance, fault: late}]", "timeout, 500, down"),
    "a fault of an unknown action": ("  - user: hi\n    faults: [{action: x, fault: 500}]", "no action `x`"),
    "a fault of nothing": ("  - user: hi\n    faults: [{desk: down}]", "a fault names an `action`"),
    "a check before the first turn": ("  - bot: Hello!\n  - user: hi", "line 4: nothing has been said"),
    "a check of a silent conversation": ("  - user: hi\n  - {as: tom, bot: Hello!}", "nothing has been said"),
    "a button of a silent conversation": ("  - {press_earlier: Yes., of: tom}", "nothing has been said"),
    "nobody speaks": ("  - restart_session: true", "nobody says anything"),
    "a key that stands twice": ("  - user: hi\n    user: hello", "the key `user` stands here twice"),
    "no YAML": ("  - user: hi: there", "this is not YAML"),
}


@pytest.mark.parametrize(("text", "sentence"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_told_with_its_line(steps, text, sentence):
    with pytest.raises(FormatError, match=r"line \d") as caught:
        steps(text)
    assert sentence in str(caught.value)


def test_every_mistake_of_a_file_is_told_with_its_case(read):
    with pytest.raises(FormatError) as caught:
        read(
            "test_cases:\n- test_case: one\n  steps: []\n- test_case: two\n  fixtures: [gone]\n  steps:\n  - user: a\n"
            "- test_case: three\n  tags: [odd]\n  steps:\n  - user: a\n"
        )
    assert [line.partition(",")[0] for line in str(caught.value).splitlines()] == [
        "case “one”",
        "case “two”",
        "case “three”",
    ]
    assert "no fixture `gone`" in str(caught.value) and "no tag `odd`; there are happy path" in str(caught.value)


def test_two_cases_of_one_name_are_refused(read):
    with pytest.raises(FormatError, match="the same name"):
        read("test_cases:\n" + "- test_case: one\n  steps: [user: hi]\n" * 2)


def test_a_response_fits_with_anything_in_its_placeholders(domain):
    assert domain.says("utter_greet", "Hello!")
    assert domain.says("utter_greet", "Hello, Priya (Ms), and welcome.")
    assert not domain.says("utter_greet", "Hello, , and welcome. Also")
    assert not domain.says("utter_greet", "Hello")
