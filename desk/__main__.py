"""The desk's command line: `python -m desk` serves, `python -m desk adduser NAME` adds a user."""

import argparse
import asyncio
import errno
import getpass
import logging
import os
import socket
import sys

from sqlalchemy.exc import SQLAlchemyError

from common import logs
from common.startup import StartRefused, check_secrets
from desk import accounts, roles
from desk.app import create_app
from desk.database import Database, migrate
from desk.settings import Settings, SettingsError, database_url

SECRETS = ("TANDEM_SECRET", "RASA_TOKEN", "ACTIONS_TOKEN", "DESK_TOKEN")


def main() -> int:
    """Run the command; returns the exit code."""
    try:
        logs.configure("desk")
    except logs.LogSettingWrong as error:
        return _fail(str(error))
    parser = argparse.ArgumentParser(prog="python -m desk", description="Serve the desk.")
    commands = parser.add_subparsers(dest="command")
    adduser = commands.add_parser("adduser", help="add somebody who may log in")
    adduser.add_argument("name", help="what they type to log in")
    adduser.add_argument("--role", choices=list(roles.ROLES), default="agent")
    adduser.add_argument("--display-name", default="", help='such as "Alex Morgan"; customers see the first word')
    arguments = parser.parse_args()
    try:
        if arguments.command == "adduser":
            return _add_user(arguments.name, arguments.display_name, arguments.role)
        check_secrets(os.environ, SECRETS)
        return _serve(Settings.from_env())
    except SettingsError as error:
        return _fail(f"{error}.")
    except StartRefused as error:
        return _fail(str(error))
    except accounts.AccountError as error:
        return _fail(str(error))
    except (SQLAlchemyError, OSError) as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        return _fail(f"The desk's database cannot be used ({reason}): check DESK_DATABASE_URL and TANDEM_VAR.")


def _serve(settings: Settings) -> int:
    try:
        listener = socket.create_server((settings.host, settings.port), family=_family(settings.host), reuse_port=False)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            return _fail(f"{settings.host} cannot be listened on ({error.strerror}): correct DESK_HOST.")
        return _fail(f"Port {settings.port} is taken: stop what uses it, or set DESK_PORT to another port.")
    migrate(settings.database_url)
    if not settings.demo_password:
        _leave_demo(settings)
    app = create_app(settings)
    logging.getLogger("desk").info("started", extra={"address": settings.host, "port": settings.port})
    app.run(sock=listener, single_process=True, motd=False)
    return 0


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _leave_demo(settings: Settings) -> None:
    """Shut the demonstration's users out.

    Where nobody administers the desk, add somebody and print their one-time password, here and nowhere else.
    """
    database = Database(settings.database_url)
    demo_password = os.environ.get("DEMO_AGENT_PASSWORD", "")

    async def ensure() -> tuple[list[str], str | None]:
        try:
            closed = await accounts.close_demo_users(database, demo_password) if demo_password else []
            return closed, await accounts.ensure_admin(database)
        finally:
            await database.close()

    closed, password = asyncio.run(ensure())
    if closed:
        logging.getLogger("desk").warning("demo_users_disabled", extra={"users": ", ".join(closed)})
    if password:
        print(
            f"\nFirst start: log in at {settings.desk_url}/desk as admin with the one-time password {password}\n"
            "It is shown only now, and you choose your own password when you log in.\n",
            flush=True,
        )


def _add_user(name: str, display_name: str, role: str) -> int:
    url = database_url(os.environ)
    migrate(url)
    password = _ask_password(name)
    database = Database(url)

    async def add() -> None:
        try:
            await accounts.add_user(database, name, display_name, role, password)
        finally:
            await database.close()

    asyncio.run(add())
    print(f"Added {name} as {role}.")
    return 0


def _ask_password(name: str) -> str:
    """Ask twice at a terminal; read one line where there is none, so that scripts can pass it."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass.getpass(f"Password for {name}: ")
    if getpass.getpass("Once more: ") != password:
        raise accounts.AccountError("The two passwords differ: start again.")
    return password


def _fail(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
