"""Fine-tunes the sentence encoder on a training set's intents.

The loss is a softmax over the cosines to one vector an intent, which starts as the mean of the intent's examples and
its name (cosine softmax as in Wang et al. 2018, CosFace, without its margin), plus the supervised contrastive loss
within a batch (Khosla et al. 2020). Batches hold two examples of an intent wherever there are two, and texts of like
length.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf
from tokenizers import Tokenizer
from tqdm import tqdm

from assistant.nlu.calibration import folds
from assistant.nlu.encoder import DIMENSIONS, MAX_BATCH
from assistant.nlu.transformer import Transformer
from assistant.nlu.tuned import TuningSettings
from assistant.nlu.weights import Weights, read_weights

logger = logging.getLogger(__name__)

MAX_PIECES = 64
# Sequence lengths are rounded up to a multiple of it, so that few shapes occur.
LENGTH_STEP = 4
HEAD_RATE = 10.0
WARM_UP = 0.1
CLIP_NORM = 1.0
# One example of FOLDS is held out during the FIRST_SHARE of the steps; the rest goes on with less zeal.
FOLDS = 5
FIRST_SHARE = 0.7
SECOND_RATE = 0.5

Batch = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Tuned:
    """What fine-tuning gives."""

    weights: Weights
    rehearsal: np.ndarray  # float32 (examples, 384): vectors of the encoder before it saw those held out
    held_out: np.ndarray  # bool (examples,)


def fine_tune(
    texts: Sequence[str],
    intents: Sequence[str],
    encode: Callable[[Sequence[str]], np.ndarray],
    model: Path,
    tokenizer: Path,
    settings: TuningSettings,
) -> Tuned:
    """Tunes on four fifths, notes how that encoder sees everything, and goes on with all examples.

    An encoder that was tuned on an example sees it too clearly: a classifier that is calibrated on such vectors would
    take most of the unseen messages for foreign ones. Those of the held-out fifth show what unseen messages look like.

    Args:
        texts: the training examples.
        intents: the intent of each.
        encode: the encoder as it is; float32 of shape (texts, 384).
        model: its ONNX file.
        tokenizer: its tokenizer's file.
        settings: how, and for how long at most.

    Raises:
        UnknownEncoder: the file is not MiniLM's graph.
    """
    names = sorted(set(intents))
    labels = np.array([names.index(intent) for intent in intents] + list(range(len(names))), dtype=np.int32)
    examples, everything = np.arange(len(texts)), np.arange(len(labels))
    texts = [*texts, *(name.replace("_", " ") for name in names)]
    pieces, vectors = Pieces(texts, tokenizer), encode(texts)
    _, held_out = next(folds(labels[examples], FOLDS), (examples, examples[:0]))
    rehearsed = np.setdiff1d(everything, held_out)
    centres = np.stack([vectors[rehearsed][labels[rehearsed] == label].mean(axis=0) for label in range(len(names))])

    tf.random.set_seed(settings.seed)
    transformer = Transformer(read_weights(model), settings.frozen_layers)
    trainer = _Trainer(transformer, _Lower(transformer, pieces), labels, centres, settings)
    rng = np.random.default_rng(settings.seed)
    steps = min(settings.max_steps, round(settings.epochs * -(-len(labels) // settings.batch_size)))
    first = round(steps * FIRST_SHARE) if len(held_out) else 0
    with tqdm(total=steps, desc="Fine-tuning the encoder", unit="step") as bar:
        clock = _Clock(settings.max_seconds, steps, bar)
        trainer.run(_batches(labels, rehearsed, pieces.lengths, settings.batch_size, rng), first, 1.0, clock)
        rehearsal = trainer.vectors(examples)
        share = SECOND_RATE if first else 1.0
        trainer.run(_batches(labels, everything, pieces.lengths, settings.batch_size, rng), steps - first, share, clock)
    return Tuned(transformer.tuned(), rehearsal, np.isin(examples, held_out))


class _Clock:
    """Counts steps and says when the time is over."""

    def __init__(self, seconds: float, steps: int, bar: tqdm) -> None:
        self._seconds, self._steps, self._bar = seconds, steps, bar
        self._deadline = time.monotonic() + seconds
        self._warned = False

    def tick(self, loss: float) -> None:
        """One step is done."""
        self._bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
        self._bar.update()

    def is_over(self) -> bool:
        """Whether the time is over; tells so once."""
        over = time.monotonic() > self._deadline
        if over and not self._warned:
            self._warned = True
            logger.warning(
                f"Fine-tuning stopped after {self._bar.n} of {self._steps} steps, because max_seconds "
                f"({self._seconds:g}) had passed: raise it, or lower max_steps to get the same model on every machine."
            )
        return over


class Pieces:
    """Texts as word pieces."""

    def __init__(self, texts: Sequence[str], tokenizer: Path) -> None:
        reader = Tokenizer.from_file(str(tokenizer))
        reader.enable_truncation(max_length=MAX_PIECES)
        reader.no_padding()
        self._ids = [encoding.ids for encoding in reader.encode_batch(list(texts))]
        self.lengths = np.array([len(ids) for ids in self._ids])

    def batch(self, rows: np.ndarray) -> Batch:
        """Ids and mask, int32 of shape (rows, longest)."""
        longest = -(-int(self.lengths[rows].max()) // LENGTH_STEP) * LENGTH_STEP
        ids = np.zeros((len(rows), longest), np.int32)
        mask = np.zeros_like(ids)
        for target, row in enumerate(rows):
            ids[target, : self.lengths[row]] = self._ids[row]
            mask[target, : self.lengths[row]] = 1
        return ids, mask


class _Lower:
    """States below the trained layers, computed once a text and kept in float16 (about 12 KB a text of 15 pieces)."""

    def __init__(self, transformer: Transformer, pieces: Pieces) -> None:
        self._pieces = pieces
        self.lengths = pieces.lengths
        self._states: dict[int, np.ndarray] = {}
        signature = [tf.TensorSpec([None, None], tf.int32)] * 2
        self._compute = tf.function(transformer.lower, input_signature=signature, autograph=False)

    def once(self, rows: np.ndarray) -> Batch:
        """As batch(), and nothing is kept."""
        ids, mask = self._pieces.batch(rows)
        return self._compute(tf.constant(ids), tf.constant(mask)).numpy(), mask

    def batch(self, rows: np.ndarray) -> Batch:
        """States, float32 of shape (rows, longest, 384), and mask."""
        new = np.array([row for row in rows if row not in self._states], dtype=np.int64)
        if len(new):
            for row, state in zip(new, self.once(new)[0], strict=True):
                self._states[row] = state[: self.lengths[row]].astype(np.float16)
        _, mask = self._pieces.batch(rows)
        batch = np.zeros((*mask.shape, DIMENSIONS), np.float32)
        for target, row in zip(batch, rows, strict=True):
            target[: self.lengths[row]] = self._states[row]
        return batch, mask


def _batches(
    labels: np.ndarray, rows: np.ndarray, lengths: np.ndarray, size: int, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """Some of `rows`, batch after batch, epoch after epoch, without end."""
    by_label = [rows[labels[rows] == label] for label in np.unique(labels[rows])]
    while True:
        pairs = []
        for same in map(rng.permutation, by_label):
            pairs += [same[i : i + 2] for i in range(0, len(same), 2)]
        # The noise keeps the same pairs from meeting in every epoch.
        keys = [lengths[pair].max() + rng.normal(0, 2) for pair in pairs]
        order = np.concatenate([pairs[i] for i in np.argsort(keys)])
        batches = [order[i : i + size] for i in range(0, len(order), size)]
        for i in rng.permutation(len(batches)):
            yield batches[i]


class _Trainer:
    """One model, its head and its optimisers."""

    def __init__(
        self, transformer: Transformer, lower: _Lower, labels: np.ndarray, centres: np.ndarray, settings: TuningSettings
    ) -> None:
        self._transformer = transformer
        self._labels = labels
        self._lower = lower
        self._settings = settings
        self._head = tf.Variable(centres.astype(np.float32), name="head")
        self._rate = tf.Variable(0.0, trainable=False)
        self._head_rate = tf.Variable(0.0, trainable=False)
        self._optimizer = tf.keras.optimizers.legacy.Adam(self._rate)
        self._head_optimizer = tf.keras.optimizers.legacy.Adam(self._head_rate)
        states = tf.TensorSpec([None, None, DIMENSIONS], tf.float32)
        mask, labels = tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None], tf.int32)
        self._step = tf.function(self._update, input_signature=[states, mask, labels], autograph=False)
        self._encode = tf.function(transformer.upper, input_signature=[states, mask], autograph=False)

    def run(self, batches: Iterator[np.ndarray], steps: int, share: float, clock: _Clock) -> None:
        """Makes `steps` updates, the learning rate rising to `share` of the settings' and falling to nothing."""
        for step in range(steps):
            if clock.is_over():
                return
            progress = step / steps
            height = progress / WARM_UP if progress < WARM_UP else (1 - progress) / (1 - WARM_UP)
            self._rate.assign(self._settings.learning_rate * share * max(height, 1e-3))
            self._head_rate.assign(self._rate * HEAD_RATE)
            rows = next(batches)
            loss = self._step(*map(tf.constant, self._lower.batch(rows)), tf.constant(self._labels[rows]))
            clock.tick(float(loss))

    def vectors(self, rows: np.ndarray) -> np.ndarray:
        """The vectors as of now, float32 of shape (rows, 384)."""
        found = np.zeros((len(rows), DIMENSIONS), np.float32)
        order = np.argsort(self._lower.lengths[rows], kind="stable")
        for start in range(0, len(rows), MAX_BATCH):
            some = order[start : start + MAX_BATCH]
            found[some] = self._encode(*map(tf.constant, self._lower.once(rows[some]))).numpy()
        return found

    def _update(self, states: tf.Tensor, mask: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        variables = self._transformer.variables
        with tf.GradientTape() as tape:
            vectors = self._transformer.upper(states, mask, self._settings.dropout)
            loss = self._cosine_softmax(vectors, labels)
            loss += self._settings.contrast * self._contrast(vectors, labels)
        gradients, _ = tf.clip_by_global_norm(tape.gradient(loss, [*variables, self._head]), CLIP_NORM)
        self._optimizer.apply_gradients(zip(gradients[:-1], variables, strict=True))
        self._head_optimizer.apply_gradients([(gradients[-1], self._head)])
        return loss

    def _cosine_softmax(self, vectors: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        centres = tf.math.l2_normalize(self._head, axis=-1)
        logits = self._settings.cosine_scale * tf.matmul(vectors, centres, transpose_b=True)
        return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))

    def _contrast(self, vectors: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """Mean over the examples that have a partner in the batch."""
        itself = tf.eye(tf.shape(vectors)[0])
        cosines = self._settings.cosine_scale * tf.matmul(vectors, vectors, transpose_b=True) - 1e9 * itself
        partners = tf.cast(labels[:, None] == labels[None, :], tf.float32) - itself
        likelihood = cosines - tf.reduce_logsumexp(cosines, axis=1, keepdims=True)
        count = tf.reduce_sum(partners, axis=1)
        each = -tf.reduce_sum(partners * likelihood, axis=1) / tf.maximum(count, 1.0)
        return tf.reduce_sum(each) / tf.maximum(tf.reduce_sum(tf.cast(count > 0, tf.float32)), 1.0)
