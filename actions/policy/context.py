"""Which conversation the running action belongs to, and what has happened in it so far.

The executor sets it for each action, so that every decision can name its conversation and rules can look at more
than one text, whoever calls the engine.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from actions.logs import conversation_ref

# Outcomes of an answer, as its metadata names them, that left the customer without help.
FAILED = frozenset({"unknown", "unreadable", "clarify", "tool_failure"})
# Messages that neither ask for anything nor show that something worked.
_NEUTRAL = frozenset({"affirm", "deny", "greet", "thank", "nothing_else"})


@dataclass(frozen=True)
class Context:
    """A conversation: its reference ("" outside of any) and its events since the bot took it on, oldest first."""

    conversation: str = ""
    events: Sequence[Mapping[str, Any]] = ()

    @cached_property
    def messages(self) -> list[str]:
        """What the customer has written."""
        return [str(e.get("text") or "") for e in self.events if e.get("event") == "user"]

    @cached_property
    def said(self) -> list[str]:
        """What has been said to the customer."""
        return [str(e.get("text") or "") for e in self.events if e.get("event") == "bot"]

    @cached_property
    def outcomes(self) -> list[str]:
        """How each turn ended: a word of FAILED, or "answered"; a turn that asked for nothing has none."""
        ended: list[str] = []
        for event in self.events:
            if event.get("event") == "user":
                intent = ((event.get("parse_data") or {}).get("intent") or {}).get("name")
                ended.append("" if intent in _NEUTRAL else "asked")
            elif event.get("event") == "bot" and ended and ended[-1] not in FAILED:
                failed = _failure(event)
                ended[-1] = failed or (ended[-1] and "answered")
        return [outcome for outcome in ended if outcome in FAILED or outcome == "answered"]


_NOWHERE = Context()
_current: ContextVar[Context] = ContextVar("policy_context", default=_NOWHERE)


def current() -> Context:
    """The conversation of the running action."""
    return _current.get()


@contextmanager
def in_conversation(tracker: Mapping[str, Any]) -> Iterator[None]:
    """Decide about texts of the conversation whose tracker (as Rasa sends it) this is."""
    events = list(tracker.get("events") or [])
    starts = [i for i, event in enumerate(events) if _begins(event)]
    sender = tracker.get("sender_id")
    found = Context(conversation_ref(str(sender)) if sender else "", events[starts[-1] + 1 :] if starts else events)
    token = _current.set(found)
    try:
        yield
    finally:
        _current.reset(token)


def _begins(event: Mapping[str, Any]) -> bool:
    """Whether a session begins here, or a person has had the conversation: what annoyed before is dealt with."""
    return event.get("event") in ("restart", "session_started") or event.get("name") == "owner"


def _failure(event: Mapping[str, Any]) -> str:
    outer = event.get("metadata") or {}
    inner = outer.get("metadata")
    told = inner if isinstance(inner, dict) else outer
    found = [str(told.get("outcome") or ""), str(told.get("offer_reason") or "")]
    return next((word for word in found if word in FAILED), "")
