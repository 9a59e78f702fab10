"""Who may speak: the bot listens whenever a person owns the conversation."""

from __future__ import annotations

from typing import Any

from rasa.core.policies.policy import Policy, PolicyPrediction
from rasa.engine.graph import ExecutionContext
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.shared.core.domain import Domain
from rasa.shared.core.generator import TrackerWithCachedStates
from rasa.shared.core.trackers import DialogueStateTracker

OWNER_SLOT = "owner"
BOT = "bot"


# Rasa reads these signatures at training: each argument and result needs its annotation.
@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.POLICY_WITHOUT_END_TO_END_SUPPORT, is_trainable=False)
class OwnerPolicy(Policy):
    """Predicts action_listen with certainty while the slot `owner` is not `bot`, and nothing otherwise.

    The slot is in the tracker: it outlives restarts and expired sessions, which a paused conversation does not.
    """

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """Above every other policy: RulePolicy has 6."""
        return {"priority": 10}

    def train(self, training_trackers: list[TrackerWithCachedStates], domain: Domain, **kwargs: Any) -> Resource:
        """Has nothing to learn."""
        return self._resource

    def predict_action_probabilities(
        self,
        tracker: DialogueStateTracker,
        domain: Domain,
        rule_only_data: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> PolicyPrediction:
        """Listen, if a person owns the conversation."""
        probabilities = self._default_predictions(domain)
        if tracker.get_slot(OWNER_SLOT) not in (None, BOT):
            probabilities[domain.index_for_action(ACTION_LISTEN_NAME)] = 1.0
        return self._prediction(probabilities)

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> OwnerPolicy:
        """The policy; nothing is stored."""
        return cls(config, model_storage, resource, execution_context)
