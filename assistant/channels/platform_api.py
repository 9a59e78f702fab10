"""Calls to a messaging platform's HTTP API: with a time limit, and again when the platform is busy."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import aiohttp

TIMEOUT = aiohttp.ClientTimeout(total=10, connect=5)  # seconds
PATIENCE = 30.0  # seconds that a call may take with all its attempts
FIRST_PAUSE = 0.5  # seconds; doubled before each further attempt


class DeliveryFailed(Exception):
    """The platform did not take a call; str() is its reason, without anything of the message."""


@dataclass(frozen=True)
class Problem:
    """Why a call failed. `pause` is how many seconds the platform wants to be left alone, if it says so."""

    reason: str
    temporary: bool
    pause: float | None = None


# What a platform's answer (status, Retry-After in seconds or None, JSON) means; None: it did what it was asked.
Reading = Callable[[int, float | None, dict[str, Any]], Problem | None]


class PlatformAPI:
    """An API that takes and gives JSON, under one address."""

    def __init__(self, base_url: str, reading: Reading, headers: dict[str, str] | None = None) -> None:
        """`reading` says which answers are failures; `headers` go with every call."""
        self._base_url = base_url.rstrip("/")
        self._reading = reading
        self._headers = headers or {}
        self._session: aiohttp.ClientSession | None = None

    async def call(self, path: str, body: dict[str, Any], patience: float = PATIENCE) -> dict[str, Any]:
        """Posts the body; returns the answer. A busy platform is asked again for up to `patience` seconds.

        Raises:
            DeliveryFailed: the platform refused it, could not be reached, or stayed busy.
        """
        until, pause = time.monotonic() + patience, FIRST_PAUSE
        while True:
            answer, problem = await self._attempt(path, body)
            if problem is None:
                return answer
            wait = pause if problem.pause is None else problem.pause
            if not problem.temporary or time.monotonic() + wait > until:
                raise DeliveryFailed(problem.reason)
            await asyncio.sleep(wait)
            pause *= 2

    async def _attempt(self, path: str, body: dict[str, Any]) -> tuple[dict[str, Any], Problem | None]:
        try:
            call = self._open_session().post(f"{self._base_url}/{path}", json=body, headers=self._headers)
            async with call as answer:
                status, headers, content = answer.status, answer.headers, await answer.read()
        except asyncio.TimeoutError:
            # Perhaps it was delivered: asking again could say everything twice.
            return {}, Problem("no answer in time", temporary=False)
        except aiohttp.ClientError as error:
            # Only its kind: the text can hold the address, and Telegram's holds the token.
            return {}, Problem(f"it cannot be reached ({type(error).__name__})", temporary=True)
        parsed = _parse(content)
        return parsed, self._reading(status, _seconds(headers.get("Retry-After")), parsed)

    def _open_session(self) -> aiohttp.ClientSession:
        # Only now: a session belongs to the running loop.
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(timeout=TIMEOUT, trust_env=True)
        return self._session

    async def close(self) -> None:
        """Closes the connections; the next call opens them again."""
        if self._session:
            await self._session.close()


def _parse(content: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(content)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _seconds(header: str | None) -> float | None:
    return float(header) if header and header.isdecimal() else None


def is_temporary(status: int) -> bool:
    """Whether an HTTP status says that the same call may succeed later."""
    return status == 429 or status >= 500
