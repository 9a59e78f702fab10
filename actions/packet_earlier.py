"""What the customer and the assistant said in another conversation that goes on here, for the person who takes over."""

from typing import Any

from rasa_sdk import Tracker

from actions.continuation import spoken_of
from actions.copilot import summary

SENTENCES = 3


def earlier(tracker: Tracker) -> list[dict[str, Any]]:
    """Sentences for the packet's summary, of before this session (turn 0). Raises PolicyError, BackendError."""
    found = spoken_of(tracker)
    if found is None:
        return []
    told = summary.sentences(found.events)[:SENTENCES]
    return [{"text": f"{found.where}: {sentence['text']}", "turns": [0]} for sentence in told]
