"""MiniLM in TensorFlow, for training only: inference runs the ONNX graph.

BERT's architecture (Devlin et al. 2019) with 6 layers, 12 heads and 384 dimensions, as published for MiniLM
(Wang et al. 2020), with sentence-transformers' mean pooling (Reimers and Gurevych 2019).
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from assistant.nlu.encoder import LAYERS
from assistant.nlu.weights import NORMS, Weights

HEADS = 12
EPSILON = 1e-12


class Transformer:
    """Sentence vectors with gradients. The embeddings and the lowest layers stay as they are.

    What stays is a function of its own, so that a trainer computes it once a text and not once a step.
    """

    def __init__(self, weights: Weights, frozen_layers: int) -> None:
        """Copies `weights` (see read_weights); the layers below `frozen_layers` are not trained."""
        self._frozen_layers = frozen_layers
        tuned = tuple(f"encoder.layer.{i}." for i in range(frozen_layers, LAYERS))
        self._weights = {
            name: tf.Variable(values, name=name) if name.startswith(tuned) else tf.constant(values)
            for name, values in weights.items()
        }

    @property
    def variables(self) -> list[tf.Variable]:
        """What training changes."""
        return [weight for weight in self._weights.values() if isinstance(weight, tf.Variable)]

    def tuned(self) -> Weights:
        """The trained weights, by the names that they came with."""
        return {name: w.numpy() for name, w in self._weights.items() if isinstance(w, tf.Variable)}

    def lower(self, ids: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        """States after the layers that stay, shape (texts, pieces, 384).

        Args:
            ids: word pieces, int32 of shape (texts, pieces).
            mask: 1 for a piece and 0 for padding, of the same shape.
        """
        positions = self._weights["embeddings.position_embeddings.weight"][: tf.shape(ids)[1]]
        kind = self._weights["embeddings.token_type_embeddings.weight"][0]
        states = tf.gather(self._weights["embeddings.word_embeddings.weight"], ids) + positions + kind
        states = self._normalise("embeddings.LayerNorm", states)
        for layer in range(self._frozen_layers):
            states = self._layer(layer, states, mask, 0.0)
        return states

    def upper(self, states: tf.Tensor, mask: tf.Tensor, dropout: float = 0.0) -> tf.Tensor:
        """Unit-length vectors of shape (texts, 384) from what lower() gave.

        Args:
            states: float32 of shape (texts, pieces, 384).
            mask: as in lower().
            dropout: share of activations to drop.
        """
        for layer in range(self._frozen_layers, LAYERS):
            states = self._layer(layer, states, mask, dropout)
        weights = tf.cast(mask, tf.float32)[..., None]
        pooled = tf.reduce_sum(states * weights, axis=1) / tf.reduce_sum(weights, axis=1)
        return tf.math.l2_normalize(pooled, axis=-1)

    def _layer(self, layer: int, states: tf.Tensor, mask: tf.Tensor, dropout: float) -> tf.Tensor:
        name, shape = f"encoder.layer.{layer}", tf.shape(states)
        hidden = (1.0 - tf.cast(mask, tf.float32))[:, None, None, :] * -1e9
        query, key, value = (
            self._split(self._dense(f"{name}.attention.self.{part}", states), shape)
            for part in ("query", "key", "value")
        )
        scores = tf.matmul(query, key, transpose_b=True) / np.sqrt(states.shape[-1] / HEADS)
        attended = tf.matmul(_drop(tf.nn.softmax(scores + hidden), dropout), value)
        joined = tf.reshape(tf.transpose(attended, [0, 2, 1, 3]), shape)
        attention_norm, output_norm = (f"{name}.{norm}" for norm in NORMS)
        change = self._dense(f"{name}.attention.output.dense", joined)
        states = self._normalise(attention_norm, states + _drop(change, dropout))
        wide = tf.nn.gelu(self._dense(f"{name}.intermediate.dense", states))
        return self._normalise(output_norm, states + _drop(self._dense(f"{name}.output.dense", wide), dropout))

    def _split(self, states: tf.Tensor, shape: tf.Tensor) -> tf.Tensor:
        heads = tf.reshape(states, [shape[0], shape[1], HEADS, states.shape[-1] // HEADS])
        return tf.transpose(heads, [0, 2, 1, 3])

    def _dense(self, name: str, states: tf.Tensor) -> tf.Tensor:
        return tf.tensordot(states, self._weights[f"{name}.weight"], 1) + self._weights[f"{name}.bias"]

    def _normalise(self, name: str, states: tf.Tensor) -> tf.Tensor:
        mean, variance = tf.nn.moments(states, -1, keepdims=True)
        return (states - mean) * tf.math.rsqrt(variance + EPSILON) * self._weights[f"{name}.weight"] + self._weights[
            f"{name}.bias"
        ]


def _drop(states: tf.Tensor, share: float) -> tf.Tensor:
    return tf.nn.dropout(states, share) if share else states
