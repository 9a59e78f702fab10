"""Which messages are let in: not too many, not too long, and text."""

from __future__ import annotations

import logging

from assistant.channels import prepared, sentences
from assistant.channels.incoming import Incoming
from assistant.channels.limits import Addresses, Limits, Pace, RateLimit
from assistant.channels.prepared import Prepared

logger = logging.getLogger(__name__)


class Refused(Exception):
    """A message is not let in; str() is what the customer hears, or empty when they have just heard it."""


class Admission:
    """The checks of one channel that need nothing but the message and what came before it."""

    def __init__(self, limits: Limits) -> None:
        """Nothing has come yet."""
        self._limits = limits
        self._rate = RateLimit(limits.messages, limits.seconds)
        self._addresses = Addresses(limits)

    def admit(self, sender: str, came: Incoming) -> Prepared:
        """The message as Rasa may read it.

        Raises:
            Refused: the sender or their network sends too much, or the message is too long or no text.
        """
        pace = self._rate.check(sender)
        if pace is not Pace.HANDLE:
            raise Refused(sentences.TOO_FAST if pace is Pace.WARN else "")
        if not self._addresses.may_write(came.address, sender):
            raise Refused(sentences.TOO_MANY_FROM_NETWORK)
        if not came.is_text:
            logger.error("A message of %s was ignored: it is not text.", sender)
            raise Refused(sentences.EMPTY)
        try:
            return prepared.prepare(came, sender, self._limits.characters)
        except prepared.TooLong:
            raise Refused(sentences.too_long(self._limits.characters)) from None
