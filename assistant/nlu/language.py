"""Notices a message in a language that the assistant was not trained in."""

from __future__ import annotations

import re
from typing import Any

import rasa.shared.utils.io
from py3langid.langid import MODEL_FILE, LanguageIdentifier
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.nlu.extractors.extractor import EntityExtractorMixin
from rasa.shared.exceptions import InvalidConfigException
from rasa.shared.nlu.constants import (
    ENTITIES,
    ENTITY_ATTRIBUTE_END,
    ENTITY_ATTRIBUTE_START,
    ENTITY_ATTRIBUTE_TYPE,
    ENTITY_ATTRIBUTE_VALUE,
    INTENT,
    INTENT_NAME_KEY,
    INTENT_RANKING_KEY,
    PREDICTED_CONFIDENCE_KEY,
    TEXT,
)
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

KIND = "other_language"
ENTITY = "language"
VOCABULARY_FILE = "vocabulary.json"
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class OtherLanguage(GraphComponent, IntentClassifier, EntityExtractorMixin):
    """Turns a message in another language into intent `other_language`, with its ISO 639-1 code as an entity.

    A language identifier alone takes short English questions for Polish or Italian. So two things must agree: the
    identifier names another of the configured `languages`, and most of the words (`unknown_share`) occur in none of
    the training examples. Messages of fewer than `min_words` words, and plain ones with digits, are left alone.
    """

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """`language`: the assistant's own. `languages`: the others to tell apart. `confidence`: 0 to 1."""
        return {
            "language": "en",
            "languages": ["ar", "cy", "de", "es", "fr", "it", "nl", "pl", "pt", "ro", "tr", "uk"],
            "confidence": 0.5,
            "unknown_share": 0.6,
            "min_words": 3,
        }

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> OtherLanguage:
        """An untrained component."""
        return cls(config, model_storage, resource, frozenset())

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> OtherLanguage:
        """The component with the words of its training examples."""
        with model_storage.read_from(resource) as folder:
            words = rasa.shared.utils.io.read_json_file(folder / VOCABULARY_FILE)
        return cls(config, model_storage, resource, frozenset(words))

    def __init__(
        self, config: dict[str, Any], model_storage: ModelStorage, resource: Resource, vocabulary: frozenset[str]
    ) -> None:
        self._config = config
        self._model_storage = model_storage
        self._resource = resource
        self._vocabulary = vocabulary
        self._identifier = LanguageIdentifier.from_pickled_model(MODEL_FILE, norm_probs=True)
        languages = [config["language"], *config["languages"]]
        if unknown := sorted(set(languages) - set(self._identifier.nb_classes)):
            raise InvalidConfigException(
                f"OtherLanguage in config.yml names languages that cannot be told apart: {', '.join(unknown)}. "
                "Use ISO 639-1 codes such as es or pl."
            )
        self._identifier.set_languages(languages)

    def train(self, training_data: TrainingData) -> Resource:
        """Keep the words of all examples, except those of the intent `other_language` itself."""
        own = [m for m in training_data.intent_examples if m.get(INTENT) != KIND]
        self._vocabulary = frozenset(word for message in own for word in _words(message.get(TEXT) or ""))
        with self._model_storage.write_to(self._resource) as folder:
            rasa.shared.utils.io.dump_obj_as_json_to_file(folder / VOCABULARY_FILE, sorted(self._vocabulary))
        return self._resource

    def process(self, messages: list[Message]) -> list[Message]:
        """Overrule the classifiers for messages in another language."""
        for message in messages:
            if language := self.language(message.get(TEXT) or ""):
                _set(message, language)
        return messages

    def language(self, text: str) -> str | None:
        """The ISO 639-1 code of another language than the assistant's, or None."""
        words = _words(text)
        # An address or a product ("flat 3, 27 Queen Street") has few known words in any language.
        if len(words) < self._config["min_words"] or (text.isascii() and any(c.isdigit() for c in text)):
            return None
        unknown = sum(word not in self._vocabulary for word in words)
        if unknown < self._config["unknown_share"] * len(words):
            return None
        language, confidence = self._identifier.classify(" ".join(words))
        other = language != self._config["language"] and confidence >= self._config["confidence"]
        return str(language) if other else None


def _words(text: str) -> list[str]:
    return [word.replace("’", "'") for word in _WORD.findall(text.lower())]


def _set(message: Message, language: str) -> None:
    intent = {INTENT_NAME_KEY: KIND, PREDICTED_CONFIDENCE_KEY: 1.0}
    others = [other for other in message.get(INTENT_RANKING_KEY, []) if other[INTENT_NAME_KEY] != KIND]
    message.set(INTENT, intent, add_to_output=True)
    message.set(INTENT_RANKING_KEY, [intent, *others], add_to_output=True)
    entity = {
        ENTITY_ATTRIBUTE_TYPE: ENTITY,
        ENTITY_ATTRIBUTE_VALUE: language,
        ENTITY_ATTRIBUTE_START: 0,
        ENTITY_ATTRIBUTE_END: len(message.get(TEXT)),
        "extractor": "OtherLanguage",
    }
    message.set(ENTITIES, [*message.get(ENTITIES, []), entity], add_to_output=True)
