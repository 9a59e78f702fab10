"""Who may speak: the bot is quiet while a person owns the conversation, and serves the customer who waits for one."""

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
BOT, QUEUE = "bot", "queue"
WAITING_ACTION = "action_waiting"
# May run while the customer waits in the queue: they ask what the team needs to call back or to write.
WAITING_FORMS = frozenset({"callback_form", "message_form"})


# Rasa reads these signatures at training: each argument and result needs its annotation.
@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.POLICY_WITHOUT_END_TO_END_SUPPORT, is_trainable=False)
class OwnerPolicy(Policy):
    """Says what runs while a person owns the conversation (slot `owner`), and nothing otherwise.

    An agent: nothing, the bot listens. The queue: `action_waiting`, once for each message of the customer, and the
    forms that it starts. The slot is in the tracker: it outlives restarts and expired sessions, which a paused
    conversation does not.
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
        """With certainty, what runs next; without an opinion where the other policies decide."""
        probabilities = self._default_predictions(domain)
        action = next_action(tracker)
        if action:
            probabilities[domain.index_for_action(action)] = 1.0
        # A form that is active is predicted whatever was said, which overrules all that is no such prediction.
        return self._prediction(probabilities, is_no_user_prediction=action is not None)

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


def next_action(tracker: DialogueStateTracker) -> str | None:
    """What runs next while a person owns the conversation; None where the other policies decide."""
    owner, last = tracker.get_slot(OWNER_SLOT), tracker.latest_action_name
    if owner in (None, BOT):
        return None
    if owner != QUEUE:
        return ACTION_LISTEN_NAME
    form = tracker.active_loop_name if tracker.active_loop_name in WAITING_FORMS else None
    if last == ACTION_LISTEN_NAME:
        return WAITING_ACTION if form is None or tracker.is_active_loop_rejected else form
    if form:
        # The form has asked its question, or asks it again after the answer to something else.
        return ACTION_LISTEN_NAME if last == form else form
    return None if last in WAITING_FORMS else ACTION_LISTEN_NAME  # a form that is complete: its rule runs its task
