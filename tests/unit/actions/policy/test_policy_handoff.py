"""The rules for handoffs in policy.yml: what they choose, and the errors for those that are wrong."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from actions.packet_reason import BECAUSE
from actions.packet_schema import SCHEMA
from actions.policy.handoff import REASONS, Facts, HandoffRule, choose
from actions.policy.report import handoff_mistakes
from actions.policy.rules import PolicyError
from actions.policy.source import load, read
from actions.queues import queues

FILE = Path(__file__).resolve().parents[4] / "policy.yml"
POLICY, LINES = read(FILE)


def rule(name: str, when: dict[str, Any], **says: Any) -> HandoffRule:
    return HandoffRule.model_validate({"id": name, "when": when, **says})


def test_the_reasons_are_those_of_the_packet() -> None:
    assert list(REASONS) == sorted(REASONS, key=SCHEMA["properties"]["reason"]["enum"].index)
    assert set(REASONS) == set(SCHEMA["properties"]["reason"]["enum"]) == set(BECAUSE)


def test_the_first_rule_that_says_something_about_a_field_decides_it() -> None:
    rules = [
        rule("a", {"queue": "billing"}, priority=2),
        rule("b", {"sentiment": ["unhappy", "angry"]}, priority=1, skills="calm"),
        rule("c", {"queue": "billing", "level": "verified"}, queue="premium"),
        rule("d", {"intent": "leave"}, queue="retention"),
    ]
    facts = Facts("customer_asked", queue="billing", sentiment="angry", level="verified")
    found = choose(rules, facts)
    assert (found.priority, found.skills, found.queue, found.sla_minutes) == (2, ("calm",), "premium", None)
    assert found.rules == ("a", "b", "c")
    assert choose(rules, Facts("customer_asked")).rules == ()


def test_a_rule_may_wait_for_a_reason_that_another_one_names() -> None:
    rules = [
        rule("late", {"reason": "vulnerable_customer"}, queue="care"),
        rule("named", {"rule": "escalate.x"}, reason="vulnerable_customer"),
    ]
    found = choose(rules, Facts("policy", rule="escalate.x"))
    assert (found.reason, found.queue) == ("vulnerable_customer", "care")
    assert choose(rules, Facts("policy", rule="escalate.y")).queue == ""


def test_what_the_customer_spends() -> None:
    rules = [rule("value", {"spends": 60}, reason="value_customer")]
    assert choose(rules, Facts("customer_asked", spends=60.0)).reason == "value_customer"
    assert choose(rules, Facts("customer_asked", spends=59.99)).reason == "customer_asked"


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (Facts("policy", rule="escalate.self_harm"), ("vulnerable_customer", "care", 1, 5)),
        (Facts("policy", rule="escalate.anger"), ("sentiment", "", None, None)),
        (Facts("policy", rule="escalate.repeated_failure"), ("low_confidence", "", None, None)),
        (Facts("policy", rule="escalate.fraud"), ("policy", "security", 1, None)),
        (Facts("unsupported_task", queue="retention", spends=75), ("value_customer", "", 2, None)),
        (Facts("customer_asked"), ("customer_asked", "", None, None)),
    ],
)
def test_the_rules_of_policy_yml(facts: Facts, expected: tuple[Any, ...]) -> None:
    found = choose(POLICY.handoff, facts)
    assert (found.reason, found.queue, found.priority, found.sla_minutes) == expected


def test_the_queues_of_policy_yml_exist_and_one_that_does_not_is_named_with_its_line() -> None:
    assert handoff_mistakes(POLICY, LINES, queues(), set(), FILE.name) == []
    mistakes = handoff_mistakes(POLICY, LINES, set(queues()) - {"security"}, set(), FILE.name)
    text = FILE.read_text(encoding="utf-8").splitlines()
    line = next(number for number, line in enumerate(text, 1) if "queue: security" in line)
    assert mistakes == [
        f"policy.yml, line {line}: there is no queue in data/routing/queues.yml named security (handoff.fraud)"
    ]


GOOD: dict[str, Any] = {
    "id": "escalate.x",
    "kind": "escalate",
    "patterns": ["x"],
    "reply": "Yes.",
    "examples": {"match": ["x"], "pass": ["y"]},
}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"when": {"reason": "boredom"}}, "rule handoff.a, field when.reason.0: Input should be"),
        ({"when": {"mood": "bad"}}, "rule handoff.a, field when.mood: is not a field"),
        ({"when": {}}, "rule handoff.a, field when: write at least one of reason, rule"),
        ({"when": {"rule": "escalate.gone"}}, "there is no rule escalate.gone in this file"),
        ({"priority": 5}, "rule handoff.a, field priority"),
        ({"sla_minutes": 0}, "rule handoff.a, field sla_minutes"),
        ({"priority": None}, "rule handoff.a: says nothing"),
        ({"id": "escalate.x"}, "the id escalate.x stands on two rules"),
    ],
)
def test_an_error_names_line_rule_and_field(tmp_path: Path, given: dict[str, Any], message: str) -> None:
    path = tmp_path / "policy.yml"
    handoff = {"id": "handoff.a", "when": {"queue": "billing"}, "priority": 2} | given
    path.write_text(yaml.safe_dump({"version": 1, "rules": [GOOD], "handoff": [handoff]}), encoding="utf-8")
    with pytest.raises(PolicyError, match=re.escape(message)) as error:
        load(path)
    assert re.match(r"policy\.yml, line \d+: ", str(error.value))
