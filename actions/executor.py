"""Runs every action in a worker thread, within a time limit, and never leaves the customer without an answer.

A skill may say more about its own failures with attributes of its Action:
- `system`: what cannot be reached, for example "our order system";
- `failure_text`: the whole sentence instead; it offers a person, with Yes and No;
- `recover(tracker, domain)`: the events to return then; it must touch no backend.
"""

import asyncio
import copy
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import ActionExecutor, ActionExecutorRunResult, CollectingDispatcher
from rasa_sdk.forms import REQUESTED_SLOT
from rasa_sdk.interfaces import (
    ActionExecutionRejection,
    ActionMissingDomainException,
    ActionNotFoundException,
)

from . import assurance, pauses
from .logs import conversation_ref, get_logger
from .metering import in_conversation as metered
from .policy.context import in_conversation
from .speech import Events, offer_person

logger = get_logger(__name__)

WORKERS = 16
PROTOCOL = (ActionExecutionRejection, ActionNotFoundException, ActionMissingDomainException)


class SafeExecutor(ActionExecutor):
    """An ActionExecutor whose actions may block: each call has a thread and an event loop of its own.

    Args:
        timeout: seconds that a call may take, waiting for a free thread included.
        workers: how many calls run at the same time.
    """

    def __init__(self, timeout: float, workers: int = WORKERS) -> None:
        """Start without actions."""
        super().__init__()
        self.timeout = timeout
        self.skills: dict[str, Action] = {}
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="action")

    def register_action(self, action: type[Action] | Action) -> None:
        """Register an action, given as a class or an instance."""
        instance = action() if isinstance(action, type) else action
        self.skills[instance.name()] = instance
        super().register_action(instance)

    async def run(
        self,
        action_call: dict[str, Any],
        sink: asyncio.Queue[Any] | None = None,
        dispatcher: CollectingDispatcher | None = None,
    ) -> ActionExecutorRunResult | None:
        """Run the action of `action_call`; on a failure or a time-out, apologise and offer a person."""
        started = time.monotonic()
        call = asyncio.get_running_loop().run_in_executor(self._pool, self._run_in_thread, action_call)
        try:
            result = await asyncio.wait_for(call, self.timeout)
        except PROTOCOL:
            self._log(logging.INFO, action_call, started, "rejected")
            raise
        except TimeoutError as error:
            late = time.monotonic() - started >= self.timeout
            self._log(
                logging.ERROR,
                action_call,
                started,
                "timed_out" if late else "failed",
                None if late else error,
            )
        except Exception as error:
            self._log(logging.ERROR, action_call, started, "failed", error)
        else:
            self._log(logging.INFO, action_call, started, "ok")
            return result
        return self._apologise(action_call)

    def shut_down(self, patience: float = 2.0) -> bool:
        """Take no more calls; False when some still run after `patience` seconds."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        deadline = time.monotonic() + patience
        threads = list(self._pool._threads)
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)

    def _run_in_thread(self, action_call: dict[str, Any]) -> ActionExecutorRunResult | None:
        tracker = action_call.get("tracker") or {}
        reference = conversation_ref(str(tracker.get("sender_id") or action_call.get("sender_id")))
        session = assurance.in_session(pauses.began(tracker.get("events") or []))
        with session, metered(reference), in_conversation(tracker):
            return asyncio.run(ActionExecutor.run(self, action_call))

    def _apologise(self, action_call: dict[str, Any]) -> ActionExecutorRunResult:
        name = action_call["next_action"]
        skill = self.skills.get(name)
        dispatcher = CollectingDispatcher()
        events = self._recover(skill, action_call)
        events += offer_person(dispatcher, _failure_text(skill), "tool_failure")
        if name.startswith("action_ask_"):
            events.append(SlotSet(REQUESTED_SLOT, None))  # the question could not be asked, so the form ends here
        return self._create_api_response(events, dispatcher.messages)

    def _recover(self, skill: Action | None, action_call: dict[str, Any]) -> Events:
        recover = getattr(skill, "recover", None)
        if recover is None:
            return []
        try:
            tracker = Tracker.from_dict(copy.deepcopy(action_call["tracker"]))
            return list(recover(tracker, action_call.get("domain") or {}))
        except Exception as error:
            logger.error("recovery_failed", extra={"action": action_call["next_action"]}, exc_info=error)
            return [SlotSet(REQUESTED_SLOT, None)]

    def _log(
        self, level: int, action_call: dict[str, Any], started: float, outcome: str, error: Exception | None = None
    ) -> None:
        tracker = action_call.get("tracker") or {}
        name = action_call.get("next_action")
        fields = {
            # A name that no action has is whatever the caller sent.
            "action": name if name in self.actions else "unknown",
            "conversation": conversation_ref(str(tracker.get("sender_id") or action_call.get("sender_id"))),
            "ms": round((time.monotonic() - started) * 1000),
            "outcome": outcome,
        }
        logger.log(level, "action", extra=fields, exc_info=error)


def _failure_text(skill: Action | None) -> str:
    text = getattr(skill, "failure_text", None)
    if text:
        return str(text)
    system = getattr(skill, "system", "our systems")
    return (
        f"Sorry, I can't reach {system} just now. Please try again in a few minutes, or I can get a person "
        "for you. Would you like that?"
    )
