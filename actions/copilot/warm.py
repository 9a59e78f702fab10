"""Loads what the first customer and the first agent would wait for."""

from actions.knowledge import warm as warm_knowledge
from actions.knowledge.compose import compose
from actions.knowledge.encoder import ModelMissing
from actions.knowledge.retrieve import retriever
from actions.knowledge.store import StoreError
from actions.logs import get_logger
from actions.policy.context import Context
from actions.policy.engine import engine
from actions.policy.injection_examples import likeness
from actions.policy.rules import PolicyError

log = get_logger(__name__)

QUESTION = "How can I contact Northlight?"


def warm() -> None:
    """Load the knowledge base, the policy's examples and the way to an answer without a model; a failure is logged and
    never raised, since each call reports it again."""
    warm_knowledge()
    try:
        likeness()
        policy = engine()
        policy.meaning.nearest(policy.redacted(QUESTION)[0])
        answer = compose(QUESTION, retriever().search(QUESTION))
        policy.on_written(answer.text if answer else QUESTION, [], QUESTION, "draft", Context())
    except (ModelMissing, StoreError, PolicyError) as error:
        log.error("copilot_not_warm", extra={"reason": type(error).__name__})
