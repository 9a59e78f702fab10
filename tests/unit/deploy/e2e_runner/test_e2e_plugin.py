"""Whole runs of the plug-in and the player on a scripted assistant."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import scripted
from scripted import DOMAIN, ScriptedStage

from tests.e2e_runner import player
from tests.e2e_runner.domain import Domain
from tests.e2e_runner.parsing import parse
from tests.e2e_runner.player import CaseFailed, Player

pytest_plugins = ["pytester"]

CONFTEST = """
import sys
from pathlib import Path
sys.path.insert(0, {here!r})
import pytest
from scripted import ScriptedStage
from tests.e2e_runner.plugin import Runner

def pytest_configure(config):
    folder = Path(__file__).parent
    config.pluginmanager.register(Runner(folder, folder.parent / "domain.yml", folder.parent / "coverage.json"))

@pytest.fixture(scope="session")
def stage():
    return ScriptedStage()
"""


@pytest.fixture
def run(pytester):
    """Run pytest on files of conversations."""

    def run(files: dict[str, str], *arguments: str):
        (pytester.path / "domain.yml").write_text(DOMAIN)
        folder = pytester.path / "e2e"
        folder.mkdir()
        (folder / "conftest.py").write_text(CONFTEST.format(here=str(Path(__file__).parent)))
        for name, text in files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text)
        return pytester.runpytest_inprocess(
            "-ra", "--strict-markers", "-p", "no:cacheprovider", "-p", "no:playwright", "e2e", *arguments
        )

    return run


GOOD = """
test_cases:
- test_case: greets
  tags: [happy path]
  steps:
  - user: hi
  - utter: utter_greet
  - action_executed: utter_greet
- test_case: corrects
  tags: [correction, abuse]
  steps: [user: hi]
"""
BAD = """
test_cases:
- test_case: owes nothing
  steps:
  - user: hi
  - user: balance
    assertions:
    - bot_uttered: {text_matches: You owe nothing}
    - slot_was_set: [owner: queue]
