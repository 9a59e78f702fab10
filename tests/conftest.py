"""Fixtures for the tests that need the real services (tests/e2e and tests/browser)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    """All three services, started once for the whole run."""
    # Imported here: the unit tests of actions and desk run in environments without honcho.
    from deploy.local.stack import Stack

    with Stack(tmp_path_factory.mktemp("var")) as running:
        yield running
