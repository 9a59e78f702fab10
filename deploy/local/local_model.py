"""What `make run MODEL=local` adds: the model's server, and an action server that is configured for it."""

from __future__ import annotations

from pathlib import Path

import yaml

from deploy.local.environment import ROOT, StartError
from deploy.local.model import fetch, model_file, read_lock
from deploy.local.model_server import NAME

COMMAND = 'exec actions/.venv/bin/python -m deploy.local.model_server "$TANDEM_LOCAL_MODEL"'
# On two quiet cores a prompt of 600 tokens takes about 8 s and each word of the reply 0.1 s.
LLM = {"timeout_seconds": 25, "max_tokens": 200, "max_concurrent": 1, "retries": 1}
ACTION_SECONDS = 36  # the model gets three quarters of it


def prepare(env: dict[str, str]) -> None:
    """Fetch the model unless it is here, and write the configuration. Raises StartError."""
    file = model_file(env)
    if env.get("TANDEM_LOCAL_MODEL"):
        if not file.is_file():
            raise StartError(f"TANDEM_LOCAL_MODEL is {file}, where no file is: correct it, or unset it.")
    elif not file.is_file() or file.stat().st_size != read_lock().bytes:
        fetch(file.parent, read_lock())
    endpoints_file(env).write_text(endpoints(env), encoding="utf-8")


def settings(env: dict[str, str]) -> dict[str, str]:
    """The environment of the action server and of the model's server, beside what all services get."""
    direct = ",".join(filter(None, [env.get("no_proxy") or env.get("NO_PROXY"), "127.0.0.1"]))
    return {
        "NO_PROXY": direct,
        "no_proxy": direct,
        "TANDEM_ENDPOINTS": str(endpoints_file(env)),
        "TANDEM_LOCAL_MODEL": str(model_file(env)),
        "ACTION_TIMEOUT_SECONDS": env.get("ACTION_TIMEOUT_SECONDS") or str(ACTION_SECONDS),
    }


def endpoints_file(env: dict[str, str]) -> Path:
    """The generated endpoints file; the project's own is never changed."""
    return Path(env["TANDEM_VAR"]) / "endpoints-local-model.yml"


def endpoints(env: dict[str, str]) -> str:
    """The endpoints in force with `llm` for the local server; the key stays in the environment."""
    own = Path(env.get("TANDEM_ENDPOINTS") or "endpoints.yml")
    content = yaml.safe_load((ROOT / own).read_text(encoding="utf-8")) or {}
    server = {"model": NAME, "model_provider": "openai", "base_url": "${MODEL_URL}/v1", "api_key": "${MODEL_API_KEY}"}
    head = "# Made by `make run MODEL=local` from the endpoints file; changes are lost.\n"
    return head + yaml.safe_dump(content | {"llm": server | LLM}, sort_keys=False)
