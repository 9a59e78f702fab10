"""Intents by a linear support vector machine, with honest confidences and a judgement of what is out of scope."""

from __future__ import annotations

import json
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.nlu.featurizers.featurizer import Featurizer
from rasa.shared.constants import DEFAULT_NLU_FALLBACK_INTENT_NAME as FALLBACK
from rasa.shared.exceptions import InvalidConfigException
from rasa.shared.nlu.constants import (
    INTENT,
    INTENT_NAME_KEY,
    INTENT_RANKING_KEY,
    PREDICTED_CONFIDENCE_KEY,
    TEXT,
)
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from safetensors.numpy import load_file, save_file

from assistant.nlu.calibration import (
    HELD_OUT,
    REHEARSAL,
    Sample,
    Scope,
    confidences,
    fit_sharpness,
    folds,
    nearest,
    unseen,
)
from assistant.nlu.external import learnable
from assistant.nlu.svm import HybridSVM, unit

OUT_OF_SCOPE = "out_of_scope"
KNOWN_FILE = "known.safetensors"
CALIBRATION_FILE = "calibration.json"
# Above it, a single fold holds out a thousand examples: the others would only cost time.
ONE_FOLD_IS_ENOUGH = 5000


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class SVMIntentClassifier(IntentClassifier, GraphComponent):
    """Intent and ranking by HybridSVM; `nlu_fallback` first in the ranking where a message is like no example.

    Cross-validation within the training data sets the scale of the confidences and the rejection's threshold. Examples
    of an intent named out_of_scope teach what is about something else: they compete as a class, and are left out where
    a message is compared with what the assistant knows.
    """

    @classmethod
    def required_components(cls) -> list[type]:
        """A featurizer that gives one sentence vector, such as MiniLMFeaturizer."""
        return [Featurizer]

    @staticmethod
    def required_packages() -> list[str]:
        """Packages whose versions count in the training fingerprint."""
        return ["sklearn", "scipy", "safetensors"]

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """The options and their defaults.

        `c`, `tfidf_weight` and `max_ngrams` are HybridSVM's; `keep_in_scope` is the share of rightly understood unseen
        messages that must not fall back (1 switches rejection off); `neighbours` is the k of the k-th nearest example;
        `folds` are those of the cross-validation; `ranking_length` cuts the ranking (0 does not).
        """
        return {
            "c": 1.0,
            "tfidf_weight": 0.5,
            "max_ngrams": 20_000,
            "keep_in_scope": 0.98,
            "neighbours": 3,
            "folds": 5,
            "ranking_length": 10,
        }

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> SVMIntentClassifier:
        """An untrained component.

        Raises:
            InvalidConfigException: an option is out of its range.
        """
        return cls(config, model_storage, resource)

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> SVMIntentClassifier:
        """The component as it was trained; untrained when there was nothing to train on."""
        component = cls(config, model_storage, resource)
        with model_storage.read_from(resource) as folder:
            if (folder / CALIBRATION_FILE).exists():
                component._read(folder)
        return component

    def __init__(self, config: dict[str, Any], model_storage: ModelStorage, resource: Resource) -> None:
        self._config = {**self.get_default_config(), **config}
        _check(self._config)
        self._model_storage = model_storage
        self._resource = resource
        self._svm: HybridSVM | None = None
        self._known = np.zeros((0, 0), np.float32)
        self._sharpness = 1.0
        self._scope = Scope()

    def train(self, training_data: TrainingData) -> Resource:
        """Trains, calibrates and stores.

        Raises:
            InvalidConfigException: the examples have no dense sentence features.
        """
        examples = learnable(training_data)
        if examples:
            texts = [example.get(TEXT) for example in examples]
            intents = np.array([example.get(INTENT) for example in examples])
            vectors = _vectors(examples)
            self._calibrate(self._unseen(examples, vectors, texts, intents))
            self._svm = self._fit(vectors, texts, intents)
            self._known = vectors[intents != OUT_OF_SCOPE]
        with self._model_storage.write_to(self._resource) as folder:
            if self._svm:
                self._write(folder, self._svm)
        return self._resource

    def process(self, messages: list[Message]) -> list[Message]:
        """Sets the intent and its ranking."""
        filled = [message for message in messages if message.get(TEXT)]
        for message in messages:
            _set(message, [(FALLBACK, 1.0)] if self._svm else [(None, 0.0)])
        if self._svm and filled:
            vectors, texts = _vectors(filled), [message.get(TEXT) for message in filled]
            margins = self._svm.margins(vectors, texts)
            rejected = self._scope.rejects(
                _highest_in_scope(margins, self._svm.labels), nearest(vectors, self._known, self._config["neighbours"])
            )
            for message, row, out in zip(filled, confidences(margins, self._sharpness), rejected, strict=True):
                _set(message, self._ranking(row, out))
        return messages

    def _fit(self, vectors: np.ndarray, texts: list[str], intents: np.ndarray) -> HybridSVM:
        options = {name: self._config[name] for name in ("c", "tfidf_weight", "max_ngrams")}
        return HybridSVM.fit(vectors, texts, intents, **options)

    def _ranking(self, confidence: np.ndarray, out_of_scope: bool) -> list[tuple[str, float]]:
        labels = self._svm.labels if self._svm else []
        order = np.argsort(-confidence, kind="stable")
        ranking = [(labels[i], float(confidence[i])) for i in order]
        if out_of_scope and ranking[0][0] != OUT_OF_SCOPE:
            # The other confidences stay, so that whoever proposes the runners-up knows how likely each is.
            ranking = [(FALLBACK, 1 - ranking[0][1]), *ranking]
        return ranking[: self._config["ranking_length"] or None]

    def _unseen(self, examples: list[Message], vectors: np.ndarray, texts: list[str], intents: np.ndarray) -> Sample:
        """A tuned encoder knows its training examples; then those count which it had not seen at its rehearsal."""
        splits = islice(folds(intents, self._config["folds"]), 1 if len(texts) > ONE_FOLD_IS_ENOUGH else None)
        if all(example.get(REHEARSAL) is not None for example in examples):
            vectors = unit(np.stack([example.get(REHEARSAL) for example in examples]))
            held_out = np.array([example.get(HELD_OUT) for example in examples])
            splits = [(np.flatnonzero(~held_out), np.flatnonzero(held_out))] if held_out.any() else []
        return unseen(vectors, texts, intents, splits, self._fit, self._config["neighbours"])

    def _calibrate(self, sample: Sample) -> None:
        """Sets the scale of the confidences and the threshold."""
        self._sharpness = fit_sharpness(sample.margins, sample.gold)
        inside = sample.intents != OUT_OF_SCOPE
        right = sample.margins.argmax(axis=1) == sample.gold
        self._scope = Scope.fit(
            _highest_in_scope(sample.margins, sample.labels)[inside],
            sample.cosines[inside],
            right[inside],
            self._config["keep_in_scope"],
        )

    def _write(self, folder: Path, svm: HybridSVM) -> None:
        svm.save(folder)
        # Half precision changes a cosine by less than 0.001.
        save_file({"known": self._known.astype(np.float16)}, str(folder / KNOWN_FILE))
        calibration = {"scope": asdict(self._scope), "sharpness": self._sharpness}
        (folder / CALIBRATION_FILE).write_text(json.dumps(calibration), encoding="utf-8")

    def _read(self, folder: Path) -> None:
        self._svm = HybridSVM.load(folder)
        self._known = unit(load_file(str(folder / KNOWN_FILE))["known"].astype(np.float32))
        calibration = json.loads((folder / CALIBRATION_FILE).read_text(encoding="utf-8"))
        self._scope, self._sharpness = Scope(**calibration["scope"]), calibration["sharpness"]


