"""Suggested replies to the customer's last message: at most three, each with its sources and why, all checked.

An answer comes from the articles by the bot's own way (`answering.answer_to`; a model writes it when there is one), a
state of affairs from the back office as far as the conversation's level allows, a question from the form of the open
task. Where there is nothing good to say there is no suggestion.
"""

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from actions import backends
from actions.backends.protocols import BackendError, Identity, Level
from actions.copilot import talk
from actions.copilot.models import Source, Suggestion, Suggestions, Talk
from actions.copilot.who import acting
from actions.fields import Field
from actions.knowledge.answering import Result, answer_to
from actions.knowledge.words import sentences, stems
from actions.logs import get_logger
from actions.orders import describe
from actions.parsing import order_number
from actions.policy.engine import check_draft
from actions.policy.rules import PolicyError
from actions.policy.tokens import read_ahead
from actions.speech import clock_time, long_date, money
from actions.verification import PROOF

log = get_logger(__name__)

MOST = 3
ALIKE = 0.8  # share of the words of one suggestion that stand in another: they say the same
SORRY = "I'm sorry about the trouble this has caused."
ANYTHING_ELSE = "Is there anything else I can help you with?"
SHOW_MORE = "I can tell you more about it if you like."
WELCOME = "You're welcome. Is there anything else I can help you with?"
_THANKS = re.compile(r"\b(?:thanks?|thank you|thx|cheers|ta|appreciated?)\b", re.IGNORECASE)


@dataclass(frozen=True)
class _Reply:
    """A reply before it is checked; `passages` are quoted and so were published by an author."""

    text: str
    kind: Literal["answer", "ask", "action", "canned"]
    why: str
    sources: tuple[Source, ...] = ()
    passages: tuple[str, ...] = ()


def suggest(call: Talk) -> Suggestions:
    """The suggestions for an agent. Raises `Refused` (403), ModelMissing, StoreError, PolicyError, Unavailable."""
    messages = talk.open_messages(call.turns)
    asked = " ".join(messages)
    with acting(call.conversation, call.agent) as caller:
        if not asked:
            return Suggestions(suggestions=[], by="twin")
        result = answer_to(asked, context=talk.exchanges(call), to_gaps=False)
        replies = [*_states(call, caller), *_questions(call, caller), *_answers(result), *_courtesies(result, asked)]
    opener = f"{SORRY} " if talk.upset(call) and not _said_sorry(call) else ""
    by: Literal["model", "twin"] = "model" if result.answer and result.answer.by == "model" else "twin"
    found: list[Suggestion] = []
    for reply in _ordered(replies, result):
        if len(found) < MOST and (made := _checked(reply, opener)) and not any(_same(made, other) for other in found):
            found.append(made)
    log.info("suggested", extra={"count": len(found), "by": by, "outcome": result.outcome})
    # Behind the answer: the wrap-up of this conversation then finds its personal data found.
    texts = [turn.text for turn in call.turns if turn.who != "system"]
    threading.Thread(target=_read_ahead, args=(texts,), name="read-ahead", daemon=True).start()
    return Suggestions(suggestions=found, by=by)


def _read_ahead(texts: list[str]) -> None:
    with suppress(PolicyError):  # the next call says so
        read_ahead(texts)


def _ordered(replies: list[_Reply], result: Result) -> list[_Reply]:
    """An answer leads when the message was a question; otherwise what the open task needs."""
    asks = result.asked.rstrip().endswith("?")
    order = ("answer", "action", "ask", "canned") if asks else ("action", "ask", "answer", "canned")
    return sorted(replies, key=lambda reply: order.index(reply.kind))


def _answers(result: Result) -> Iterator[_Reply]:
    """The whole answer, and its first sentence alone when there are more."""
    if result.answer is None:
        return
    claims = result.answer.claims
    sources = tuple(
        Source(title=c.passage.title, article=c.passage.article, passage=c.passage.text)
        for c in {(c.passage.article, c.passage.position): c for c in claims}.values()
    )
    passages = tuple(c.passage.text for c in claims)
    titles = " and ".join(f"“{title}”" for title in dict.fromkeys(c.passage.title for c in claims))
    yield _Reply(f"{result.text} {ANYTHING_ELSE}", "answer", f"Answers the question from {titles}.", sources, passages)
    if len(claims) > 1:
        yield _Reply(
            f"{claims[0].text} {SHOW_MORE}",
            "answer",
            f"The short answer: its first sentence, from “{claims[0].passage.title}”.",
            sources[:1],
            passages[:1],
        )


