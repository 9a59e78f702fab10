"""What must survive when a text is written anew: numbers, amounts, dates, names, addresses, links, fixed wordings."""

import re

from actions.knowledge.days import days, weekdays, without_days
from actions.knowledge.figures import figures
from actions.knowledge.words import straight
from actions.policy.engine import engine
from actions.policy.rules import RequireRule, VerbatimRule
from actions.policy.wording import says

LINK = re.compile(
    r"(?:https?://|www\.)\S+[\w/]|[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
    r"|\b[\w-]+(?:\.[\w-]+)*\.(?:example|com|org|uk|net)\b(?:/[\w./-]*\w)?"
)
QUOTED = re.compile(r"[“\"][^”\"\n]{1,200}[”\"]")
NUMBER = re.compile(r"[£$€]?(?=[\w.,:/-]*\d)[\w]+(?:[.,:/-]\w+)*%?")
_NAME = re.compile(r"(?<![.!?:]\s)(?<!^)(?<!\n)\b[A-Z][\w’'-]+", re.MULTILINE)
_NO = re.compile(r"\b(?:not|never|no|cannot|none|nobody|nothing|without|unless|\w+n't)\b", re.IGNORECASE)
# Words that are written with a capital and name nobody; greetings and closings may come and go.
_CAPITALS = """
a an best cheers dear he hello hey hi i i'd i'll i'm i've if it kind let please regards she sincerely sorry thank thanks
that the there they this we what when where you yours
"""
_NO_NAME = frozenset(_CAPITALS.split())


def wordings() -> list[str]:
    """The sentences that policy.yml wants word for word. Raises PolicyError."""
    policy = engine()
    return [rule.wording for rule in policy.rules(VerbatimRule)] + [rule.text for rule in policy.rules(RequireRule)]


def lost(before: str, after: str) -> list[str]:
    """The kinds of facts in which a rewritten text differs from the one before: lost, changed or added; empty when all
    have survived. Raises PolicyError."""
    kinds = {
        "a number": _numbers,
        "an amount": lambda text: {
            (f.kind, f.said.replace(" ", "").rstrip(".,;")) for f in figures(without_days(text))
        },
        "a date": lambda text: {str(day) for day in days(text)} | {str(day) for day in weekdays(text)},
        "a link or an address": lambda text: {m.group().casefold() for m in LINK.finditer(text)},
        "a quotation": lambda text: {m.group()[1:-1] for m in QUOTED.finditer(text)},
        "a “not”": lambda text: bool(_NO.search(straight(text))),
    }
    found = [name for name, read in kinds.items() if read(before) != read(after)]
    if missing_names(before, after) or missing_names(after, before):
        found.append("a name")
    if any(says(before, wording) and not says(after, wording) for wording in wordings()):
        found.append("a fixed wording")
    return found


def _numbers(text: str) -> list[str]:
    """Every number and code as it is written, without marks at its end."""
    return sorted({m.group().casefold() for m in NUMBER.finditer(straight(text))})


def missing_names(text: str, other: str) -> set[str]:
    """Names of `text` that `other` nowhere holds; a word is a name where it has a capital inside a sentence."""
    held = set(re.findall(r"[\w'-]+", straight(other).casefold()))
    named = {m.group().casefold() for m in _NAME.finditer(straight(text))}
    names = {n.removesuffix("'s") for n in named if n not in _NO_NAME}
    return {n for n in names if n not in held and f"{n}'s" not in held}


def fixed_parts(text: str) -> list[tuple[int, int]]:
    """Start and end of what no rule may touch: fixed wordings, links and addresses, quotations; none overlap."""
    spans = [m.span() for pattern in (LINK, QUOTED) for m in pattern.finditer(text)]
    flat = text.replace("’", "'")
    for wording in wordings():
        pattern = r"\s+".join(re.escape(word) for word in wording.replace("’", "'").split())
        spans += [m.span() for m in re.finditer(pattern, flat)]
    kept: list[tuple[int, int]] = []
    for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
        if not kept or start >= kept[-1][1]:
            kept.append((start, end))
    return kept
