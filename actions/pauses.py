"""The tasks that wait while the customer does another one; the slot `paused` keeps their forms.

The slot also keeps when the session began: what waited or failed in an earlier session is not taken up again.
"""

from collections.abc import Iterable
from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.events import FollowupAction, SlotSet

from .speech import Events

SLOT = "paused"
DEPTH = 3  # tasks that wait at most; the oldest is forgotten first


def began(events: Iterable[dict[str, Any]]) -> float:
    """When the latest session in `events` began (seconds since the epoch; 0 when no event says so).

    A restart begins one too. The moment is the event's own, to the digit, so it also names the session.
    """
    starts = (e.get("timestamp") or 0.0 for e in events if e.get("event") in ("session_started", "restart"))
    return float(max(starts, default=0.0))


def session(tracker: Tracker) -> float:
    """When the current session began: see `began`."""
    return began(tracker.events)


def waiting(tracker: Tracker) -> list[str]:
    """The forms that wait in this session, the latest last."""
    kept = tracker.slots.get(SLOT) or {}
    return list(kept.get("forms", [])) if kept.get("session") == session(tracker) else []


def value(tracker: Tracker, forms: list[str]) -> dict[str, Any] | None:
    """The slot's value for these forms."""
    return {"session": session(tracker), "forms": forms[-DEPTH:]} if forms else None


def event(tracker: Tracker, forms: list[str]) -> Any:
    """The event that keeps these forms."""
    return SlotSet(SLOT, value(tracker, forms))


def failed(tracker: Tracker, form: str) -> str:
    """What the slot `ended` holds when a form or its task failed in this session: the values are still good."""
    return f"failed:{form}:{session(tracker)}"


def interrupted(tracker: Tracker) -> str | None:
    """The form that was active when the latest message arrived."""
    events = tracker.events_after_latest_restart()
    last = max((i for i, e in enumerate(events) if e.get("event") == "user"), default=0)
    loops = [e.get("name") for e in events[:last] if e.get("event") in ("active_loop", "session_started")]
    return loops[-1] if loops else None


def go_on_with(form: str) -> Events:
    """The events that run a form with the values that its slots have; what is read back needs a new yes."""
    fresh: dict[str, Any] = {
        "confirmed": None,
        "change": None,
        "tries": 0,
        "ended": None,
        "offer": None,
        SLOT: None,
    }
    return [*(SlotSet(slot, value) for slot, value in fresh.items()), FollowupAction(form)]
