"""Skill handoff: a call back at a time that suits the customer, and a message for a team.

Both may begin anywhere: with the bot, at any hour, or in the queue, where they take the customer out of it.
"""

from datetime import datetime
from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from . import assurance, backends, callback_times, contact_details, parsing, queues
from .backends import BackendError, Recipient
from .backends.calendar import to_utc
from .backends.contacts import masked
from .copilot.transcript import turns
from .copilot.turn_facts import wants
from .fields import Field
from .forms import MAX_TRIES, Form
from .helpdesk import HelpDeskDown, helpdesk
from .logs import conversation_ref, get_logger
from .policy.rules import PolicyError
from .queue_words import Choice, choice
from .settings import MissingSetting
from .speech import promise
from .tasks import Task
from .turns import Phase, Turn

log = get_logger(__name__)

CALLBACK_FORM, MESSAGE_FORM = "callback_form", "message_form"
ON_FILE = "on file"  # the slot's value for the number of the back office, which is read when the call is booked
SHORT_QUESTION = 7  # words
STILL_IN_LINE = "I'm sorry, I can't make that out. You keep your place in the queue, and my colleague can sort it out."


class QueueForm(Form):
    """A form that may run while the customer waits: it never offers the person whom they wait for already."""

    resumable = False

    def read(self, turn: Turn) -> dict[str, Any]:
        """As every form; "never mind" is no message, and "I'll wait" no time."""
        return {} if _in_queue(turn) and turn.phase is Phase.ANSWER and _is_wish(turn.text) else super().read(turn)

    def _interrupted(self, turn: Turn) -> bool:
        return (_in_queue(turn) and choice(turn.text) is not None) or super()._interrupted(turn)

    def _failed_try(self, turn: Turn) -> None:
        if _in_queue(turn) and int(turn.get("tries") or 0) + 1 >= MAX_TRIES:
            turn.finish(STILL_IN_LINE)
        else:
            super()._failed_try(turn)

    def refused(self, turn: Turn, slot: str) -> None:
        """Nothing here is asked for without need; who waits in the queue just keeps waiting."""
        if _in_queue(turn):
            turn.finish("That's fine. You keep your place in the queue.")
        else:
            super().refused(turn, slot)


def _is_wish(text: str) -> bool:
    """Whether a customer who waits speaks of the wait and nothing else."""
    wish = choice(text)
    return wish in (Choice.BACK, Choice.STAY) or (wish == Choice.ESTIMATE and len(text.split()) <= SHORT_QUESTION)


def _in_queue(turn: Turn) -> bool:
    return bool(turn.tracker.slots.get("owner") == "queue")


def _time(turn: Turn) -> str | None:
    return _kept(callback_times.answer(turn.text))


def _time_mentioned(turn: Turn) -> str | None:
    return _kept(callback_times.read(turn.text)) if turn.intent == "request_callback" or turn.requested else None


def _kept(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="minutes") if moment else None


class ValidateCallbackForm(QueueForm):
    """Asks when and on which number; a verified customer's number is on file and is only read back, masked."""

    form = CALLBACK_FORM
    title = "your call back"
    confirm = True
    fields = {
        "callback_time": Field(
            answer=_time,
            mention=_time_mentioned,
            complaint=lambda turn: callback_times.why_not(turn.text),
            label="the time",
            names="time|day|date|when",
            show=lambda value: callback_times.in_words(datetime.fromisoformat(value)),
        ),
        "callback_phone": Field(
            answer=lambda turn: contact_details.phone(turn.text),
            mention=lambda turn: contact_details.phone(turn.text),
            complaint=lambda turn: "Sorry, that isn't a whole UK phone number: I need one such as 07700 900123.",
            label="the number",
            names=r"(?:phone )?number|phone|mobile|landline",
        ),
    }
    wants = {"request_callback": "to be called back"}
    # Days and numbers remind of these, and a time is no wish for a visit here.
    answered_by = {
        "callback_time": frozenset({"book_visit", "move_visit", "change_delivery", "list_visits", "opening_hours"}),
        "callback_phone": frozenset({"change_phone"}),
        "confirmed": frozenset({"change_phone"}),
    }
    declined = "All right, I haven't planned a call. What would you like to do next?"

    def check(self, turn: Turn) -> None:
        """Use the number on file where there is one, and none that the customer has no claim to any more."""
        phone = turn.get("callback_phone")
        # A number that the customer has just called wrong is asked for.
        wrong = turn.phase is Phase.ANSWER and "callback_phone" in turn.changes
        if phone is None and not wrong and turn.requested != "callback_phone" and number_on_file(turn):
            turn.set(callback_phone=ON_FILE)
        elif phone == ON_FILE and not number_on_file(turn):
            turn.set(callback_phone=None)
        at = turn.get("callback_time")
        if at and callback_times.is_past(datetime.fromisoformat(at)):
            turn.set(callback_time=None)
            turn.say("That time has passed by now.")

    def read_back(self, turn: Turn) -> str:
        """The time and the number."""
        at = callback_times.in_words(datetime.fromisoformat(turn.get("callback_time")))
        return f"We'll call you {at} on {_number_in_words(turn)}. Shall I plan that?"


