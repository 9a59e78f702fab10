"""Why a conversation goes to a person."""

from rasa_sdk import Tracker
from rasa_sdk.forms import REQUESTED_SLOT

from actions.copilot.transcript import bot_metadata, current_session
from actions.logs import get_logger
from actions.policy.engine import check_message, engine
from actions.policy.rules import PolicyError
from actions.turns import HANDOVER, intent_of, text_of

log = get_logger(__name__)

REASONS = {
    "customer_asked": "Handed over because the customer asked for a person.",
    "policy": "Handed over because of the policy rule {rule}.",
    "verification_failed": "Handed over because the customer could not be verified.",
    "missing_knowledge": "Handed over because the knowledge base had no answer.",
    "tool_failure": "Handed over because a system did not work.",
}
_IDENTITY_SLOTS = frozenset({"account_number", "postcode", "order_number"})


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
