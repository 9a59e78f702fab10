"""The vectors of all texts that were ever embedded, by the text: none is embedded twice.

A file holds rows of 384 half-precision floats (rounding moves a cosine by less than 0.0005), a second one the
SHA-256 of each row's text, cut to 16 bytes. Rows are only ever appended, each batch at once, so a run that is
killed loses one batch at most. Other files name rows by number and map the vectors into memory. When most rows
belong to texts that are gone, the others are copied to a new pair of files with the next number.
"""

import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from langchain_core.embeddings import Embeddings

from actions.knowledge.encoder import DIMENSION, MODEL_ID, MiniLM

BATCH = 64  # texts that are embedded before their vectors are on disk
KEY = 16  # bytes
ROW = DIMENSION * 2  # bytes
SPARE = 10_000  # rows that nothing uses before the files are copied


def key(text: str) -> bytes:
    """What a text's vector is found by."""
    return hashlib.sha256(text.encode()).digest()[:KEY]


def mapped(path: Path) -> np.ndarray:
    """The rows of a vector file, float16 [rows, 384], read from disk when they are looked at."""
    rows = path.stat().st_size // ROW
    if not rows:
        return np.zeros((0, DIMENSION), dtype=np.float16)
    return np.memmap(path, dtype=np.float16, mode="r", shape=(rows, DIMENSION))


class Vectors(Embeddings):
    """The files, open for writing; one process at a time (the indexer holds a lock).

    As LangChain embeddings it gives the vector of a known text without the encoder.
    """

    def __init__(self, folder: Path, model: MiniLM) -> None:
        self._folder, self._model = folder, model
        numbers = [int(file.suffixes[-2][1:]) for file in folder.glob(f"vectors-{MODEL_ID}.*.keys")]
        self._open(max(numbers, default=1))

    def _open(self, number: int) -> None:
        self.number = number
        self.path = self._folder / f"vectors-{MODEL_ID}.{number}.f16"
        self._keys_path = self.path.with_suffix(".keys")
        self.path.touch()
        self._keys_path.touch()
        keys = self._keys_path.read_bytes()
        rows = min(len(keys) // KEY, self.path.stat().st_size // ROW)
        for path, width in ((self.path, ROW), (self._keys_path, KEY)):  # half a row, after a kill
            os.truncate(path, rows * width)
        self._rows = {keys[KEY * n : KEY * (n + 1)]: n for n in range(rows)}

    def __len__(self) -> int:
        return len(self._rows)

    def missing(self, texts: Iterable[str]) -> list[str]:
        """Those of `texts` that have no vector yet, each once."""
        return [text for text in dict.fromkeys(texts) if key(text) not in self._rows]

    def add(self, texts: Iterable[str]) -> None:
        """Embed those of `texts` that have no vector yet. Raises ModelMissing."""
        missing = self.missing(texts)
        for start in range(0, len(missing), BATCH):
            part = missing[start : start + BATCH]
            self.append([key(text) for text in part], self._model.embed(part))

    def append(self, keys: Sequence[bytes], vectors: np.ndarray) -> None:
        """Store `vectors`, [len(keys), 384], under keys that are not there yet: the rows before the keys, so
        that a key always has a whole row."""
        for path, data in (
            (self.path, np.asarray(vectors, dtype=np.float16).tobytes()),
            (self._keys_path, b"".join(keys)),
        ):
            with path.open("ab") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        for one in keys:
            self._rows[one] = len(self._rows)

    def rows(self, texts: Iterable[str]) -> list[int]:
        """The row numbers of texts that were added."""
        return [self._rows[key(text)] for text in texts]

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        self.add(texts)
        return mapped(self.path)[self.rows(texts)].astype(np.float32).tolist()

    def embed_query(self, text: str) -> list[float]:
        return self._model.embed_query(text)

    def compact(self, used: np.ndarray) -> np.ndarray | None:
        """Keep only the rows `used` (sorted, unique) in new files, when most are unused; gives the rows' new
        numbers by old number, or None when nothing was done. Call `sweep` when nobody needs the old files."""
        if len(self) - len(used) < max(SPARE, len(used)):
            return None
        old, keys = mapped(self.path), self._keys_path.read_bytes()
        path = self.path.with_name(f"vectors-{MODEL_ID}.{self.number + 1}.f16")
        with path.open("wb") as file:
            for start in range(0, len(used), SPARE):
                file.write(old[used[start : start + SPARE]].tobytes())
        fresh = path.with_suffix(".new")
        fresh.write_bytes(b"".join(keys[KEY * n : KEY * (n + 1)] for n in used.tolist()))
        fresh.replace(path.with_suffix(".keys"))  # from here on the new files count
        numbers = np.full(len(self), -1, dtype=np.int32)
        numbers[used] = np.arange(len(used), dtype=np.int32)
        self._open(self.number + 1)
        return numbers

    def sweep(self) -> None:
        """Delete the files that `compact` replaced. Who has mapped them goes on reading them."""
        for path in self._folder.glob(f"vectors-{MODEL_ID}.*.*"):
            if path not in (self.path, self._keys_path):
                path.unlink()