def _check(config: dict[str, Any]) -> None:
    """Raises InvalidConfigException for an option out of its range."""
    demands = {
        "c": ("a positive number", lambda value: value > 0),
        "tfidf_weight": ("a number from 0", lambda value: value >= 0),
        "max_ngrams": ("a whole number from 1", lambda value: value >= 1 and value == int(value)),
        "keep_in_scope": ("a share above 0 and at most 1, such as 0.97", lambda value: 0 < value <= 1),
        "neighbours": ("a whole number from 1", lambda value: value >= 1 and value == int(value)),
        "folds": ("a whole number from 2", lambda value: value >= 2 and value == int(value)),
        "ranking_length": ("a whole number from 0 (0: all)", lambda value: value >= 0 and value == int(value)),
    }
    for name, (demand, holds) in demands.items():
        value = config[name]
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not holds(value):
            raise InvalidConfigException(f"SVMIntentClassifier: {name} must be {demand}, not {value!r}.")


def _vectors(messages: list[Message]) -> np.ndarray:
    """Unit sentence vectors, float32 of shape (messages, dimensions).

    Raises:
        InvalidConfigException: a message has none.
    """
    features = [message.get_dense_features(TEXT)[1] for message in messages]
    if any(feature is None for feature in features):
        raise InvalidConfigException(
            "SVMIntentClassifier needs a sentence vector for each message: "
            "put MiniLMFeaturizer (or another dense featurizer) before it in config.yml."
        )
    return unit(np.stack([feature.features[0] for feature in features]).astype(np.float32))


def _highest_in_scope(margins: np.ndarray, labels: list[str]) -> np.ndarray:
    """The highest margin among the intents that are not out_of_scope, shape (messages,)."""
    inside = [i for i, label in enumerate(labels) if label != OUT_OF_SCOPE]
    return margins[:, inside].max(axis=1) if inside else margins[:, 0]


def _set(message: Message, ranking: list[tuple[str | None, float]]) -> None:
    entries = [{INTENT_NAME_KEY: name, PREDICTED_CONFIDENCE_KEY: confidence} for name, confidence in ranking]
    message.set(INTENT, entries[0], add_to_output=True)
    message.set(INTENT_RANKING_KEY, entries if entries[0][INTENT_NAME_KEY] else [], add_to_output=True)
