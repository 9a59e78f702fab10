"""Skill handoff: a person takes over, with a packet of everything that is known."""

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import ActiveLoop, FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.forms import REQUESTED_SLOT

from actions.callback import team_name
from actions.card import card
from actions.copilot.transcript import bot_metadata, current_session
from actions.logs import conversation_ref, get_logger
from actions.packet import build_packet
from actions.packet_reason import reason_for
from actions.queue_words import Choice, closed, place
from actions.speech import Events
from actions.turns import intent_of
from actions.waiting import buttons, estimate_for, offered, open_now, place_packet

log = get_logger(__name__)

HANDED_OVER = (
    "I'm passing you to {team} now. They can see what we've said here, so you won't have to repeat it. {stands} "
    "They'll reply in this conversation."
)
CLOSED = (
    "I'm passing this on to {team}. They can see what we've said here, so you won't have to repeat it. {back} "
    "You needn't stay here for it."
)
WAITING = "You're already in the queue for one of my colleagues. They can see what you've written and will reply here."
WITH_AGENT = "One of my colleagues is with you already and will reply here."


class ActionHandoff(Action):
    """Puts the conversation into the queue; works anywhere, also in the middle of a form."""

    failure_text = "Sorry, I couldn't pass you on just now. Shall I try again to get a person for you?"

    def name(self) -> str:
        """The action's name."""
        return "action_handoff"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> Events:
        """Tell the customer, build the packet, and stop the form."""
        owner = tracker.slots.get("owner") or "bot"
        if owner != "bot":
            dispatcher.utter_message(text=WAITING if owner == "queue" else WITH_AGENT)
            return [SlotSet("offer", None)]
        reason, rule, reply = reason_for(tracker)
        if intent_of(tracker) == "affirm" and not rule and not offer_stands(tracker):
            # Another answer came between the offer and this "yes", which is therefore no yes to the offer.
            dispatcher.utter_message(response="utter_nothing_to_confirm")
            # The rule that led here holds only while there is an offer, so nothing else would end the turn.
            return [SlotSet("offer", None), FollowupAction("action_listen")]
        packet = build_packet(tracker, reason, rule)
        packet["told"] = _tell(dispatcher, tracker, packet, reply)
        place_packet(tracker, packet)
        fields = {
            "conversation": conversation_ref(tracker.sender_id),
            "reason": reason,
            "rule": rule or "none",
        }
        log.info("handoff", extra=fields)
        return [
            ActiveLoop(None),
            SlotSet(REQUESTED_SLOT, None),
            SlotSet("offer", None),
            SlotSet("tries", 0),
            SlotSet("ended", None),
            SlotSet("paused", None),
            SlotSet("handoff", packet),
            SlotSet("owner", "queue"),
        ]


def _tell(dispatcher: CollectingDispatcher, tracker: Tracker, packet: dict[str, Any], reply: str) -> str:
    """Say who takes over and when, show the card, and offer what may be chosen; returns what was told about the wait.

    After a policy rule's own words (`reply`), which may be about an emergency, nothing is shown to be corrected.
    """
    is_open, team = open_now(), team_name(packet["queue"])
    estimate = estimate_for(tracker, packet["queue"]) if is_open else None
    if is_open:
        told = HANDED_OVER.format(team=team, stands=place(estimate) if estimate else "")
    else:
        told = CLOSED.format(team=team, back=closed())
    told = " ".join(told.split())
    wait = estimate.wait_minutes if estimate else None
    announced = {"handoff": packet["reason"], "wait_minutes": wait}
    shown = "" if reply else card(packet)
    choices = offered(is_open)
    dispatcher.utter_message(text=f"{reply} {told}".strip(), buttons=None if shown else choices, metadata=announced)
    if shown:
        dispatcher.utter_message(text=shown, buttons=[*buttons(Choice.CORRECT), *choices], metadata={"waiting": "card"})
    return told


def offer_stands(tracker: Tracker) -> bool:
    """Whether a person was offered in the turn before the customer's latest message."""
    events = current_session(tracker.events)
    asked = [i for i, event in enumerate(events) if event.get("event") == "user"]
    turn = events[asked[-2] + 1 : asked[-1]] if len(asked) > 1 else []
    return any("offer_reason" in bot_metadata(event) for event in turn if event.get("event") == "bot")
