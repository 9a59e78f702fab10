"""Intents that other services trigger over HTTP: no customer's words may lead to one."""

from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

EXTERNAL = "EXTERNAL_"  # begins the name of such an intent


def learnable(training_data: TrainingData) -> list[Message]:
    """The examples to learn from, always in the same order.

    Rasa's validation wants examples of every intent; those of external intents are there for it alone.
    """
    return [e for e in training_data.intent_examples if e.get(TEXT) and not e.get(INTENT).startswith(EXTERNAL)]
