"""Dense features from the sentence encoder."""

from __future__ import annotations

from typing import Any

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.constants import DENSE_FEATURIZABLE_ATTRIBUTES, TOKENS_NAMES
from rasa.nlu.featurizers.dense_featurizer.dense_featurizer import DenseFeaturizer
from rasa.shared.exceptions import InvalidConfigException
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from assistant.nlu.encoder import DIMENSIONS, Encoder, digest
from assistant.nlu.vectors import VectorFile, Vectors


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class MiniLMFeaturizer(DenseFeaturizer, GraphComponent):
    """Sentence features of shape (1, 384): the mean-pooled, L2-normalised MiniLM vector times `scale`.

    Rasa's LogisticRegressionClassifier fixes its regularisation at C=1, which is far too strong for unit vectors:
    `scale` 10 does what C=100 would. With `sequence_features`, each token also gets the mean of its word pieces,
    shape (tokens, 384), unscaled; components that work on tokens need a tokenizer before this one for that.
    """

    @staticmethod
    def required_packages() -> list[str]:
        """Packages whose versions count in the training fingerprint."""
        return ["onnxruntime", "tokenizers"]

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """The options and their defaults."""
        return {**DenseFeaturizer.get_default_config(), "scale": 10.0, "sequence_features": False}

    @classmethod
    def validate_config(cls, config: dict[str, Any]) -> None:
        """Raises InvalidConfigException when `scale` is not a positive number."""
        scale = config.get("scale")
        if not isinstance(scale, (int, float)) or scale <= 0:
            raise InvalidConfigException(f"MiniLMFeaturizer: scale must be a positive number, not {scale!r}.")

    @classmethod
    def fingerprint_addon(cls, config: dict[str, Any]) -> str | None:
        """The encoder's hash: other weights mean another training."""
        return digest()

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> MiniLMFeaturizer:
        """Loads the encoder.

        Raises:
            EncoderFileMissing: a model file is missing.
        """
        return cls(config, execution_context.node_name, Encoder.installed())

    def __init__(self, config: dict[str, Any], name: str, encoder: Encoder) -> None:
        super().__init__(name, config)
        self._encoder = encoder
        self._vectors = Vectors(encoder.encode, VectorFile.for_encoder(digest()))

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Adds features to every training example."""
        self._featurize(training_data.training_examples, self._vectors.get_for_training)
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        """Adds features to messages."""
        self._featurize(messages, self._vectors.get)
        return messages

    def _featurize(self, messages: list[Message], lookup: Any) -> None:
        for attribute in DENSE_FEATURIZABLE_ATTRIBUTES:
            filled = [message for message in messages if message.get(attribute)]
            if not filled:
                continue
            vectors = lookup([message.get(attribute) for message in filled])
            for message, vector in zip(filled, vectors, strict=True):
                sentence = vector[np.newaxis, :] * np.float32(self._config["scale"])
                self.add_features_to_message(self._sequence(message, attribute), sentence, attribute, message)

    def _sequence(self, message: Message, attribute: str) -> np.ndarray | None:
        tokens = message.get(TOKENS_NAMES[attribute])
        if not tokens or not self._config["sequence_features"]:
            return None
        hidden, spans = self._encoder.encode_pieces(message.get(attribute))
        features = np.zeros((len(tokens), DIMENSIONS), dtype=np.float32)
        for row, token in zip(features, tokens, strict=True):
            inside = [i for i, (start, end) in enumerate(spans) if start < token.end and end > token.start]
            if inside:
                row[:] = hidden[inside].mean(axis=0)
        return features
