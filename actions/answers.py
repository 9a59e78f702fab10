"""Skill answers: answer a question from the knowledge base, within the policy, or offer a person."""

import unicodedata
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.forms import REQUESTED_SLOT

from actions import pauses
from actions.copilot.transcript import CODE_SLOT, bot_metadata, turns, without_code
from actions.knowledge.answering import Result, answer_to
from actions.knowledge.encoder import ModelMissing
from actions.knowledge.followup import TURNS, Exchange
from actions.knowledge.store import StoreError
from actions.logs import conversation_ref, get_logger
from actions.policy.engine import check_message
from actions.policy.rules import PolicyError
from actions.routing import clarify
from actions.speech import YES_NO, Events
from actions.streaming import live_reply
from actions.tasks import resume
from actions.turns import UNCLEAR, intent_of, text_of

log = get_logger(__name__)

LONGEST_QUESTION = 1000  # characters

EMPTY = "I didn't get any words there. What can I help you with?"
NO_WORDS = "I'm not sure what you mean by that. Could you tell me in a few words what you need?"
TOO_LONG = (
    "That's a long message and I don't want to miss the point. Could you send me the one question that "
    "matters most, in a sentence or two?"
)
OTHER_SCRIPT = (
    "I'm sorry, I can only read English. Would you like me to pass you to a person, who can see what you wrote?"
)
OFF_TOPIC = (
    "I'm sorry, I don't know that. I looked through our help articles on broadband, mobile, bills and orders "
    "and found nothing about it. Would you like to talk to a person?"
)
UNKNOWN = (
    "I'm sorry, I don't know that. I looked through our help articles on {topics}, and none of them answers "
    "your question. Would you like to talk to a person?"
)
UNKNOWN_AGAIN = (
    "I'm sorry, I couldn't find that one in our help articles on {topics} either. A person can look into "
    "both questions for you. Shall I pass you over?"
)
UPSET = "I'm sorry that this is annoying. Tell me what went wrong, or I can get a person for you. Would you like that?"
DECLINED = "That's fine. What else can I help you with?"
DECLINED_WAITING = "That's fine."


class ActionAnswer(Action):
    """Answers the latest message from the knowledge base."""

    system = "our help articles"

    def name(self) -> str:
        """The action's name."""
        return "action_answer"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> Events:
        """Apply the policy, look for an answer, and say it with its sources or offer a person."""
        text = text_of(tracker)
        if tracker.slots.get(REQUESTED_SLOT) == CODE_SLOT:
            text = without_code(text)
        try:
            decision = check_message(text)
            if decision.outcome == "escalate":
                return [FollowupAction("action_handoff")]
            if not decision.allowed:
                fields = {"outcome": "refused", "policy_rule": decision.rule}
                return _say(dispatcher, tracker, decision.reply, offer=decision.offer, **fields)
            if unfit := _unfit(text):
                return _say(dispatcher, tracker, unfit, offer=unfit == OTHER_SCRIPT, outcome="unreadable")
            with live_reply(tracker) as show:
                result = answer_to(text, context=exchanges(tracker), on_claim=show)
        except (ModelMissing, StoreError, PolicyError) as error:
            log.error("answers_unavailable", extra={"reason": str(error)})
            raise
        log.info("answer_sent", extra={"conversation": conversation_ref(tracker.sender_id), "outcome": result.outcome})
        if result.outcome == "upset":
            return _say(dispatcher, tracker, UPSET, offer=True, outcome="upset")
        if result.answer is None and intent_of(tracker) in UNCLEAR:
            asked = clarify(dispatcher, tracker, domain or {})
            if asked is not None:
                return asked
        if result.outcome == "chat":
            return _say(dispatcher, tracker, NO_WORDS, outcome="unreadable")
        if result.answer is None:
            rule = {"policy_rule": result.rule} if result.rule else {}
            fields = {"outcome": "unknown", "question": result.question, **rule, **show.metadata}
            return _say(dispatcher, tracker, _unknown(tracker, result), offer=True, **fields)
        titles = "; ".join(source["title"] for source in result.answer.sources)
        label = "Source" if len(result.answer.sources) == 1 else "Sources"
        return _say(
            dispatcher,
            tracker,
            f"{result.text}\n{label}: {titles}",
            outcome="answered",
            question=result.question,
            sources=result.answer.sources,
            evidence=list(result.answer.evidence),
            **show.metadata,
        )


class ActionDeclineOffer(Action):
    """The customer does not want a person."""

    def name(self) -> str:
        """The action's name."""
        return "action_decline_offer"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> Events:
        """Say that this is fine, forget the offer, and return to a task that waited."""
        waits = pauses.waiting(tracker)
        dispatcher.utter_message(text=DECLINED_WAITING if waits else DECLINED)
        return [SlotSet("offer", None), *resume(dispatcher, tracker)]


def exchanges(tracker: Tracker) -> list[Exchange]:
    """The questions that were asked before the latest message in the last few turns, made whole and redacted."""
    found = []
    for turn in turns(tracker.events)[-TURNS - 1 :]:
        for step in turn.steps:
            if step.action == "action_answer" and (question := step.metadata.get("question")):
                sources = step.metadata.get("sources") or []
                found.append(Exchange(str(question), tuple(str(source.get("title", "")) for source in sources)))
    return found


def _unfit(text: str) -> str:
    """What to say to a message that holds no question in readable English; "" when it may hold one."""
    if not text.strip():
        return EMPTY
    letters = [c for c in text if c.isalpha()]
    if not letters and not any(c.isdigit() for c in text):
        return NO_WORDS
    if len(letters) >= 3 and sum("LATIN" in unicodedata.name(c, "") for c in letters) * 2 < len(letters):
        return OTHER_SCRIPT
    return TOO_LONG if len(text) > LONGEST_QUESTION else ""


def _unknown(tracker: Tracker, result: Result) -> str:
    """ "I don't know" with the subjects that were searched, kinder the second time."""
    if not result.topics:
        return OFF_TOPIC
    bots = [e for e in tracker.events if e.get("event") == "bot"]
    again = bool(bots) and bot_metadata(bots[-1]).get("outcome") == "unknown"
    return (UNKNOWN_AGAIN if again else UNKNOWN).format(topics=" and ".join(result.topics[:2]))


def _say(dispatcher: CollectingDispatcher, tracker: Tracker, text: str, offer: bool = False, **metadata: Any) -> Events:
    """Utter `text` with what the desk needs to know about it; offer a person, or forget an earlier offer."""
    if offer:
        metadata["offer_reason"] = "missing_knowledge"
    dispatcher.utter_message(text=text, buttons=list(YES_NO) if offer else None, metadata=metadata)
    if offer:
        return [SlotSet("offer", "person")]
    return [SlotSet("offer", None)] if tracker.slots.get("offer") else []
