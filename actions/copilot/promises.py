"""Promises that the assistant or an agent made to a customer, each with the day by which it is due.

A promise says what Northlight will do or what the customer will get. What an article says in general is none, nor is
a condition, a question, a proposal that waits for a yes, or what is done while the customer waits.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from actions.copilot.due import due, names_span
from actions.copilot.transcript import Said
from actions.knowledge.words import STEMMER, sentences, stems, straight
from actions.tasks import TASKS

ASKED_FOR = 5  # working days until somebody looks whether the customer has sent what was asked for

_WHO = (
    r"(?:i|we|they|northlight|someone|somebody|(?:a|one of (?:my|our)) colleagues?"
    r"|(?:an?|the|our|my) (?:\w+ ){0,2}(?:engineer|technician|team|manager|supervisor|colleague|department))"
)
_WILL = r"(?:'ll| will| shall|'m going to| am going to|'re going to| are going to| is going to)"
_WORDS = r"(?: (?:also|then|personally|definitely|certainly|make sure (?:that )?(?:to|we|they)?|have|get)(?: \w+ to)?)*"
_DOES = (
    r"(?:call|ring|phone|text|e-?mail|write|send|post|refund|credit|repay|pay|waive|remove|chase|arrange|raise|report"
    r"|get back|come back|let you know|update"
    r"|escalate|ask|fix|sort|repair|replace|confirm|follow (?:this |it )?up|deliver"
    r"|return|book|cancel|order|speak|talk|contact|be in touch"
    r"|reach out|investigate|look (?:into|at)|check|forward|apply)"
)
_OURS = re.compile(rf"\b{_WHO}{_WILL}{_WORDS} (?P<verb>{_DOES})\b", re.I)
_THEIRS = re.compile(
    r"\byou(?:'ll| will| should| can expect to)(?: also| then)? "
    r"(?P<verb>get|receive|hear|have|be (?:refunded|credited|called|contacted|sent|paid))\b(?! to\b)"
    r"|\bexpect an? (?:call|reply)\b",
    re.I,
)
_THING = re.compile(
    r"\b(?:the|your|an?|this|that) (?:[\w-]+ ){1,4}?(?:will|should) (?:then )?"
    r"(?:be (?P<verb>refunded|credited|paid|sent|posted"
    r"|delivered|with you|fixed|replaced|returned|processed|connected|reconnected|activated|waived|removed)"
    r"|arrive|reach you|come (?:out|by|through))\b",
    re.I,
)
_GIVEN = re.compile(
    r"\b(?:refund|credit|money|call|ring|letter|e-?mail|text|message|replacement|router|parcel|delivery|confirmation|code"
    r"|link|label|reply|answer|update|visit|voucher|bill|invoice|cheque|discount)\b|\bhear\b|\bbe \w+ed\b",
    re.I,
)
_CONDITION = re.compile(
    r"\b(?:if|unless|in case|once (?:you|it|we)|when you|as soon as you|after you|would|could|might|otherwise)\b", re.I
)
_AT_ONCE = re.compile(
    r"\b(?:just a|one|a) (?:moment|second|minute|sec)\b|\bbear with me\b|\bhold on\b|\bwhile you wait\b"
    r"|\b(?:check|look (?:into|at)|ask)\b[^.]*\b(?:now|first|quickly|for you)\s*[.!]?$"
    r"|\b(?:just|quickly) (?:check|look|ask)\b",
    re.I,
)
_PROPOSAL = re.compile(
    r"\b(?:shall (?:i|we)|should i|do you want|would you like|is that (?:ok|okay|right|all right)|ok(?:ay)? with you"
    r"|may i|can i)\b[^?]*\?\s*$",
    re.I,
)
_ASKS = re.compile(
    r"\b(?:please|could you|can you|you(?:'ll)? (?:just )?need to|you(?:'ll)? have to)(?: also| then)? "
    r"(?:send|e-?mail|post|return|upload|forward|fill in|sign)\b",
    re.I,
)
_HAVE = re.compile(r"\b(?:i|we)(?:'ve| have)(?: just| now| already| also)? (?P<what>.+)", re.I)
_CALLING = re.compile(r"\b(?:call|ring|phone|speak|talk)\b", re.I)
_IRREGULAR = {"sent": "send", "paid": "pay", "rang": "ring", "rung": "ring", "written": "write", "spoken": "speak"}


@dataclass(frozen=True)
class FollowUp:
    """Something to do after the conversation: a promise that was made, or what is left to look after.

    `text` is the sentence itself, `turn` the number of the turn that it stands in, `due` a day in London.
    """

    text: str
    due: date
    kind: Literal["promise", "follow_up"]
    turn: int
    calls: bool = False  # somebody is to ring the customer


def promises(said: Sequence[Said]) -> list[FollowUp]:
    """The promises that nobody has kept in the conversation itself, oldest first."""
    found: dict[str, FollowUp] = {}
    for place, message in enumerate(said):
        if not message.by_agent and message.action not in TASKS:
            continue
        for text in _promised(message.text):
            if not any(_keeps(later.text, text) for later in said[place:] if later.by_agent):
                found[text] = FollowUp(text, due(text, message.at), "promise", message.turn, _is_call(text))
    return list(found.values())


def asked_for(said: Sequence[Said], last_turn: int) -> list[FollowUp]:
    """What an agent asked the customer to send in the last turn: nobody knows yet whether it comes."""
    return [
        FollowUp(
            f"Check that the customer has done this: {text}",
            due(text, message.at, ASKED_FOR),
            "follow_up",
            message.turn,
        )
        for message in said
        if message.by_agent and message.turn == last_turn
        for text in sentences(straight(message.text))
        if _ASKS.search(text) and not _CONDITION.search(text)
    ]


def _promised(message: str) -> list[str]:
    """The promises in one message, a sentence or a part of one each."""
    message = straight(message)
    if _PROPOSAL.search(message):
        return []
    parts = [part for text in sentences(message) for part in _parts(text)]
    return [part for part in parts if is_promise(part)]


def _parts(text: str) -> list[str]:
    """A sentence where a second promise begins: "I'll call you tomorrow and you'll get the refund by Friday."."""
    pieces = re.split(
        r",? (?:and|but|so)(?: then)? (?=(?:i|we|you|they|the \w+|your \w+)(?:'ll| will)\b)", text, flags=re.I
    )
    return [f"{piece[:1].upper()}{piece[1:]}" for piece in pieces]


def is_promise(text: str) -> bool:
    """Whether a sentence promises something."""
    if text.rstrip().endswith("?") or _CONDITION.search(text) or _AT_ONCE.search(text):
        return False
    given = _THEIRS.search(text) and (_GIVEN.search(text) or names_span(text))
    return bool(_OURS.search(text) or given or _THING.search(text))


def _is_call(text: str) -> bool:
    return bool(_CALLING.search(text)) and bool(_OURS.search(text) or re.search(r"\ba call\b|\bcalled\b", text))


def _keeps(later: str, promise: str) -> bool:
    """Whether an agent's later words say that the promise was kept: "I've sent the label" after "I'll send it"."""
    made = _OURS.search(promise)
    for text in sentences(straight(later)):
        done = _HAVE.search(text)
        if not made or not done:
            continue
        words = [_IRREGULAR.get(w, w) for w in re.findall(r"[a-z]+", done["what"].lower())]
        verb = STEMMER.stemWord(made["verb"].lower().split()[0])
        about = set(stems(promise[made.end() :])) - {verb}
        if verb in STEMMER.stemWords(words[:2]) and len(about & set(STEMMER.stemWords(words))) * 2 >= min(
            len(about), 2
        ):
            return True
    return False