class ActionCallback(Task):
    """Notes the call down at the help desk, or as a ticket where that cannot be reached."""

    form, action, result = CALLBACK_FORM, "action_callback", "Call back"
    system = "the team's diary"

    def perform(self, turn: Turn) -> None:
        """Plan the call and promise the time."""
        at = datetime.fromisoformat(turn.get("callback_time"))
        phone = turn.get("callback_phone")
        shown = _number_in_words(turn)
        if phone == ON_FILE:
            phone = number_on_file(turn)
        if not phone:  # the verification has run out since the read-back
            turn.set(callback_phone=None)
            turn.again()
            return
        queue, about = queue_of(turn.tracker), subject(turn.tracker)
        request = turn.request(at.isoformat(), phone)
        try:
            reference = helpdesk().callback(turn.tracker.sender_id, queue, to_utc(at), phone, about, request)
        except (HelpDeskDown, MissingSetting) as error:
            log.error("helpdesk_down", extra=_ref(turn) | {"reason": str(error)})
            details = f"Call {phone} at {at:%Y-%m-%d %H:%M}. {about}".strip()
            title = f"Call back for {queue}"
            reference = backends.tickets().open(turn.caller, "callback", title, details, "normal", request).reference
        turn.say(
            f"That's planned: {team_name(queue)} will call you {callback_times.in_words(at)} on {shown}. "
            f"Your reference is {reference}. {_left(turn)}"
        )
        turn.set(owner="bot")


def _message(turn: Turn) -> str | None:
    text = parsing.free_text(turn.text, limit=1000)
    return text if text and len(text.split()) > 1 else None


class ValidateMessageForm(QueueForm):
    """Takes a message in the customer's own words."""

    form = MESSAGE_FORM
    title = "your message"
    confirm = True
    fields = {
        "message_text": Field(
            answer=_message,
            free=True,
            complaint=lambda turn: "Please write your message in a sentence or two.",
            label="the message",
            names="words|text|message",
            show=lambda text: f"“{text}”",
        )
    }
    wants = {"leave_message": "to leave a message"}
    declined = "All right, I haven't sent anything. What would you like to do next?"

    def _turn(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> Turn:
        """What a message is about is no wish for a task, unless it asks."""
        turn = super()._turn(dispatcher, tracker, domain)
        if turn.requested == "message_text" and "?" not in turn.text:
            turn.own_intents |= frozenset(wants())
        return turn

    def read_back(self, turn: Turn) -> str:
        """The message in the customer's words, and for whom it is."""
        team = team_name(queue_of(turn.tracker))
        return f"I'd pass this on to {team}: “{turn.get('message_text')}” Shall I send it?"


class ActionLeaveMessage(Task):
    """Opens a ticket with the message."""

    form, action, result = MESSAGE_FORM, "action_leave_message", "Message"
    system = "our message system"

    def perform(self, turn: Turn) -> None:
        """Open the ticket and say by when the customer hears from somebody."""
        queue, text = queue_of(turn.tracker), turn.get("message_text")
        title = f"Message for {queue}"
        ticket = backends.tickets().open(turn.caller, "other", title, text, "normal", turn.request(text))
        turn.say(
            f"I've passed your message on to {team_name(queue)}; its reference is {ticket.reference}. You'll hear from "
            f"us by {promise(ticket.promised_by)}. {_left(turn)}"
        )
        turn.set(owner="bot")


def number_on_file(turn: Turn) -> str:
    """The phone number that the back office has of a verified customer; "" when there is none to be had."""
    if turn.caller.level < assurance.Level.VERIFIED:
        return ""
    if "phone" not in turn.memo:
        try:
            turn.memo["phone"] = backends.customers().contact(turn.caller).phone
        except BackendError as error:  # then the customer is asked
            log.warning("contact_unavailable", extra=_ref(turn) | {"kind": type(error).__name__})
            turn.memo["phone"] = ""
    return str(turn.memo["phone"])


def _number_in_words(turn: Turn) -> str:
    phone = turn.get("callback_phone")
    if phone != ON_FILE:
        return str(phone)
    on_file = number_on_file(turn)
    return f"the number we have for you, {masked(Recipient('sms', on_file))}" if on_file else "the number we have"


def queue_of(tracker: Tracker) -> str:
    """The queue that the customer waits in, or else the one of what they spoke of."""
    packet: Any = tracker.slots.get("handoff")
    if tracker.slots.get("owner") == "queue" and isinstance(packet, dict):
        return str(packet.get("queue") or queues.GENERAL)
    try:
        return queues.of_conversation(tracker)
    except queues.QueuesProblem as error:
        log.error("queues_unavailable", extra={"reason": str(error)})
        return queues.GENERAL


def team_name(queue: str) -> str:
    """What the customer calls the team of a queue."""
    try:
        return queues.queues()[queue].team
    except (queues.QueuesProblem, KeyError):
        return "one of my colleagues"


def subject(tracker: Tracker) -> str:
    """What it is about in one line; "" when nothing tells it."""
    packet: Any = tracker.slots.get("handoff")
    if tracker.slots.get("owner") == "queue" and isinstance(packet, dict):
        return str(packet.get("issue") or "")
    own = {*ValidateCallbackForm.wants, *ValidateMessageForm.wants}
    known = {intent: wanted for intent, wanted in wants().items() if intent not in own}
    try:
        asked = [turn.intent for turn in turns(tracker.events) if turn.intent in known]
    except PolicyError as error:
        log.error("policy_unavailable", extra={"reason": str(error)})
        return ""
    return f"Wants {known[asked[-1]]}" if asked else ""


def _left(turn: Turn) -> str:
    return "You needn't wait here any longer; I'm here if there's anything else." if _in_queue(turn) else ""


def _ref(turn: Turn) -> dict[str, str]:
    return {"conversation": conversation_ref(turn.tracker.sender_id)}
