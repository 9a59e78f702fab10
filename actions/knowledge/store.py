"""Where the chunks live: a Chroma collection in $TANDEM_VAR/chroma, or on the server at CHROMA_URL.

The search index and the vectors' file lie in that folder in both cases.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from langchain_core.embeddings import Embeddings

from actions.settings import var_dir

COLLECTION = "knowledge"


class StoreError(Exception):
    """The vector store cannot be reached; the text says what to do."""


def folder() -> Path:
    """The folder of the embedded store, the vectors, the search index, and the record of what is indexed."""
    path = var_dir() / "chroma"
    path.mkdir(parents=True, exist_ok=True)
    return path


def server_url() -> str:
    """CHROMA_URL, or "" for the embedded store."""
    return os.environ.get("CHROMA_URL", "").strip().rstrip("/")


@contextmanager
def lock() -> Iterator[None]:
    """One indexer at a time: the next one waits until this one has ended, or was killed."""
    with (folder() / "indexing.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def read_state() -> dict[str, Any]:
    """What the indexer left last: fingerprint, articles and failures; empty when it has not run."""
    path = folder() / "state.json"
    try:
        return _state(path, path.stat().st_mtime_ns)
    except (OSError, ValueError):
        return {}


@lru_cache(maxsize=2)
def _state(path: Path, changed: int) -> dict[str, Any]:
    """Read again when the file has changed: it is asked for with every question, and it may be large."""
    state = json.loads(path.read_text(encoding="utf-8"))
    return state if isinstance(state, dict) else {}


def write_state(state: Mapping[str, Any]) -> None:
    """Replace the state in one step, so that a reader never sees half of it."""
    path = folder() / "state.json"
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(state, indent=1, sort_keys=True), encoding="utf-8")
    fresh.replace(path)


def version() -> str:
    """The indexed knowledge's fingerprint: changes when an article does; "" when nothing is indexed."""
    return str(read_state().get("fingerprint", ""))


def index_folder() -> Path | None:
    """The folder of the search index that belongs to the state, or None when nothing is indexed."""
    name = str(read_state().get("index", ""))
    return folder() / "index" / name if name else None


def open_collection(embeddings: Embeddings) -> Any:
    """The collection as a LangChain vector store (cosine). Raises StoreError when it cannot be reached."""
    import chromadb
    from chromadb.config import Settings
    from langchain_chroma import Chroma

    settings = Settings(anonymized_telemetry=False)
    try:
        if url := server_url():
            parts = urlsplit(url)
            secure = parts.scheme == "https"
            port = parts.port or (443 if secure else 8000)
            client = chromadb.HttpClient(host=parts.hostname or "", port=port, ssl=secure, settings=settings)
        else:
            client = chromadb.PersistentClient(path=str(folder()), settings=settings)
        return Chroma(
            collection_name=COLLECTION,
            embedding_function=embeddings,
            client=client,
            collection_metadata={"hnsw:space": "cosine"},
        )
    except Exception as error:  # chromadb raises ValueError, httpx errors and its own
        place = server_url() or folder()
        raise StoreError(
            f"The knowledge store at {place} cannot be opened ({type(error).__name__}): "
            + (
                "start the Chroma server or correct CHROMA_URL"
                if server_url()
                else "delete that folder and index again"
            )
        ) from error
