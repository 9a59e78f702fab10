"""`python -m actions.knowledge [--watch]`: index the documents that changed; with --watch again at each change.

Exit code 0; 1 when a document failed (the index holds the others); 2 when nothing could be indexed.
"""

import argparse
import sys

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from actions.knowledge.encoder import ModelMissing
from actions.knowledge.ingest import ingest
from actions.knowledge.store import StoreError
from actions.knowledge.watch import watch
from actions.settings import MissingSetting, knowledge_dir


def run() -> int:
    """Index once and print what was done."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    try:
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task("Reading documents", total=None)
            summary = ingest(
                knowledge_dir(),
                lambda done, total: bar.update(
                    task,
                    completed=done,
                    total=total,
                    description="Indexing chunks" if done < total else "Preparing the search",
                ),
            )
    except (MissingSetting, ModelMissing, StoreError, NotADirectoryError) as error:
        print(error, file=sys.stderr)
        return 2
    for name, reason in sorted(summary.failures.items()):
        print(f"{name}: {reason}", file=sys.stderr)
    print(summary, flush=True)
    return 1 if summary.failures else 0


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m actions.knowledge", description="Index what changed.")
    parser.add_argument("--watch", action="store_true", help="go on, and index again at each change until Ctrl-C")
    options = parser.parse_args(arguments)
    code = run()
    if options.watch and code != 2:
        watch(knowledge_dir(), run)
    return code


if __name__ == "__main__":
    sys.exit(main())
