"""`python -m desk.privacy erase|export|retention`: JSON on standard input and output, a sentence on an error.

erase      {"accounts", "conversations", "values", "names"}: lists of texts  -> {"lines", "left"}
export     the same                                                          -> {"conversations": [...]}
retention  {"days": {"desk": 365, "audit": 1095}, "dry_run": false}          -> {"lines", "left"}

Exit code 0; 1 when something is left to do; 2 when nothing could be done.
"""

import argparse
import asyncio
import json
import sys
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from desk.database import Database, migrate
from desk.privacy import erasing, exporting
from desk.settings import Settings, SettingsError
from desk.vault import Vault


def main() -> int:
    """Run the command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m desk.privacy", description="Personal data of the desk.")
    parser.add_argument("command", choices=["erase", "export", "retention"])
    command = parser.parse_args().command
    try:
        given = json.load(sys.stdin)
        settings = Settings.from_env()
        migrate(settings.database_url)
        result = asyncio.run(_run(command, given, settings))
    except SettingsError as error:
        print(f"{error}.", file=sys.stderr)
        return 2
    except (SQLAlchemyError, OSError) as error:
        print(f"The desk's database cannot be used ({type(error).__name__}): check DESK_DATABASE_URL.", file=sys.stderr)
        return 2
    except (ValueError, TypeError, KeyError, AttributeError):
        print("Standard input must be a JSON object with the fields that this command needs.", file=sys.stderr)
        return 2
    json.dump(result, sys.stdout, ensure_ascii=False)
    print()
    return 1 if result.get("left") else 0


async def _run(command: str, given: dict[str, Any], settings: Settings) -> dict[str, Any]:
    database, vault = Database(settings.database_url), Vault(settings.vault_database_url, settings.vault_key)
    try:
        if command == "export":
            found = await exporting.export(database, vault, _texts(given, "conversations"))
            return found | ({"left": [vault.trouble]} if vault.trouble else {})
        if command == "erase":
            names = _texts(given, "accounts") or _texts(given, "conversations") or _texts(given, "values")
            report = await erasing.erase(
                database,
                settings.secret,
                _texts(given, "conversations"),
                names,
                [*_texts(given, "accounts"), *_texts(given, "values")],
            )
            rewrite = True  # also when a run before this one could not rewrite the file
        else:
            days, dry_run = given["days"], given.get("dry_run") is True
            report = await erasing.forget_old(database, settings.secret, int(days["desk"]), int(days["audit"]), dry_run)
            rewrite = bool(report.lines) and not dry_run
    finally:
        await database.close()
        await vault.close()
    if rewrite:
        try:
            erasing.scrub(settings.database_url)
        except erasing.Busy as error:
            report.left.append(str(error))
    return report.as_json()


def _texts(given: dict[str, Any], name: str) -> list[str]:
    return [str(value) for value in given.get(name, []) if str(value).strip()]


if __name__ == "__main__":
    sys.exit(main())
