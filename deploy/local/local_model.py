"""What `make run MODEL=local` adds: the model's server, and an action server that is configured for it.

`make model-server` runs the server alone, for benchmarks and for trying things out.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import yaml

from deploy.local.environment import ROOT, StartError, check_ports, compose
from deploy.local.model import fetch, model_file, read_lock
from deploy.local.model_server import NAME

COMMAND = 'exec actions/.venv/bin/python -m deploy.local.model_server "$TANDEM_LOCAL_MODEL"'
# On two quiet cores a prompt of 600 tokens takes about 8 s and each word of the reply 0.1 s.
LLM = {"max_tokens": 200, "max_concurrent": 1, "retries": 1}
ACTION_SECONDS = 36.0
SHARE = 0.7  # of an action's time for the model; the action server allows three quarters


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
        "ACTION_TIMEOUT_SECONDS": str(action_seconds(env)),
    }


def action_seconds(env: dict[str, str]) -> float:
    """How long an action may take: what the user has set, or enough for this model. Raises StartError."""
    try:
        return float(env.get("ACTION_TIMEOUT_SECONDS") or ACTION_SECONDS)
    except ValueError:
        raise StartError("ACTION_TIMEOUT_SECONDS must be a number of seconds: correct it, or unset it.") from None


def endpoints_file(env: dict[str, str]) -> Path:
    """The generated endpoints file; the project's own is never changed."""
    return Path(env["TANDEM_VAR"]) / "endpoints-local-model.yml"


def endpoints(env: dict[str, str]) -> str:
    """The endpoints in force with `llm` for the local server; the key stays in the environment."""
    own = Path(env.get("TANDEM_ENDPOINTS") or "endpoints.yml")
    content = yaml.safe_load((ROOT / own).read_text(encoding="utf-8")) or {}
    server = {"model": NAME, "model_provider": "openai", "base_url": "${MODEL_URL}/v1", "api_key": "${MODEL_API_KEY}"}
    limits = LLM | {"timeout_seconds": round(SHARE * action_seconds(env), 1)}
    head = "# Made by `make run MODEL=local` from the endpoints file; changes are lost.\n"
    return head + yaml.safe_dump(content | {"llm": server | limits}, sort_keys=False)


def main() -> None:
    """Serve the model in the foreground and say how to use it."""
    try:
        env = compose(Path(os.environ.get("TANDEM_VAR", ROOT / "var")))
        check_ports(env, ["MODEL"])
        prepare(env)
        more = settings(env)
    except StartError as error:
        sys.exit(str(error))
    print("In another terminal, what is to use the model needs these settings:")
    print(f"  set -a; . {env['TANDEM_VAR']}/env; set +a")
    print(f"  export NO_PROXY=127.0.0.1 TANDEM_ENDPOINTS={more['TANDEM_ENDPOINTS']}")
    print(f"  export ACTION_TIMEOUT_SECONDS={more['ACTION_TIMEOUT_SECONDS']}", flush=True)
    os.chdir(ROOT)
    os.execve("/bin/sh", ["sh", "-c", COMMAND], env | more)


if __name__ == "__main__":
    main()
