"""Vectors by text: an LRU in the process, and a file that spares the next training the encoding."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
from tqdm import tqdm

from assistant.nlu.encoder import MAX_BATCH

logger = logging.getLogger(__name__)

# Each fine-tuned encoder has its own file; those that were not used for longest go.
FILES_KEPT = 8

Encode = Callable[[Sequence[str]], np.ndarray]


class VectorFile:
    """Training vectors on disk, one SQLite file per encoder.

    Keys are hashes of the texts, and only training examples are ever written: no customer's words reach it.
    A file that cannot be read or written costs time, never a training.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @classmethod
    def for_encoder(cls, digest: str) -> VectorFile | None:
        """The file under $TANDEM_VAR/cache, or None where TANDEM_VAR is not set."""
        var = os.environ.get("TANDEM_VAR")
        return cls(Path(var) / "cache" / f"vectors-{digest}.db") if var else None

    def read(self, texts: Iterable[str]) -> dict[str, np.ndarray]:
        """The stored vectors among those of `texts`."""
        wanted = {_key(text): text for text in texts}
        try:
            with closing(self._open()) as db:
                rows = db.execute("SELECT key, vector FROM vectors").fetchall()
            self._path.touch()
        except (OSError, sqlite3.Error) as error:
            logger.warning("Vector cache %s cannot be read (%s); encoding again.", self._path, error)
            return {}
        return {wanted[key]: np.frombuffer(blob, dtype=np.float32) for key, blob in rows if key in wanted}

    def write(self, vectors: dict[str, np.ndarray]) -> None:
        """Adds vectors."""
        rows = [(_key(text), vector.astype(np.float32).tobytes()) for text, vector in vectors.items()]
        try:
            with closing(self._open()) as db, db:
                db.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)
            keep_newest(self._path.parent, "vectors-*.db", FILES_KEPT)
        except (OSError, sqlite3.Error) as error:
            logger.warning("Vector cache %s cannot be written (%s).", self._path, error)

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(str(self._path), timeout=10)
        db.execute("CREATE TABLE IF NOT EXISTS vectors (key TEXT PRIMARY KEY, vector BLOB NOT NULL)")
        return db


def keep_newest(folder: Path, pattern: str, count: int) -> None:
    """Removes the files and folders of a pattern, except the `count` that were changed or touched last.

    Raises:
        OSError: one cannot be looked at or removed.
    """
    for old in sorted(folder.glob(pattern), key=lambda path: path.stat().st_mtime)[:-count]:
        if old.is_dir():
            shutil.rmtree(old)
        else:
            old.unlink()


def _key(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class Vectors:
    """Encodes texts once each."""

    def __init__(self, encode: Encode, file: VectorFile | None = None, capacity: int = 4096) -> None:
        """Wraps `encode`, which takes at most 64 texts and returns one row each."""
        self._encode = encode
        self._file = file
        self._capacity = capacity
        self._recent: OrderedDict[str, np.ndarray] = OrderedDict()

    def get(self, texts: Sequence[str]) -> list[np.ndarray]:
        """One vector per text, in the texts' order."""
        found = {text: self._recent[text] for text in texts if text in self._recent}
        found.update(self._encode_all([text for text in dict.fromkeys(texts) if text not in found]))
        for text in found:
            self._remember(text, found[text])
        return [found[text] for text in texts]

    def get_for_training(self, texts: Sequence[str]) -> list[np.ndarray]:
        """As get(), for training examples: uses the file and shows a progress bar on a terminal."""
        stored = self._file.read(texts) if self._file else {}
        missing = [text for text in dict.fromkeys(texts) if text not in stored]
        new = self._encode_all(missing, progress=True)
        if self._file and new:
            self._file.write(new)
        stored.update(new)
        return [stored[text] for text in texts]

    def _encode_all(self, texts: list[str], progress: bool = False) -> dict[str, np.ndarray]:
        # Texts of like length share a batch, so that little of it is padding.
        ordered = sorted(texts, key=len)
        vectors: dict[str, np.ndarray] = {}
        # None means: only on a terminal.
        with tqdm(total=len(ordered), desc="Encoding examples", disable=None if progress else True) as bar:
            for start in range(0, len(ordered), MAX_BATCH):
                batch = ordered[start : start + MAX_BATCH]
                vectors.update(zip(batch, self._encode(batch), strict=True))
                bar.update(len(batch))
        return vectors

    def _remember(self, text: str, vector: np.ndarray) -> None:
        self._recent[text] = vector
        self._recent.move_to_end(text)
        if len(self._recent) > self._capacity:
            self._recent.popitem(last=False)
