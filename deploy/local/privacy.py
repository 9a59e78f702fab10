"""`make erase`, `make export` and `make retention`: what all services keep about a person, found, given out or deleted.

Each service works on its own stores with its own command in its own environment (`python -m <service>.privacy`); this
module runs the three in the right order and prints one report. The assistant and the desk come first: until they have
done their part the action server goes on knowing which conversations are the person's, so that running it again
finishes what a failure has left. Works while the services run.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path

from deploy.local.environment import QUIET, ROOT, read_env_file
from deploy.local.privacy_export import together, write_export
from deploy.local.privacy_search import holding

SERVICES = {
    "assistant": ROOT / ".venv/bin/python",
    "actions": ROOT / "actions/.venv/bin/python",
    "desk": ROOT / "desk/.venv/bin/python",
}
SECONDS = 300
BATCH = 200  # conversations on one command line
KINDS = {
    "tracker_events": ("tracker.db", "events of conversations"),
    "stream_events": ("events.db", "events of the stream"),
    "mail_files": ("mail", "letters and threads of e-mail"),
    "vault_keys": ("vault.db", "keys (without them every copy is unreadable)"),
    "vault_entries": ("vault.db", "values"),
    "vault_addresses": ("vault.db", "addresses of channels"),
}


class Failed(Exception):
    """A service could not do its part; the text is its own sentence."""


@dataclass
class Report:
    """Lines of {service, store, kind, erased, kept, why}; what is left to do; and what the search has found."""

    lines: list[dict] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    searched: int = 0

    def take(self, service: str, answer: dict) -> None:
        """Add what a service has done."""
        self.lines += [{"service": service, **line} for line in answer.get("lines", [])]
        self.left += answer.get("left", [])

    def show(self) -> None:
        """Print it for people."""
        wide = max((len(f"{line['store']}: {line['kind']}") for line in self.lines), default=0)
        for line in self.lines:
            name = f"{line['store']}: {line['kind']}"
            counts = [f"{line[count]} {count}" for count in ("erased", "kept") if line[count]]
            why = f" ({line['why']})" if line["why"] else ""
            print(f"  {name:<{wide}}  {', '.join(counts)}{why}")
        if not self.lines:
            print("  Nothing to delete.")
        for sentence in self.left:
            print(f"LEFT TO DO: {sentence}")


class Services:
    """The services' commands with one environment."""

    def __init__(self, var: Path) -> None:
        self.env = {**QUIET, **read_env_file(var / "env"), **os.environ, "TANDEM_VAR": str(var.resolve())}

    def ask(self, service: str, command: str, given: dict | None = None, *arguments: str) -> dict:
        """A command's answer. What is given goes by standard input: other users can read a command line.

        Raises Failed.
        """
        argv = [str(SERVICES[service]), "-m", f"{service}.privacy", command, *arguments]
        try:
            done = subprocess.run(
                argv,
                cwd=ROOT,
                env=self.env,
                input=json.dumps(given or {}),
                capture_output=True,
                text=True,
                timeout=SECONDS,
            )
            answer = json.loads(done.stdout) if done.stdout.strip() else None
        except (OSError, ValueError, subprocess.TimeoutExpired) as error:
            raise Failed(f"`python -m {service}.privacy` did not work ({type(error).__name__}).") from None
        if done.returncode not in (0, 1) or not isinstance(answer, dict):
            said = done.stderr.strip().splitlines()
            raise Failed(said[-1] if said else f"`python -m {service}.privacy` ended with code {done.returncode}.")
        return answer


def find(services: Services, person: str) -> dict:
    """Accounts, conversations, values and names of a person, from those who know. Raises Failed."""
    found = services.ask("actions", "find", {"person": person})
    values = [person, *found["accounts"], *found["values"]]
    for value in dict.fromkeys(values):
        more = services.ask("assistant", "find", None, "--value", value)
        found["conversations"] = sorted({*found["conversations"], *more["conversations"]})
    return found


def erase(services: Services, person: str, var: Path) -> Report:
    """Erase the person everywhere. Raises Failed when nobody can be looked for."""
    found = find(services, person)
    report = Report()
    done = True
    for service in ("assistant", "desk", "actions"):
        if service == "actions" and not done:
            report.left.append("The action server still knows the person, so that this can be run again: do that.")
            break
        try:
            for answer in _parts(services, service, "erase", found):
                report.take(service, answer)
        except Failed as failure:
            done = False
            report.left.append(f"The {service} has erased nothing: {failure} Run this again when it works.")
    marks = [*found["accounts"], *found["values"], *found["names"], *found["conversations"]]
    places, report.searched = holding(var, marks or [person])
    report.left += [f"{path} still holds {count} of what names the person." for path, count in places.items()]
    return report