def _states(call: Talk, caller: Identity) -> Iterator[_Reply]:
    """How the order, the balance or the visit stands that the task is about, as far as the level allows."""
    task = talk.case(call).task
    try:
        if task in ("order_status", "cancel_order", "return_order", "change_delivery"):
            if caller.level >= Level.KNOWN and (number := _order(call, caller)):
                text = describe(backends.orders().order(caller, number))
                yield _Reply(text, "action", "From the order system: the conversation is allowed to know this order.")
        elif task in ("balance", "arrange_payment", "report_payment") and caller.level >= Level.VERIFIED:
            yield _Reply(_balance(caller), "action", "From billing: the customer is verified.")
        elif task in ("list_visits", "move_visit", "cancel_visit", "confirm_visit") and caller.level >= Level.VERIFIED:
            for visit in backends.booking().mine(caller)[:1]:
                times = f"{clock_time(visit.window.starts_at)} to {clock_time(visit.window.ends_at)}"
                text = f"Your technician visit is on {long_date(visit.window.starts_at)}, {times}."
                yield _Reply(text, "action", "From the booking system: the customer is verified.")
    except BackendError as error:  # the other suggestions need no back office
        log.info("suggested_without_backend", extra={"reason": type(error).__name__})


def _order(call: Talk, caller: Identity) -> str:
    """The number of the order that is spoken of: told, or the only one that it can be."""
    if told := talk.values(call).get("order_number"):
        return told
    written = (order_number(turn.text) for turn in reversed(call.turns) if turn.who == "customer")
    if number := next(filter(None, written), None):
        return number
    known = sorted(caller.orders)
    return known[0] if len(known) == 1 else ""


def _balance(caller: Identity) -> str:
    balance = backends.billing().balance(caller)
    if balance.pence < 0:
        return f"Your account is {money(-balance.pence)} in credit, so there's nothing to pay."
    if not balance.pence:
        return "Your balance is £0.00, so there's nothing to pay."
    due = f", due on {long_date(balance.due_on)}" if balance.due_on else ""
    return f"Your balance is {money(balance.pence)}{due}."


def _questions(call: Talk, caller: Identity) -> Iterator[_Reply]:
    """The question for the first value that the open task still needs."""
    task = talk.case(call).task
    form = talk.form_of(task)
    if form is None:
        return
    told = talk.values(call)
    proven = caller.level >= getattr(form, "needs", Level.NONE)
    first = getattr(form, "before_proof", ())
    for slot, field in sorted(form.fields.items(), key=lambda each: each[0] not in first):
        if slot in told or (slot in PROOF and proven) or not field.label:
            continue
        if slot == "order_number" and _order(call, caller):
            continue
        text = f"So that I can help you with {form.title}, could you tell me {_asked(field)}, please?"
        yield _Reply(text, "ask", f"The customer wants {form.wants[task]}, and {field.label} is missing.")
        return


def _asked(field: Field) -> str:
    """What to ask for: "your account number", "the reason"."""
    label = field.label
    if label == "the order":
        return "your order number"
    return label.replace("the ", "your ", 1) if label in ("the account number", "the postcode") else label


def _courtesies(result: Result, asked: str) -> Iterator[_Reply]:
    """Thanks are answered; nothing else that needs no answer is."""
    if result.outcome == "chat" and _THANKS.search(asked):
        yield _Reply(WELCOME, "canned", "The customer says thank you.")


def _said_sorry(call: Talk) -> bool:
    """Whether somebody has said sorry in one of the last three turns of ours."""
    ours = [turn.text.casefold() for turn in call.turns if turn.who in ("bot", "agent")]
    return any("sorry" in text for text in ours[-3:])


def _checked(reply: _Reply, opener: str) -> Suggestion | None:
    """The reply as the policy lets it be sent, or None."""
    sorry = opener if "sorry" not in reply.text.casefold() else ""
    decision = check_draft(f"{sorry}{reply.text}", reply.passages)
    if not decision.allowed or not decision.text.strip():
        return None
    text = decision.text.strip()
    return Suggestion(
        id=hashlib.sha256(f"{reply.kind}\0{text}".encode()).hexdigest()[:16],
        text=text,
        kind=reply.kind,
        sources=list(reply.sources),
        why=reply.why,
    )


def _same(one: Suggestion, other: Suggestion) -> bool:
    """Whether one says nothing that the other does not, unless it is the short answer of a long one."""
    if len(sentences(one.text)) + 1 < len(sentences(other.text)):
        return False
    words, told = set(stems(one.text)), set(stems(other.text))
    return len(words & told) >= ALIKE * len(words or {""})
