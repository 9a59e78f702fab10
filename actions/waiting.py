"""Skill handoff: while the customer waits for a person. The bot does what they choose and else stays quiet.

assistant/policies/owner.py runs `action_waiting` once for each message while the queue owns the conversation, and
the desk triggers it when nobody has come within the wait that was told (intent `EXTERNAL_still_waiting`).
"""

import re
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from . import callback_times, card, clock, contact_details, hours
from .backends.rules import RulesProblem
from .callback import CALLBACK_FORM, MESSAGE_FORM, queue_of, team_name
from .copilot.transcript import bot_metadata, current_session, is_said
from .forms import FORMS
from .handback import form_ended, stopped_form
from .helpdesk import Estimate, HelpDeskDown, helpdesk
from .logs import conversation_ref, get_logger
from .packet import build_packet
from .parsing import yes_no
from .policy.engine import check_message
from .policy.rules import PolicyError
from .queue_words import Choice, choice, closed, correction, place
from .settings import MissingSetting
from .speech import YES_NO, Events
from .turns import intent_of, is_external, text_of

log = get_logger(__name__)

STILL_WAITING = "EXTERNAL_still_waiting"
QUIET = 180  # seconds in which a message is not acknowledged again
_NO = re.compile(r"^\W*(?:no(?:pe)?|nah|not (?:really|quite))\b\W*", re.IGNORECASE)
SORRY = "I'm sorry, it's taking longer than I said."
WHAT_IS_WRONG = "What should I put right? Tell me in your own words and I'll pass it on."


class ActionWaiting(Action):
    """Answers a message of a customer who waits in the queue."""

    failure_text = (
        "Sorry, something went wrong on our side, but you keep your place in the queue. Would you still like to talk "
        "to a person?"
    )

    def name(self) -> str:
        """The action's name."""
        return "action_waiting"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> Events:
        """Do what the customer chose, or tell them now and then that their message was added."""
        if tracker.slots.get("owner") != "queue":
            return []
        if is_external(tracker):
            return _choices(dispatcher, tracker, SORRY, "still") if intent_of(tracker) == STILL_WAITING else []
        text = text_of(tracker)
        if not _pressed(text) and (urgent := _urgent(dispatcher, tracker, text)):
            return urgent
        chosen = choice(text)
        if chosen is None and intent_of(tracker) == "stop" and tracker.active_loop_name:
            chosen = Choice.BACK
        if (answered := _about_the_card(dispatcher, tracker, text, chosen)) is not None:
            return answered
        match chosen:
            case Choice.CORRECT:
                return _correct(dispatcher, tracker, correction(text))
            case Choice.BACK if tracker.active_loop_name:
                return _leave_form(dispatcher, tracker)
            case Choice.BACK:
                return _back_to_bot(dispatcher, tracker)
            case Choice.CALLBACK | Choice.MESSAGE:
                return _start(tracker, CALLBACK_FORM if chosen == Choice.CALLBACK else MESSAGE_FORM, text)
            case Choice.ESTIMATE:
                return _choices(dispatcher, tracker, "", "estimate")
            case Choice.STAY:
                _say(dispatcher, f"All right. {_when(tracker)}".strip(), "stay")
                return form_ended(tracker) if tracker.active_loop_name else []
        if not tracker.active_loop_name and not _acknowledged_lately(tracker):
            _say(
                dispatcher, f"Thank you, I've added that for {team_name(queue_of(tracker))}. {_when(tracker)}", "added"
            )
        return []


def buttons(*choices: Choice) -> list[dict[str, str]]:
    """Buttons whose texts `choice` reads."""
    return [{"title": one.value, "payload": one.value} for one in choices]


def offered(is_open: bool) -> list[dict[str, str]]:
    """What may be chosen: to wait makes sense while people are there."""
    stay = (Choice.STAY,) if is_open else ()
    return buttons(*stay, Choice.CALLBACK, Choice.MESSAGE, Choice.BACK)


def estimate_for(tracker: Tracker, queue: str) -> Estimate | None:
    """How things stand in the queue; None when nobody can tell."""
    try:
        return helpdesk().estimate(queue, tracker.sender_id)
    except (HelpDeskDown, MissingSetting) as error:
        log.warning("estimate_unavailable", extra={"reason": str(error)})
        return None


def open_now() -> bool:
    """Whether people are there; without the file of opening hours, as if they were."""
    try:
        return hours.open_now()
    except RulesProblem as error:
        log.error("hours_unavailable", extra={"reason": str(error)})
        return True


def _choices(dispatcher: CollectingDispatcher, tracker: Tracker, first: str, kind: str) -> Events:
    """Say where the customer stands, and offer what may be chosen."""
    is_open = open_now()
    estimate = estimate_for(tracker, queue_of(tracker)) if is_open else None
    unknown = f"I can't say how long it will take, but {team_name(queue_of(tracker))} will reply here."
    stands = (place(estimate) if estimate else unknown) if is_open else closed()
    wait = estimate.wait_minutes if estimate else None
    question = "" if tracker.active_loop_name else "What would you like to do?"
    shown = [] if tracker.active_loop_name else offered(is_open)
    text = " ".join(filter(None, (first, stands, question)))
    dispatcher.utter_message(text=text, buttons=shown, metadata={"waiting": kind, "wait_minutes": wait})
    return []


