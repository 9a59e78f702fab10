"""Collects the conversations in tests/e2e/**/*.yml with the runner in tests/e2e_runner/."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.local.environment import ROOT
from tests.e2e_runner.plugin import Runner


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where the handoff packets of the cases are kept."""
    parser.addoption("--packets", type=Path, metavar="FILE", help="append each case's handoff packets to this file")


def pytest_configure(config: pytest.Config) -> None:
    """Register the runner for this folder."""
    packets = config.getoption("--packets", None)
    runner = Runner(Path(__file__).parent, ROOT / "domain.yml", ROOT / "var/results/e2e_coverage.json", packets)
    config.pluginmanager.register(runner, "e2e-runner")
