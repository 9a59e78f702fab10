"""The second factor: where a one-time code goes, sending it, and the customer's tries at it.

The slot `code_delivery` keeps what is needed to ask: `to` (the masked address of each channel that can be used),
`sent` (the channel of the code that was sent last), `expired` and `failed` (a channel that could not be used). The
code itself is in no slot once the message that held it has been dealt with.
"""

import re
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from . import assurance, codes, parsing
from .backends import NotAllowed, Unavailable, Undeliverable
from .fields import Field
from .speech import Events
from .turns import Phase, Turn, since_last_user

CHANNEL, CODE, DELIVERY = "code_channel", "code", "code_delivery"
NEW_CODE = "Send a new code"
BY = {"email": "by e-mail", "sms": "by text"}
WHAT = {"email": "an e-mail", "sms": "a text"}

LOCKED_HANDOVER = "For your security I can't check any more codes for now, so a person has to help you with this."
NO_CONTACT = (
    "For this I'd send you a one-time code, but your account has no contact that I can send one to. "
    "Would you like me to get a person for you?"
)
CANNOT_SEND = "I'm sorry, I can't send you a code just now. Would you like me to get a person for you?"
TOO_MANY = (
    "For your security I can't send any more codes for the next 15 minutes. Would you like me to get a person for you?"
)
STILL_GOOD = "I can't send any more codes for now, but the last one still works."

_WORDS = {"email": r"e-?mails?|mail|inbox", "sms": r"text(?:ed)?|sms|phone|mobile"}
_AGAIN = re.compile(
    r"\bre-?send\b|\b(?:another|new|fresh) (?:code|one)\b|\bsend (?:it|one|me one|the code) again\b", re.IGNORECASE
)
_NOT = re.compile(r"\b(?:instead of|rather than|not) (?:by |via |the |my |an? )*\w[\w-]*", re.IGNORECASE)


def delivery(slots: Any) -> dict[str, Any]:
    """What the slot keeps, empty at first; `slots` has a `get`."""
    return dict(slots.get(DELIVERY) or {})


def _channel(turn: Turn) -> str | None:
    """The channel that the message names, of those that can be used."""
    usable = list(delivery(turn).get("to", {}))
    text = _NOT.sub(" ", turn.text)
    named = [c for c in usable if re.search(rf"\b(?:{_WORDS[c]})\b", text, re.IGNORECASE)]
    if len(named) == 1:
        return named[0]
    if len(usable) == 1 and turn.yes_no:
        return usable[0]
    position = parsing.choice(turn.text, len(usable))
    return usable[position] if position is not None and not named else None


def _code(turn: Turn) -> str | None:
    other = parsing.account_number(turn.text) or parsing.order_number(turn.text)
    return None if other else parsing.one_time_code(turn.text)


def _channel_complaint(turn: Turn) -> str:
    usable = [BY[channel] for channel in delivery(turn).get("to", BY)]
    if len(usable) == 1:
        return f"I can only send the code {usable[0]} at the moment."
    return "Sorry, I can send the code by e-mail or by text."


def _code_complaint(turn: Turn) -> str:
    if delivery(turn).get("expired"):
        return "To go on I need a new code. You can also say stop, or ask for a person."
    return "The code is the six digits in the message that I've sent you."


SECOND_FACTOR = {
    CHANNEL: Field(answer=_channel, complaint=_channel_complaint),
    CODE: Field(answer=_code, complaint=_code_complaint),
}


def wanted_anew(turn: Turn) -> str | None:
    """The channel of the new code that the customer asks for while a code is asked for."""
    if turn.requested != CODE or turn.phase is not Phase.ANSWER or _code(turn):
        return None
    state = delivery(turn)
    other = _channel(turn) if len(state.get("to", {})) > 1 else None
    asked = turn.intent == "resend_code" or bool(_AGAIN.search(turn.text))
    agreed = bool(state.get("expired")) and turn.yes_no is True
    if other and (asked or agreed or other != state.get("sent")):
        return other
    return state.get("sent") if asked or agreed else None


def prove(turn: Turn) -> None:
    """Check the code that was given, or send one once it is known where to; ends the form when neither can be."""
    given = turn.get(CODE)
    turn.set(code=None)
    try:
        if given:
            _check(turn, given)
        else:
            _send_if_due(turn)
    except assurance.Locked:
        turn.hand_over(LOCKED_HANDOVER, "verification_failed")
    except NotAllowed:  # the first proof has just run out, so the form asks for it again
        turn.caller = assurance.current(turn.tracker.sender_id)


