"""A customer goes on in one conversation with what they left unfinished in another one, on another channel or the same.

Who was verified where is known from the database alone. What was unfinished there is read from the assistant's HTTP
API. Values of the task come over, and never a level, an owner or a handoff: what a task needs of proof is asked for
here again. Where anything fails, nothing is offered.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import requests
from rasa_sdk import Tracker
from rasa_sdk.events import FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.forms import REQUESTED_SLOT

from . import assurance, clock, pauses
from .assurance import Identity, Level
from .backends import calendar
from .backends.access import audit
from .backends.session import transaction
from .copilot.transcript import Event, bot_metadata
from .forms import CHANGE, CONFIRMED, FORMS
from .logs import conversation_ref, get_logger
from .settings import assistant_url, rasa_token
from .speech import YES_NO, Events, offer_person
from .step_up import DELIVERY, SECOND_FACTOR
from .verification import PROOF

log = get_logger(__name__)

WITHIN = timedelta(hours=24)
LOOKED_AT = 2  # of the other conversations, the latest ones
TIMEOUT = 1.0  # seconds to connect, and again to answer
OFFERED = "earlier"  # in an utterance's metadata: which conversation it offers to go on with

NOTHING_LEFT = (
    "That has been finished or left in the meantime, so there's nothing to go on with. What can I do for you?"
)
PROOF_FIRST = "It's been a while, so for your security I need to check first that it's still you."

_NEVER = frozenset({*PROOF, *SECOND_FACTOR, DELIVERY, CONFIRMED, CHANGE, REQUESTED_SLOT, "owner", "handoff", "offer"})
_WHERE = {
    "webchat": "On the web chat",
    "sms": "By text message",
    "whatsapp": "On WhatsApp",
    "voice": "On the phone",
    "slack": "On Slack",
    "telegram": "On Telegram",
    "messenger": "On Messenger",
    "email": "By e-mail",
}


@dataclass(frozen=True)
class Earlier:
    """Another conversation of the customer's; `form` is the task that is unfinished there, "" without one."""

    conversation: str
    channel: str
    at: datetime | None
    owner: str
    form: str
    slots: dict[str, Any]
    events: list[Event]

    @property
    def where(self) -> str:
        """Where and when it was, as a sentence begins."""
        return f"{_WHERE.get(self.channel, 'In another conversation')} {_when(self.at)}".strip()


def offer(dispatcher: CollectingDispatcher, tracker: Tracker, caller: Identity, done: str) -> Events:
    """Offer to go on with what is unfinished elsewhere, once; not with a task of the form that was `done` just now."""
    if not assistant_url():
        return []
    try:
        for earlier in _others(caller, _refused(tracker)):
            if earlier.owner != "bot":
                text = f"{earlier.where} you were passed on to one of our people, and they'll still reply there. "
                return _offer_person(dispatcher, earlier, f"{text}Shall I get a person for you here as well?")
            if earlier.form and earlier.form != done:
                text = f"{earlier.where} we hadn't finished {FORMS[earlier.form].title}. Shall we go on from there?"
                dispatcher.utter_message(text=text, buttons=list(YES_NO), metadata=_mark(earlier))
                return [SlotSet("offer", "task")]
    except Exception as error:
        _log("not_offered", tracker, error)
    return []


def go_on(dispatcher: CollectingDispatcher, tracker: Tracker, reference: str) -> Events:
    """Take over the task of the conversation that was offered, after a yes; whose it is, is checked again."""
    caller = assurance.current(tracker.sender_id)
    if caller.level < Level.VERIFIED:
        dispatcher.utter_message(text=PROOF_FIRST)
        return [SlotSet("offer", None), FollowupAction("verify_form")]
    earlier = _named(caller, reference)
    if earlier is None or not earlier.form or earlier.owner != "bot":
        dispatcher.utter_message(text=NOTHING_LEFT)
        return [SlotSet("offer", None), FollowupAction("action_listen")]
    with transaction() as session:
        audit(session, caller, "continue", f"conversation:{reference}", "allowed")
    form = FORMS[earlier.form]
    slots = [slot for slot in form.slots() if slot not in _NEVER]
    values = {slot: earlier.slots.get(slot) if slot in form.fields else None for slot in slots}
    dispatcher.utter_message(text=f"Good. Let's go on with {form.title}.")
    _leave(earlier, slots)
    return [*(SlotSet(slot, value) for slot, value in values.items()), *pauses.go_on_with(earlier.form)]


def spoken_of(tracker: Tracker) -> Earlier | None:
    """The conversation that was offered here and not refused, if it is still this customer's. Raises BackendError."""
    refused = _refused(tracker)
    wanted = [r for event in tracker.events if (r := bot_metadata(event).get(OFFERED)) and r not in refused]
    return _named(assurance.current(tracker.sender_id), str(wanted[-1])) if wanted else None


