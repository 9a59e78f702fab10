"""Answers to the questions of tests/answers.yml: `actions/.venv/bin/python -m benchmarks.answers [--show]`.

Run it from the root after `python -m actions.knowledge`. Every second question, from the first, is for tuning; the
others are held out, and only their totals are ever printed. --show lists what became of each tuning question. The
language model takes no part, nor does the policy: what it refuses in a chat is asked here as well.

An answer is right when it holds all facts of its question, and wrong when it misses one. A source that is internal or
not valid on the day of the questions ends the run with exit code 1.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from actions import knowledge
from actions.knowledge.articles import load
from actions.knowledge.compose import Answer, compose
from actions.knowledge.retrieve import retriever
from actions.settings import knowledge_dir

QUESTIONS = Path(__file__).parent.parent / "tests" / "answers.yml"
DAY = date(2026, 11, 22)  # the day on which the answers are right
PASSAGES = 5  # as in actions/answers.py


@dataclass(frozen=True)
class Outcome:
    """A question, what became of it, the answer and the CPU time that it took (ms)."""

    question: dict[str, Any]
    verdict: str  # right, wrong or refused; answered or silent when there is no answer to give
    answer: Answer | None
    cpu: float


def ask(question: dict[str, Any]) -> Outcome:
    """Ask one question for the first time."""
    start = time.process_time()
    answer = compose(question["question"], retriever().search(question["question"], PASSAGES, DAY))
    cpu = 1000 * (time.process_time() - start)
    if not question["facts"]:
        return Outcome(question, "answered" if answer else "silent", answer, cpu)
    if answer is None:
        return Outcome(question, "refused", answer, cpu)
    right = all(fact.casefold() in answer.text.casefold() for fact in question["facts"])
    return Outcome(question, "right" if right else "wrong", answer, cpu)


def hidden_sources(outcomes: list[Outcome]) -> set[str]:
    """Articles that were quoted although a customer may not read them on the day."""
    folder = knowledge_dir()
    quoted = {s["article"] for o in outcomes if o.answer for s in o.answer.sources}
    fronts = {name: load(folder / f"{name}.md", folder).front for name in quoted}
    return {
        name
        for name, front in fronts.items()
        if front.audience != "public" or not front.valid_from <= DAY <= (front.valid_until or DAY)
    }


def row(half: str, outcomes: list[Outcome]) -> str:
    """One line of the table."""
    count = Counter(o.verdict for o in outcomes)
    times = sorted(o.cpu for o in outcomes)
    p95 = statistics.quantiles(times, n=20)[-1]
    return (
        f"| {half} | {count['right']} / {count['wrong']} / {count['refused']} "
        f"| {count['answered']} of {count['answered'] + count['silent']} "
        f"| {statistics.median(times):.0f} / {p95:.0f} |"
    )


def show(outcomes: list[Outcome]) -> None:
    """What became of each question, worst first."""
    order = ["answered", "wrong", "refused", "right", "silent"]
    for o in sorted(outcomes, key=lambda o: order.index(o.verdict)):
        print(f"{o.verdict:9} {o.question['id']}: {o.question['question']}  {o.question['facts']}")
        for claim in o.answer.claims if o.answer else ():
            print(f"{'':12}{o.answer.support if o.answer else 0:.2f} [{claim.passage.article}] {claim.text}")


def main() -> int:
    """Print the table; 1 when a hidden article was quoted."""
    parser = argparse.ArgumentParser(description="Right, wrong and refused answers, with what they cost.")
    parser.add_argument("--show", action="store_true", help="list the tuning questions with their answers")
    options = parser.parse_args()
    questions = yaml.safe_load(QUESTIONS.read_text(encoding="utf-8"))
    knowledge.warm()
    outcomes = [ask(question) for question in questions]
    if options.show:
        show(outcomes[0::2])
    print("| half | answerable: right / wrong / refused | should refuse: answered | CPU ms p50 / p95 |")
    print("|---|---|---|---|")
    print(row("tuning", outcomes[0::2]))
    print(row("held out", outcomes[1::2]))
    if hidden := hidden_sources(outcomes):
        print(f"Quoted but hidden: {', '.join(sorted(hidden))}", file=sys.stderr)
    return 1 if hidden else 0


if __name__ == "__main__":
    sys.exit(main())
