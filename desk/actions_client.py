"""The desk's way to the action server: the copilot and the policy's decisions, as JSON over HTTP with a token."""

import logging
from typing import Any

import httpx

logger = logging.getLogger(__name__)

TIMEOUT = httpx.Timeout(3, connect=2)
_TROUBLE = "The systems behind the assistant reported an error. Try again in a moment."


class ActionsError(Exception):
    """The action server did not do it; the message is one sentence for an agent.

    `status` is the HTTP status that it answered with, and 0 when it did not answer at all.
    """

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class ActionsClient:
    """The action server's HTTP API. Every call answers with the decoded JSON object or raises ActionsError."""

    def __init__(self, url: str, token: str, timeout: httpx.Timeout = TIMEOUT) -> None:
        self._client = httpx.AsyncClient(
            base_url=url, timeout=timeout, trust_env=False, headers={"Authorization": f"Bearer {token}"}
        )

    async def get(self, path: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Read something."""
        return await self._ask("GET", path, params=params)

    async def post(self, path: str, json: dict[str, Any], seconds: float | None = None) -> dict[str, Any]:
        """Ask for something with a JSON body; after a time-out nobody knows whether it was done.

        `seconds`: wait this long, where more than a look-up is asked for.
        """
        longer = {"timeout": httpx.Timeout(seconds, connect=2)} if seconds else {}
        return await self._ask("POST", path, json=json, **longer)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _ask(self, method: str, path: str, **content: Any) -> dict[str, Any]:
        try:
            response = await self._client.request(method, path, **content)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            logger.warning("The action server cannot be reached: %s", type(error).__name__)
            raise ActionsError("The systems behind the assistant can't be reached. Try again in a moment.") from None
        except httpx.HTTPError as error:
            logger.warning("The action server did not answer: %s", type(error).__name__)
            raise ActionsError(
                "The systems behind the assistant didn't answer in time. Try again in a moment."
            ) from None
        if response.status_code == 401:
            logger.error("The action server refused the desk's token: ACTIONS_TOKEN differs between the two")
            raise ActionsError("The action server refused the desk's key. Tell an operator.", 401)
        if response.is_error:
            logger.warning("The action server answered %s with status %s", path, response.status_code)
            raise ActionsError(_sentence(response) or _TROUBLE, response.status_code)
        answer = _decoded(response)
        if answer is None:
            logger.warning("The action server's answer to %s is not a JSON object", path)
            raise ActionsError("The systems behind the assistant gave an answer that the desk can't read.", 502)
        return answer


def _sentence(response: httpx.Response) -> str:
    """The sentence of a refusal, {"error": ...}; empty if there is none."""
    error = (_decoded(response) or {}).get("error")
    return error if isinstance(error, str) else ""


def _decoded(response: httpx.Response) -> dict[str, Any] | None:
    try:
        answer = response.json()
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None
