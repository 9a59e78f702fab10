"""Skill handoff: a person takes over, with a packet of everything that is known."""

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import ActiveLoop, FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.forms import REQUESTED_SLOT

from actions import clock, hours, identity, queues
from actions.backends.rules import RulesProblem
from actions.copilot import summary
from actions.copilot.transcript import Turn, bot_metadata, current_session, turns
from actions.llm import chat_model
from actions.logs import conversation_ref, get_logger
from actions.policy.engine import check_message, engine, redact
from actions.policy.rules import PolicyError
from actions.speech import Events
from actions.tasks import TASKS
from actions.turns import HANDOVER, intent_of, text_of

log = get_logger(__name__)

VERSION = 1

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

REASONS = {
    "customer_asked": "Handed over because the customer asked for a person.",
    "policy": "Handed over because of the policy rule {rule}.",
    "verification_failed": "Handed over because the customer could not be verified.",
    "missing_knowledge": "Handed over because the knowledge base had no answer.",
    "tool_failure": "Handed over because a system did not work.",
}
_NOT_TOLD = frozenset(
    {"owner", "handoff", "offer", "tries", "ended", "paused", "served", "confirmed", "change", "code", "code_channel"}
    | {REQUESTED_SLOT, "session_started_metadata", "code_delivery", "contact_next", "undo_id"}
)
_IDENTITY_SLOTS = frozenset({"account_number", "postcode", "order_number"})


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


def reason_for(tracker: Tracker) -> tuple[str, str, str]:
    """Why a person is needed: reason, policy rule, the rule's words for the customer ("" without a rule)."""
    intent = intent_of(tracker)
    ended = str(tracker.slots.get("ended") or "")
    if ended.startswith(HANDOVER):
        return ended.removeprefix(HANDOVER), "", ""
    rule, reply = _policy_rule(tracker)
    if rule or intent == "escalate":
        return "policy", rule or "unknown", reply
    if intent == "affirm" and tracker.slots.get("offer") == "person":
        return _reason_of_offer(tracker), "", ""
    return "customer_asked", "", ""


def _policy_rule(tracker: Tracker) -> tuple[str, str]:
    """The escalation rule of the latest message: the NLU names it, or else the engine finds it."""
    named = next(iter(tracker.get_latest_entity_values("policy_rule")), None)
    try:
        if named and intent_of(tracker) == "escalate":
            rule = engine().policy.by_id(str(named))
            return (rule.id, rule.reply) if rule else (str(named), "")
        decision = check_message(text_of(tracker))
    except PolicyError as error:
        log.error("policy_unavailable", extra={"reason": str(error)})
        return "", ""
    return (decision.rule, decision.reply) if decision.outcome == "escalate" else ("", "")


def _reason_of_offer(tracker: Tracker) -> str:
    """Why the offer was made that the customer has accepted.

    The utterance may say it (metadata `offer_reason`); otherwise the action does: a form that was left is a
    failed verification when it asked who the customer is, and anything else is a system that did not work.
    """
    events = current_session(tracker.events)
    made = [
        i
        for i, e in enumerate(events)
        if e.get("event") == "slot" and e.get("name") == "offer" and e.get("value") == "person"
    ]
    if not made:
        return "customer_asked"
    before = events[: made[-1] + 1]
    after = events[made[-1] : made[-1] + 3]
    said = [e for e in [*after, *reversed(before)] if e.get("event") == "bot"]
    if said and (told := bot_metadata(said[0]).get("offer_reason")) in REASONS:
        return str(told)
    action = next((str(e.get("name")) for e in reversed(before) if e.get("event") == "action"), "")
    if action == "action_answer":
        return "missing_knowledge"
    if action.startswith("validate_"):
        asked = [e.get("value") for e in before if e.get("event") == "slot" and e.get("name") == REQUESTED_SLOT]
        last = next((slot for slot in reversed(asked) if slot), None)
        return "verification_failed" if last in _IDENTITY_SLOTS else "customer_asked"
    return "tool_failure"


def build_packet(tracker: Tracker, reason: str, rule: str = "") -> dict[str, Any]:
    """The packet for the desk, version 1; personal data in texts is redacted.

    When the policy cannot be read nothing can be redacted: the packet then tells the reason alone, and the
    agent reads the conversation itself.
    """
    because = REASONS[reason].format(rule=rule)
    packet: dict[str, Any] = {
        "version": VERSION,
        "reason": reason,
        "queue": _queue(tracker, rule),
        "summary": because,
        "issue": because,
        "slots": {},
        "actions": [*_policy_action(rule), *_verification(tracker.sender_id)],
        "answers": [],
        "requested_at": clock.utc_now().isoformat(timespec="seconds"),
    }
    try:
        found = turns(tracker.events)
        packet["slots"] = _slots(tracker.slots) | _products(tracker.events)
        packet["summary"] = summary.summarise(tracker.events, because, chat_model())
        packet["issue"] = summary.issue(found) or because
        packet["actions"] += _actions(found)
        packet["answers"] = _answers(found)
    except PolicyError as error:
        log.error("policy_unavailable", extra={"reason": str(error)})
    return packet


def _queue(tracker: Tracker, rule: str) -> str:
    """The team's queue, or the general one when the file of queues cannot be used."""
    try:
        return queues.of_conversation(tracker, rule)
    except queues.QueuesProblem as error:
        log.error("queues_unavailable", extra={"reason": str(error)})
        return queues.GENERAL


def _slots(slots: dict[str, Any]) -> dict[str, str]:
    """What the customer has given so far; what a form keeps for itself is an object and no value of theirs."""
    known = {name: value for name, value in slots.items() if value is not None and name not in _NOT_TOLD}
    return {name: redact(str(value)) for name, value in known.items() if not isinstance(value, dict)}


def _products(events: list[dict[str, Any]]) -> dict[str, str]:
    """Northlight's products that the customer has named in this session."""
    messages = [e.get("parse_data") or {} for e in current_session(events) if e.get("event") == "user"]
    entities = [entity for message in messages for entity in message.get("entities") or []]
    named = [str(entity["value"]) for entity in entities if entity.get("entity") == "product"]
    unique: dict[str, str] = {}
    for name in named:
        unique.setdefault(name.casefold(), name)
    return {"products": ", ".join(unique.values())} if unique else {}


def _policy_action(rule: str) -> list[dict[str, str]]:
    return [{"action": "policy", "result": rule}] if rule else []


def _verification(conversation_id: str) -> list[dict[str, str]]:
    """How far the customer is verified now."""
    try:
        level = identity.current(conversation_id).level
    except Exception as error:  # a person must be reached also when the database is down
        log.warning("identity_unavailable", extra={"kind": type(error).__name__})
        return []
    return [{"action": "verification", "result": level.name.lower().replace("_", "-")}]


def _actions(found: list[Turn]) -> list[dict[str, str]]:
    """The tasks that ran, with what the customer was told."""
    return [
        {"action": step.action, "result": " ".join(" ".join(step.said).split())}
        for turn in found
        for step in turn.steps
        if step.action in TASKS and step.said
    ]


def _answers(found: list[Turn]) -> list[dict[str, Any]]:
    """The questions that were answered, or not, with text and sources."""
    return [
        {
            "question": turn.text,
            "text": " ".join(step.said),
            "outcome": step.metadata.get("outcome", "answered"),
            "sources": step.metadata.get("sources") or [],
        }
        for turn in found
        for step in turn.steps
        if step.action == "action_answer" and step.said
    ]
