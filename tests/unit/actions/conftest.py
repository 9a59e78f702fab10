"""Fixtures of the action server's tests: real SQLite, a clock that stands still, a conversation."""

import importlib
import shutil
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from chats import Chat, Clock  # noqa: E402
from desk_server import DeskServer  # noqa: E402

from actions import clock, server, settings  # noqa: E402
from actions.backends.schema import upgrade  # noqa: E402
from actions.backends.seed import seed  # noqa: E402
from actions.backends.session import engine  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def skills() -> None:
    """Every skill, as in the running server: the forms and tasks make themselves known when they are loaded."""
    for name in server.SKILLS:
        importlib.import_module(name)


@pytest.fixture
def fixed_clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock that all modules read."""
    made = Clock()
    monkeypatch.setattr(clock, "utc_now", lambda: made.now)
    return made


@pytest.fixture(scope="session")
def sown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The seeded database that each test gets a copy of."""
    folder = tmp_path_factory.mktemp("seed")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("BACKEND_DATABASE_URL", raising=False)
        patch.setenv("TANDEM_VAR", str(folder))
        upgrade(settings.backend_url())
        seed(date(2026, 11, 22))
        engine(settings.backend_url()).dispose()
    return folder / "backend.db"


@pytest.fixture
def var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run-time folder of its own, and no setting from outside."""
    for name in ("BACKEND_DATABASE_URL", "ACTIONS_PORT", "TANDEM_DEMO", "ACTION_TIMEOUT_SECONDS"):
        monkeypatch.delenv(name, raising=False)
    for name in ("BOOKING", "TANDEM_RULES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NOTIFICATIONS", "console")
    monkeypatch.setenv("TANDEM_VAR", str(tmp_path))
    monkeypatch.setenv("TANDEM_SECRET", "a secret of the tests")
    return tmp_path


@pytest.fixture
def database(sown: Path, var: Path, fixed_clock: Clock) -> Path:
    """A migrated and seeded database, as of Sunday 22 November 2026."""
    return Path(shutil.copy(sown, var / "backend.db"))


@pytest.fixture
def chat() -> Chat:
    """A conversation with one customer."""
    return Chat()


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[DeskServer]:
    """A desk's API on loopback, which the settings name."""
    with DeskServer() as server:
        monkeypatch.setenv("DESK_URL", server.url)
        monkeypatch.setenv("DESK_TOKEN", server.token)
        monkeypatch.delenv("HELP_DESK", raising=False)
        yield server
