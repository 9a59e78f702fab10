"""Sends text messages through Twilio's REST API, off the event loop, and says so when one does not get through."""

from __future__ import annotations

import asyncio
import logging
from typing import Any
from urllib.parse import urlsplit

import requests
from rasa.core.channels.twilio import TwilioOutput
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response

from assistant.channels import plain
from assistant.channels.addressbook import AddressUnknown, address_book
from assistant.privacy.keys import VaultError

logger = logging.getLogger(__name__)

MAX_CHARACTERS = 1600  # of one message, with SMS and with WhatsApp: Twilio's limit
TIMEOUT = 10.0  # seconds
ATTEMPTS = 3
FIRST_WAIT = 0.5  # seconds before the second attempt; twice as long before the third
# Not handled, so safe to send again; after another error or a time-out the message may be on its way.
RETRIED = (429, 503)


class DeliveryFailed(Exception):
    """A message did not get through; its text holds no personal data."""


class ApiClient(TwilioHttpClient):
    """Twilio's HTTP client with a time-out, and with another server in Twilio's place if one is named."""

    def __init__(self, api_url: str = "") -> None:
        """`api_url` is the scheme, host and port of a server that speaks Twilio's API; Twilio's own by default."""
        # Its own logger would print addresses.
        super().__init__(timeout=TIMEOUT, logger=logging.getLogger(f"{__name__}.quiet"))
        self.logger.setLevel(logging.CRITICAL)
        self._api = urlsplit(api_url)

    def request(self, method: str, url: str, *args: Any, **options: Any) -> Response:
        """Twilio's request, to the server that was named."""
        if self._api.netloc:
            url = urlsplit(url)._replace(scheme=self._api.scheme, netloc=self._api.netloc).geturl()
        return super().request(method, url, *args, **options)


class TextOutput(TwilioOutput):
    """Sends each reply as text, in as many messages as it takes.

    A failure must not undo the bot's turn, which may have booked something: it is kept in `failures` for the channel.
    With an agent's reply it is raised, so that the agent is told that nothing was sent.
    """

    choices_are_typed = True

    def __init__(
        self,
        channel: str,
        account_sid: str,
        auth_token: str,
        sender: dict[str, str],
        *,
        prefix: str = "",
        status_url: str = "",
        api_url: str = "",
    ) -> None:
        """`sender` is Twilio's `from_` or `messaging_service_sid`; `prefix` stands before each telephone number."""
        super().__init__(account_sid, auth_token, sender.get("from_"))
        self.http_client = ApiClient(api_url)
        self._channel, self._sender, self._prefix = channel, sender, prefix
        self._status = {"status_callback": status_url} if status_url else {}
        self.failures: list[str] = []

    def name(self) -> str:  # type: ignore[override]
        """The input channel's name."""
        return self._channel

    async def send_response(self, recipient_id: str, message: dict[str, Any]) -> None:
        """Sends one reply of the bot or of an agent.

        Raises:
            DeliveryFailed: an agent's did not get through.
        """
        text = plain.as_text(message)
        if not text:
            return
        try:
            await self.send_text_message(recipient_id, text)
        except DeliveryFailed as error:
            logger.error("A message to %s did not get through: %s.", recipient_id, error)
            if message.get("author") == "agent":
                raise
            self.failures.append(str(error))

    async def send_text_message(self, recipient_id: str, text: str, **_: Any) -> None:
        """Sends a text, cut into messages at the ends of sentences; what follows a lost part is not sent.

        Raises:
            DeliveryFailed: it did not get through.
        """
        try:
            address = await asyncio.to_thread(address_book().address_of, recipient_id)
        except AddressUnknown:
            raise DeliveryFailed("the customer's address is unknown") from None
        except VaultError:
            raise DeliveryFailed("the customer's address cannot be read") from None
        for part in plain.parts(text, MAX_CHARACTERS):
            await self._send_message({"to": self._prefix + address, "body": part, **self._sender, **self._status})

    async def _send_message(self, message_data: dict[str, Any]) -> Any:
        for attempt in range(ATTEMPTS):
            if attempt:
                await asyncio.sleep(FIRST_WAIT * 2 ** (attempt - 1))
            try:
                return await asyncio.to_thread(self.messages.create, **message_data)
            # Their texts hold the customer's number.
            except TwilioRestException as error:
                reason = f"Twilio answered {error.status}, error {error.code}"
                if error.status not in RETRIED:
                    break
            except requests.ConnectionError:  # also one that was closed while idle
                reason = "Twilio could not be reached"
            except requests.RequestException as error:
                reason = f"Twilio did not answer ({type(error).__name__})"
                break
        raise DeliveryFailed(reason)
