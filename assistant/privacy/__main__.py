"""`python -m assistant.privacy …`: migrate, rekey, check, find, export, erase, purge. Reports are JSON on stdout."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import sqlalchemy.exc
from rasa.shared.exceptions import RasaException

from assistant.privacy import migration
from assistant.privacy.databases import stream_events, tracker_events
from assistant.privacy.persons import Records
from assistant.privacy.vault import Vault, shared_vault


def main() -> None:
    """Run one command; exits with 1 when something is left to do, with 2 and a sentence when it cannot run."""
    arguments = _parser().parse_args()
    try:
        vault, tracker, stream = shared_vault(), tracker_events(), stream_events()
        tables = {"tracker_store": tracker} | ({"event_stream": stream} if stream else {})
        report = arguments.run(arguments, vault, tables, Records(vault, tracker, stream))
    except RasaException as error:
        _fail(str(error))
    except sqlalchemy.exc.SQLAlchemyError as error:
        # Not its text: that holds the statement's values.
        _fail(f"A database failed ({type(error).__name__}): see that it runs and is not locked, then start again.")
    json.dump(report, sys.stdout, ensure_ascii=False, indent=1)
    print()
    sys.exit(1 if report.get("unreadable_conversations") or report.get("unreadable_events") else 0)


def _migrate(_arguments: Any, vault: Vault, tables: dict[str, Any], _records: Records) -> dict[str, Any]:
    return {name: migration.migrate(table, vault) for name, table in tables.items()}


def _rekey(_arguments: Any, vault: Vault, _tables: Any, _records: Records) -> dict[str, Any]:
    return dict(migration.rekey(vault))


def _check(_arguments: Any, vault: Vault, tables: dict[str, Any], _records: Records) -> dict[str, Any]:
    return migration.check(vault, list(tables.values()))


def _on_records(call: Callable[[Records, Any], dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    return lambda arguments, _vault, _tables, records: call(records, arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m assistant.privacy", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable[..., dict[str, Any]], text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(run=run)
        return added

    command("migrate", _migrate, "replace personal data in what was stored before the vault")
    command("rekey", _rekey, 'wrap all keys with the first of TANDEM_VAULT_KEY="new,old"')
    command("check", _check, "open everything and say what does not open")
    find = command("find", _on_records(lambda r, a: r.find(a.value)), "the conversations in which a value occurs")
    find.add_argument("--value", required=True, metavar="TEXT", help="an e-mail address, telephone, name, …")
    for name, run, text in (
        ("export", lambda r, a: r.export(a.conversations), "all that is kept of conversations, in clear"),
        ("erase", lambda r, a: r.erase(a.conversations), "delete conversations everywhere"),
    ):
        command(name, _on_records(run), text).add_argument("conversations", nargs="+", metavar="CONVERSATION")
    purge = command(
        "purge", _on_records(lambda r, a: r.purge(a.before, a.events_before)), "erase conversations that ended long ago"
    )
    purge.add_argument("--before", required=True, type=_date, metavar="DATE", help="nothing said since then (ISO, UTC)")
    purge.add_argument("--events-before", type=_date, metavar="DATE", help="delete older rows of the event stream, too")
    return parser


def _date(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is no ISO date such as 2026-11-23") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def _fail(sentence: str) -> None:
    print(sentence, file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    main()
