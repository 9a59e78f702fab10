"""policy.yml itself, and the errors for a file that is wrong."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from actions.policy.engine import Engine
from actions.policy.rules import PolicyError, Rule, load

FILE = Path(__file__).resolve().parents[3] / "policy.yml"
POLICY = load(FILE)
RULES = {rule.id: rule for rule in POLICY.rules}
REDACT = [rule for rule in POLICY.rules if rule.kind == "redact"]
DECIDE = [rule for rule in POLICY.rules if rule.kind != "redact"]


def examples(rules: list[Rule], which: str) -> list[tuple[str, str]]:
    return [(rule.id, text) for rule in rules for text in getattr(rule.examples, which)]


def test_every_kind_has_rules() -> None:
    assert {rule.kind for rule in POLICY.rules} == {"escalate", "injection", "block", "redact"}


@pytest.mark.parametrize(("rule", "text"), examples(DECIDE, "match"))
def test_an_example_is_caught_by_its_rule(rule: str, text: str) -> None:
    found = Engine(POLICY).find(text)
    assert found is not None
    assert found.id == rule


@pytest.mark.parametrize(("rule", "text"), examples(DECIDE, "passing"))
def test_a_harmless_example_is_caught_by_no_rule(rule: str, text: str) -> None:
    assert Engine(POLICY).find(text) is None


@pytest.mark.parametrize(("rule", "text"), examples(REDACT, "match"))
def test_personal_data_is_replaced_unless_it_is_kept(rule: str, text: str) -> None:
    redacted = Engine(POLICY).redact(text)
    assert (RULES[rule].replace in redacted) is not RULES[rule].keep
    assert any(pattern.search(text) for pattern in RULES[rule].compiled)


@pytest.mark.parametrize(("rule", "text"), examples(REDACT, "passing"))
def test_what_only_looks_like_personal_data_stays(rule: str, text: str) -> None:
    assert RULES[rule].replace not in Engine(POLICY).redact(text)


@pytest.mark.parametrize("rule", [rule for rule in POLICY.rules if rule.kind == "escalate"], ids=lambda rule: rule.id)
def test_the_assistant_can_read_the_escalation_rules(rule: Rule) -> None:
    """It uses the plain `re` of Python 3.10, which lacks possessive quantifiers and atomic groups."""
    for pattern in rule.patterns:
        assert not re.search(r"[*+?}]\+|\(\?>", pattern)
    for text in rule.examples.match:
        assert any(re.search(pattern, text, re.IGNORECASE) for pattern in rule.patterns)


GOOD: dict[str, Any] = {
    "id": "block.x",
    "kind": "block",
    "patterns": ["x"],
    "reply": "No.",
    "examples": {"match": ["x"], "pass": ["y"]},
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "forbid"}, "rule block.x, field kind:"),
        ({"patterns": ["(x"]}, "rule block.x, field patterns: '(x' is not a regular expression"),
        ({"patterns": ["x*"]}, "matches an empty text"),
        ({"patterns": []}, "rule block.x, field patterns:"),
        ({"reply": ""}, "rule block.x: reply is missing"),
        ({"kind": "redact"}, "rule block.x: replace is missing"),
        ({"replace": "[x]"}, "belong to rules of the kind redact"),
        ({"examples": {"match": ["x"], "pass": []}}, "rule block.x, field examples.pass:"),
        ({"examples": {"match": ["x"]}}, "rule block.x, field examples.pass:"),
        ({"severity": 3}, "rule block.x, field severity:"),
        ({"id": "Not an id"}, "rule Not an id, field id:"),
    ],
)
def test_an_error_names_rule_and_field(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    path = tmp_path / "policy.yml"
    path.write_text(yaml.safe_dump({"version": 1, "rules": [GOOD | change]}), encoding="utf-8")
    with pytest.raises(PolicyError, match=re.escape(message)):
        load(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("version: [", "policy.yml, line 1"),
        ("- a list", "write the fields version and rules"),
        ("version: 0\nrules: []", "field version"),
        ("version: 1\nrules:\n- {kind: block}", "rule number 1, field id"),
    ],
)
def test_a_file_that_is_no_policy(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "policy.yml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(PolicyError, match=re.escape(message)):
        load(path)


def test_two_rules_with_one_id(tmp_path: Path) -> None:
    path = tmp_path / "policy.yml"
    path.write_text(yaml.safe_dump({"version": 1, "rules": [GOOD, GOOD]}), encoding="utf-8")
    with pytest.raises(PolicyError, match=r"block\.x stands on two rules"):
        load(path)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="correct TANDEM_POLICY"):
        load(tmp_path / "gone.yml")
