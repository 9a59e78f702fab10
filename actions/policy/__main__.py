"""`python -m actions.policy check [FILE]`: validate the policy, and show what each rule catches on its examples.

`python -m actions.policy export [--since DAY] [--conversation REF]`: the recorded decisions as JSON lines.

Exit code 0; 1 when an example falls on the wrong side; 2 when the file is wrong or the records cannot be read.
"""

import argparse
import json
import os
import re
import sys
from pathlib import Path

from actions.settings import MissingSetting, policy_file


def main() -> int:
    """Run the command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m actions.policy", description="The policy and its decisions.")
    commands = parser.add_subparsers(dest="command", required=True)
    checking = commands.add_parser("check", help="validate the policy and show what each rule catches")
    checking.add_argument("file", nargs="?", type=Path, help="policy.yml, or TANDEM_POLICY")
    exporting = commands.add_parser("export", help="write the recorded decisions as JSON lines")
    exporting.add_argument("--since", type=_day, metavar="DAY", help="from this day on, such as 2026-11-01")
    exporting.add_argument("--conversation", default="", metavar="REF", help="a conversation's id or its reference")
    given = parser.parse_args()
    if given.command == "check":
        return _check(given.file or policy_file())
    return _export(given.since or "", given.conversation)


def _check(path: Path) -> int:
    # Imported here: the export needs none of it, and the encoder takes seconds.
    from rich.console import Console

    from actions.knowledge.encoder import ModelMissing, encoder
    from actions.policy.engine import Engine
    from actions.policy.report import check, handoff_mistakes, show, show_handoff
    from actions.policy.rules import PolicyError
    from actions.policy.source import read
    from actions.queues import QueuesProblem, queues

    try:
        encoder().warm()
        policy, lines = read(path)
        missing = handoff_mistakes(policy, lines, queues(), _intents(), path.name)
    except (PolicyError, ModelMissing, QueuesProblem) as error:
        print(error, file=sys.stderr)
        return 2
    # Wide enough for the longest rule where the output is no terminal.
    console = Console(width=None if sys.stdout.isatty() else 140)
    results, mistakes = check(Engine(policy), lines)
    show(results, mistakes, console, path.name)
    show_handoff(policy, console)
    for line in missing:
        print(line)
    if mistakes:
        print(f"{len(mistakes)} of the examples fall on the wrong side.")
    if mistakes or missing:
        return 1
    count = f"{len(results)} rules and {len(policy.handoff)} for handoffs"
    print(f"Policy {policy.stamp}: {count}, every example on its side.")
    return 0


def _intents() -> set[str]:
    """The intents of domain.yml."""
    import yaml

    domain = yaml.safe_load((Path(__file__).resolve().parents[2] / "domain.yml").read_text(encoding="utf-8"))
    return {name for intent in domain["intents"] for name in ([intent] if isinstance(intent, str) else intent)}


def _export(since: str, conversation: str) -> int:
    from sqlalchemy.exc import SQLAlchemyError

    from actions.policy import records

    try:
        for row in records.read(since, conversation):
            print(json.dumps(row, ensure_ascii=False))
    except (MissingSetting, SQLAlchemyError) as error:
        reason = (
            str(error) if isinstance(error, MissingSetting) else f"({type(error).__name__}): see POLICY_DATABASE_URL"
        )
        print(f"The policy's decisions cannot be read {reason}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _day(text: str) -> str:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d(T[\d:.]+Z?)?", text):
        raise argparse.ArgumentTypeError(f"write a day such as 2026-11-01, not {text!r}")
    return text


if __name__ == "__main__":
    sys.exit(main())
