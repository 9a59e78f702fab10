"""Fixtures for the tests that need the real services (tests/e2e and tests/browser)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    """All three services, started once for the whole run, with a proxy before the action server."""
    # Imported here: the unit tests of actions and desk run in environments without honcho.
    from tests.e2e_runner.backend import BackendError
    from tests.e2e_runner.stage import Stage

    try:
        stage = Stage(tmp_path_factory.mktemp("var"))
    except BackendError as problem:
        pytest.exit(str(problem), returncode=pytest.ExitCode.USAGE_ERROR)
    with stage:
        yield stage


@pytest.fixture(scope="session")
def stack(stage):
    """The services."""
    return stage.stack
