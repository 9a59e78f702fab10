"""Who is connected to the web chat: each connection is in the one conversation whose access token it has shown.

A connection has some seconds to show a token, and is closed when its last token expires. What is closed is its
transport, so that clients connect again by themselves, with the token that their page has renewed meanwhile.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from socketio import AsyncServer

from assistant.channels.tokens import CLOCK_SKEW_SECONDS, INVALID, REVOKED, TokenRefused, read_token
from assistant.channels.workers import OneWorker, RedisWorkers

TOKEN_WITHIN_SECONDS = 10.0
NAMESPACE = "/"


@dataclass
class Session:
    """What is known of a connection: the client's network address and, once it has shown a token, its conversation."""

    address: str
    conversation: str | None = None
    expires_at: float = 0.0  # Unix time, seconds


class Sessions:
    """The connections of this process."""

    def __init__(self, sio: AsyncServer, workers: OneWorker | RedisWorkers) -> None:
        """Takes each new connection's time from now on."""
        self._sio, self._workers = sio, workers
        self._ends: dict[str, asyncio.TimerHandle] = {}
        workers.hear("revoke", self._disconnect_all)
        sio.eio.on("connect", self._on_transport)

    async def _on_transport(self, transport: str, environ: dict[str, Any]) -> Any:
        # Earlier than socket.io's own connect, which a client may never send.
        self._close_in(transport, TOKEN_WITHIN_SECONDS)
        return await self._sio._handle_eio_connect(transport, environ)

    async def begin(self, sid: str, address: str) -> None:
        """A connection without a token."""
        await self._sio.save_session(sid, {"chat": Session(address)})

    async def of(self, sid: str) -> Session:
        """What is known of the connection."""
        return (await self._sio.get_session(sid))["chat"]

    async def admit(self, sid: str, token: object) -> Session:
        """Let the connection into the token's conversation, or stay in it for longer.

        Raises:
            TokenRefused: the token is not accepted, or it is another conversation's than the one that it is in.
        """
        read, session = read_token(token), await self.of(sid)
        await self._check(read.conversation)
        if session.conversation not in (None, read.conversation):
            raise TokenRefused(INVALID)
        if session.conversation is None:
            session.conversation = read.conversation
            await self._sio.enter_room(sid, read.conversation)
            # Again: who came in after a revocation has emptied the room is seen here.
            await self._check(read.conversation)
        session.expires_at = max(session.expires_at, read.expires_at)
        self._close_in(self._transport(sid), session.expires_at + CLOCK_SKEW_SECONDS - time.time())
        return session

    async def _check(self, conversation: str) -> None:
        if await self._is_revoked(conversation):
            raise TokenRefused(REVOKED)

    async def may_speak(self, session: Session) -> bool:
        """Whether the connection has shown a token that holds."""
        if session.conversation is None or session.expires_at + CLOCK_SKEW_SECONDS < time.time():
            return False
        return not await self._is_revoked(session.conversation)

    async def refuse(self, sid: str) -> None:
        """Tell a client that it needs another token, and close its connection."""
        transport = self._transport(sid)
        if transport:
            await self._close(transport)

    def ended(self, sid: str) -> None:
        """The connection is no more; its transport has no use without one."""
        self._close_in(self._transport(sid), TOKEN_WITHIN_SECONDS)

    async def revoke(self, conversation: str, seconds: float) -> None:
        """Disconnect everybody from the conversation, and take no token for it for so long."""
        await self._workers.keep(f"revoked:{conversation}", "1", seconds + CLOCK_SKEW_SECONDS)
        await self._disconnect_all(conversation)
        await self._workers.tell("revoke", conversation=conversation)

    async def _is_revoked(self, conversation: str) -> bool:
        return await self._workers.kept(f"revoked:{conversation}") is not None

    async def _disconnect_all(self, conversation: str) -> None:
        for sid, _ in list(self._workers.get_participants(NAMESPACE, conversation)):
            await self._sio.disconnect(sid)

    def _transport(self, sid: str) -> str:
        return self._workers.eio_sid_from_sid(sid, NAMESPACE)

    def _close_in(self, transport: str, seconds: float) -> None:
        if transport in self._ends:
            self._ends[transport].cancel()
        loop = asyncio.get_running_loop()
        self._ends[transport] = loop.call_later(seconds, lambda: loop.create_task(self._close(transport)))

    async def _close(self, transport: str) -> None:
        end = self._ends.pop(transport, None)
        if end:
            end.cancel()
        if transport not in self._sio.eio.sockets:
            return
        sid = self._workers.sid_from_eio_sid(transport, NAMESPACE)
        if sid:
            await self._sio.emit("session_expired", room=sid, ignore_queue=True)
        await self._sio.eio.disconnect(transport)
