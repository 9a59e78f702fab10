"""Starts the action server: `python -m actions`.

Exit code 0 after SIGTERM or SIGINT, 1 when the database or the port cannot be used, 2 when a setting is
missing or a file of rules is wrong.
"""

import errno
import logging
import os
import socket
import sys
import warnings

from common.startup import StartRefused, check_secrets, host

from . import logs, settings

SECRETS = ("TANDEM_SECRET", "ACTIONS_TOKEN", "DESK_TOKEN")

logger = logs.get_logger("actions")


def main() -> int:
    """Check the settings, prepare the database, serve until a signal; returns the exit code."""
    try:
        logs.configure()
    except logs.LogSettingWrong as problem:
        print(problem, file=sys.stderr)
        return 2
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    warnings.filterwarnings("ignore", message=".*pkg_resources.*")
    os.environ.setdefault("ANONYMIZED_TELEMETRY", "False")
    try:
        settings.var_dir()
        settings.actions_token()
        settings.backend_url()
        settings.action_timeout()
        settings.secret()
        settings.notifications()
        port = settings.actions_port()
        check_secrets(os.environ, SECRETS)
        address = host(os.environ, "ACTIONS_HOST")
    except (settings.MissingSetting, StartRefused) as problem:
        print(problem, file=sys.stderr)
        return 2
    return _serve(address, port)


def _serve(address: str, port: int) -> int:
    """Serve until a signal and end the process; returns only when the database or the port cannot be used."""
    # Imported after the settings are known to be good: they take seconds.
    from . import helpdesk, queues, triage_tree
    from .backends import BackendError, rules
    from .backends.schema import DatabaseProblem, upgrade
    from .backends.seed import seed
    from .executor import SafeExecutor
    from .policy import pii
    from .server import build

    try:
        rules.check()
        queues.queues()
        triage_tree.tree()
        helpdesk.helpdesk()
    except (
        rules.RulesProblem,
        queues.QueuesProblem,
        triage_tree.TreeProblem,
        settings.MissingSetting,
    ) as problem:
        print(problem, file=sys.stderr)
        return 2
    try:
        upgrade(settings.backend_url())
        if settings.demo() and seed():
            logger.info("seeded")
        listener = _listen(address, port)
    except (DatabaseProblem, BackendError, OSError) as problem:
        print(problem, file=sys.stderr)
        return 1
    pii.warm()  # every message waits for it, and an action has only its time limit
    executor = SafeExecutor(settings.action_timeout())
    app = build(executor, settings.actions_token())
    logger.info("started", extra={"port": port, "actions": len(executor.actions)})
    app.run(sock=listener, single_process=True, motd=False)
    logger.info("stopped")
    executor.shut_down()
    _flush()
    # A thread that is still in native code (an action that hangs, the knowledge base's warm-up) would abort the
    # interpreter's own exit.
    os._exit(0)


def _listen(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address, port))
    except OSError as error:
        listener.close()
        if error.errno != errno.EADDRINUSE:
            raise OSError(f"{address} cannot be listened on ({error.strerror}): correct ACTIONS_HOST") from error
        raise OSError(f"Port {port} is taken ({error.strerror}): set ACTIONS_PORT to a free one") from error
    listener.setblocking(False)
    return listener


def _flush() -> None:
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()


if __name__ == "__main__":
    try:
        code = main()
    except KeyboardInterrupt:
        code = 0
    sys.exit(code)
