"""Words that send a customer straight to a person: the `escalate` rules of policy.yml, as an NLU component."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from re import Pattern
from typing import Any

import rasa.shared.utils.io
import yaml
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.nlu.extractors.extractor import EntityExtractorMixin
from rasa.shared.exceptions import RasaException
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

KIND = "escalate"
RULES_FILE = "rules.json"

Rules = list[dict[str, Any]]


class PolicyFileError(RasaException):
    """policy.yml is missing or malformed; the message says where."""


def policy_path() -> Path:
    """TANDEM_POLICY, or policy.yml in the working folder."""
    return Path(os.environ.get("TANDEM_POLICY") or "policy.yml")


def read_rules(path: Path) -> Rules:
    """The escalation rules of a policy file, each as {"id": ..., "patterns": [...]}.

    Rules with a `signal` look at several turns, which the action server sees: they are left out.

    Raises:
        PolicyFileError: the file cannot be read, is not a policy, or holds a pattern that is no regular expression.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PolicyFileError(
            f"The policy file {path} cannot be read ({error.strerror}): restore it, or point TANDEM_POLICY to one."
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise PolicyFileError(f"The policy file {path} is not valid YAML: {_one_line(error)}.") from error
    rules = content.get("rules") if isinstance(content, dict) else None
    if not isinstance(rules, list):
        raise PolicyFileError(f"The policy file {path} needs a list named `rules` at its top level.")
    return [_checked(rule, path) for rule in rules if not isinstance(rule, dict) or _is_ours(rule)]


def _is_ours(rule: dict[str, Any]) -> bool:
    return rule.get("kind") == KIND and not rule.get("signal")


def _checked(rule: Any, path: Path) -> dict[str, Any]:
    if not isinstance(rule, dict) or not isinstance(rule.get("id"), str):
        raise PolicyFileError(f"In {path}, each rule needs an `id`, a `kind` and `patterns`: {rule!r}.")
    patterns = rule.get("patterns")
    if not isinstance(patterns, list) or not patterns:
        raise PolicyFileError(f"In {path}, rule {rule['id']} needs a list of `patterns`.")
    for pattern in patterns:
        try:
            re.compile(pattern)
        except (re.error, TypeError) as error:
            raise PolicyFileError(
                f"In {path}, rule {rule['id']} has the pattern {pattern!r}, which is not a regular expression: {error}."
            ) from error
    return {"id": rule["id"], "patterns": patterns}


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class PolicyEscalation(GraphComponent, IntentClassifier, EntityExtractorMixin):
    """Turns a message that an escalation rule matches into intent `escalate`, with the rule's id as an entity.

    The rules are read at training and live in the model, so that what runs is what was tested; a changed file
    changes the training fingerprint.
    """

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> PolicyEscalation:
        """An untrained component."""
        return cls([], model_storage, resource)

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> PolicyEscalation:
        """The component with the rules that it was trained with."""
        with model_storage.read_from(resource) as folder:
            return cls(rasa.shared.utils.io.read_json_file(folder / RULES_FILE), model_storage, resource)

    @classmethod
    def fingerprint_addon(cls, config: dict[str, Any]) -> str | None:
        """Hash of the escalation rules."""
        rules = rasa.shared.utils.io.json_to_string(read_rules(policy_path()))
        return hashlib.sha256(rules.encode("utf-8")).hexdigest()

    def __init__(self, rules: Rules, model_storage: ModelStorage, resource: Resource) -> None:
        self._model_storage = model_storage
        self._resource = resource
        self._rules: list[tuple[str, list[Pattern]]] = [
            (rule["id"], [re.compile(pattern, re.IGNORECASE) for pattern in rule["patterns"]]) for rule in rules
        ]

    def train(self, training_data: TrainingData) -> Resource:
        """Stores the rules of the policy file in the model.

        Raises:
            PolicyFileError: the file is missing or malformed.
        """
        rules = read_rules(policy_path())
        with self._model_storage.write_to(self._resource) as folder:
            rasa.shared.utils.io.dump_obj_as_json_to_file(folder / RULES_FILE, rules)
        return self._resource

    def process(self, messages: list[Message]) -> list[Message]:
        """Overrules the classifiers wherever a rule matches; the first matching rule counts."""
        for message in messages:
            match = self._match(message.get(TEXT) or "")
            if match:
                self._escalate(message, *match)
        return messages

    def _match(self, text: str) -> tuple[str, int, int] | None:
        for rule_id, patterns in self._rules:
            for pattern in patterns:
                found = pattern.search(text)
                if found:
                    return rule_id, found.start(), found.end()
        return None

    def _escalate(self, message: Message, rule_id: str, start: int, end: int) -> None:
        intent = {INTENT_NAME_KEY: KIND, PREDICTED_CONFIDENCE_KEY: 1.0}
        others = [other for other in message.get(INTENT_RANKING_KEY, []) if other[INTENT_NAME_KEY] != KIND]
        message.set(INTENT, intent, add_to_output=True)
        message.set(INTENT_RANKING_KEY, [intent, *others], add_to_output=True)
        entity = {
            ENTITY_ATTRIBUTE_TYPE: "policy_rule",
            ENTITY_ATTRIBUTE_VALUE: rule_id,
            ENTITY_ATTRIBUTE_START: start,
            ENTITY_ATTRIBUTE_END: end,
        }
        message.set(ENTITIES, message.get(ENTITIES, []) + self.add_extractor_name([entity]), add_to_output=True)
