"""What a customer hears of a queue, and how their wishes while they wait are read. No model and no intent decides."""

import re
from enum import StrEnum

from . import hours
from .helpdesk import Estimate

_PLACES = ("next", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
LONG_WAIT = 60  # minutes from which the wait is told in hours


class Choice(StrEnum):
    """What a customer who waits may want; the values are the titles of the buttons."""

    STAY = "Keep waiting"
    CALLBACK = "Call me back"
    MESSAGE = "Leave a message"
    BACK = "Back to the assistant"
    CORRECT = "Correct it"
    ESTIMATE = "How long will it take?"


_NOT = (
    r"(?:do not|don'?t|didn'?t|did not|never|not|nobody|no one|noone|no(?! ?,)|why|said|told me|supposed|promised|"
    r"meant|were going)"
)
_PERSON = r"(?:(?:some|any)(?:one|body)|a person|a human|an? (?:agent|advis[eo]r|colleague)|they|he|she|you|your \w+)"
_BACK = re.compile(
    r"\b(?:back|return|rather|go|talk|speak|chat|carry on|continue|switch)\b.{0,30}"
    r"\b(?:(?:chat ?)?bot|assistant|robot)\b|"
    r"^\W*(?:(?:oh|ok|okay|actually|well|no)[\s,]+)*(?:forget (?:it|about it)|never ?mind|don'?t bother|leave it|"
    r"cancel(?: (?:it|that|this|please))?\W*$|stop(?: (?:waiting|it|this|please))?\W*$|"
    r"no need(?: for (?:a|the) (?:person|human|agent))?|i'?ll (?:manage|sort it|do it myself))\b",
    re.IGNORECASE,
)
_CALLBACK = re.compile(
    r"\b(?:call|ring|phone|telephone) (?:me|us)\b|\bcall[- ]?backs?\b|\bgive me a (?:call|ring|bell|buzz)\b|"
    r"\b(?:be|get) (?:called|rung|phoned) back\b|\b(?:call|ring|phone) back\b",
    re.IGNORECASE,
)
_MESSAGE = re.compile(r"\b(?:leave|take|write|send(?! (?:me|us)))\b.{0,25}\b(?:message|note)\b", re.IGNORECASE)
_CORRECT = re.compile(
    r"^\W*(?:no[\s,]+)?(?:correct (?:it|that|this)|(?:change|edit) (?:it|that)|wrong|not (?:quite )?(?:right|correct)|"
    r"(?:that'?s|that is|it'?s|this is) (?:wrong|incorrect|not (?:quite )?(?:right|correct|it)))\b"
    r"[\s:.,;!-]*(?P<rest>.*)$",
    re.IGNORECASE | re.DOTALL,
)
_STAY = re.compile(
    r"^\W*(?:(?:yes|ok|okay|no problem|fine|alright|all right|thanks|no)[\s,.]+)*"
    r"(?:keep waiting|i(?:'ll| will| can|'d rather)? (?:just )?(?:wait|stay|hold|hang on)|"
    r"(?:happy to|let me|just) wait|stay|wait)\b"
    r"(?!.*\b(?:until|till?|for (?:my|the|a))\b)",
    re.IGNORECASE,
)
_ESTIMATE = re.compile(
    r"\bhow (?:much )?(?:long|longer|soon)\b(?!.*\b(?:deliver\w*|contract|order|parcel|refund|bill|router)\b)|"
    r"\bhow many (?:people|others|are)\b.*\b(?:before|ahead|front|queue|line|waiting)\b|\bhow many people\W*$|"
    r"\b(?:place|position|number|where am i|am i)\b.*\b(?:in (?:the )?)?(?:line|queue)\b|\bwait(?:ing)? times?\b|"
    rf"\bwhen (?:will|is|can|does|are|do) {_PERSON}\b|\bstill waiting\b(?! for (?:my|the|a)\b)|"
    rf"\b(?:is|are) {_PERSON} (?:still )?(?:there|here|coming|free|available)\b|"
    r"\b(?:any|some)(?:one|body) (?:still )?there\b|^\W*(?:hello+|hi|hey)\W*$",
    re.IGNORECASE,
)


def choice(text: str) -> Choice | None:
    """What a customer who waits wants to happen; None for all else, which is for the team to read."""
    said = text.strip().replace("’", "'")
    if pressed := next((one for one in Choice if said.casefold() == one.casefold()), None):
        return pressed
    for found, pattern in ((Choice.BACK, _BACK), (Choice.CALLBACK, _CALLBACK), (Choice.MESSAGE, _MESSAGE)):
        if (match := pattern.search(said)) and not _denied(said[: match.start()]):
            return found
    if _CORRECT.match(said):
        return Choice.CORRECT
    if _STAY.match(said):
        return Choice.STAY
    return Choice.ESTIMATE if _ESTIMATE.search(said) else None


def correction(text: str) -> str:
    """What is right, where it is said with the wish to correct: "that's wrong, it's about my order"; else ""."""
    found = _CORRECT.match(text.strip().replace("’", "'"))
    rest = found["rest"].strip() if found else ""
    return rest if sum(c.isalpha() for c in rest) >= 3 else ""


def place(estimate: Estimate) -> str:
    """The customer's place and the wait, for example "You're second in line; it should take about 6 minutes."."""
    position = max(estimate.position, 1)
    before = position - 1
    line = f"You're {_PLACES[before]} in line" if before < len(_PLACES) else f"There are {before} people before you"
    if estimate.wait_minutes is not None:
        return f"{line}; it should take {_wait(estimate.wait_minutes)}."
    if estimate.agents < 1:
        return f"{line}. Nobody there is free just now, so I can't say how long it will take."
    return f"{line}."


def closed() -> str:
    """When people are back."""
    return f"They're back {hours.back()}, and will reply in this conversation."


def _wait(minutes: int) -> str:
    if minutes <= 1:
        return "about a minute"
    if minutes < LONG_WAIT:
        return f"about {minutes} minutes"
    return "about an hour" if minutes < 1.5 * LONG_WAIT else f"about {round(minutes / LONG_WAIT)} hours"


def _denied(before: str) -> bool:
    """Whether the words just before say that it is not wanted, or tell of the past: "nobody called to ring me"."""
    return re.search(rf"\b{_NOT}\b(?:[\s,]+\S+){{0,4}}[\s,]*$", before, re.IGNORECASE) is not None
