"""What `make run` decides before it starts anything."""

from __future__ import annotations

import base64
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local import environment, prepare
from deploy.local.environment import ROOT, StartError, check_ports, compose, free_ports


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with everything that a model is made from."""
    for name in prepare.MODEL_INPUTS:
        path = tmp_path / name
        path = path / "file.txt" if "." not in path.name else path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path


def test_the_model_is_the_same_until_an_input_changes(project):
    before = prepare.fingerprint(project)
    (project / "assistant/nlu/__pycache__").mkdir()
    (project / "assistant/nlu/__pycache__/file.pyc").write_text("compiled")
    (project / "README.md").write_text("not an input")
    assert prepare.fingerprint(project) == before
    for name in ("data/file.txt", "domain.yml", "config.yml", "policy.yml"):
        (project / name).write_text("changed")
        after = prepare.fingerprint(project)
        assert after != before
        before = after


def test_a_trained_model_is_not_trained_again(tmp_path, monkeypatch):
    monkeypatch.setattr(prepare.subprocess, "Popen", lambda *args, **more: pytest.fail("trained again"))
    models = tmp_path / "models"
    models.mkdir()
    (models / "tandem.tar.gz").touch()
    (models / "inputs.sha256").write_text(prepare.fingerprint())
    assert prepare.train({"TANDEM_VAR": str(tmp_path)}) == models


def test_secrets_are_made_once_and_kept_for_the_user_alone(tmp_path, monkeypatch):
    for name in environment.SECRETS:
        monkeypatch.delenv(name, raising=False)
    first, second = compose(tmp_path), compose(tmp_path)
    assert all(first[name] == second[name] and len(first[name]) == 64 for name in environment.SECRETS)
    assert len({first[name] for name in environment.SECRETS}) == len(environment.SECRETS)
    assert (tmp_path / "env").stat().st_mode & 0o777 == 0o600


def test_the_vaults_key_is_made_once_and_is_32_bytes(tmp_path, monkeypatch):
    monkeypatch.delenv("TANDEM_VAULT_KEY", raising=False)
    first, second = compose(tmp_path)["TANDEM_VAULT_KEY"], compose(tmp_path)["TANDEM_VAULT_KEY"]
    assert first == second and len(base64.urlsafe_b64decode(first)) == 32


def test_the_assistant_does_not_start_with_a_wrong_vault_key(tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "tandem.tar.gz").touch()
    env = compose(tmp_path) | {"TANDEM_VAULT_KEY": "my-dogs-name"}
    run = subprocess.run([sys.executable, "-m", "assistant"], env=env, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 2
    assert run.stderr.startswith("TANDEM_VAULT_KEY is not a key") and "my-dogs-name" not in run.stderr


def test_the_assistant_does_not_start_with_the_key_of_another_vault(tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "tandem.tar.gz").touch()
    env = compose(tmp_path)
    code = "from assistant.privacy.vault import shared_vault; shared_vault()"
    subprocess.run([sys.executable, "-c", code], env=env, cwd=ROOT, check=True, capture_output=True)
    env["TANDEM_VAULT_KEY"] = environment.vault_key()
    run = subprocess.run([sys.executable, "-m", "assistant"], env=env, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 2 and "TANDEM_VAULT_KEY is not the key" in run.stderr


def test_a_setting_of_the_user_wins(tmp_path, monkeypatch):
    monkeypatch.setenv("RASA_TOKEN", "mine")
    monkeypatch.setenv("DESK_PORT", "8090")
    env = compose(tmp_path)
    assert env["RASA_TOKEN"] == "mine" and env["DESK_URL"] == "http://localhost:8090"


def test_a_taken_port_is_named_with_a_way_out(tmp_path):
    env = compose(tmp_path, free_ports())
    check_ports(env)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", int(env["ACTIONS_PORT"])))
        taken.listen()
        with pytest.raises(StartError, match=rf"Port {env['ACTIONS_PORT']} is taken.*ACTIONS_PORT="):
            check_ports(env)