def _parts(services: Services, service: str, command: str, found: dict) -> Iterator[dict]:
    """The answers of a service about a person; the assistant takes some conversations at a time."""
    if service != "assistant":
        yield services.ask(service, command, found)
        return
    for start in range(0, len(found["conversations"]), BATCH):
        answer = services.ask(service, command, None, *found["conversations"][start : start + BATCH])
        yield assistant_report(answer) if command == "erase" else answer


def assistant_report(answer: dict) -> dict:
    """The assistant's counts as lines."""
    lines = [
        {"store": store, "kind": kind, "erased": answer[name], "kept": 0, "why": ""}
        for name, (store, kind) in KINDS.items()
        if answer.get(name)
    ]
    clean = answer.get("old_bytes_gone", True)
    left = [] if clean else ["The assistant's files were too busy to be rewritten: run this again in a quieter moment."]
    return {"lines": lines, "left": left}


def purge_arguments(days: dict, dry_run: bool) -> list[str]:
    """What the assistant's `purge` is told: the moments before which conversations and events are too old."""
    now = datetime.now(timezone.utc).replace(microsecond=0)
    before, events_before = (now - timedelta(days=days[name]) for name in ("conversations", "events"))
    dates = ["--before", before.isoformat(), "--events-before", events_before.isoformat()]
    return [*dates, *(["--dry-run"] if dry_run else [])]


def retention(services: Services, dry_run: bool) -> Report:
    """Delete what is older than policy.yml wants it kept. Raises Failed when the policy cannot be read."""
    days = services.ask("actions", "rules")
    report = Report()
    for service in SERVICES:
        try:
            if service == "assistant":
                answer = assistant_report(services.ask(service, "purge", None, *purge_arguments(days, dry_run)))
            else:
                answer = services.ask(service, "retention", {"days": days, "dry_run": dry_run})
            report.take(service, answer)
        except Failed as failure:
            report.left.append(f"The {service} has deleted nothing: {failure} Run this again when it works.")
    return report


def export(services: Services, person: str, to: Path) -> tuple[int, list[str]]:
    """Write what is kept about a person to a file; how many conversations, and what is missing. Raises Failed."""
    found = find(services, person)
    parts = {service: list(_parts(services, service, "export", found)) for service in SERVICES}
    missing = [sentence for answers in parts.values() for answer in answers for sentence in answer.pop("left", [])]
    told = [row for answer in parts["assistant"] for row in answer["conversations"]]
    [account], [desk] = parts["actions"], parts["desk"]
    conversations = together(desk["conversations"], told)
    write_export(to, account, conversations)
    return len(conversations), missing


def main(arguments: Iterable[str] | None = None) -> int:
    """Returns the exit code: 0, 1 when something is left to do, 2 when nothing could be done."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.local.privacy", description="Personal data of all services."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, told in (("erase", "erase a person"), ("export", "write a person's data to a file")):
        command = commands.add_parser(name, help=told)
        command.add_argument("person", nargs="?", default=os.environ.get("PERSON", ""), help="or the variable PERSON")
    commands.choices["erase"].add_argument("--json", action="store_true", help="the report as JSON")
    commands.choices["export"].add_argument("--to", type=Path, help="a .zip or .json file (export.zip in TANDEM_VAR)")
    keeping = commands.add_parser("retention", help="delete what is older than policy.yml wants it kept")
    keeping.add_argument("--dry-run", action="store_true", help="say what would be deleted, and delete nothing")
    keeping.add_argument("--json", action="store_true", help="the report as JSON")
    given = parser.parse_args(None if arguments is None else list(arguments))
    var = Path(os.environ.get("TANDEM_VAR") or ROOT / "var")
    services = Services(var)
    try:
        if given.command == "export":
            return _export(services, _whom(given.person), given.to or var / "export.zip")
        if given.command == "erase":
            report = erase(services, _whom(given.person), var)
            head = "Erased; what the law wants kept is kept without the person's name:"
        else:
            report = retention(services, given.dry_run)
            head = "Would be deleted:" if given.dry_run else "Deleted:"
    except Failed as failure:
        print(failure, file=sys.stderr)
        return 2
    if given.json:
        print(json.dumps(vars(report), indent=1))
    else:
        print(head)
        report.show()
        if report.searched and not report.left:
            print(f"Searched every byte of {report.searched} files in {var}: nothing of the person is left.")
    return 1 if report.left else 0


def _export(services: Services, person: str, to: Path) -> int:
    count, missing = export(services, person, to)
    print(f"{to}: {count} conversations and everything else. It is personal data: hand it over, then delete it.")
    for sentence in missing:
        print(f"MISSING: {sentence}")
    return 1 if missing else 0


def _whom(person: str) -> str:
    if not person.strip():
        raise Failed("Say whom: PERSON=NA204518, an e-mail address, or the id of a conversation.")
    return person.strip()


if __name__ == "__main__":
    sys.exit(main())
