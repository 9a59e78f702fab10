"""Skill handoff: a person takes over, with a packet of everything that is known."""

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import ActiveLoop, FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.forms import REQUESTED_SLOT

from actions import hours, queues
from actions.backends.rules import RulesProblem
from actions.copilot.transcript import bot_metadata, current_session
from actions.logs import conversation_ref, get_logger
from actions.packet import build_packet
from actions.packet_reason import reason_for
from actions.speech import Events
from actions.turns import intent_of

log = get_logger(__name__)

HANDED_OVER = (
    "I'm passing you to {team} now. They can see what we've said here, so you won't have to repeat it. "
    "They'll reply in this conversation as soon as they're free."
)
CLOSED = (
    "I'm passing this on to {team}. They can see what we've said here, so you won't have to repeat it. "
    "They're back {back}, and will reply in this conversation."
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
        text = f"{reply} {handed_over(packet['queue'])}".strip()
        dispatcher.utter_message(text=text, metadata={"handoff": reason})
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


def handed_over(queue: str) -> str:
    """What the customer hears: which team takes over, and when they are back if they are not there."""
    try:
        team = queues.queues()[queue].team
        closed = not hours.open_now()
    except (queues.QueuesProblem, RulesProblem) as error:  # a person must be reached also when a file is broken
        log.error("hours_or_queues_unavailable", extra={"reason": str(error)})
        return HANDED_OVER.format(team="one of my colleagues")
    return CLOSED.format(team=team, back=hours.back()) if closed else HANDED_OVER.format(team=team)


def offer_stands(tracker: Tracker) -> bool:
    """Whether a person was offered in the turn before the customer's latest message."""
    events = current_session(tracker.events)
    asked = [i for i, event in enumerate(events) if event.get("event") == "user"]
    turn = events[asked[-2] + 1 : asked[-1]] if len(asked) > 1 else []
    return any("offer_reason" in bot_metadata(event) for event in turn if event.get("event") == "bot")
