"""The web chat on one server process, or on several that share a Redis.

A manager here is python-socketio's client manager, which knows the rooms and delivers what is said in one process to
the customers who are connected to another, and what else the processes need: to tell each other something, and to keep
a short text for all of them.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from redis import asyncio as aioredis
from redis.exceptions import RedisError
from socketio import AsyncManager, AsyncRedisManager

logger = logging.getLogger(__name__)

CHANNEL = "tandem-webchat"
TOLD = "told"
TIMEOUT_SECONDS = 2

Heard = Callable[..., Awaitable[Any]]


class OneWorker(AsyncManager):
    """One process: there is nobody to tell, and what is kept lies in its memory."""

    def __init__(self) -> None:
        """Start with nothing."""
        super().__init__()
        self._kept: dict[str, tuple[str, float]] = {}

    def hear(self, kind: str, heard: Heard) -> None:
        """Has `heard` called with what other processes tell of this kind."""

    async def tell(self, kind: str, **content: Any) -> bool:
        """Tells the other processes; whether there are any."""
        return False

    async def keep(self, name: str, value: str, seconds: float) -> None:
        """Keeps a text for so long."""
        now = time.time()
        self._kept = {key: kept for key, kept in self._kept.items() if kept[1] > now}
        self._kept[name] = (value, now + seconds)

    async def kept(self, name: str) -> str | None:
        """The text that was kept under this name, if its time is not over."""
        value, until = self._kept.get(name, (None, 0.0))
        return value if until > time.time() else None

    async def start(self) -> None:
        """Begin to listen to the others."""

    async def stop(self) -> None:
        """Close the connections."""


class RedisWorkers(AsyncRedisManager):
    """Several processes, connected by a Redis server. Without it each goes on with its own customers."""

    def __init__(self, url: str) -> None:
        """`url` such as redis://:password@host:6379/2."""
        options = {"socket_connect_timeout": TIMEOUT_SECONDS, "socket_keepalive": True}
        super().__init__(url, channel=CHANNEL, redis_options=options)
        self._heard: dict[str, Heard] = {}
        self._memory = OneWorker()
        self._store = aioredis.from_url(url, socket_timeout=TIMEOUT_SECONDS, decode_responses=True, **options)

    def hear(self, kind: str, heard: Heard) -> None:
        """Has `heard` called with what other processes tell of this kind."""
        self._heard[kind] = heard

    async def tell(self, kind: str, **content: Any) -> bool:
        """Tells the other processes; whether there are any."""
        told = {"method": TOLD, "kind": kind, "content": content, "host_id": self.host_id}
        return (await self._publish(told) or 0) > 1

    async def keep(self, name: str, value: str, seconds: float) -> None:
        """Keeps a text for so long, in this process also while the Redis is away."""
        await self._memory.keep(name, value, seconds)
        try:
            await self._store.set(f"{CHANNEL}:{name}", value, px=max(1, int(seconds * 1000)))
        except (RedisError, OSError) as error:
            logger.error("Redis cannot be reached (%s): other workers do not know %s.", type(error).__name__, name)

    async def kept(self, name: str) -> str | None:
        """The text that was kept under this name, if its time is not over."""
        known = await self._memory.kept(name)
        if known is not None:
            return known
        try:
            return await self._store.get(f"{CHANNEL}:{name}")
        except (RedisError, OSError) as error:
            logger.error("Redis cannot be reached (%s): what other workers keep is not known.", type(error).__name__)
            return None

    async def start(self) -> None:
        """Begin to listen to the others."""
        # SANIC_WORKERS forks after this object was made, and each process needs an id of its own.
        self.host_id = uuid.uuid4().hex
        if not self.server.manager_initialized:
            self.server.manager_initialized = True
            self.initialize()

    async def stop(self) -> None:
        """Close the connections."""
        if self.server.manager_initialized:
            self.thread.cancel()
            await asyncio.gather(self.thread, return_exceptions=True)
        for client in (self.redis, self._store):
            if client is not None:
                await client.close()

    async def _listen(self) -> AsyncIterator[dict[str, Any]]:
        async for message in super()._listen():
            content = _read(message)
            if content.get("method") != TOLD:
                yield content
            elif content.get("host_id") != self.host_id:
                await self._on_told(content)

    async def _on_told(self, told: dict[str, Any]) -> None:
        try:
            await self._heard[told["kind"]](**told["content"])
        except Exception as error:
            logger.error("What another worker told could not be done: %s.", type(error).__name__)


def _read(message: bytes) -> dict[str, Any]:
    """What was published; empty if it was none of us."""
    try:
        content = json.loads(message)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
