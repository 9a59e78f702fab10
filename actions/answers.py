"""Skill answers: answer a question from the knowledge base, within the policy, or offer a person."""

import unicodedata
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions import pauses
from actions.copilot.transcript import bot_metadata
from actions.knowledge.compose import Answer, compose
from actions.knowledge.encoder import ModelMissing
from actions.knowledge.generate import generate
from actions.knowledge.retrieve import Passage, retriever
from actions.knowledge.store import StoreError
from actions.llm import ModelUnavailable, chat_model
from actions.logs import conversation_ref, get_logger
from actions.policy.engine import check_generated, check_message, redact
from actions.policy.rules import PolicyError
from actions.routing import clarify
from actions.speech import YES_NO, Events
from actions.tasks import resume
from actions.turns import intent_of, text_of

log = get_logger(__name__)

PASSAGES = 5
LONGEST_QUESTION = 1000  # characters
ON_TOPIC = 0.35  # best cosine of a question that our articles are about

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
        try:
            decision = check_message(text)
            if decision.outcome == "escalate":
                return [FollowupAction("action_handoff")]
            if not decision.allowed:
                fields = {"outcome": "refused", "policy_rule": decision.rule}
                return _say(dispatcher, tracker, decision.reply, offer=decision.offer, **fields)
            if unfit := _unfit(text):
                return _say(dispatcher, tracker, unfit, offer=unfit == OTHER_SCRIPT, outcome="unreadable")
            answer, passages = answer_to(redact(text))
        except (ModelMissing, StoreError, PolicyError) as error:
            log.error("answers_unavailable", extra={"reason": str(error)})
            raise
        fields = {"conversation": conversation_ref(tracker.sender_id), "by": answer.by if answer else "none"}
        log.info("answer", extra=fields | {"articles": len(answer.sources) if answer else 0})
        if answer is None and intent_of(tracker) == "nlu_fallback":
            asked = clarify(dispatcher, tracker, domain or {})
            if asked is not None:
                return asked
        if answer is None:
            return _say(dispatcher, tracker, _unknown(tracker, passages), offer=True, outcome="unknown")
        titles = "; ".join(source["title"] for source in answer.sources)
        label = "Source" if len(answer.sources) == 1 else "Sources"
        return _say(
            dispatcher,
            tracker,
            f"{answer.text}\n{label}: {titles}",
            outcome="answered",
            sources=answer.sources,
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


def answer_to(question: str) -> tuple[Answer | None, list[Passage]]:
    """The answer to a redacted question and the passages that were found.

    The composer decides whether the passages can answer; the model, when there is one, writes. Its answer
    is replaced by the composer's when it is late, fails, or nothing of it passes the checks.
    """
    passages = retriever().search(question, PASSAGES)
    twin = compose(question, passages)
    if twin is None:
        return None, passages
    answer = None
    if model := chat_model():
        try:
            answer = generate(question, passages, model, twin.support)
        except ModelUnavailable:
            answer = None
    answer = answer or twin
    if not check_generated(answer.text, [c.passage.text for c in answer.claims]).allowed:
        return None, passages
    return answer, passages


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


def _unknown(tracker: Tracker, passages: list[Passage]) -> str:
    """ "I don't know" with the subjects that were searched, kinder the second time."""
    topics = list(dict.fromkeys(p.article.split("/")[0].replace("-", " ") for p in passages if p.cosine >= ON_TOPIC))
    if not topics:
        return OFF_TOPIC
    named = " and ".join(topics[:2])
    bots = [e for e in tracker.events if e.get("event") == "bot"]
    again = bool(bots) and bot_metadata(bots[-1]).get("outcome") == "unknown"
    return (UNKNOWN_AGAIN if again else UNKNOWN).format(topics=named)


def _say(dispatcher: CollectingDispatcher, tracker: Tracker, text: str, offer: bool = False, **metadata: Any) -> Events:
    """Utter `text` with what the desk needs to know about it; offer a person, or forget an earlier offer."""
    if offer:
        metadata["offer_reason"] = "missing_knowledge"
    dispatcher.utter_message(text=text, buttons=list(YES_NO) if offer else None, metadata=metadata)
    if offer:
        return [SlotSet("offer", "person")]
    return [SlotSet("offer", None)] if tracker.slots.get("offer") else []
