"""The desk's way to the assistant: events are appended to a conversation through Rasa's HTTP API."""

import logging
import re
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import quote

import httpx

logger = logging.getLogger(__name__)

# An action runs for up to ten seconds.
TIMEOUT = httpx.Timeout(12, connect=3)


class AssistantError(Exception):
    """The assistant did not take the events; the message tells the agent what to do."""


class Assistant(Protocol):
    """What the desk asks of the assistant."""

    async def append(self, sender_id: str, events: list[dict[str, Any]]) -> None:
        """Append events to a conversation and deliver its bot events on the customer's channel."""

    async def trigger(self, sender_id: str, intent: str, entities: Mapping[str, str] | None = None) -> None:
        """Have the assistant go on by itself, as if the conversation had this intent now."""

    async def owner(self, sender_id: str) -> str:
        """Who may speak, as the conversation's tracker has it: bot, queue or agent."""

    async def end_chat(self, sender_id: str, seconds: int) -> None:
        """Close the customer's pages of a web chat, and take none of its access tokens for so many seconds."""


class HTTPAssistant:
    """Rasa's HTTP API under /conversations/<id>."""

    def __init__(self, url: str, token: str) -> None:
        self._token = token
        self._client = httpx.AsyncClient(base_url=url, timeout=TIMEOUT, trust_env=False)

    async def append(self, sender_id: str, events: list[dict[str, Any]]) -> None:
        """Raises AssistantError; after a time-out nobody knows whether the events arrived, and it says so."""
        await self._ask(
            "POST",
            sender_id,
            "tracker/events",
            events,
            execute_side_effects="true",
            output_channel="latest",
            include_events="NONE",
        )

    async def trigger(self, sender_id: str, intent: str, entities: Mapping[str, str] | None = None) -> None:
        """Raises AssistantError, also where the running model does not know the intent."""
        body = {"name": intent, "entities": dict(entities or {})}
        await self._ask("POST", sender_id, "trigger_intent", body, output_channel="latest", include_events="NONE")

    async def owner(self, sender_id: str) -> str:
        """Raises AssistantError."""
        response = await self._ask("GET", sender_id, "tracker", None, include_events="NONE")
        try:
            return str(response.json()["slots"]["owner"] or "bot")
        except (ValueError, KeyError, TypeError):
            raise AssistantError("The assistant's answer could not be read.") from None

    async def end_chat(self, sender_id: str, seconds: int) -> None:
        """Raises AssistantError."""
        await self._send(
            "POST",
            "/webhooks/webchat/revoke",
            json={"conversation": sender_id, "seconds": seconds},
            headers={"Authorization": f"Bearer {self._token}"},
        )

    async def _ask(self, method: str, sender_id: str, path: str, body: Any, **params: str) -> httpx.Response:
        address = f"/conversations/{quote(sender_id, safe='')}/{path}"
        return await self._send(method, address, json=body, params={"token": self._token, **params})

    async def _send(self, method: str, path: str, **content: Any) -> httpx.Response:
        try:
            response = await self._client.request(method, path, **content)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            logger.warning("The assistant cannot be reached: %s", type(error).__name__)
            raise AssistantError(
                "The assistant can't be reached, so nothing was sent. Try again in a moment."
            ) from None
        except httpx.HTTPError as error:
            logger.warning("The assistant did not answer: %s", type(error).__name__)
            raise AssistantError(
                "The assistant didn't answer in time. Check the conversation before you try again: "
                "the customer may already have it."
            ) from None
        if response.status_code in (401, 403):
            logger.error("The assistant refused the desk's token: RASA_TOKEN differs between the two")
            raise AssistantError("The assistant refused the desk's key, so nothing was sent. Tell an operator.")
        if response.is_error:
            logger.warning("The assistant answered with status %s", response.status_code)
            raise AssistantError(
                f"The assistant answered with an error ({response.status_code}), so nothing was sent. "
                "Try again in a moment."
            )
        return response

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def owner_event(owner: str, user_name: str) -> dict[str, Any]:
    """Says who may speak from now on, and which desk user decided it."""
    return {"event": "slot", "name": "owner", "value": owner, "metadata": {"desk_user": user_name}}


def slot_event(name: str, value: Any) -> dict[str, Any]:
    """Something that an agent has found out."""
    return {"event": "slot", "name": name, "value": value}


def reply_event(text: str, agent_name: str) -> dict[str, Any]:
    """An agent's reply."""
    return {
        "event": "bot",
        "text": one_message(text),
        "metadata": {"author": "agent", "agent_name": agent_name},
    }


def notice_event(text: str, notice: str, agent_name: str) -> dict[str, Any]:
    """A line about the conversation itself; `notice` is joined, left, transferred or closed."""
    return {
        "event": "bot",
        "text": text,
        "metadata": {"author": "system", "agent_name": agent_name, "notice": notice},
    }


def one_message(text: str) -> str:
    """The text with a space in each blank line: channels split a text into messages at empty lines."""
    lines = [line.rstrip() for line in text.strip().splitlines()]
    return re.sub(r"\n{2,}", "\n \n", "\n".join(lines))
