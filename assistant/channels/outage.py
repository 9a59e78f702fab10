"""While the action server cannot be reached: calls fail at once, turns are kept, and customers hear when it is back.

Rasa calls the action server through the agent's EndpointConfig. Ours stands in its place and counts, behind a circuit
breaker, the turns that could not reach it. Rasa goes on without the action, so what needs none still works.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Any

import aiohttp
from rasa.core.agent import Agent
from rasa.utils.endpoints import EndpointConfig

from assistant.channels.circuit import TRIAL_EVERY, Circuit

logger = logging.getLogger(__name__)

ACTION_SECONDS = 45.0  # for one call: Rasa's own 300 outlive the conversation's lock of 60
CONNECT_SECONDS = 3.0
HEALTH_SECONDS = 1.0
MAX_KEPT = 1_000
KEPT_FOR = 15 * 60.0  # seconds: later the customer has found another way, and a reminder would only disturb
MAX_QUOTED = 80  # characters

CARRY_ON = [{"title": "Carry on", "payload": "Carry on"}, {"title": "No, thanks", "payload": "No, thanks"}]
LEFT = {"text": "All right. What else can I do for you?"}
_YES = re.compile(r"\s*(yes|yes,? please|yeah|yep|ok|okay|sure|please do|go on|carry on|please)[.!\s]*", re.IGNORECASE)
_NO = re.compile(r"\s*(no|no,? thanks|no,? thank you|nope|not now)[.!\s]*", re.IGNORECASE)


@dataclass
class _Calls:
    """What happened to the action calls of one turn."""

    reached: bool = False
    unreachable: bool = False


_turn: ContextVar[_Calls | None] = ContextVar("turn", default=None)


@dataclass(frozen=True)
class Kept:
    """A turn that the action server has missed: what to say again, and how the customer saw it. Times in seconds."""

    payload: str
    shown: str
    channel: str
    since: float

    def question(self) -> dict[str, Any]:
        """What the customer is asked when it works again."""
        quoted = " ".join(self.shown.split())
        if len(quoted) > MAX_QUOTED:
            quoted = quoted[: MAX_QUOTED - 1].rstrip() + "…"
        text = f"Our systems are working again. Shall I carry on with what you wrote: “{quoted}”?"
        return {"text": text, "buttons": CARRY_ON}


Tell = Callable[[str, Kept], Awaitable[bool]]


class Outage:
    """The circuit around the action server, and the turns that are kept while it is open."""

    def __init__(self, circuit: Circuit | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` in seconds."""
        self.circuit = circuit or Circuit()
        self._clock = clock
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._asked: OrderedDict[str, Kept] = OrderedDict()
        self._told = 0
        self._endpoint: _Endpoint | None = None
        self._watching: asyncio.Task[None] | None = None

    def watch(self, agent: Agent) -> None:
        """Has the agent call the action server through the circuit; calling it again changes nothing."""
        processor = getattr(agent, "processor", None)
        endpoint = getattr(processor, "action_endpoint", None)
        if isinstance(endpoint, EndpointConfig) and endpoint is not self._endpoint:
            self._endpoint = processor.action_endpoint = _Endpoint(endpoint, self)

    @contextmanager
    def turn(self) -> Iterator[_Calls]:
        """A turn counts once for the circuit, however many actions it calls."""
        calls = _Calls()
        token = _turn.set(calls)
        try:
            yield calls
        finally:
            _turn.reset(token)

    def judge(self, calls: _Calls, tell: Tell) -> None:
        """Counts a turn that is over; `tell` is awaited with each kept turn as soon as the circuit closes again."""
        if calls.reached:
            self.circuit.worked()
        elif calls.unreachable and self.circuit.is_closed and self.circuit.failed():
            logger.error("The action server cannot be reached: calls to it fail at once until it answers again.")
            self._watching = asyncio.ensure_future(self._watch(tell))

    def keep(self, conversation: str, payload: str, shown: str, channel: str) -> None:
        """Keeps a customer's latest turn until the action server answers again."""
        self._kept[conversation] = Kept(payload, shown, channel, self._clock())
        self._kept.move_to_end(conversation)
        if len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)

    def again(self, conversation: str, text: str) -> Kept | bool:
        """What a customer's message means for their kept turn, which ends with it.

        The kept turn, when they were asked and say yes; True when they say no; False in all other cases.
        """
        self._kept.pop(conversation, None)
        asked = self._asked.pop(conversation, None)
        if asked is None:
            return False
        if _YES.fullmatch(text):
            return asked
        return bool(_NO.fullmatch(text))

    def stop(self) -> None:
        """Ends the trials, with the server."""
        if self._watching:
            self._watching.cancel()

    def counts(self) -> dict[str, Any]:
        """Figures for a health check; `opened` and `told` are since the start."""
        return {
            "state": self.circuit.state.value,
            "opened": self.circuit.opened,
            "kept": len(self._kept),
            "told": self._told,
        }

    async def try_now(self) -> None:
        """One trial if none is under way: whether the action server's health check answers."""
        if self._endpoint is None or not self.circuit.trial():
            return
        if await self._endpoint.is_healthy():
            self.circuit.worked()
        else:
            self.circuit.failed()

    async def _watch(self, tell: Tell) -> None:
        while not self.circuit.is_closed:
            await asyncio.sleep(TRIAL_EVERY)
            await self.try_now()
        logger.info("The action server answers again.")
        await self._come_back(tell)

    async def _come_back(self, tell: Tell) -> None:
        """Tells each customer whose turn is kept, at most once and not after KEPT_FOR."""
        while self._kept and self.circuit.is_closed:
            conversation, kept = self._kept.popitem(last=False)
            if self._clock() - kept.since > KEPT_FOR:
                continue
            # Before the telling, so that an answer that comes at once finds the question.
            self._asked[conversation] = kept
            if len(self._asked) > MAX_KEPT:
                self._asked.popitem(last=False)
            if await tell(conversation, kept):
                self._told += 1
            else:
                self._asked.pop(conversation, None)


