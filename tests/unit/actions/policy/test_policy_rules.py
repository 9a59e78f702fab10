"""policy.yml itself, and the errors for a file that is wrong."""

import re
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from actions.policy.context import Context
from actions.policy.engine import Engine
from actions.policy.report import check
from actions.policy.rules import EscalateRule, Kind, PolicyError, VerbatimRule
from actions.policy.source import load, read

FILE = Path(__file__).resolve().parents[4] / "policy.yml"
POLICY, LINES = read(FILE)
ENGINE = Engine(POLICY)


def test_every_kind_has_rules() -> None:
    assert {rule.kind for rule in POLICY.rules} == set(get_args(Kind))


def test_every_example_falls_on_its_side() -> None:
    assert check(ENGINE, LINES)[1] == []


@pytest.mark.parametrize("text", [e for r in POLICY.rules if "message" in r.stages for e in r.examples.passing])
def test_a_harmless_message_is_caught_by_no_rule(text: str | list[str]) -> None:
    if isinstance(text, str) and not text.startswith("{"):
        assert ENGINE.on_message(text, Context()).allowed


@pytest.mark.parametrize("rule", [r for r in POLICY.rules if isinstance(r, EscalateRule)], ids=lambda rule: rule.id)
def test_the_assistant_can_read_the_escalation_rules(rule: EscalateRule) -> None:
    """It uses the plain `re` of Python 3.10, which lacks possessive quantifiers and atomic groups."""
    for pattern in rule.patterns:
        assert not re.search(r"[*+?}]\+|\(\?>", pattern)
    for text in () if rule.signal else rule.examples.match:
        assert any(re.search(pattern, str(text), re.IGNORECASE) for pattern in rule.patterns)


def test_what_must_be_said_stands_in_the_articles() -> None:
    """An article that changes must change the rule with it."""
    articles = " ".join(" ".join(p.read_text(encoding="utf-8").split()) for p in FILE.parent.glob("knowledge/*/*.md"))
    for rule in POLICY.rules:
        if isinstance(rule, VerbatimRule):
            assert rule.wording in articles
    cooling_off = (FILE.parent / "knowledge/contracts/cooling-off.md").read_text(encoding="utf-8")
    assert ENGINE.policy.by_id("verbatim.cooling_off").wording in cooling_off  # type: ignore[union-attr]


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
        ({"kind": "forbid"}, "rule block.x, field kind: there is no such kind: use escalate,"),
        ({"patterns": ["(x"]}, "rule block.x, field patterns: '(x' is not a regular expression"),
        ({"patterns": ["x*"]}, "matches an empty text"),
        ({"patterns": [5]}, "field patterns.0: is not a text: put it between quotes"),
        ({"kind": "escalate", "patterns": []}, "rule block.x: patterns are missing"),
        ({"reply": ""}, "rule block.x: reply is missing"),
        ({"kind": "pii"}, "rule block.x: replace is missing"),
        ({"replace": "[x]"}, "rule block.x, field replace: is not a field of this kind of rule"),
        ({"examples": {"match": ["x"], "pass": []}}, "rule block.x, field examples.pass: needs at least one entry"),
        ({"examples": {"match": ["x"]}}, "rule block.x, field examples.pass: is missing"),
        ({"examples": {"match": [["x"]], "pass": ["y"]}}, "examples of this kind of rule are texts"),
        ({"severity": 3}, "rule block.x, field severity:"),
        ({"id": "Not an id"}, "rule Not an id, field id:"),
        ({"stages": ["mesage"]}, "rule block.x, field stages.0:"),
        ({"kind": "tone", "stages": ["message"]}, "this kind of rule has no stage message: use generated, draft"),
        ({"kind": "tone", "reply": ""}, "reply is missing"),
        ({"kind": "limits"}, "a rule of limits has no patterns"),
        ({"kind": "limits", "patterns": []}, "write one of characters, language and hosts"),
        ({"kind": "verbatim"}, "rule block.x, field wording: is missing"),
        ({"kind": "require"}, "rule block.x, field text: is missing"),
        ({"kind": "escalate", "signal": "failures"}, "an example of a rule with a signal is a list"),
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


def test_an_error_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "policy.yml"
    path.write_text(
        "version: 1\n"
        "rules:\n"
        "  - id: tone.a\n"
        "    kind: tone\n"
        "    patterns:\n"
        "      - fine\n"
        "      - '(broken'\n"
        "    examples: {match: [fine], pass: [x]}\n"
        "  - id: block.b\n"
        "    kind: block\n"
        "    reply: No.\n"
        "    examples:\n"
        "      match: [b]\n",
        encoding="utf-8",
    )
    with pytest.raises(PolicyError) as caught:
        load(path)
    assert str(caught.value).splitlines() == [
        "policy.yml, line 5: rule tone.a, field patterns: '(broken' is not a regular expression: "
        "missing ), unterminated subpattern at position 0",
        "policy.yml, line 12: rule block.b, field examples.pass: is missing",
    ]


def test_a_key_that_stands_twice_is_an_error_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "policy.yml"
    path.write_text("version: 1\nrules:\n- id: a\n  kind: block\n  id: b\n", encoding="utf-8")
    with pytest.raises(PolicyError, match=r"policy\.yml, line 5: id stands twice here"):
        load(path)


def test_another_file_is_another_version(tmp_path: Path) -> None:
    path = tmp_path / "policy.yml"
    stamps = set()
    for reply in ("No.", "No, sorry."):
        path.write_text(yaml.safe_dump({"version": 3, "rules": [GOOD | {"reply": reply}]}), encoding="utf-8")
        stamps.add(load(path).stamp)
    assert len(stamps) == 2
    assert all(re.fullmatch(r"3-[0-9a-f]{8}", stamp) for stamp in stamps)


def test_the_policy_says_how_long_each_kind_is_kept() -> None:
    written = yaml.safe_load(FILE.read_text())["retention"]
    assert written == POLICY.retention.model_dump()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("audit: 364", "policy.yml, line 4: field retention.audit: Input should be greater than or equal to 365"),
        ("tickets: 0", "policy.yml, line 4: field retention.tickets: Input should be greater than or equal to 1"),
        ("desk: for ever", "policy.yml, line 4: field retention.desk: Input should be a valid integer"),
        ("chats: 30", "policy.yml, line 4: field retention.chats: is not a field"),
    ],
)
def test_an_error_in_the_retention_names_its_line(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "policy.yml"
    rule = "{id: block.x, kind: block, patterns: [x], reply: No., examples: {match: [x], pass: [y]}}"
    path.write_text(f"version: 1\nrules: [{rule}]\nretention:\n  {line}\n")
    with pytest.raises(PolicyError, match=re.escape(message)):
        load(path)