"""


def test_a_failing_case_shows_the_conversation_and_no_traceback(run):
    result = run({"billing.yml": BAD})
    result.assert_outcomes(failed=1)
    text = result.stdout.str()
    result.stdout.fnmatch_lines(
        [
            "e2e/billing.yml:6: “owes nothing” failed.",
            "  No message of the bot fits /You owe nothing/.",
            "  customer: balance",
            "       bot: You owe £42.50.",
            "Slots that differ:",
            "- owner: 'queue'",
            "+ owner: 'bot'",
            "Actions in the last turn: action_balance",
        ],
        consecutive=False,
    )
    assert "-      bot: (a message that fits /You owe nothing/)" in text
    assert "Traceback" not in text and "player.py" not in text and "Error" not in text


def test_the_end_of_a_run_counts_by_skill_and_behaviour_and_says_what_was_not_touched(run, pytester):
    result = run({"billing.yml": GOOD, "deep/orders.yml": BAD})
    result.assert_outcomes(passed=2, failed=1)
    lines = [line.split() for line in result.stdout.lines]
    assert ["billing", "1/1", "1/1", "1/1", "-", "2/2"] in lines
    assert ["deep/orders", "-", "-", "-", "0/1", "0/1"] in lines
    assert ["all", "1/1", "1/1", "1/1", "0/1", "2/3"] in lines
    result.stdout.fnmatch_lines(["The cases touched 1 of 2 intents, 1 of 2 actions, 1 of 2 responses; the rest*"])
    found = json.loads((pytester.path / "coverage.json").read_text())
    assert found["responses"] == {"all": 2, "touched": 1, "untouched": ["utter_unused"]}
    assert found["actions"]["untouched"] == ["balance_form"]


def test_a_case_that_fails_counts_for_what_was_touched(run, pytester):
    run({"billing.yml": BAD})
    found = json.loads((pytester.path / "coverage.json").read_text())
    assert found["intents"]["untouched"] == ["balance"] and found["actions"]["touched"] == 1


def test_behaviours_are_markers(run):
    run({"billing.yml": GOOD}, "-m", "correction").assert_outcomes(passed=1, deselected=1)


def test_a_mistake_in_a_file_is_an_error_at_collection(run):
    result = run({"billing.yml": GOOD.replace("utter: utter_greet", "utter: utter_gone"), "orders.yml": BAD})
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["billing.yml: case “greets”, line 7: domain.yml has no response `utter_gone`"])
    assert "Traceback" not in result.stdout.str()


@pytest.fixture
def play(tmp_path):
    """Play the steps of one case; gives the stage."""

    def play(steps: str, head: str = "", stage: ScriptedStage | None = None) -> ScriptedStage:
        stage = stage or ScriptedStage()
        (tmp_path / "domain.yml").write_text(DOMAIN)
        path = tmp_path / "cases.yml"
        path.write_text(f"fixtures: [queued: {{owner: queue}}]\ntest_cases:\n- test_case: one\n{head}  steps:\n{steps}")
        domain = Domain.load(tmp_path / "domain.yml")
        Player(stage, parse(path, domain)[0], domain).play()
        return stage

    return play


def test_each_conversation_has_the_fixtures_and_a_sender_of_its_own(play):
    stage = play("  - user: hi\n  - {as: tom, user: hi}\n  - slot_was_set: [owner: queue]\n", "  fixtures: [queued]\n")
    assert stage.resets == 1 and len({body["sender"] for body in stage.stack.posted}) == 2


def test_a_button_of_the_last_answer_is_pressed_and_an_earlier_one_only_on_purpose(play):
    stage = play(
        "  - user: balance\n  - press: 'Yes'\n  - press_earlier: 'Yes'\n"
        "  - {as: tom, press_earlier: 'Yes', of: customer}\n"
    )
    assert [body["message"] for body in stage.stack.posted] == ["balance", *["/affirm#abc"] * 3]
    with pytest.raises(CaseFailed, match="no button “Yes”"):
        play("  - user: balance\n  - user: hi\n  - press: 'Yes'\n")


def test_the_code_is_the_last_one_that_was_printed_in_this_case(play, monkeypatch):
    monkeypatch.setattr(player, "CODE_WAIT", 0.1)
    stage = ScriptedStage()
    stage.stack.printed = "[notification] an older code 111111\n"
    with pytest.raises(CaseFailed, match="No one-time code"):
        play("  - user: '{code}'\n", stage=stage)
    post = stage.stack.append

    def print_codes(*arguments):
        stage.stack.printed += "[notification] NA204518: 222222, then 333333\n[notification] no code\nnoise 444444\n"
        post(*arguments)

    monkeypatch.setattr(stage.stack, "append", print_codes)
    play("  - user: hi\n  - user: 'it is {code}'\n  - raw: '{code}'\n", stage=stage)
    assert [body["message"] for body in stage.stack.posted] == ["hi", "it is 333333", "{code}"]


def test_a_refused_body_is_shown(play):
    play("  - raw: fail\n    assertions: [bot_uttered: {text_matches: ^HTTP 400}]\n")
    stage = play("  - raw: {sender: other, message: hi}\n", stage=_with_sender("other"))
    assert stage.stack.posted[0]["sender"] == "other"


def _with_sender(name: str) -> ScriptedStage:
    stage = ScriptedStage()
    stage.stack.trackers[name] = {"events": [], "slots": {}}
    return stage


def test_parallel_turns_are_all_sent_and_a_new_session_is_started(play):
    stage = play(
        "  - parallel: [{as: a, user: hi}, {as: b, user: balance}]\n"
        "    assertions: [bot_uttered: {text_matches: Hello, count: 1}]\n"
        "  - {as: a, restart_session: true}\n"
    )
    assert {body["message"] for body in stage.stack.posted} == {"hi", "balance"}
    assert stage.stack.executed == ["action_session_start"]


@pytest.mark.parametrize("place", ["step", "case"])
def test_a_fault_that_nothing_runs_into_fails_the_case(play, place):
    fault = "faults: [{action: action_balance, fault: down}]\n"
    steps, head = ("  - user: hi\n    " + fault, "") if place == "step" else ("  - user: hi\n", "  " + fault)
    assert len(play(steps, head).injections[0]) == 1
    with pytest.raises(CaseFailed, match="Nothing ran into"):
        play(steps, head, ScriptedStage(idle=True))


def test_the_limit_of_the_channels_is_waited_for(play, monkeypatch):
    monkeypatch.setattr(player, "SECONDS", 0.5)
    slept: list[float] = []
    monkeypatch.setattr(player.time, "sleep", slept.append)
    play("  - user: hi\n" * (player.MESSAGES + 1))
    assert len(slept) == 1 and 0 < slept[0] <= 0.5
    slept.clear()
    play("  - raw: hi\n" * (player.MESSAGES + 1))
    assert not slept


def test_the_packets_of_the_cases_are_kept_with_what_was_said_before(run, pytester, monkeypatch):
    monkeypatch.setitem(
        scripted.SCRIPT,
        "hi",
        (["A person is coming."], [{"event": "slot", "name": "handoff", "value": {"id": "p1", "version": 2}}]),
    )
    monkeypatch.setattr(
        sys.modules[__name__],
        "CONFTEST",
        CONFTEST.replace('"coverage.json")', '"coverage.json", folder.parent / "var/packets.jsonl")'),
    )
    run({"billing.yml": "test_cases:\n- test_case: one\n  steps: [user: balance, user: hi]\n"}).assert_outcomes(
        passed=1
    )
    [line] = (pytester.path / "var/packets.jsonl").read_text().splitlines()
    kept = json.loads(line)
    assert (kept["case"], kept["packet"]) == ("one", {"id": "p1", "version": 2})
    assert [event["text"] for event in kept["events"] if event["event"] == "user"] == ["balance", "hi"]
