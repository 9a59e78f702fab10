"""A customer's message as Rasa may read it: words, or the intent of a button that we have signed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rasa.core.channels.channel import UserMessage
from rasa.shared.core.training_data.story_reader.yaml_story_reader import YAMLStoryReader
from rasa.shared.nlu.training_data.message import Message

from assistant.channels import signing, text
from assistant.channels.incoming import Incoming

# Text that is longer than the limit by this factor is refused unread: cleaning it would cost more than it is worth.
UNREAD_FACTOR = 10


class TooLong(Exception):
    """A message has more characters than the channel takes."""


@dataclass(frozen=True)
class Prepared:
    """What Rasa may read: `words`, and for a button of ours `intent`, a payload like /affirm."""

    words: str
    intent: str = ""

    @property
    def payload(self) -> str:
        """What says the same again, as a button of ours would."""
        return self.intent or self.words

    def put_into(self, message: UserMessage) -> None:
        """Gives the message these words, and what the NLU would make of the intent."""
        message.text = self.words
        message.parse_data = _parse(self.intent, self.words) if self.intent else None


def prepare(incoming: Incoming, conversation: str, characters: int) -> Prepared:
    """The message as everybody reads it, and with commands only from our own buttons.

    Raises:
        TooLong: it has more than `characters`.
    """
    payload = incoming.payload or incoming.text
    if max(len(payload), len(incoming.text)) > UNREAD_FACTOR * characters:
        raise TooLong
    typed = text.clean(incoming.text)
    intent = signing.verify(payload, conversation) if payload.startswith("/") else None
    if intent is None and payload and not text.starts_with_slash(payload):
        # A button without an intent stands for the words in its payload.
        typed = text.clean(payload)
    if len(typed) > characters:
        raise TooLong
    if intent is None:
        return Prepared(text.neutralise(typed))
    titled = typed and not text.starts_with_slash(typed)
    return Prepared(typed if titled else intent, intent)


def again(payload: str, shown: str) -> Prepared:
    """What Prepared.payload gave, prepared once more, under the words that the customer saw."""
    return Prepared(shown, payload) if payload.startswith("/") else Prepared(payload)


def _parse(payload: str, shown: str) -> dict[str, Any]:
    """What Rasa's NLU would make of a payload of ours, with the button's title as the message's text."""
    parsed = YAMLStoryReader.unpack_regex_message(Message({"text": payload}), entity_extractor_name="button")
    intent = parsed.get("intent")
    return {
        "text": shown,
        "intent": intent,
        "entities": parsed.get("entities", []),
        "intent_ranking": [intent],
    }
