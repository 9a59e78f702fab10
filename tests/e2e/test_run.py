"""The launcher behind `make run`: one line for what keeps it from starting, and a clean stop."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time

from deploy.local.environment import ROOT, free_ports
from deploy.local.run import answers

COMMAND = [".venv/bin/python", "-m", "deploy.local.run"]


def settings(stack, var, **more) -> dict[str, str]:
    """An environment as a user's shell has it: no Tandem settings but ports and folders."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("TANDEM_")}
    env |= {f"{name}_PORT": str(port) for name, port in free_ports().items()}
    return env | {"TANDEM_VAR": str(var), "TANDEM_MODELS": stack.env["TANDEM_MODELS"]} | more


def test_a_taken_port_is_one_clear_line(stack, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        env = settings(stack, tmp_path, DESK_PORT=str(port))
        result = subprocess.run(COMMAND, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert f"Port {port} is taken" in result.stderr and "DESK_PORT=" in result.stderr


def test_a_missing_python_is_one_clear_line(tmp_path):
    """The set-up script on a machine that has a Python for uv, but no 3.10."""
    for name in ("pyproject.toml", "uv.lock", ".python-version"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    script = tmp_path / "deploy/local/bootstrap.sh"
    script.parent.mkdir(parents=True)
    script.write_bytes((ROOT / "deploy/local/bootstrap.sh").read_bytes())
    uv = tmp_path / "bin/uv"
    uv.parent.mkdir()
    uv.write_text("#!/bin/sh\nexit 2\n")  # as uv answers when it finds no interpreter
    uv.chmod(0o755)
    env = {"PATH": f"{uv.parent}:/usr/bin:/bin", "HOME": str(tmp_path)}
    result = subprocess.run(["sh", str(script)], env=env, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1 and "Python 3.10 was not found" in result.stderr


def test_it_starts_says_where_to_go_and_stops_on_ctrl_c(stack, tmp_path):
    env = settings(stack, tmp_path)
    process = subprocess.Popen(COMMAND, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        seen = []
        for line in process.stdout:
            seen.append(line)
            if "Stop with Ctrl-C" in line:
                break
        text = "".join(seen)
        assert f"http://localhost:{env['DESK_PORT']}/" in text and "alex / " in text
        assert "Traceback" not in text and "Warning" not in text
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=30)[0]
        assert process.returncode == 0 and "Tandem has stopped." in rest
        time.sleep(0.5)
        assert not any(answers(f"http://127.0.0.1:{env[f'{name}_PORT']}/") for name in ("ASSISTANT", "ACTIONS", "DESK"))
    finally:
        if process.poll() is None:  # gently: only the launcher itself can stop its services
            process.terminate()
            process.wait(30)
