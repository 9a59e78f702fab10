"""`make run`: prepares, starts the services of the Procfile through honcho, and stops them on Ctrl-C.

With `--model local` a server of a language model runs beside them, and the action server uses it.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterable
from pathlib import Path

from honcho.environ import parse_procfile
from honcho.manager import Manager
from honcho.printer import Printer

from deploy.local.environment import ROOT, SERVICES, StartError, check_ports, compose
from deploy.local.local_model import COMMAND, prepare, settings
from deploy.local.prepare import index_knowledge, train

HEALTH = {"assistant": "ASSISTANT_URL", "actions": "ACTIONS_URL", "desk": "DESK_URL", "model": "MODEL_URL"}
START_SECONDS = 180


class ServicePrinter(Printer):
    """honcho's printer without its own remarks on processes that start and stop."""

    def write(self, message) -> None:
        if message.name != "system":
            super().write(message)


def health_url(name: str, env: dict[str, str]) -> str:
    """Where the service `name` says that it is up."""
    return env[HEALTH[name]] + "/health"


def answers(url: str) -> bool:
    """Whether a GET of `url` gives 200 within two seconds."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return response.status == 200
    except (urllib.error.URLError, OSError):
        return False


def announce(env: dict[str, str], names: Iterable[str], stop: threading.Event) -> None:
    """Wait until every service answers, then say where to go; after START_SECONDS stop everything."""
    waiting = dict.fromkeys(names)
    started = time.monotonic()
    while waiting and not stop.is_set():
        for name in [name for name in waiting if answers(health_url(name, env))]:
            del waiting[name]
        if time.monotonic() - started > START_SECONDS:
            print(f"Not up after {START_SECONDS} s: {', '.join(waiting)}. Stopping.", file=sys.stderr, flush=True)
            os.kill(os.getpid(), signal.SIGTERM)
            return
        stop.wait(0.3)
    if not stop.is_set():
        print(welcome(env, with_model="model" in names), flush=True)


def welcome(env: dict[str, str], with_model: bool = False) -> str:
    """The addresses and the demo log-ins, for the terminal."""
    lines = [
        "",
        "Tandem is running.",
        f"  Customer chat:  {env['DESK_URL']}/",
        f"  Agent desk:     {env['DESK_URL']}/desk",
    ]
    if env.get("TANDEM_DEMO") == "1":
        password = env["DEMO_AGENT_PASSWORD"]
        lines += [
            f"  Agent log-in:   alex / {password}",
            "  With the same password: sam (supervisor), dana (designer), uma (auditor), admin (administrator)",
            "  Try as a customer:  account NA204518, postcode LS1 4AP, order NO482136",
        ]
    if with_model:
        lines.append("  Answers are written by a language model on this machine: they take seconds.")
    return "\n".join([*lines, "  Stop with Ctrl-C.", ""])


def main() -> int:
    """Returns the exit code: 0 after Ctrl-C, 2 when something keeps Tandem from starting, else the failed service's."""
    parser = argparse.ArgumentParser(prog="make run", description="Start Tandem on this machine.")
    parser.add_argument("--model", choices=["local"], help="run a language model here, too (make run MODEL=local)")
    local = parser.parse_args().model == "local"
    os.chdir(ROOT)
    try:
        env = compose(Path(os.environ.get("TANDEM_VAR", ROOT / "var")))
        check_ports(env, (*SERVICES, "MODEL") if local else SERVICES)
        if local:
            prepare(env)
        train(env)
        index_knowledge(env)
    except StartError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    model = {"model": COMMAND} if local else {}
    commands = model | parse_procfile((ROOT / "Procfile").read_text()).processes
    named = "the language model, the assistant" if local else "the assistant"
    print(f"Starting {named}, the action server and the desk …", flush=True)
    manager = Manager(ServicePrinter(sys.stdout))
    for name, command in commands.items():
        more = settings(env) if local and name in ("actions", "model") else {}
        manager.add_process(name, command, env=env | more, cwd=str(ROOT))
    stop = threading.Event()
    watcher = threading.Thread(target=announce, args=(env, tuple(commands), stop), daemon=True)
    watcher.start()
    manager.loop()
    stop.set()
    print("Tandem has stopped.", flush=True)
    return 0 if manager.returncode in (130, 143) else (manager.returncode or 1)


if __name__ == "__main__":
    sys.exit(main())
