"""MiniLM's weights: read from the encoder's ONNX graph, and written back into a copy of it.

The graph stores each matrix as int8 with one scale a column (or a row, for the embeddings) and computes in float32, so
that a copy with other weights is as fast as the original.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper
from rasa.shared.exceptions import RasaException

from assistant.nlu.encoder import LAYERS

LARGEST = np.iinfo(np.int16).max
PREFIX = "inner."
EMBEDDINGS = ("word_embeddings", "position_embeddings", "token_type_embeddings")
DENSE = (
    "attention.self.query",
    "attention.self.key",
    "attention.self.value",
    "attention.output.dense",
    "intermediate.dense",
    "output.dense",
)
NORMS = ("attention.output.LayerNorm", "output.LayerNorm")

Weights = dict[str, np.ndarray]


class UnknownEncoder(RasaException):
    """The encoder's file is not the graph whose weights can be tuned."""


def read_weights(path: Path) -> Weights:
    """All weights in float32, by names such as `encoder.layer.0.attention.self.query.weight`.

    A dense weight has shape (inputs, outputs).

    Raises:
        UnknownEncoder: a weight is missing; the message says what to do.
    """
    model = onnx.load(str(path))
    constants = {constant.name: constant for constant in model.graph.initializer}
    weights = {}
    for name, stored in _stored_names(model, path).items():
        if stored in constants:
            weights[name] = numpy_helper.to_array(constants[stored]).astype(np.float32)
        else:
            scale = numpy_helper.to_array(constants[f"{stored}_scale"])
            weights[name] = numpy_helper.to_array(constants[f"{stored}_q"]).astype(np.float32) * scale
    return weights


def write_weights(path: Path, tuned: Weights, target: Path) -> None:
    """Writes a copy of the graph with the weights in `tuned`; the others stay.

    Tuned matrices become int16: in int8 they lose what the tuning gained (cosine 0.993 to the trained vectors).

    Raises:
        UnknownEncoder: as in read_weights().
    """
    model = onnx.load(str(path))
    constants = {constant.name: constant for constant in model.graph.initializer}
    names = _stored_names(model, path)
    for name, values in tuned.items():
        stored = names[name]
        if stored in constants:
            _replace(constants[stored], values.astype(np.float32))
            continue
        shape = tuple(constants[f"{stored}_scale"].dims)
        axis = next(i for i, size in enumerate(shape) if size == 1)
        scale = np.maximum(np.abs(values).max(axis=axis, keepdims=True) / LARGEST, 1e-12).astype(np.float32)
        _replace(constants[f"{stored}_q"], np.clip(np.round(values / scale), -LARGEST, LARGEST).astype(np.int16))
        _replace(constants[f"{stored}_scale"], scale)
    onnx.save(model, str(target))


def _replace(constant: onnx.TensorProto, values: np.ndarray) -> None:
    constant.CopyFrom(numpy_helper.from_array(values, constant.name))


def _stored_names(model: onnx.ModelProto, path: Path) -> dict[str, str]:
    """The graph's name of each weight. Dense weights carry a number, so they are found by the bias added after them."""
    products = {node.output[0]: node.input[1] for node in model.graph.node if node.op_type == "MatMul"}
    names = {}
    for node in model.graph.node:
        if node.op_type != "Add":
            continue
        for bias, product in (node.input, reversed(node.input)):
            if bias.startswith(f"{PREFIX}encoder.") and product in products:
                names[bias.removeprefix(PREFIX).removesuffix("bias") + "weight"] = products[product]
    constants = {constant.name for constant in model.graph.initializer}
    found = {}
    for name in _all_names():
        stored = names.get(name, PREFIX + name)
        if stored not in constants and not {f"{stored}_q", f"{stored}_scale"} <= constants:
            raise UnknownEncoder(
                f"The encoder {path} has no weight named {name}, so it cannot be fine-tuned: "
                "set `fine_tune: false` for MiniLMFeaturizer in config.yml, or use the encoder of `uv sync`."
            )
        found[name] = stored
    return found


def _all_names() -> list[str]:
    layers = [f"encoder.layer.{i}.{part}" for i in range(LAYERS) for part in (*DENSE, *NORMS)]
    return [
        *(f"embeddings.{name}.weight" for name in EMBEDDINGS),
        *(f"{part}.{kind}" for part in ("embeddings.LayerNorm", *layers) for kind in ("weight", "bias")),
    ]
