"""One call of a form: what the customer wrote, what is known, and what changes."""

import hashlib
import re
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.forms import REQUESTED_SLOT

from . import assurance, parsing
from .assurance import Identity
from .copilot import transcript
from .speech import Events, offer_person

# No intent is clear, or the message is about something else.
UNCLEAR = frozenset({"nlu_fallback", "out_of_scope"})
# What may be the answer to a form's question; any other intent interrupts the form.
ANSWERING = frozenset({"inform", "affirm", "deny", "correct", "refuse"}) | UNCLEAR
# These are never taken for an answer, unless the message holds nothing but a value.
COMMANDS = frozenset({"stop", "request_human", "escalate", "repeat", "explain"})
SHORT_ANSWER = 6  # words: a reply such as "Tuesday afternoon" counts as an answer when the NLU is not sure of another
LONG_TASK = 8  # words: who asks for another task needs no more, so a longer message is what a free question asked for
TALK = frozenset({"ask_question", "report_problem", "complain", "none_of_these", "thank"})  # no task, but telling
QUESTION = re.compile(r"\s*(?:what|how|why|when|where|who|which|can|could|do|does|is|are|will|would|should)\b", re.I)
LIKELY = 0.5  # confidence from which "I'd rather not say" is no free text
SURE = 0.8  # confidence from which the intent of another task is believed


HANDOVER = "handover:"  # begins the slot `ended` when a person takes over at once; the reason follows
INSTEAD = "instead:"  # begins the slot `ended` when another form goes on in this one's place; its name follows


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
    """The words of the latest message; none for a button's intent, or where another service speaks for nobody."""
    text = tracker.latest_message.get("text") or ""
    return "" if text.startswith("/") or is_external(tracker) else text


def is_external(tracker: Tracker) -> bool:
    """Whether no customer wrote the latest message: another service has triggered its intent."""
    return transcript.is_external(next((e for e in reversed(tracker.events) if e.get("event") == "user"), {}))


def _phase(tracker: Tracker, form: str) -> Phase:
    events = since_last_user(tracker)
    if any(e.get("event") == "followup" and e.get("name") == form for e in events):
        return Phase.RESUMED
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
    own_intents: frozenset[str] = frozenset()
    free: bool = False  # the form asks for the customer's own words
    domain: dict[str, Any] = field(default_factory=dict)
    changes: dict[str, Any] = field(default_factory=dict)
    understood: bool = False  # the reply made sense although it gave no value
    left: bool = False
    offered: bool = False
    next_form: str | None = None
    memo: dict[str, Any] = field(default_factory=dict)  # what was read from a backend, so that one turn reads it once
    _caller: Identity | None = None

    @classmethod
    def of(
        cls,
        dispatcher: CollectingDispatcher,
        tracker: Tracker,
        domain: dict[str, Any],
        form: str,
        own_intents: frozenset[str] = frozenset(),
        free: bool = False,
    ) -> "Turn":
        """The turn that the tracker stands at."""
        phase = _phase(tracker, form)
        requested = None if phase is Phase.ACTIVATION else tracker.slots.get(REQUESTED_SLOT)
        return cls(dispatcher, tracker, form, phase, requested, own_intents, free, domain)

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
    def confidence(self) -> float:
        """How sure the NLU is of the intent, 0 to 1."""
        return float((self.tracker.latest_message.get("intent") or {}).get("confidence") or 0.0)

    @property
    def answering(self) -> bool:
        """Whether the message may be read as the answer to the form's question."""
        if self.picked or parsing.nothing_but_values(self.text):
            return True
        if self.intent in COMMANDS:
            return False
        if self.intent is None or self.intent in ANSWERING or self.intent in self.own_intents:
            return True
        if "?" in self.text:
            return False
        words = len(self.text.split())
        if self.free and self.intent in TALK:
            return not QUESTION.match(self.text)
        return (self.confidence < SURE and words <= SHORT_ANSWER) or (self.free and words > LONG_TASK)

    @property
    def about_the_question(self) -> bool:
        """Whether the reply declines or corrects, so that its words are no value in themselves."""
        return self.intent in ("refuse", "correct") and self.confidence >= LIKELY and not self.picked

    @property
    def yes_no(self) -> bool | None:
        """True for a yes, False for a no."""
        said = parsing.yes_no(self.text)
        return {"affirm": True, "deny": False, "none_of_these": False}.get(self.intent or "") if said is None else said

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
            self._caller = assurance.current(self.tracker.sender_id)
        return self._caller

    @caller.setter
    def caller(self, value: Identity) -> None:
        self._caller = value

    def respond(self, response: str, **values: Any) -> None:
        """Say a response of domain.yml; `values` fill its placeholders."""
        self.dispatcher.utter_message(response=response, **values)

    def request(self, *parts: Any) -> str:
        """A key for what the customer has just asked for: a repeated call for the same message gives the same."""
        message = self.tracker.latest_message.get("message_id") or ""
        told = (self.tracker.sender_id, self.form, str(message), *(str(part) for part in parts))
        return hashlib.sha256("\0".join(told).encode()).hexdigest()

    def offer_person(self, text: str, reason: str) -> None:
        """Say `text`, which asks whether a person is wanted, with Yes and No."""
        offer_person(self.dispatcher, text, reason)
        self.set(offer="person")
        self.offered = True

    def leave(self, text: str, reason: str) -> None:
        """End the form early: say `text`, which offers a person for `reason`."""
        self.offer_person(text, reason)
        self.set(tries=0)
        self.finish()

    def finish(self, text: str = "") -> None:
        """End the form before it is complete, because there is nothing more to do; say `text`."""
        if text:
            self.say(text)
        self.set(ended="early")
        self.left = True

    def hand_over(self, text: str, reason: str) -> None:
        """End the form and pass the customer to a person at once, for `reason` (see `actions.handoff`)."""
        self.say(text)
        self.set(ended=f"{HANDOVER}{reason}")
        self.left = True

    def instead(self, form: str, **slots: Any) -> None:
        """In a form: end it and go on with another one, whose slots `slots` are known already."""
        self.set(**slots, ended=f"{INSTEAD}{form}")
        self.left = True

    def again(self) -> None:
        """In a task: run its form again, with the slots as they are now."""
        self.next_form = self.form

    def then(self, form: str, **slots: Any) -> None:
        """In a task: go on with another one, whose slots `slots` are known already."""
        self.set(**slots)
        self.next_form = form

    def events(self, requested: str | None) -> Events:
        """The changes as events, with the slot to ask for next (None ends the form)."""
        return [*(SlotSet(k, v) for k, v in self.changes.items()), SlotSet(REQUESTED_SLOT, requested)]
