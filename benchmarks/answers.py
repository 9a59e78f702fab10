"""Answers to the questions of tests/answers.yml: `actions/.venv/bin/python -m benchmarks.answers [--show] [--kinds]`.

Run it from the root after `python -m actions.knowledge`. Every second question, from the first, is for tuning; the
others are held out, and only their totals are ever printed. tests/answers_tuning.yml has more for tuning, asked with
--tuning. --show lists what became of each tuning question, --kinds
adds a table by kind. Each question takes the way of a chat: the policy, the messages before it, retrieval, the
composer, the model when endpoints.yml has one, the claim check. The peer is a plain LangChain chain: Chroma's four
nearest passages (public and valid ones, as ours) stuffed into one prompt; without a model it quotes the nearest one.

An answer is right when it holds all facts of its question, and wrong when it misses one. A citation is right when the
cited article is one of those that hold the answer. A sentence is unsupported when it neither stands word for word in
the passage that it cites nor passes the claim check. A source that is internal or not valid on the day of the
questions ends the run with exit code 1, and so does an unsupported sentence.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from actions import clock, knowledge
from actions.knowledge import answering, gaps, store
from actions.knowledge.articles import load
from actions.knowledge.check import evidence
from actions.knowledge.compose import Answer, Claim
from actions.knowledge.conflicts import context as dated_context
from actions.knowledge.encoder import encoder
from actions.knowledge.followup import Exchange
from actions.knowledge.retrieve import Passage, conditions
from actions.knowledge.words import plain, sentences
from actions.llm import ModelUnavailable
from actions.policy.engine import check_message
from actions.settings import knowledge_dir

QUESTIONS = Path(__file__).parent.parent / "tests" / "answers.yml"
TUNING = QUESTIONS.with_name("answers_tuning.yml")
DAY = date(2026, 11, 22)  # the day on which the answers are right
TOP = 4  # passages of the plain chain
CHAIN = "Answer the question with the context only. If you don't know, say that you don't know.\n\nContext:\n"
_SILENT = re.compile(
    r"\bdon.?t know\b|\bdo not know\b|\bnot (?:mentioned|provided|specified|stated|in the context)\b", re.I
)


@dataclass(frozen=True)
class Outcome:
    """A question, what became of it, the answer and the processor time that it took (ms)."""

    question: dict[str, Any]
    verdict: str  # right, wrong or refused; answered or silent when there is no answer to give
    answer: Answer | None
    cpu: float


def ours(question: dict[str, Any]) -> Answer | None:
    """The answer of the assistant, after the messages of the question's context."""
    context: list[Exchange] = []
    for before in question.get("context", ()):
        result = answering.answer_to(before, context=context)
        titles = tuple(s["title"] for s in result.answer.sources) if result.answer else ()
        context.append(Exchange(result.question, titles))
    if not check_message(question["question"]).allowed:
        return None
    return answering.answer_to(question["question"], context=context).answer


def plain_chain(question: dict[str, Any]) -> Answer | None:
    """The answer of the peer: the whole chat as the query, four passages, one prompt, no check."""
    query = " ".join([*question.get("context", ()), question["question"]])
    held = store.open_collection(encoder())
    found = held.similarity_search(query, k=TOP, filter=conditions(DAY))
    passages = [
        Passage(text, context, d.metadata["title"], d.metadata["article"], d.metadata["position"], 0, 0, 0, 0)
        for d in found
        for context, _, text in [d.page_content.partition("\n")]
    ]
    if not passages:
        return None
    model = answering.chat_model()
    if model is None:
        return Answer((Claim(passages[0].text, passages[0]),), 0.0, by="chain")
    try:
        stuffed = "\n\n".join(d.page_content for d in found)
        text = model.complete("", f"{CHAIN}{stuffed}\n\nQuestion: {query}")
    except ModelUnavailable:
        return None
    if _SILENT.search(text):
        return None
    claims = []
    for sentence in sentences(plain(text)):  # to its credit: each sentence with the passage that supports it best
        told = [evidence(sentence, p.text, p.context) for p in passages]
        claims.append(
            Claim(sentence, passages[max(range(len(told)), key=lambda n: (told[n].supported, told[n].similarity))])
        )
    return Answer(tuple(claims), 0.0, by="chain")


def judge(question: dict[str, Any], answer_with: Callable[[dict[str, Any]], Answer | None]) -> Outcome:
    """Ask one question and compare the answer with its facts."""
    for before in question.get("context", ()):  # what came before costs this turn nothing
        answering.answer_to(before)
    start = time.process_time()
    answer = answer_with(question)
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


def _context(passage: Passage) -> str:
    """What a sentence of the passage may also take its words from; the plain chain's passages carry no day."""
    return dated_context(passage) if passage.valid_from else passage.context