class _Endpoint(EndpointConfig):
    """The action server's address, behind the circuit."""

    def __init__(self, endpoint: EndpointConfig, outage: Outage) -> None:
        self.__dict__.update(endpoint.__dict__)
        self._outage = outage

    async def request(self, method: str = "post", *args: Any, **kwargs: Any) -> Any:
        """As Rasa's, but fails at once while the circuit is open.

        Raises:
            aiohttp.ClientConnectionError: the server cannot be reached, or has not answered in time.
        """
        calls = _turn.get() or _Calls()
        if not self._outage.circuit.is_closed:
            await self._outage.try_now()  # so that the first turn after an outage is an ordinary one
            if not self._outage.circuit.is_closed:
                calls.unreachable = True
                raise aiohttp.ClientConnectionError("The circuit is open.")
        kwargs["timeout"] = aiohttp.ClientTimeout(total=ACTION_SECONDS, sock_connect=CONNECT_SECONDS)
        try:
            answer = await super().request(method, *args, **kwargs)
        except asyncio.TimeoutError as error:
            calls.unreachable = True
            raise aiohttp.ClientConnectionError(f"No answer within {ACTION_SECONDS:.0f} seconds.") from error
        except aiohttp.ClientConnectionError:
            calls.unreachable = True
            raise
        except Exception:
            calls.reached = True  # it answered, with an error of this action
            raise
        calls.reached = True
        return answer

    async def is_healthy(self) -> bool:
        """Whether the server that the webhook belongs to answers GET /health."""
        url = (self.url or "").removesuffix("/").removesuffix("/webhook") + "/health"
        timeout = aiohttp.ClientTimeout(total=HEALTH_SECONDS)
        try:
            async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError, ValueError):
            return False


@cache
def of_process() -> Outage:
    """The outage that all channels of this process share."""
    return Outage()
