"""The desk's command line: `python -m desk` serves, `adduser NAME` adds a user, `endchat ID` ends a customer's chat."""

import argparse
import asyncio
import getpass
import logging
import os
import socket
import sys

from sqlalchemy.exc import SQLAlchemyError

from desk import accounts, chat_end, roles
from desk.app import create_app
from desk.assistant import AssistantError, HTTPAssistant
from desk.database import Database, migrate
from desk.settings import Settings, SettingsError, database_url


def main() -> int:
    """Run the command; returns the exit code."""
    _log_plainly()
    parser = argparse.ArgumentParser(prog="python -m desk", description="Serve the desk.")
    commands = parser.add_subparsers(dest="command")
    adduser = commands.add_parser("adduser", help="add somebody who may log in")
    adduser.add_argument("name", help="what they type to log in")
    adduser.add_argument("--role", choices=list(roles.ROLES), default="agent")
    adduser.add_argument("--display-name", default="", help='such as "Alex Morgan"; customers see the first word')
    endchat = commands.add_parser("endchat", help="end a customer's session on the web chat")
    endchat.add_argument("conversation", help="the conversation's id, 32 hexadecimal digits")
    arguments = parser.parse_args()
    try:
        if arguments.command == "adduser":
            return _add_user(arguments.name, arguments.display_name, arguments.role)
        if arguments.command == "endchat":
            return _end_chat(Settings.from_env(), arguments.conversation)
        return _serve(Settings.from_env())
    except SettingsError as error:
        return _fail(f"{error}.")
    except (accounts.AccountError, AssistantError) as error:
        return _fail(str(error))
    except (SQLAlchemyError, OSError) as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        return _fail(f"The desk's database cannot be used ({reason}): check DESK_DATABASE_URL and TANDEM_VAR.")


def _serve(settings: Settings) -> int:
    try:
        listener = socket.create_server(("127.0.0.1", settings.port), reuse_port=False)
    except OSError:
        return _fail(f"Port {settings.port} is taken: stop what uses it, or set DESK_PORT to another port.")
    migrate(settings.database_url)
    if not settings.demo_password:
        _ensure_admin(settings)
    app = create_app(settings)
    logging.getLogger(__name__).info("The desk listens on http://127.0.0.1:%s", settings.port)
    app.run(sock=listener, single_process=True, motd=False, access_log=False)
    return 0


def _ensure_admin(settings: Settings) -> None:
    """Where nobody administers the desk, add somebody and print their one-time password, here and nowhere else."""
    database = Database(settings.database_url)

    async def ensure() -> str | None:
        try:
            return await accounts.ensure_admin(database)
        finally:
            await database.close()

    password = asyncio.run(ensure())
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


def _end_chat(settings: Settings, conversation: str) -> int:
    migrate(settings.database_url)

    async def end() -> bool:
        database, assistant = (
            Database(settings.database_url),
            HTTPAssistant(settings.assistant_url, settings.rasa_token),
        )
        try:
            return await chat_end.end_chat(database, assistant, conversation, chat_end.BY_DESK)
        finally:
            await assistant.close()
            await database.close()

    if not asyncio.run(end()):
        return _fail("This conversation has no open session on the web chat: check its id.")
    print("The chat is ended: the customer's tokens open nothing any more.")
    return 0


def _ask_password(name: str) -> str:
    """Ask twice at a terminal; read one line where there is none, so that scripts can pass it."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass.getpass(f"Password for {name}: ")
    if getpass.getpass("Once more: ") != password:
        raise accounts.AccountError("The two passwords differ: start again.")
    return password


def _log_plainly() -> None:
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    # httpx logs each address, and the assistant's carries a token.
    for name in ("httpx", "httpcore", "alembic", "aiosqlite", "sanic.root", "sanic.server"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _fail(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
