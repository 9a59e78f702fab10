"""The wrap-up of a conversation that a person had: what the desk proposes, and the agent changes and confirms.

All of it comes from the turns that the desk sends. A model may write the summary, whose sentences are checked against
the turns; the rest is decided by rules, so that the same conversation gives the same proposal.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from actions import clock
from actions.backends.protocols import Priority, TicketKind
from actions.copilot import summary, turn_facts
from actions.copilot.due import due
from actions.copilot.models import Turn as DeskTurn
from actions.copilot.promises import FollowUp, asked_for, promises
from actions.copilot.sentiment import Urgency, of_turns
from actions.copilot.transcript import Said, Turn, events_of, told, turns
from actions.llm import ChatModel
from actions.policy.tokens import read_ahead
from actions.speech import short_date

Disposition = Literal["resolved", "follow_up", "passed_on", "customer_left", "callback", "other"]
WORDS: dict[Disposition, str] = {
    "resolved": "Resolved",
    "follow_up": "Follow-up needed",
    "passed_on": "Passed on",
    "customer_left": "The customer left",
    "callback": "Call-back promised",
    "other": "Other",
}
MAX_SUBJECT = 120  # characters

_PASSED = re.compile(
    r"\b(?:transferr?(?:ing|ed)?|pass(?:ing|ed)?|hand(?:ing|ed)|escalat(?:ing|ed)|forward(?:ing|ed)?)\b"
    r"[^.!?]{0,40}\b(?:to|on|over)\b",
    re.I,
)
_ANYTHING_ELSE = re.compile(r"\banything else\b|\bis that (?:ok|okay|all right|everything)\b|\bdoes that help\b", re.I)
_GONE = re.compile(r"\b(?:left|disconnected|closed the (?:chat|window)|no longer there|went away)\b", re.I)
_THANKS = re.compile(
    r"\b(?:thanks?|thank you|cheers|brilliant|great|perfect|lovely|that.?s (?:it|all|sorted|great|perfect)|sorted"
    r"|works? now|working now|it.?s (?:back|working|fixed)|bye|goodbye)\b",
    re.I,
)
_BUT = re.compile(r"\bstill\b|\bbut\b|\bnot\b|n.t\b|\?", re.I)
_PLEASED = frozenset({"thank", "goodbye"})
_TICKET = re.compile(r"\bNT\d{6}\b")
# What a ticket is about, by the intents of the conversation and by its words; the first that holds.
_KINDS: list[tuple[TicketKind, frozenset[str], re.Pattern[str]]] = [
    ("complaint", frozenset({"complain"}), re.compile(r"\bcomplain(?:t|ed|ing)?\b|\bombudsman\b", re.I)),
    (
        "dispute",
        frozenset({"dispute_charge"}),
        re.compile(r"\b(?:refund|credit|charged?|overcharged|fee|bill|invoice|payment)\b", re.I),
    ),
    (
        "fault",
        frozenset({"report_problem"}),
        re.compile(r"\b(?:fault|router|engineer|technician|broadband|connection|signal|line|slow|outage)\b", re.I),
    ),
]


def propose(said: Sequence[DeskTurn], packet: dict[str, Any] | None, model: ChatModel | None = None) -> dict[str, Any]:
    """The proposal: summary, disposition and why, follow_ups, ticket, note, by. Raises PolicyError, RulesProblem."""
    events = events_of(said, packet)
    known: dict[str, str] = {}
    read_ahead(turn.text for turn in said if turn.who != "system")
    tokens = summary.tokens_in(known)
    found = turns(events, tokens)
    written, by = summary.summary_of(found, known, model=model)
    read = summary.read(found, known)
    answers = [replace(message, text=summary.readable(message.text, known)) for message in told(events, tokens)]
    left = follow_ups(read, answers, packet, unanswered=_unanswered(said))
    disposition, why = outcome(said, left)
    urgency = of_turns([turn.text for turn in said if turn.who == "customer"])[1]
    proposed = {
        "summary": written,
        "disposition": disposition,
        "why": why,
        "follow_ups": [{"text": f.text, "due": f.due, "kind": f.kind, "turn": f.turn} for f in left],
        "ticket": ticket(read, answers, left, disposition, urgency),
        "by": by,
    }
    return proposed | {"note": note(proposed, summary.issue(read))}


def follow_ups(
    found: list[Turn], said: Sequence[Said], packet: dict[str, Any] | None, unanswered: bool = False
) -> list[FollowUp]:
    """What is left to do, the soonest first: promises, also those that the assistant made, and what is open.

    `unanswered`: the customer's last message is a question that nobody has replied to.
    """
    left = promises(said)
    numbers = {turn.number for turn in found}
    for made in (packet or {}).get("promises") or []:
        text = str(made.get("text") or "")
        if made.get("turn") in numbers and text and not any(text in f.text or f.text in text for f in left):
            left.append(FollowUp(text, due(text), "promise", int(made["turn"])))
    left += asked_for(said, found[-1].number if found else 0)
    if rest := turn_facts.still_open(found):
        left.append(FollowUp(rest.text, due(""), "follow_up", rest.turns[0]))
    elif unanswered and found:
        left.append(
            FollowUp(f'Answer this: "{turn_facts.quote(found[-1].text)}"', due(""), "follow_up", found[-1].number)
        )
    return sorted(left, key=lambda f: (f.due, f.turn))


def outcome(said: Sequence[DeskTurn], left: Sequence[FollowUp]) -> tuple[Disposition, str]:
    """How the conversation ended, with the reason in a sentence for the agent."""
    spoken = [turn for turn in said if turn.who != "system" and turn.text.strip()]
    by_agent = [turn.text for turn in spoken if turn.who == "agent"]
    last = spoken[-1] if spoken else None
    call = next((f for f in left if f.calls), None)
    if call:
        return "callback", f"Somebody promised to call the customer by {short_date(call.due)}."
    if by_agent and _PASSED.search(by_agent[-1]):
        return "passed_on", "The agent's last message passes the customer on."
    if left:
        things = "something is" if len(left) == 1 else f"{len(left)} things are"
        return "follow_up", f"{things.capitalize()} left to do."
    if any(turn.who == "system" and _GONE.search(turn.text) for turn in said[-3:]):
        return "customer_left", "The customer went away before the end."
    if last and last.who == "agent" and "?" in last.text and not _ANYTHING_ELSE.search(last.text):
        return "customer_left", "The customer has not answered the agent's last question."
    wrote = next((turn for turn in reversed(spoken) if turn.who == "customer"), None)
    if wrote and _pleased(wrote):
        return "resolved", "The customer's last message says thanks, or that it works."
    if by_agent and last and last.who == "agent":
        return "resolved", "The agent's answer was the last word, and nothing is left to do."
    return "other", "Nothing in the conversation says how it ended."


def _unanswered(said: Sequence[DeskTurn]) -> bool:
    spoken = [turn for turn in said if turn.who != "system" and turn.text.strip()]
    return bool(spoken) and spoken[-1].who == "customer" and "?" in spoken[-1].text


def _pleased(turn: DeskTurn) -> bool:
    return not _BUT.search(turn.text) and (turn.intent in _PLEASED or bool(_THANKS.search(turn.text)))


def ticket(
    found: list[Turn], said: Sequence[Said], left: Sequence[FollowUp], disposition: Disposition, urgency: Urgency
) -> dict[str, str] | None:
    """A ticket for the back office when something stays open, None when nothing does or one has been opened for it."""
    opened = {message.turn for message in said if _TICKET.search(message.text)}
    rest = [f for f in left if f.turn not in opened]
    if not rest:
        return None
    subject = summary.issue(found) or rest[0].text
    kind: TicketKind = "callback" if disposition == "callback" else _kind(found, rest)
    priority: Priority = urgency
    return {
        "kind": kind,
        "subject": subject if len(subject) <= MAX_SUBJECT else subject[: MAX_SUBJECT - 1].rsplit(" ", 1)[0] + "…",
        "details": "\n".join([subject, "", "To do:", *(_item(f) for f in rest)]),
        "priority": priority,
    }


def _kind(found: list[Turn], left: Sequence[FollowUp]) -> TicketKind:
    intents = {turn.intent for turn in found}
    words = " ".join([*(f.text for f in left), *(turn.text for turn in found)])
    by_intent = [kind for kind, of, _ in _KINDS if intents & of]
    by_words = [kind for kind, _, pattern in _KINDS if pattern.search(words)]
    return [*by_intent, *by_words, "other"][0]  # type: ignore[return-value]


def note(proposed: dict[str, Any], issue: str) -> str:
    """The note for the customer's record, as plain text."""
    left = [FollowUp(**f) for f in proposed["follow_ups"]]
    lines = [
        f"{short_date(clock.today())}, chat. {issue or 'No question was asked'}.",
        *(f"- {sentence['text']}" for sentence in proposed["summary"]),
        f"Outcome: {WORDS[proposed['disposition']]}.",
    ]
    return "\n".join([*lines, *(["To do:"] if left else []), *map(_item, left)])


def _item(left: FollowUp) -> str:
    return f"- by {short_date(left.due)}: {left.text}"
