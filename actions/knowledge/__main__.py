"""`python -m actions.knowledge`: index the articles that changed.

Exit code 0; 1 when an article failed (the index holds the others); 2 when nothing could be indexed.
"""

import sys

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from actions.knowledge.encoder import ModelMissing
from actions.knowledge.ingest import Summary, ingest
from actions.knowledge.retrieve import retriever
from actions.knowledge.store import StoreError
from actions.settings import MissingSetting, knowledge_dir


def main() -> int:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    try:
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task("Indexing articles", total=None, start=False)
            summary: Summary = ingest(
                knowledge_dir(), lambda done, total: bar.update(task, completed=done, total=total)
            )
            if summary.added or summary.changed or summary.deleted:
                bar.update(task, description="Preparing the search")
                retriever().open()  # here rather than while the first customer waits
    except (MissingSetting, ModelMissing, StoreError, NotADirectoryError) as error:
        print(error, file=sys.stderr)
        return 2
    for name, reason in sorted(summary.failures.items()):
        print(f"{name}: {reason}", file=sys.stderr)
    print(summary)
    return 1 if summary.failures else 0


if __name__ == "__main__":
    sys.exit(main())
