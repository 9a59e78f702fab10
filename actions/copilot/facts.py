"""What each turn of a conversation shows, as sentences: the parts that a summary without a model is made of.

A sentence follows from its turn alone: the intent tells what the customer wanted, a task's words tell its result, an
answer's sources where it is from. So whoever reads "turn 4" behind a sentence finds it there.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from actions.copilot.transcript import Step, Turn
from actions.forms import FORMS
from actions.tasks import TASKS
from actions.turns import UNCLEAR

QUOTE = 140  # characters of a message that are quoted
QUESTIONS = frozenset({"ask_question", "report_problem", "escalate"}) | UNCLEAR
_VERBS = {"report_problem": "reported", "ask_question": "asked"}


@dataclass(frozen=True)
class Fact:
    """A sentence with the numbers of the turns that show it."""

    text: str
    turns: tuple[int, ...]


def wants() -> dict[str, str]:
    """What a customer wants, by the intent that starts the task."""
    return {intent: wanted for form in FORMS.values() for intent, wanted in form.wants.items()}


def quote(text: str) -> str:
    """A message on one line, cut at a word."""
    line = " ".join(text.replace('"', "'").split())
    return line if len(line) <= QUOTE else line[:QUOTE].rsplit(" ", 1)[0] + "…"


def merged(facts: Iterable[Fact]) -> list[Fact]:
    """Each sentence once, with all turns that show it, in the order of the first."""
    found: dict[str, list[int]] = {}
    for fact in facts:
        found.setdefault(fact.text, []).extend(n for n in fact.turns if n not in found.get(fact.text, []))
    return [Fact(text, tuple(numbers)) for text, numbers in found.items()]


def wanted(found: list[Turn]) -> list[Fact]:
    """The tasks that the customer started."""
    known = wants()
    return merged(
        Fact(f"The customer wanted {known[turn.intent]}.", (turn.number,)) for turn in found if turn.intent in known
    )


def told(found: list[Turn]) -> list[Fact]:
    """The customer's questions and problems, quoted."""
    return merged(
        Fact(f"The customer {_VERBS.get(turn.intent, 'wrote')}: {_quoted(turn.text)}", (turn.number,))
        for turn in found
        if turn.intent in QUESTIONS and turn.text
    )


def checked(found: list[Turn]) -> list[Fact]:
    """The tasks that ran, with what the customer was told."""
    return [
        Fact(f"{TASKS[step.action].result}: {_sentence(' '.join(step.said))}", (turn.number,))
        for turn, step in _steps(found)
        if step.action in TASKS and step.said
    ]


def latest_checked(found: list[Turn]) -> list[Fact]:
    """The latest result of each task."""
    latest = {fact.text.partition(":")[0]: fact for fact in checked(found)}
    return list(latest.values())


def answered(found: list[Turn]) -> list[Fact]:
    """The articles that the assistant answered from."""
    named = ((turn, step.metadata.get("sources") or []) for turn, step in _steps(found) if _answers(step))
    return merged(
        Fact(f"The assistant answered from {', '.join(dict.fromkeys(_title(s) for s in sources))}.", (turn.number,))
        for turn, sources in named
        if sources
    )


def said_by_agent(found: list[Turn]) -> list[Fact]:
    """What a person wrote to the customer, quoted."""
    return merged(Fact(f"The agent wrote: {_quoted(said)}", (turn.number,)) for turn in found for said in turn.by_agent)


def still_open(found: list[Turn]) -> Fact | None:
    """What the customer asked or wanted last, when nothing has answered it and no person has replied since."""
    for place, turn in reversed(list(enumerate(found))):
        later = found[place:]
        if any(t.by_agent for t in later):
            return None
        if any(step.metadata.get("outcome") == "unknown" for step in turn.steps) and turn.text:
            return Fact(f"Still open: {_quoted(turn.text)}", (turn.number,))
        if wish := wants().get(turn.intent):
            done = any(step.action in TASKS and step.said for _, step in _steps(later))
            return None if done else Fact(f"Still open: the customer wanted {wish}.", (turn.number,))
    return None


def shown(found: list[Turn], numbers: Iterable[int]) -> set[str]:
    """Every sentence that the turns with these numbers show."""
    named = [turn for turn in found if turn.number in set(numbers)]
    facts = [*wanted(named), *told(named), *checked(named), *answered(named), *said_by_agent(named)]
    rest = still_open(found)
    if rest and set(rest.turns) <= set(numbers):
        facts.append(rest)
    return {fact.text for fact in facts}


def _steps(found: list[Turn]) -> Iterator[tuple[Turn, Step]]:
    return ((turn, step) for turn in found for step in turn.steps)


def _answers(step: Step) -> bool:
    return step.action == "action_answer"


def _title(source: dict[str, str]) -> str:
    return f'"{source["title"]}"'


def _quoted(text: str) -> str:
    """A quotation with the full stop behind it, unless it ends a sentence itself."""
    line = quote(text)
    return f'"{line}"{"" if line.endswith((".", "!", "?", "…")) else "."}'


def _sentence(text: str) -> str:
    line = " ".join(text.split())
    return line if line.endswith((".", "!", "?")) else f"{line}."
