"""Fine-tuned encoders: in a model's folder, and in a cache that spares the next training the work."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from assistant.nlu.encoder import MODEL, TOKENIZER, digest, file_digest, find_file
from assistant.nlu.vectors import VectorFile, keep_newest

logger = logging.getLogger(__name__)

ENCODER_FILE = "encoder.onnx"
REHEARSAL_FILE = "rehearsal.safetensors"
KEPT = 8
CODE = ("calibration.py", "finetune.py", "transformer.py", "weights.py")


@dataclass(frozen=True)
class TuningSettings:
    """How to fine-tune, and when to stop.

    `epochs` passes over the data, but at most `max_steps` batches of `batch_size` and `max_seconds`; the layers below
    `frozen_layers` stay; `contrast` weighs the contrastive loss against the softmax over cosines, which are multiplied
    by `cosine_scale`; `dropout` is the share of activations that a step leaves out.
    """

    epochs: float = 8
    learning_rate: float = 4e-4
    batch_size: int = 32
    frozen_layers: int = 4
    contrast: float = 0.5
    cosine_scale: float = 20.0
    dropout: float = 0.1
    max_steps: int = 600
    max_seconds: float = 600.0
    seed: int = 0


def code_digest() -> str:
    """Hash of the code that tunes: other code makes another encoder."""
    folder = Path(__file__).parent
    return hashlib.sha256(b"\0".join((folder / name).read_bytes() for name in CODE)).hexdigest()


def key(texts: Sequence[str], intents: Sequence[str], settings: TuningSettings) -> str:
    """Hash of everything that the tuned weights depend on: examples in their order, settings, encoder and code."""
    parts = [digest(), code_digest(), asdict(settings), list(texts), list(map(str, intents))]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def tune_into(
    folder: Path,
    texts: Sequence[str],
    intents: Sequence[str],
    encode: Callable[[Sequence[str]], np.ndarray],
    settings: TuningSettings,
) -> None:
    """Writes the tuned encoder and its rehearsal into `folder`, from $TANDEM_VAR/cache if it is there.

    Args:
        folder: where to write; it exists.
        texts: the training examples.
        intents: the intent of each.
        encode: the encoder as it is; float32 of shape (texts, 384).
        settings: how, and for how long at most.

    Raises:
        UnknownEncoder: the encoder's file is not MiniLM's graph.
    """
    var = os.environ.get("TANDEM_VAR")
    cached = Path(var) / "cache" / f"tuned-{key(texts, intents, settings)}" if var else None
    if cached and cached.is_dir():
        logger.info(f"The encoder was fine-tuned on these examples before: taken from {cached}.")
        shutil.copytree(cached, folder, dirs_exist_ok=True)
        cached.touch()
        return
    _tune(folder, texts, intents, encode, settings)
    if cached:
        _keep(folder, cached)


def _tune(
    folder: Path, texts: Sequence[str], intents: Sequence[str], encode: Callable, settings: TuningSettings
) -> None:
    # TensorFlow takes seconds to import, and only this needs it.
    from assistant.nlu.finetune import fine_tune
    from assistant.nlu.weights import write_weights

    model = find_file(*MODEL)
    tuned = fine_tune(texts, intents, encode, model, find_file(*TOKENIZER), settings)
    write_weights(model, tuned.weights, folder / ENCODER_FILE)
    rehearsal = {"vectors": tuned.rehearsal.astype(np.float16), "held_out": tuned.held_out.astype(np.uint8)}
    save_file(rehearsal, str(folder / REHEARSAL_FILE))


def read_rehearsal(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Vectors, float32 of shape (examples, 384), and which examples were held out, bool of shape (examples,)."""
    stored = load_file(str(folder / REHEARSAL_FILE))
    return stored["vectors"].astype(np.float32), stored["held_out"].astype(bool)


def tuned_vectors(encoder: Path) -> VectorFile | None:
    """The cache of a tuned encoder's vectors."""
    return VectorFile.for_encoder(file_digest(encoder)[:16])


def _keep(folder: Path, cached: Path) -> None:
    """Copies to the cache in one move, and drops the entries that were not used for longest."""
    try:
        cached.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cached.parent) as temporary:
            shutil.copytree(folder, Path(temporary) / "new")
            if not cached.exists():
                os.rename(Path(temporary) / "new", cached)
        keep_newest(cached.parent, "tuned-*", KEPT)
    except OSError as error:
        logger.warning(f"The fine-tuned encoder could not be cached in {cached.parent} ({error}).")
