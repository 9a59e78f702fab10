"""Collects the conversations in tests/e2e/**/*.yml with the runner in tests/e2e_runner/."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.local.environment import ROOT
from tests.e2e_runner.plugin import Runner


def pytest_configure(config: pytest.Config) -> None:
    """Register the runner for this folder."""
    runner = Runner(Path(__file__).parent, ROOT / "domain.yml", ROOT / "var/results/e2e_coverage.json")
    config.pluginmanager.register(runner, "e2e-runner")