def _start(tracker: Tracker, form: str, text: str) -> Events:
    """Run the call-back or message form with what the message gives already."""
    values: dict[str, Any] = dict.fromkeys(FORMS[form].slots())
    if form == CALLBACK_FORM:
        moment = callback_times.read(text)
        values["callback_time"] = moment.isoformat(timespec="minutes") if moment else None
        values["callback_phone"] = contact_details.phone(text)
    values |= {"tries": 0, "ended": None, "offer": None}
    return [*form_ended(tracker), *(SlotSet(slot, value) for slot, value in values.items()), FollowupAction(form)]


def _leave_form(dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:
    _say(dispatcher, "All right, I've stopped that. You keep your place in the queue.", "stay")
    return form_ended(tracker)


def _back_to_bot(dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:
    """The customer would rather go on with the assistant: out of the queue, and the stopped task is offered."""
    form = stopped_form(tracker)
    if form:
        text = f"You're back with me. Shall we go on with {FORMS[form].title}?"
        dispatcher.utter_message(text=text, buttons=list(YES_NO), metadata={"waiting": "back"})
    else:
        dispatcher.utter_message(text="You're back with me. What can I do for you?")
    fields = {"conversation": conversation_ref(tracker.sender_id)}
    log.info("left_the_queue", extra=fields)
    offer = SlotSet("offer", "task" if form else None)
    return [*form_ended(tracker), SlotSet("owner", "bot"), offer, FollowupAction("action_listen")]


def _correct(dispatcher: CollectingDispatcher, tracker: Tracker, text: str) -> Events:
    """Put the correction into the packet, or ask for it."""
    packet: Any = tracker.slots.get("handoff")
    if not text or not isinstance(packet, dict):
        _say(dispatcher, WHAT_IS_WRONG, "correct")
        return []
    number = sum(event.get("event") == "user" for event in current_session(tracker.events))
    changed = card.corrected(packet, text, number)
    place_packet(tracker, changed)
    _say(dispatcher, "Thank you, I've corrected that and passed it on.", "corrected")
    return [SlotSet("handoff", changed)]


def _about_the_card(
    dispatcher: CollectingDispatcher, tracker: Tracker, text: str, chosen: Choice | None
) -> Events | None:
    """Take the correction that was asked for, or the yes or no to "Is that right?"; None for anything else."""
    asked_for = _last_kind(tracker)
    if asked_for == "correct":
        words = chosen in (None, Choice.CORRECT, Choice.CALLBACK, Choice.MESSAGE) and not _pressed(text)
        return _correct(dispatcher, tracker, text) if words else None
    if asked_for != "card" or chosen is not None:
        return None
    said = yes_no(text) if text else {"affirm": True, "deny": False}.get(intent_of(tracker) or "")
    if said:
        _say(dispatcher, f"Thank you. {_when(tracker)}", "stay")
        return []
    rest = _NO.sub("", text)
    return _correct(dispatcher, tracker, rest if sum(c.isalpha() for c in rest) >= 3 else "") if said is False else None


def _urgent(dispatcher: CollectingDispatcher, tracker: Tracker, text: str) -> Events:
    """What only a person may handle is told at once, once, and sent to the right team before its turn."""
    try:
        decision = check_message(text)
    except PolicyError as error:
        log.error("policy_unavailable", extra={"reason": str(error)})
        return []
    packet: Any = tracker.slots.get("handoff")
    known = packet if isinstance(packet, dict) else {}
    if decision.outcome != "escalate" or not decision.rule or known.get("rule") == decision.rule:
        return []
    made = build_packet(tracker, "policy", decision.rule)
    kept = {name: known[name] for name in ("id", "task", "requested_at") if known.get(name)}
    packet = made | kept
    place_packet(tracker, packet)
    text = f"{decision.reply} I've passed this on to {team_name(packet['queue'])}."
    _say(dispatcher, text.strip(), "urgent")
    return [SlotSet("handoff", packet)]


def place_packet(tracker: Tracker, packet: dict[str, Any]) -> None:
    """Give the packet to the help desk; the conversation is in the queue also when that fails."""
    try:
        helpdesk().place(tracker.sender_id, packet)
    except (HelpDeskDown, MissingSetting) as error:
        log.error("not_placed", extra={"conversation": conversation_ref(tracker.sender_id), "reason": str(error)})


def _when(tracker: Tracker) -> str:
    team = team_name(queue_of(tracker))
    return f"{team[:1].upper()}{team[1:]} will reply here." if open_now() else closed()


def _say(dispatcher: CollectingDispatcher, text: str, kind: str) -> None:
    dispatcher.utter_message(text=text.strip(), metadata={"waiting": kind})


def _pressed(text: str) -> bool:
    return any(text.strip().casefold() == one.casefold() for one in Choice)


def _last_kind(tracker: Tracker) -> str:
    """What the bot's latest message while waiting was for."""
    said = (event for event in reversed(tracker.events) if is_said(event))
    return str(bot_metadata(next(said, {})).get("waiting") or "")


def _acknowledged_lately(tracker: Tracker) -> bool:
    since = clock.utc_now().timestamp() - QUIET
    said = (e for e in tracker.events if e.get("event") == "bot" and (e.get("timestamp") or 0) > since)
    return any(bot_metadata(event).get("waiting") in ("added", "corrected", "urgent") for event in said)
