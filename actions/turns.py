"""One call of a form: what the customer wrote, what is known, and what changes."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.forms import REQUESTED_SLOT

from . import identity
from .identity import Identity
from .speech import Events, offer_person

# What may be the answer to a form's question; any other intent interrupts the form.
ANSWERING = frozenset({"inform", "affirm", "deny", "nlu_fallback"})
# These are never taken for an answer, whatever else the message holds.
COMMANDS = frozenset({"stop", "request_human", "escalate"})
SHORT_ANSWER = 6  # words: below that a reply such as "Tuesday afternoon" counts as an answer whatever its intent


class Phase(Enum):
    """Why Rasa runs the form now."""

    ACTIVATION = "the form has just been started by the latest message"
    ANSWER = "the latest message replies to the form's question"
    RESUMED = "another action has dealt with the latest message; the form asks its question again"


def since_last_user(tracker: Tracker) -> list[dict[str, Any]]:
    """The events after the customer's latest message."""
    events = tracker.events_after_latest_restart()
    last = max((i for i, event in enumerate(events) if event.get("event") == "user"), default=-1)
    return events[last + 1 :]


def person_offered_now(tracker: Tracker) -> bool:
    """Whether a person was offered since the latest message: a form that was left early did so."""
    events = (e for e in since_last_user(tracker) if e.get("event") == "slot" and e.get("name") == "offer")
    return any(event.get("value") == "person" for event in events)


def button_payloads(event: dict[str, Any]) -> list[str]:
    """The payloads of the buttons of a `bot` event, in order."""
    return [str(button.get("payload", "")) for button in (event.get("data") or {}).get("buttons") or []]


def last_buttons(tracker: Tracker) -> list[str]:
    """The payloads of the buttons that were shown last, in order."""
    shown = (button_payloads(event) for event in reversed(tracker.events) if event.get("event") == "bot")
    return next((payloads for payloads in shown if payloads), [])


def intent_of(tracker: Tracker) -> str | None:
    """The intent of the latest message."""
    return (tracker.latest_message.get("intent") or {}).get("name")


def text_of(tracker: Tracker) -> str:
    """The words of the latest message; none for a button's intent."""
    text = tracker.latest_message.get("text") or ""
    return "" if text.startswith("/") else text


def _phase(tracker: Tracker, form: str) -> Phase:
    events = since_last_user(tracker)
    if any(e.get("event") == "active_loop" and e.get("name") == form for e in events):
        return Phase.ACTIVATION
    if not tracker.active_loop_name:
        return Phase.ACTIVATION
    other = any(e.get("event") == "action" and e.get("name") not in (form, "action_listen") for e in events)
    rejected = any(e.get("event") == "action_execution_rejected" and e.get("name") == form for e in events)
    return Phase.RESUMED if other or rejected else Phase.ANSWER


@dataclass
class Turn:
    """Everything that one run of a form works with."""

    dispatcher: CollectingDispatcher
    tracker: Tracker
    form: str
    phase: Phase
    requested: str | None
    own_intents: frozenset[str]
    changes: dict[str, Any] = field(default_factory=dict)
    understood: bool = False  # the reply made sense although it gave no value
    left: bool = False
    _caller: Identity | None = None

    @classmethod
    def of(cls, dispatcher: CollectingDispatcher, tracker: Tracker, form: str, own_intents: frozenset[str]) -> "Turn":
        """The turn that the tracker stands at."""
        phase = _phase(tracker, form)
        requested = None if phase is Phase.ACTIVATION else tracker.slots.get(REQUESTED_SLOT)
        return cls(dispatcher, tracker, form, phase, requested, own_intents)

    @property
    def text(self) -> str:
        """The words of the latest message."""
        return text_of(self.tracker)

    @property
    def intent(self) -> str | None:
        """The intent of the latest message."""
        return intent_of(self.tracker)

    def entity(self, name: str) -> str | None:
        """The first value of an entity in the latest message."""
        return next((str(value) for value in self.tracker.get_latest_entity_values(name)), None)

    @property
    def picked(self) -> bool:
        """Whether the message is the text of a button under the last question, so its intent says nothing."""
        shown = [payload.casefold() for payload in last_buttons(self.tracker)]
        return bool(self.text) and self.text.strip().casefold() in shown

    @property
    def answering(self) -> bool:
        """Whether the message may be read as the answer to the form's question."""
        if self.picked:
            return True
        if self.intent in COMMANDS:
            return False
        if self.intent is None or self.intent in ANSWERING or self.intent in self.own_intents:
            return True
        return "?" not in self.text and len(self.text.split()) <= SHORT_ANSWER

    def get(self, slot: str) -> Any:
        """A slot's value with the changes of this turn."""
        return self.changes[slot] if slot in self.changes else self.tracker.slots.get(slot)

    def set(self, **values: Any) -> None:
        """Change slots."""
        self.changes.update(values)

    def say(self, text: str) -> None:
        """Say a sentence."""
        self.dispatcher.utter_message(text=text)

    @property
    def caller(self) -> Identity:
        """Who is writing; read once a turn, and again after a verification."""
        if self._caller is None:
            self._caller = identity.current(self.tracker.sender_id)
        return self._caller

    @caller.setter
    def caller(self, value: Identity) -> None:
        self._caller = value

    def leave(self, text: str, reason: str, clear: list[str]) -> None:
        """End the form early: say `text`, which offers a person for `reason`, and empty the slots `clear`."""
        self.set(**dict.fromkeys(clear), tries=0, offer="person")
        offer_person(self.dispatcher, text, reason)
        self.left = True

    def events(self, requested: str | None) -> Events:
        """The changes as events, with the slot to ask for next (None ends the form)."""
        return [*(SlotSet(k, v) for k, v in self.changes.items()), SlotSet(REQUESTED_SLOT, requested)]
