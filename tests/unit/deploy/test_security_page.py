"""docs/security.md names tests that exist, and each risk has one."""

from __future__ import annotations

import re

from deploy.local.environment import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")


def test_every_test_that_is_named_exists() -> None:
    named = set(re.findall(r"`(tests/[\w/]+\.(?:py|yml))`", PAGE))
    assert len(named) > 25
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []


def test_every_risk_has_a_test() -> None:
    risks = re.findall(r"^\| ((?:LLM|API)\d+) .*\| (.*) \|$", PAGE, re.M)
    assert {risk for risk, _ in risks} == {f"LLM{n:02}" for n in range(1, 11)} | {f"API{n}" for n in range(1, 11)}
    assert [risk for risk, tests in risks if "`tests/" not in tests] == []
