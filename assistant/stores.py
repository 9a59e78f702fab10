"""The tracker store without Rasa's silent fallback."""

from __future__ import annotations

from typing import NoReturn

from rasa.core.agent import Agent
from rasa.core.tracker_store import FailSafeTrackerStore


class ConversationStoreError(Exception):
    """A conversation could not be read or written."""


def without_fallback(agent: Agent) -> None:
    """Makes the agent's tracker store raise ConversationStoreError where Rasa would go on with an empty tracker.

    An empty tracker forgets that a person owns the conversation, and what is said in it is never stored.
    """
    store = agent.tracker_store
    if isinstance(store, FailSafeTrackerStore):
        store._on_tracker_store_error = _fail


def _fail(error: Exception) -> NoReturn:
    # Only the error's kind: a database error's text holds the statement's values, and so the customer's words.
    raise ConversationStoreError(f"The conversation store failed ({type(error).__name__}).") from None
