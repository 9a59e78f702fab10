"""How a customer feels and how soon they need help, from what they wrote. No model is asked.

The policy's rules for anger, abuse and escalation say most of it, so a word that designers add there counts here too;
what is milder than anger, and what makes a matter pressing, stands here.
"""

import re
from collections.abc import Sequence
from typing import Literal

from actions.policy.engine import Engine, engine, nothing_but
from actions.policy.rules import EscalateRule, ProfanityRule
from actions.policy.texts import first_match, readable

Sentiment = Literal["calm", "unhappy", "angry"]
Urgency = Literal["normal", "high", "urgent"]

RECENT = 5  # messages: what annoyed before that is over
# Escalations that cannot wait, by the ids in policy.yml; any other one is of high urgency.
AT_ONCE = frozenset({"escalate.self_harm", "escalate.fraud"})

_UNHAPPY = re.compile(
    r"\b(?:annoy(?:ed|ing)|frustrat(?:ed|ing)|disappoint(?:ed|ing)|unhappy|dissatisfied|upset(?:ting)?|let down|angry|"
    r"fed up|unacceptable|ridiculous|terrible|awful|appalling|disgraceful|useless|rubbish|a joke)\b"
    r"|\b(?:not|n.t|isn.t|am not|.m not) (?:at all |very |really |too )?"
    r"(?:happy|pleased|satisfied|impressed|good enough)\b"
    r"|\bstill (?:not|no|doesn.t|isn.t|hasn.t|haven.t|waiting|nothing)\b"
    r"|\b(?:again and again|over and over|yet again|keeps? (?:happening|failing|dropping|breaking|going wrong))\b"
    r"|\b(?:nobody|no one|none of you) (?:\w+ ){0,2}"
    r"(?:helps?|helped|cares?|listens?|called|answers?|answered|replied)\b"
    r"|\b(?:already|just) told you\b|\b(?:complain|make a complaint)\b"
    r"|\bwaste of\b|\bsh[i1*]t\w*|\bcrap\b|\bbloody\b|\bhow many (?:more )?times\b",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"\b(?:not|never|isn.t|aren.t|wasn.t|n.t|no longer)(?: \w+)? "
    r"(?:annoyed|frustrated|disappointed|unhappy|upset|angry)\b"
    r"|\b(?:not|isn.t|n.t)(?: \w+)? (?:urgent|an emergency|a rush)\b|\bno (?:rush|hurry)\b|\bnothing urgent\b"
    r"|\bwhenever (?:suits|you can|you like)\b",
    re.IGNORECASE,
)
_DANGER = re.compile(
    r"\b(?:burning smell|smells? of burning|smoke|smoking|sparks?|sparking|on fire|caught fire|"
    r"electric shock|exposed wires?)\b"
    r"|\b(?:medical|personal|pendant|care|panic|fall) alarm\b|\btelecare\b|\blifeline\b|\boxygen\b|\bdialysis\b|\b999\b"
    r"|\b(?:an|it.s an|this is an|medical) emergency\b|\bdanger(?:ous)?\b|\bstolen\b"
    r"|\bsomeone (?:is|has) (?:using|in|got into|taken over|hacked) my\b|\bhacked\b",
    re.IGNORECASE,
)
_PRESSING = re.compile(
    r"\burgent(?:ly)?\b|\basap\b|\bas soon as (?:possible|you can)\b"
    r"|\b(?:immediately|straight ?away|right now|right away)\b"
    r"|\b(?:need|needs|must|have to|has to)\b[^.!?]{0,60}"
    r"\b(?:today|tonight|now|this (?:morning|afternoon|evening)|by tomorrow)\b"
    r"|\b(?:work from home|working from home|can.t work|cannot work|for work)\b"
    r"|\b(?:cut off|disconnected|no (?:internet|broadband|phone|service|signal|connection)(?: at all)?)\b"
    r"|\b(?:waiting|waited|without)\b[^.!?]{0,40}\b(?:days|weeks|months)\b|\bdeadline\b|\bbailiffs?\b",
    re.IGNORECASE,
)
# "What do you do in an emergency?", "is the fault urgent?": asks about it, and is in none.
_ASKS = re.compile(r"^\s*(?:what|how|when|where|who|which|do|does|is|are)\b[^.!]*\?\s*$", re.IGNORECASE)


def of_turns(texts: Sequence[str]) -> tuple[Sentiment, Urgency]:
    """Sentiment and urgency of a customer's messages, oldest first. Raises PolicyError."""
    rules = engine()
    said = [readable(text) for text in texts if text.strip() and not text.startswith("/")]
    return _sentiment(said[-RECENT:], rules), _urgency(said, rules)


def _sentiment(said: Sequence[str], rules: Engine) -> Sentiment:
    """Angry as the policy's rule for anger has it, whenever in these messages, or by abuse and nothing else."""
    found: Sentiment = "calm"
    for rule in rules.rules(EscalateRule, "message"):
        marked = [rule.signal == "anger" and bool(first_match(rule.compiled, text)) for text in said]
        runs = (sum(marked[i : i + rule.of_last]) for i in range(len(said)))
        if rule.signal == "anger" and any(count >= rule.at_least for count in runs):
            return "angry"
        if any(marked):
            found = "unhappy"
    if any(nothing_but(rule, text) for rule in rules.rules(ProfanityRule, "message") for text in said):
        return "angry"
    return "unhappy" if any(_UNHAPPY.search(_DENIED.sub(" ", text)) for text in said) else found


def _urgency(said: Sequence[str], rules: Engine) -> Urgency:
    """The most pressing of the messages: what was urgent once stays so until it is dealt with."""
    found: set[Urgency] = {"normal"}
    for text in said:
        for rule in rules.rules(EscalateRule, "message"):
            if not rule.signal and first_match(rule.compiled, text):
                found.add("urgent" if rule.id in AT_ONCE else "high")
        told = "" if _ASKS.match(text) else _DENIED.sub(" ", text)
        if _DANGER.search(told):
            found.add("urgent")
        if _PRESSING.search(told):
            found.add("high")
    order: tuple[Urgency, ...] = ("urgent", "high", "normal")
    return next(level for level in order if level in found)
