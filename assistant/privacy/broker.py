"""An event broker that replaces personal data by tokens in what any other of Rasa's brokers publishes."""

from __future__ import annotations

from typing import Any

from rasa.core.brokers.broker import EventBroker
from rasa.shared.exceptions import RasaException
from rasa.utils.endpoints import EndpointConfig

from assistant.privacy.protect import Protected, Protector
from assistant.privacy.vault import shared_vault


class BrokerSettingsError(RasaException):
    """The `inner` block in endpoints.yml is missing or names no broker."""


class PrivateEventBroker(EventBroker):
    """`type: assistant.privacy.broker.PrivateEventBroker`; `inner` holds the settings of the broker that publishes."""

    def __init__(self, inner: EventBroker) -> None:
        """Opens the vault.

        Raises:
            VaultError: the vault cannot be opened.
        """
        self._inner = inner
        self._protector = Protector(shared_vault())

    @classmethod
    async def from_endpoint_config(cls, broker_config: EndpointConfig, event_loop: Any = None) -> PrivateEventBroker:
        """Makes the inner broker as Rasa would.

        Raises:
            BrokerSettingsError: there is no inner broker.
        """
        settings = broker_config.kwargs.get("inner")
        inner = await EventBroker.create(EndpointConfig.from_dict(settings), event_loop) if settings else None
        if inner is None:
            raise BrokerSettingsError(
                "The event broker in endpoints.yml has no `inner` block that names a broker: add one as in the "
                "examples there."
            )
        return cls(inner)

    def publish(self, event: dict[str, Any]) -> None:
        """Publishes an event of Rasa's with its `sender_id`."""
        if not isinstance(event, Protected):
            (event,) = self._protector.protect(event["sender_id"], [event])
        self._inner.publish(event)

    def is_ready(self) -> bool:
        """Whether the inner broker is."""
        return self._inner.is_ready()

    async def close(self) -> None:
        """Closes the inner broker."""
        await self._inner.close()
