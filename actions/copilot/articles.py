"""Drafts of knowledge articles from solved conversations, kept for review.

A draft is made of what the agent told the customer, without personal data. Nobody publishes one by itself: a reviewer
who accepts it gets a Markdown file in var/drafts/accepted, which a content person finishes and commits to knowledge/.
"""

import json
import os
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import yaml

from actions import clock
from actions.copilot.models import Turn
from actions.copilot.promises import is_promise
from actions.knowledge.articles import FrontMatter
from actions.knowledge.words import sentences, stems, straight
from actions.policy.engine import redact
from actions.policy.tokens import read_ahead
from actions.settings import var_dir

MAX_STEPS = 8
MAX_TITLE = 80  # characters
MIN_WORDS = 4  # a shorter sentence of an agent tells nothing
OWNER = "knowledge@northlight.example"
REFERENCE = re.compile(r"[0-9a-f]{12}")

# Account, order, ticket, invoice and visit numbers: they belong to one customer.
_THEIR_NUMBER = re.compile(r"\b[A-Z]{2,3}[- ]?\d{5,}\b|\b\d{6,}\b", re.I)
_GREETING = re.compile(r"^(?:hi|hello|hey|dear|good (?:morning|afternoon|evening))\b[^.!?,]{0,30}[,.!]?\s*", re.I)
_TALK = re.compile(
    r"^(?:thanks?|thank you|sorry|i'm sorry|i am sorry|my name|i'm \w+[.!]?$|ok(?:ay)?\b|great|perfect|you're welcome"
    r"|no problem|one moment|bear with|let me|have a (?:nice|good|lovely)|take care|bye|goodbye)",
    re.I,
)
_ABOUT_ME = re.compile(r"\b(?:i|i'm|i've|i'll|i'd|we've|we'll|my colleague)\b", re.I)
_WANTS = re.compile(
    r"^(?:(?:hi|hello|hey|please|so|well|ok|and|but)[,!.]?\s+)+|\b(?:please|thanks|thank you)\b[.!]?\s*$", re.I
)


class NoArticle(Exception):
    """Nothing in the conversation can be told to others; the text says why, in a sentence."""


class Decided(Exception):
    """Somebody has already decided on the draft otherwise."""


@dataclass
class Draft:
    """A draft; `status` is review, accepted or rejected, `file` what was written for the content people."""

    reference: str
    title: str
    markdown: str
    conversation: str
    agent: str
    at: str
    status: Literal["review", "accepted", "rejected"] = "review"
    reviewer: str = ""
    file: str = ""


def write(conversation: str, turns: Sequence[Turn], summary: str, agent: str) -> Draft:
    """Make a draft of a conversation and keep it for review. Raises NoArticle, PolicyError."""
    said = [turn.text for turn in turns if turn.who in ("customer", "agent")]
    read_ahead(sentence for text in [*said, summary] for sentence in sentences(straight(text)))
    question = _question(turns)
    steps = _steps(turns)
    if not question or not steps:
        what = "question of the customer" if not question else "instruction of the agent"
        raise NoArticle(f"There is no {what} here that would help others without personal data, so no draft was made.")
    title = _title(question)
    front = {"title": title, "audience": "internal", "valid_from": clock.today(), "owner": OWNER, "tags": ["draft"]}
    FrontMatter.model_validate(front)
    about = _anonymous(summary)
    parts = [f"---\n{yaml.safe_dump(front, sort_keys=False, allow_unicode=True)}---", f"## {title}"]
    parts += [f"Customers ask: {question}"]
    parts += ["\n".join(f"{n}. {step}" for n, step in enumerate(steps, 1)) if len(steps) > 1 else steps[0]]
    parts += [f"<!-- For the reviewer, from the wrap-up: {' '.join(about).replace('--', '-')} -->"] if about else []
    made = Draft(
        reference=uuid4().hex[:12],
        title=title,
        markdown="\n\n".join(parts) + "\n",
        conversation=conversation,
        agent=agent,
        at=clock.utc_now().isoformat(timespec="seconds"),
    )
    _keep(made)
    return made


def waiting() -> list[Draft]:
    """The drafts that wait for a reviewer, the oldest first."""
    drafts = [_load(path) for path in folder().glob("*.json")]
    return sorted((draft for draft in drafts if draft.status == "review"), key=lambda draft: draft.at)


def find(reference: str) -> Draft | None:
    """A draft by its reference."""
    path = folder() / f"{reference}.json"
    return _load(path) if REFERENCE.fullmatch(reference) and path.is_file() else None


def decide(draft: Draft, decision: Literal["accept", "reject"], reviewer: str) -> Draft:
    """Accept a draft, which writes its Markdown file, or reject it; the same decision again changes nothing.

    Raises Decided.
    """
    status: Literal["accepted", "rejected"] = "accepted" if decision == "accept" else "rejected"
    if draft.status == status:
        return draft
    if draft.status != "review":
        raise Decided
    if status == "accepted":
        name = "-".join(re.findall(r"[a-z0-9]+", draft.title.lower()))[:60].strip("-") or "article"
        target = folder() / "accepted" / f"{name}-{draft.reference}.md"
        _write(target, draft.markdown)
        draft.file = target.name
    draft.status, draft.reviewer = status, reviewer
    _keep(draft)
    return draft


def folder() -> Path:
    """Where the drafts are kept, created when it is missing."""
    path = var_dir() / "drafts"
    (path / "accepted").mkdir(parents=True, exist_ok=True)
    return path


def _question(turns: Sequence[Turn]) -> str:
    """What the customer asked, without personal data: the longest of the messages that ask or report something."""
    said = [turn for turn in turns if turn.who == "customer" and not turn.text.startswith("/")]
    asked = [turn for turn in said if turn.intent in ("ask_question", "report_problem") or "?" in turn.text] or said
    clean = (" ".join(_anonymous(_WANTS.sub("", turn.text.strip()))) for turn in asked)
    return max((text for text in clean if len(stems(text)) > 1), key=lambda text: len(set(stems(text))), default="")


def _title(question: str) -> str:
    line = sentences(question)[0].rstrip(".!? ")
    line = line if len(line) <= MAX_TITLE else line[:MAX_TITLE].rsplit(" ", 1)[0]
    return f"{line[:1].upper()}{line[1:]}"


def _steps(turns: Sequence[Turn]) -> list[str]:
    """What the agent told that holds for every customer: no talk, question, promise or word about this customer."""
    told = [text for turn in turns if turn.who == "agent" for text in _anonymous(_GREETING.sub("", turn.text.strip()))]
    steps = [text for text in told if len(text.split()) >= MIN_WORDS and not _personal(text)]
    return list(dict.fromkeys(f"{text[:1].upper()}{text[1:]}" for text in steps))[:MAX_STEPS]


def _personal(text: str) -> bool:
    return bool(text.endswith("?") or _TALK.match(text) or _ABOUT_ME.search(text) or is_promise(text))


def _anonymous(text: str) -> list[str]:
    """The sentences of `text` that hold no personal data; one with some is left out, not masked."""
    return [s for s in sentences(straight(text)) if redact(s) == s and not _THEIR_NUMBER.search(s)]


def _keep(draft: Draft) -> None:
    _write(folder() / f"{draft.reference}.json", json.dumps(asdict(draft), ensure_ascii=False, indent=1))


def _load(path: Path) -> Draft:
    fields: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return Draft(**fields)


def _write(path: Path, text: str) -> None:
    """Write a file at once, so that nobody reads half of it."""
    part = path.with_name(f".{path.name}.{uuid4().hex[:8]}")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)
