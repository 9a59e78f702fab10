"""Settings from the environment, and what a log line holds."""

import logging
from pathlib import Path

import pytest

from actions import logs, settings
from common.logs import LineFormatter


def test_paths_have_defaults_in_the_repository(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("TANDEM_KNOWLEDGE", "TANDEM_POLICY", "TANDEM_ENDPOINTS"):
        monkeypatch.delenv(name, raising=False)
    assert settings.knowledge_dir() == settings.ROOT / "knowledge"
    assert settings.policy_file() == settings.ROOT / "policy.yml"
    assert settings.endpoints_file() == settings.ROOT / "endpoints.yml"
    monkeypatch.setenv("TANDEM_POLICY", str(tmp_path / "other.yml"))
    assert settings.policy_file() == tmp_path / "other.yml"


def test_the_backend_lives_in_the_run_time_folder_or_where_it_is_said(
    var: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settings.backend_url() == f"sqlite:///{var.resolve()}/backend.db"
    monkeypatch.setenv("BACKEND_DATABASE_URL", "postgresql://db/tandem")
    assert settings.backend_url() == "postgresql://db/tandem"


@pytest.mark.parametrize("value", ["0", "70000", "http", "-1", "5055.0"])
def test_a_bad_port_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("ACTIONS_PORT", value)
    with pytest.raises(settings.MissingSetting, match="ACTIONS_PORT"):
        settings.actions_port()


@pytest.mark.parametrize("value", ["0", "-3", "soon", "nan", "inf"])
def test_a_bad_time_limit_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("ACTION_TIMEOUT_SECONDS", value)
    with pytest.raises(settings.MissingSetting, match="ACTION_TIMEOUT_SECONDS"):
        settings.action_timeout()


def test_numbers_have_defaults(var: Path) -> None:
    assert (settings.actions_port(), settings.action_timeout(), settings.demo()) == (5055, 10.0, False)


def test_a_file_in_place_of_the_folder_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("TANDEM_VAR", str(tmp_path / "file"))
    with pytest.raises(settings.MissingSetting, match="cannot be used as a folder"):
        settings.var_dir()


def record(message: str, error: Exception | None = None, **fields: object) -> str:
    """The line of a record."""
    info = (type(error), error, error.__traceback__) if error else None
    made = logging.getLogger("actions.t").makeRecord(
        "actions.t", logging.INFO, __file__, 1, message, (), info, extra=fields
    )
    return LineFormatter().format(made)


def test_a_line_has_time_level_event_and_fields() -> None:
    line = record("action", action="action_stop", ms=12, note="two words")
    assert line.endswith('Z INFO actions.t event=action action=action_stop ms=12 note="two words"')


def test_a_value_cannot_forge_a_line() -> None:
    line = record("refused\nevent=action", path="x\n2026 ERROR")
    assert "\n" not in line


def test_an_exception_is_logged_without_its_text() -> None:
    try:
        try:
            raise ValueError("postcode LS1 4AP")
        except ValueError as cause:
            raise RuntimeError("customer Priya Sharma") from cause
    except RuntimeError as error:
        line = record("failed", error)
    assert "RuntimeError[" in line and "caused by ValueError[" in line and "test_settings_logs.py" in line
    assert "LS1" not in line and "Priya" not in line


def test_references_are_short_and_stable() -> None:
    assert logs.conversation_ref("c") == logs.conversation_ref("c") != logs.conversation_ref("d")
    assert len(logs.conversation_ref("c")) == 10 and len(logs.fingerprint("text")) == 12
    assert logs.get_logger("answers").name == "actions.answers" and logs.get_logger("actions.x").name == "actions.x"