def _check(turn: Turn, given: str) -> None:
    try:
        turn.caller = codes.check(turn.tracker.sender_id, given)
    except codes.WrongCode as wrong:
        if wrong.tries_left < 1:
            raise assurance.Locked from None
        left = "one more try" if wrong.tries_left == 1 else f"{wrong.tries_left} more tries"
        turn.say(f"That isn't the code I sent. You have {left}.")
    except (codes.CodeExpired, codes.NoCode):
        turn.set(code_delivery=delivery(turn) | {"expired": True})


def _send_if_due(turn: Turn) -> None:
    state = delivery(turn)
    if not state:
        state = {"to": codes.recipients(turn.tracker.sender_id)}
        turn.set(code_delivery=state)
        if not state["to"]:
            turn.leave(NO_CONTACT, "verification_failed")
            return
    anew = wanted_anew(turn)
    channel = anew or turn.get(CHANNEL)
    if channel is None and len(state["to"]) == 1 and not state.get("failed"):
        channel = next(iter(state["to"]))
    if channel and (anew or state.get("sent") != channel):
        _send(turn, channel, state)


def _send(turn: Turn, channel: Any, state: dict[str, Any]) -> None:
    try:
        codes.send(turn.tracker.sender_id, channel)
        turn.set(code_channel=channel, code_delivery={"to": state["to"], "sent": channel})
    except codes.TooManyCodes:
        if not codes.pending(turn.tracker.sender_id):
            turn.leave(TOO_MANY, "verification_failed")
            return
        turn.say(STILL_GOOD)
        if not state.get("sent"):  # it was another task that asked for it
            turn.set(code_channel=channel, code_delivery={"to": state["to"], "sent": channel})
    except (Unavailable, Undeliverable, codes.NoRecipient):
        others = {c: shown for c, shown in state["to"].items() if c != channel}
        if others:
            turn.set(code_channel=None, code_delivery={"to": others, "failed": channel})
        else:
            turn.leave(CANNOT_SEND, "tool_failure")


def _button(text: str) -> dict[str, str]:
    return {"title": text, "payload": text}


class ActionAskCodeChannel(Action):
    """Asks where the code should go."""

    def name(self) -> str:
        """The action's name."""
        return "action_ask_code_channel"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> Events:
        """Ask with the channels as buttons; when one has failed, with a person beside the other."""
        state = delivery(tracker.slots)
        places = [f"{BY[channel]} to {shown}" for channel, shown in state.get("to", {}).items()]
        buttons = [_button(BY[channel].capitalize()) for channel in state.get("to", {})]
        if state.get("failed"):
            text = f"Sorry, I can't send {WHAT[state['failed']]} just now. Shall I send the code {places[0]} instead?"
            buttons.append({"title": "Talk to a person", "payload": "/request_human"})
        else:
            text = f"To be sure it's you, I send a one-time code. Shall I send the code {' or '.join(places)}?"
        dispatcher.utter_message(text=text, buttons=buttons)
        return []


class ActionAskCode(Action):
    """Asks for the code that was sent."""

    def name(self) -> str:
        """The action's name."""
        return "action_ask_code"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> Events:
        """Ask, and offer a new code or the other channel."""
        state = delivery(tracker.slots)
        places, sent = state.get("to", {}), state.get("sent")
        where = places.get(sent, "you")
        if state.get("expired"):
            text = (
                f"That code doesn't work any more: each one lasts for five minutes. Shall I send a new one to {where}?"
            )
        elif _sent_now(tracker):
            text = f"I've sent a six-digit code to {where}; it works for five minutes. What is it?"
        else:
            text = f"What's the six-digit code that I sent to {where}?"
        others = [_button(f"{BY[channel].capitalize()} instead") for channel in places if channel != sent]
        dispatcher.utter_message(text=text, buttons=[_button(NEW_CODE), *others])
        return []


def _sent_now(tracker: Tracker) -> bool:
    """Whether the code was sent in answer to the latest message."""
    events = since_last_user(tracker)
    values = (e.get("value") or {} for e in events if e.get("event") == "slot" and e.get("name") == DELIVERY)
    return any(value.get("sent") and not value.get("expired") for value in values)