def _offer_person(dispatcher: CollectingDispatcher, earlier: Earlier, text: str) -> Events:
    events = offer_person(dispatcher, text, "customer_asked")
    dispatcher.messages[-1]["metadata"] |= _mark(earlier)
    return events


def _mark(earlier: Earlier) -> dict[str, str]:
    return {OFFERED: conversation_ref(earlier.conversation)}


def _refused(tracker: Tracker) -> set[str]:
    """The conversations that were offered here and not accepted."""
    refused: set[str] = set()
    asked: set[str] = set()
    for event in tracker.events:
        if event.get("event") == "bot" and (reference := bot_metadata(event).get(OFFERED)):
            asked.add(str(reference))
        elif event.get("event") == "user":
            intent = ((event.get("parse_data") or {}).get("intent") or {}).get("name")
            refused |= asked if intent != "affirm" else set()
            asked = set()
    return refused | asked


def _others(caller: Identity, left_out: set[str]) -> Iterator[Earlier]:
    known = [one for one in assurance.elsewhere(caller, WITHIN) if conversation_ref(one) not in left_out]
    yield from map(_read, known[:LOOKED_AT])


def _named(caller: Identity, reference: str) -> Earlier | None:
    """The conversation that a reference stands for, if it is this customer's."""
    found = [one for one in assurance.elsewhere(caller, WITHIN) if conversation_ref(one) == reference]
    try:
        return _read(found[0]) if found else None
    except (requests.RequestException, ValueError) as error:
        log.warning("earlier_unavailable", extra={"conversation": reference, "kind": type(error).__name__})
        return None


def _read(conversation: str) -> Earlier:
    """How a conversation stands. Raises requests.RequestException, ValueError."""
    state = _ask("GET", conversation, "tracker", include_events="AFTER_RESTART")
    slots, events = dict(state.get("slots") or {}), list(state.get("events") or [])
    wrote = [e for e in events if e.get("event") == "user" and e.get("input_channel")]
    latest = wrote[-1] if wrote else {}
    at = datetime.fromtimestamp(float(latest["timestamp"]), UTC) if latest.get("timestamp") else None
    running = (state.get("active_loop") or {}).get("name")
    waiting = (slots.get(pauses.SLOT) or {}).get("forms") or []
    form = next((name for name in (running, *reversed(waiting)) if name in FORMS and _can_move(name)), "")
    owner = str(slots.get("owner") or "bot")
    return Earlier(conversation, str(latest.get("input_channel") or ""), at, owner, form, slots, events)


def _can_move(form: str) -> bool:
    """Whether a form may be interrupted at all and asks for more than who the customer is."""
    return FORMS[form].resumable and any(slot not in _NEVER for slot in FORMS[form].fields)


def _leave(earlier: Earlier, slots: list[str]) -> None:
    """End the task there: it goes on here, and must not be done twice."""
    emptied = [*slots, REQUESTED_SLOT, CONFIRMED, CHANGE, pauses.SLOT]
    events = [{"event": "active_loop", "name": None}]
    events += [{"event": "slot", "name": slot, "value": None} for slot in emptied]
    try:
        _ask("POST", earlier.conversation, "tracker/events", events, include_events="NONE")
    except (requests.RequestException, ValueError) as error:  # the task itself refuses what was done already
        fields = {"conversation": conversation_ref(earlier.conversation), "kind": type(error).__name__}
        log.warning("earlier_not_left", extra=fields)


def _ask(method: str, conversation: str, what: str, body: Any = None, **params: str) -> dict[str, Any]:
    """One call of the assistant's HTTP API. Raises requests.RequestException, ValueError, MissingSetting."""
    url = f"{assistant_url()}/conversations/{quote(conversation, safe='')}/{what}"
    with requests.Session() as session:
        session.trust_env = False  # the assistant is never behind a proxy
        session.headers["Authorization"] = f"Bearer {rasa_token()}"
        answer = session.request(method, url, params=params, json=body, timeout=TIMEOUT, allow_redirects=False)
        answer.raise_for_status()
        state = answer.json()
    if not isinstance(state, dict):
        raise ValueError("not a tracker")
    return state


def _when(at: datetime | None) -> str:
    """Roughly when that was, in London."""
    if at is None:
        return "earlier"
    then = calendar.london(at)
    if then.date() != clock.today():
        return "yesterday"
    return "this morning" if then.hour < 12 else "this afternoon" if then.hour < 18 else "this evening"


def _log(event: str, tracker: Tracker, error: Exception) -> None:
    log.warning(event, extra={"conversation": conversation_ref(tracker.sender_id), "kind": type(error).__name__})
