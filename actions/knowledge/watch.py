"""Index again whenever a document changes."""

from collections.abc import Callable
from pathlib import Path

from watchfiles import Change
from watchfiles import watch as changes


def watch(folder: Path, run: Callable[[], int]) -> None:
    """Call `run` after each change in `folder`, until Ctrl-C. Changes within half a second count as one."""
    print(f"Watching {folder} for changes; Ctrl-C ends.", flush=True)
    for _ in changes(folder, watch_filter=_matters, debounce=500, raise_interrupt=False):
        run()


def _matters(change: Change, path: str) -> bool:
    """Whether a change can be of a document: editors write hidden files and copies beside it."""
    name = Path(path).name
    return not name.startswith((".", "~")) and not name.endswith(("~", ".swp", ".tmp"))