def unsupported(outcomes: list[Outcome]) -> int:
    """Sentences sent that neither stand in their passage nor are supported by it."""
    claims = [c for o in outcomes if o.answer for c in o.answer.claims]
    return sum(
        c.text not in c.passage.text and not evidence(c.text, c.passage.text, _context(c.passage)).supported
        for c in claims
    )


def cited(outcomes: list[Outcome]) -> str:
    """The share of right citations among those of answers to questions that have one."""
    cited = [
        f"{source['article']}.md" in o.question["articles"]
        for o in outcomes
        if o.answer and o.question["facts"]
        for source in o.answer.sources
    ]
    return f"{sum(cited)} of {len(cited)}"


def row(name: str, outcomes: list[Outcome]) -> str:
    """One line of the table."""
    count = Counter(o.verdict for o in outcomes)
    times = sorted(o.cpu for o in outcomes)
    p95 = statistics.quantiles(times, n=20)[-1] if len(times) > 1 else times[0]
    return (
        f"| {name} | {count['right']} / {count['wrong']} / {count['refused']} "
        f"| {count['silent']} / {count['answered']} | {cited(outcomes)} | {unsupported(outcomes)} "
        f"| {statistics.median(times):.0f} / {p95:.0f} |"
    )


def show(outcomes: list[Outcome]) -> None:
    """What became of each question, worst first."""
    order = ["answered", "wrong", "refused", "right", "silent"]
    for o in sorted(outcomes, key=lambda o: order.index(o.verdict)):
        print(f"{o.verdict:9} {o.question['id']}: {o.question['question']}  {o.question['facts']}")
        for claim in o.answer.claims if o.answer else ():
            print(f"{'':12}{o.answer.support if o.answer else 0:.2f} [{claim.passage.article}] {claim.text}")


def by_kind(outcomes: list[Outcome]) -> None:
    """A table with a line for each kind of each half."""
    print("| kind | half | right / wrong / refused | rightly refused / wrongly answered |\n|---|---|---|---|")
    for kind in dict.fromkeys(o.question["kind"] for o in outcomes):
        for half, part in (("tuning", outcomes[0::2]), ("held out", outcomes[1::2])):
            c = Counter(o.verdict for o in part if o.question["kind"] == kind)
            print(
                f"| {kind} | {half} | {c['right']} / {c['wrong']} / {c['refused']} | {c['silent']} / {c['answered']} |"
            )
    print()


def main() -> int:
    """Print the tables; 1 when a hidden article was quoted or a sentence sent that nothing supports."""
    parser = argparse.ArgumentParser(description="Right, wrong and refused answers, with what they cost.")
    parser.add_argument("--show", action="store_true", help="list the tuning questions with their answers")
    parser.add_argument("--kinds", action="store_true", help="add a table by kind of question")
    parser.add_argument("--twin", action="store_true", help="leave out the peer, and the model when there is one")
    parser.add_argument(
        "--tuning", action="store_true", help="ask the questions for tuning only, those of the other file too"
    )
    parser.add_argument(
        "--every", type=int, default=1, help="ask every nth question of each half: a local model is slow"
    )
    options = parser.parse_args()
    questions = yaml.safe_load(QUESTIONS.read_text(encoding="utf-8"))
    if options.tuning:
        questions = questions[0::2] + yaml.safe_load(TUNING.read_text(encoding="utf-8"))
    questions = [q for n, q in enumerate(questions) if n // 2 % options.every == 0]
    clock.today = lambda: DAY
    gaps.record = lambda *_, **__: None  # the list is for customers' questions
    knowledge.warm()
    check_message("Hello")  # loads the policy
    model = answering.chat_model()
    runs: dict[str, list[Outcome]] = {}
    answering.chat_model = lambda: None
    runs["extractive"] = [judge(question, ours) for question in questions]
    if model and not options.twin:
        answering.chat_model = lambda: model
        runs[model.config.model] = [judge(question, ours) for question in questions]
    if not options.twin:
        runs["plain chain" if model else "nearest passage"] = [judge(question, plain_chain) for question in questions]
    if options.show:
        show(runs["extractive"][0 :: 1 if options.tuning else 2])
    if options.kinds:
        by_kind(runs["extractive"])
    print(
        "| answers, half | answerable: right / wrong / refused | others: rightly refused / wrongly answered "
        "| citations right | unsupported sentences | CPU ms p50 / p95 |"
    )
    print("|---|---|---|---|---|---|")
    for name, outcomes in runs.items():
        if options.tuning:
            print(row(f"{name}, tuning", outcomes))
        else:
            print(row(f"{name}, tuning", outcomes[0::2]))
            print(row(f"{name}, held out", outcomes[1::2]))
    sent = [o for name, outcomes in runs.items() if name not in ("plain chain", "nearest passage") for o in outcomes]
    if hidden := hidden_sources(sent):
        print(f"Quoted but hidden: {', '.join(sorted(hidden))}", file=sys.stderr)
    return 1 if hidden or unsupported(sent) else 0


if __name__ == "__main__":
    sys.exit(main())
