"""Dense features from the sentence encoder."""

from __future__ import annotations

import logging
from dataclasses import asdict
from typing import Any

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.constants import DENSE_FEATURIZABLE_ATTRIBUTES, TOKENS_NAMES
from rasa.nlu.featurizers.dense_featurizer.dense_featurizer import DenseFeaturizer
from rasa.shared.exceptions import InvalidConfigException
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from assistant.nlu.calibration import HELD_OUT, REHEARSAL
from assistant.nlu.encoder import DIMENSIONS, LAYERS, TOKENIZER, Encoder, digest, find_file
from assistant.nlu.external import learnable
from assistant.nlu.tuned import ENCODER_FILE, TuningSettings, code_digest, read_rehearsal, tune_into, tuned_vectors
from assistant.nlu.vectors import VectorFile, Vectors

logger = logging.getLogger(__name__)

DIGEST_FILE = "encoder.sha256"  # of the encoder as installed, which the model was trained with

# The least and the most that an option may be; 0 and no end where it is not listed.
LIMITS = {
    "epochs": (0.1, None),
    "learning_rate": (1e-7, 1),
    "batch_size": (2, 512),
    "frozen_layers": (0, LAYERS - 1),
    "cosine_scale": (1, None),
    "dropout": (0, 0.9),
    "max_steps": (1, None),
    "max_seconds": (1, None),
}


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=True)
class MiniLMFeaturizer(DenseFeaturizer, GraphComponent):
    """Sentence features of shape (1, 384): the mean-pooled, L2-normalised MiniLM vector.

    With `fine_tune`, training first fits the encoder to the intents of the training data unless there are more than
    `max_examples` of them; the other options are those of TuningSettings. With `sequence_features`, each token also
    gets the mean of its word pieces, shape (tokens, 384); components that work on tokens need a tokenizer before this
    one for that.
    """

    @staticmethod
    def required_packages() -> list[str]:
        """Packages whose versions count in the training fingerprint."""
        return ["onnxruntime", "tokenizers", "tensorflow"]

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """The options and their defaults."""
        return {
            **DenseFeaturizer.get_default_config(),
            "sequence_features": False,
            "fine_tune": False,
            "max_examples": 5000,
            **asdict(TuningSettings()),
        }

    @classmethod
    def validate_config(cls, config: dict[str, Any]) -> None:
        """Raises InvalidConfigException for an option out of its range."""
        for name in ("fine_tune", "sequence_features"):
            if not isinstance(config[name], bool):
                raise InvalidConfigException(f"MiniLMFeaturizer: {name} must be true or false, not {config[name]!r}.")
        for name, default in {"max_examples": 5000, **asdict(TuningSettings())}.items():
            low, high = LIMITS.get(name, (0, None))
            value = config[name]
            kind = (int,) if isinstance(default, int) and name != "epochs" else (int, float)
            fits = isinstance(value, kind) and not isinstance(value, bool) and value >= low
            if not fits or (high is not None and value > high):
                number = "a whole number" if kind == (int,) else "a number"
                limits = f"of at least {low}" if high is None else f"from {low} to {high}"
                raise InvalidConfigException(f"MiniLMFeaturizer: {name} must be {number} {limits}, not {value!r}.")

    @classmethod
    def fingerprint_addon(cls, config: dict[str, Any]) -> str | None:
        """Hash of the encoder and of the code that tunes it: other weights mean another training."""
        return f"{digest()}-{code_digest()}"

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> MiniLMFeaturizer:
        """Loads the encoder as installed.

        Raises:
            EncoderFileMissing: a model file is missing.
            InvalidConfigException: an option is out of its range.
        """
        encoder = Encoder.installed()
        vectors = Vectors(encoder.encode, VectorFile.for_encoder(digest()))
        return cls(config, execution_context.node_name, model_storage, resource, encoder, vectors)

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> MiniLMFeaturizer:
        """Loads the tuned encoder of the model, or the one as installed."""
        with model_storage.read_from(resource) as folder:
            tuned = folder / ENCODER_FILE
            if not tuned.exists():
                return cls.create(config, model_storage, resource, execution_context)
            encoder = Encoder(tuned, find_file(*TOKENIZER))
            vectors = Vectors(encoder.encode, tuned_vectors(tuned))
            component = cls(config, execution_context.node_name, model_storage, resource, encoder, vectors)
            component._rehearsal = read_rehearsal(folder)
        return component

    def __init__(
        self,
        config: dict[str, Any],
        name: str,
        model_storage: ModelStorage,
        resource: Resource,
        encoder: Encoder,
        vectors: Vectors,
    ) -> None:
        super().__init__(name, {**self.get_default_config(), **config})
        self._model_storage = model_storage
        self._resource = resource
        self._encoder = encoder
        self._vectors = vectors
        self._rehearsal: tuple[np.ndarray, np.ndarray] | None = None

    def train(self, training_data: TrainingData) -> Resource:
        """Fine-tunes the encoder where config.yml says so and there are two intents to tell apart."""
        examples = learnable(training_data)
        intents = [example.get(INTENT) for example in examples]
        with self._model_storage.write_to(self._resource) as folder:
            # A model archive leaves out an empty folder, and the component could then not be loaded.
            (folder / DIGEST_FILE).write_text(digest(), encoding="utf-8")
            if self._config["fine_tune"] and self._is_worth_it(intents):
                settings = TuningSettings(**{name: self._config[name] for name in asdict(TuningSettings())})
                texts = [example.get(TEXT) for example in examples]
                tune_into(folder, texts, intents, lambda some: np.stack(self._vectors.get_for_training(some)), settings)
        return self._resource

    def _is_worth_it(self, intents: list[str]) -> bool:
        if len(intents) > self._config["max_examples"]:
            logger.info(
                f"The encoder is not fine-tuned: {len(intents)} examples are more than max_examples "
                f"({self._config['max_examples']}), and with so many the classifier learns as much without it."
            )
            return False
        return len(set(intents)) > 1

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Adds features to every training example, and what a tuned encoder's rehearsal showed."""
        self._featurize(training_data.training_examples, self._vectors.get_for_training)
        if self._rehearsal:
            for example, vector, held_out in zip(learnable(training_data), *self._rehearsal, strict=True):
                example.set(REHEARSAL, vector)
                example.set(HELD_OUT, bool(held_out))
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
                sequence = self._sequence(message, attribute)
                self.add_features_to_message(sequence, vector[np.newaxis, :], attribute, message)

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
