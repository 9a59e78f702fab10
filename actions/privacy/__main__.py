"""`python -m actions.privacy find|erase|export|retention`: JSON on standard input and output, a sentence on an error.

find       {"person": "..."}                                      -> {"accounts", "conversations", "values", "names"}
erase      that object                                            -> {"lines", "left"}
export     that object                                            -> everything by kind
rules      nothing                                                -> the days of policy.yml's section `retention`
retention  {"dry_run": false}                                     -> {"lines", "left"}

Standard input keeps a person's data out of the list of processes. Exit code 0; 1 when something is left to do; 2 when
nothing could be done.
"""

import argparse
import json
import sys
from collections.abc import Callable
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from actions.backends.protocols import Unavailable
from actions.policy.rules import PolicyError
from actions.policy.source import load
from actions.privacy import erasing, exporting, retaining
from actions.privacy.person import Person, Unclear, find
from actions.settings import MissingSetting, policy_file

Given = dict[str, Any]


def main() -> int:
    """Run the command; returns the exit code."""
    commands: dict[str, Callable[[Given], dict[str, Any]]] = {
        "find": lambda given: vars(find(str(given.get("person") or ""))),
        "erase": lambda given: erasing.erase(_person(given)).as_json(),
        "export": lambda given: exporting.export(_person(given)),
        "rules": lambda given: load(policy_file()).retention.model_dump(),
        "retention": lambda given: retaining.apply(
            load(policy_file()).retention, given.get("dry_run") is True
        ).as_json(),
    }
    parser = argparse.ArgumentParser(prog="python -m actions.privacy", description="Personal data of this service.")
    parser.add_argument("command", choices=list(commands))
    command = parser.parse_args().command
    try:
        given = {} if command == "rules" else json.load(sys.stdin)
        result = commands[command](given)
    except (Unclear, MissingSetting, PolicyError) as error:
        print(error, file=sys.stderr)
        return 2
    except (Unavailable, SQLAlchemyError, OSError) as error:
        reason = type(error).__name__
        print(f"The action server's stores cannot be used ({reason}): check BACKEND_DATABASE_URL.", file=sys.stderr)
        return 2
    except (ValueError, AttributeError):
        print("Standard input must be a JSON object.", file=sys.stderr)
        return 2
    json.dump(result, sys.stdout, ensure_ascii=False)
    print()
    return 1 if result.get("left") else 0


def _person(given: Given) -> Person:
    return Person(*([str(value) for value in given.get(name, [])] for name in vars(Person())))


if __name__ == "__main__":
    sys.exit(main())
