"""Files of the e-mail channel: what came in and is not answered yet, what has to go out, and where each thread stands.

Each file is sealed with its conversation's key in the vault, so erasing the conversation there makes it unreadable.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from pathlib import Path
from typing import IO, Any

from assistant.privacy.keys import Unreadable, VaultError, seal, unseal
from assistant.privacy.vault import Vault

INBOX, OUTBOX, LATE, FAILED, THREADS = BOXES = ("inbox", "outbox", "late", "failed", "threads")


class MailFiles:
    """JSON objects in files named after their conversation, in one folder for each of `BOXES`. All calls block."""

    def __init__(self, folder: Path, vault: Vault) -> None:
        """Makes the folders, readable by this user alone."""
        self._folder, self._vault = folder, vault
        for box in BOXES:
            (folder / box).mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock: IO[str] | None = None

    def hold(self) -> bool:
        """Whether this process may now work off what is there; another one of the same folder may not."""
        lock = (self._folder / "lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            return False
        self._lock = lock
        return True

    def release(self) -> None:
        """Let another process work."""
        if self._lock:
            self._lock.close()
            self._lock = None

    def add(self, box: str, conversation: str, content: dict[str, Any]) -> Path:
        """A new file; once this returns, it is on the disk."""
        stamp = f"{time.time_ns():016x}{os.urandom(4).hex()}"
        return self._write(self._folder / box / f"{conversation}.{stamp}", content)

    def waiting(self, box: str, conversation: str = "") -> list[Path]:
        """The files of a box, or of one conversation in it, the oldest first."""
        found = (path for path in (self._folder / box).iterdir() if path.suffix and not path.name.startswith("."))
        mine = [path for path in found if not conversation or path.stem == conversation]
        return sorted(mine, key=lambda path: path.suffix)

    def read(self, path: Path) -> dict[str, Any] | None:
        """What is in a file; None, and the file is gone, when its conversation was erased.

        Raises VaultError when the vault cannot be read; the file stays.
        """
        known = self._vault.known(path.stem)
        try:
            if known:
                return dict(json.loads(unseal(known.key, path.read_bytes(), self._context(path))))
        except FileNotFoundError:
            return None
        except Unreadable:  # with another key: erased, and written to again since
            pass
        path.unlink(missing_ok=True)
        return None

    def give_up(self, path: Path) -> None:
        """Keep a mail that cannot be delivered apart; moved back to the outbox, it is tried again at the next start."""
        os.replace(path, self._folder / FAILED / path.name)

    def thread(self, conversation: str) -> dict[str, Any]:
        """Where the conversation's thread stands."""
        return self.read(self._folder / THREADS / f"{conversation}.thread") or {}

    def keep_thread(self, conversation: str, thread: dict[str, Any]) -> None:
        """Instead of what was kept before."""
        self._write(self._folder / THREADS / f"{conversation}.thread", thread)

    def _write(self, path: Path, content: dict[str, Any]) -> Path:
        known = self._vault.known(path.stem)
        if known is None:
            raise VaultError("A conversation was erased while it was written to.")
        sealed = seal(known.key, json.dumps(content).encode(), self._context(path))
        part = path.with_name(f".{path.name}")
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(sealed)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
        _sync(path.parent)
        return path

    @staticmethod
    def _context(path: Path) -> str:
        return f"mail|{path.name}"


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
