"""Why a conversation goes to a person, and which of the customer's messages show it."""

from collections.abc import Callable
from typing import cast

from rasa_sdk import Tracker
from rasa_sdk.forms import REQUESTED_SLOT

from actions.copilot.transcript import Event, Step, Turn, bot_metadata, current_session
from actions.logs import get_logger
from actions.policy.context import FAILED
from actions.policy.engine import check_message, engine
from actions.policy.handoff import Reason
from actions.policy.rules import EscalateRule, PolicyError
from actions.policy.texts import first_match, readable
from actions.turns import HANDOVER, UNCLEAR, intent_of, text_of

log = get_logger(__name__)

BECAUSE: dict[Reason, str] = {
    "customer_asked": "Handed over because the customer asked for a person.",
    "missing_knowledge": "Handed over because the knowledge base had no answer.",
    "unsupported_task": "Handed over because the assistant cannot do what the customer wants.",
    "policy": "Handed over because our rules ask for a person here.",
    "tool_failure": "Handed over because a system did not work.",
    "low_confidence": "Handed over because the assistant did not understand or could not help several times.",
    "sentiment": "Handed over because the customer is upset.",
    "verification_failed": "Handed over because the customer could not be verified.",
    "value_customer": "Handed over because a person looks after this customer.",
    "vulnerable_customer": "Handed over because the customer may need special care.",
}
"""For each reason the sentence that the agent reads."""

_IDENTITY_SLOTS = frozenset({"account_number", "postcode", "order_number"})


def because(reason: Reason, rule: str = "") -> str:
    """The reason as the agent reads it, with the policy rule that led to it, if one did."""
    return f"Handed over because of the policy rule {rule}." if reason == "policy" and rule else BECAUSE[reason]


def reason_for(tracker: Tracker) -> tuple[Reason, str, str]:
    """Why a person is needed: reason, policy rule, the rule's words for the customer ("" without a rule).

    The rules for handoffs in policy.yml may put another reason in its place: see `actions.packet`.
    """
    intent = intent_of(tracker)
    ended = str(tracker.slots.get("ended") or "")
    if ended.startswith(HANDOVER):
        return _known(ended.removeprefix(HANDOVER)), "", ""
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


def _reason_of_offer(tracker: Tracker) -> Reason:
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
    if said and (told := bot_metadata(said[0]).get("offer_reason")) in BECAUSE:
        return _known(str(told))
    action = next((str(e.get("name")) for e in reversed(before) if e.get("event") == "action"), "")
    if action == "action_answer":
        return "missing_knowledge"
    if action == "action_route":
        return "unsupported_task"
    if action.startswith("validate_"):
        asked = [e.get("value") for e in before if e.get("event") == "slot" and e.get("name") == REQUESTED_SLOT]
        last = next((slot for slot in reversed(asked) if slot), None)
        return "verification_failed" if last in _IDENTITY_SLOTS else "customer_asked"
    return "tool_failure"


def _known(reason: str) -> Reason:
    return cast(Reason, reason) if reason in BECAUSE else "customer_asked"


def reason_turns(found: list[Turn], events: list[Event], reason: Reason, rule: str = "") -> list[int]:
    """The turns that show the reason, from 1; the latest one when no message stands out.

    `found` are the turns of the session, `events` its events. Raises PolicyError.
    """
    texts = [readable(str(event.get("text") or "")) for event in events if event.get("event") == "user"]
    wrote = _pattern_of(rule)
    turns = [
        number
        for number, (turn, text) in enumerate(zip(found, texts, strict=True), 1)
        if (wrote(text) if wrote else _SHOWS[reason](turn))
    ]
    return turns or ([len(found)] if found else [])


def _pattern_of(rule_id: str) -> Callable[[str], bool] | None:
    """What tells whether a message is one that a rule's patterns find; None for a rule without patterns."""
    rule = engine().policy.by_id(rule_id)
    if not isinstance(rule, EscalateRule) or not rule.compiled:
        return None
    patterns = rule.compiled
    return lambda text: bool(first_match(patterns, text))


def failed(step: Step) -> bool:
    """Whether a system did not answer in this step."""
    return "tool_failure" in (step.metadata.get("offer_reason"), step.metadata.get("outcome"))


def _offered(reason: str) -> Callable[[Turn], bool]:
    return lambda turn: any(step.metadata.get("offer_reason") == reason for step in turn.steps)


def _not_understood(turn: Turn) -> bool:
    return turn.intent in UNCLEAR or any(step.metadata.get("outcome") in FAILED for step in turn.steps)


_SHOWS: dict[Reason, Callable[[Turn], bool]] = {
    "customer_asked": lambda turn: turn.intent == "request_human",
    "missing_knowledge": lambda turn: any(step.metadata.get("outcome") == "unknown" for step in turn.steps),
    "unsupported_task": _offered("unsupported_task"),
    "policy": _offered("policy"),
    "tool_failure": lambda turn: any(failed(step) for step in turn.steps),
    "low_confidence": lambda turn: _not_understood(turn) or _offered("low_confidence")(turn),
    "sentiment": lambda turn: any(step.metadata.get("outcome") == "upset" for step in turn.steps),
    "verification_failed": _offered("verification_failed"),
    "value_customer": lambda turn: False,
    "vulnerable_customer": lambda turn: False,
}
