"""The environment that all services share: ports, addresses, the run-time folder and generated secrets."""

from __future__ import annotations

import base64
import os
import secrets
import socket
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PORTS = {"ASSISTANT": 5005, "ACTIONS": 5055, "DESK": 8080, "MODEL": 8091}
SERVICES = ("ASSISTANT", "ACTIONS", "DESK")  # MODEL runs only with `make run MODEL=local`
SECRETS = ("TANDEM_SECRET", "RASA_TOKEN", "ACTIONS_TOKEN", "DESK_TOKEN", "MODEL_API_KEY")
QUIET = {
    "RASA_TELEMETRY_ENABLED": "false",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
    "ANONYMIZED_TELEMETRY": "False",
    "PYTHONWARNINGS": "ignore",
    "PYTHONUNBUFFERED": "1",
    # Longer than Rasa's own time-out of an action (300 s): an expired lock lets a second message in beside the first.
    "TICKET_LOCK_LIFETIME": "330",
}


class StartError(Exception):
    """Something that keeps Tandem from starting; its text says what to do."""


def compose(var: Path, ports: dict[str, int] | None = None) -> dict[str, str]:
    """The services' environment for the run-time folder `var`; what is already set in os.environ wins.

    Secrets that nobody set are generated once and kept in `var/env`, readable by this user alone.
    """
    var = var.resolve()
    var.mkdir(parents=True, exist_ok=True)
    saved = read_env_file(var / "env")
    own = {"TANDEM_VAR": str(var), "TANDEM_DEMO": "1"}
    for name, default in PORTS.items():
        port = str((ports or {}).get(name) or os.environ.get(f"{name}_PORT") or default)
        host = "localhost" if name == "DESK" else "127.0.0.1"
        own |= {f"{name}_PORT": port, f"{name}_URL": f"http://{host}:{port}"}
    for name in SECRETS:
        own[name] = saved.get(name) or secrets.token_hex(32)
    own["TANDEM_VAULT_KEY"] = (
        saved.get("TANDEM_VAULT_KEY") or base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    )
    own["DEMO_AGENT_PASSWORD"] = saved.get("DEMO_AGENT_PASSWORD") or secrets.token_urlsafe(9)
    fixed = {name for name in own if name.endswith(("_PORT", "_URL"))} | {"TANDEM_VAR"}
    own |= {name: os.environ[name] for name in own if os.environ.get(name) and name not in fixed}
    write_env_file(var / "env", own)
    return {**QUIET, **os.environ, **own}


def vault_key() -> str:
    """A new key for the vault: the urlsafe base64 of 32 bytes."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def read_env_file(path: Path) -> dict[str, str]:
    """NAME=value lines of `path`; an absent file is an empty one."""
    if not path.exists():
        return {}
    lines = (line.partition("=") for line in path.read_text().splitlines() if not line.startswith("#"))
    return {name: value.strip("'") for name, _, value in lines if value}


def write_env_file(path: Path, values: dict[str, str]) -> None:
    """Keep `values` for the next start and for a shell (`set -a; . var/env`), with mode 0600."""
    head = "# Made by `make run`. For a shell of your own: set -a; . var/env; set +a\n"
    text = head + "".join(f"{name}='{value}'\n" for name, value in sorted(values.items()))
    if path.exists() and path.read_text() == text:
        return
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(text)


def check_ports(env: dict[str, str], names: Iterable[str] = SERVICES) -> None:
    """Raise StartError when the port of one of these services is in use."""
    for name in names:
        port = int(env[f"{name}_PORT"])
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                raise StartError(
                    f"Port {port} is taken: stop the program that uses it, "
                    f"or choose another one with `{name}_PORT={port + 10} make run`."
                ) from None


def free_ports() -> dict[str, int]:
    """A free port for each service, for tests."""
    with ExitStack() as held:
        probes = {name: held.enter_context(socket.socket()) for name in PORTS}
        for probe in probes.values():
            probe.bind(("127.0.0.1", 0))
        return {name: probe.getsockname()[1] for name, probe in probes.items()}
