"""From a customer's question to an answer that may be sent, or to "unknown".

The question is redacted and made whole with the conversation. Nothing is searched for courtesy and abuse; an answer
that is kept is given again. Else passages are searched, the composer decides whether they answer and quotes them, the
model writes when there is one, each sentence is checked against its passage, and the policy looks at the text. A
question that stays without an answer goes to the knowledge-gap list.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from actions import clock
from actions.knowledge import gaps, store
from actions.knowledge.cache import AnswerCache
from actions.knowledge.check import Evidence, evidence
from actions.knowledge.compose import Answer, Claim, compose, joined, parts
from actions.knowledge.conflicts import context as dated_context
from actions.knowledge.conflicts import resolve
from actions.knowledge.encoder import encoder
from actions.knowledge.followup import Exchange, rewrite
from actions.knowledge.generate import generate
from actions.knowledge.retrieve import Passage, retriever
from actions.knowledge.words import stems
from actions.llm import ChatModel, ModelUnavailable, chat_model
from actions.logs import get_logger
from actions.policy.context import current
from actions.policy.engine import check_generated, check_passage, policy_version, redact
from actions.policy.texts import readable
from actions.settings import action_timeout

log = get_logger(__name__)

PASSAGES = 5
PASSAGES_OF_PART = 3
PASSAGES_TO_WRITE_FROM = 3
RESERVE = 1.0  # seconds of an action's time for all but the model
ON_TOPIC = 0.35  # best cosine of a question that our articles are about

_COURTESY = frozenset(
    stems(
        "hi hey hiya yo morning afternoon evening good great nice lovely brilliant perfect cool fine awesome cheers ta "
        "bye goodbye later day mate pal love friend lol haha wow sure right bot robot sorry well done much appreciated"
    )
)
_ABUSE = frozenset(
    stems(
        "idiot idiots stupid useless rubbish crap shit shite bullshit fuck fucking fucked bloody hell moron "
        "morons dumb garbage pathetic terrible awful hate suck sucks damn wanker wankers bastard bastards arse "
        "arsehole bollocks joke clown clowns liar liars twat twats piss annoying ridiculous worst hopeless absolute "
        "total piece load bunch"
    )
)


@dataclass(frozen=True)
class Result:
    """What became of a question.

    `asked` is the question as it was asked and `question` as it was searched for, both redacted. `outcome` is
    "answered"; "unknown", when nothing supports an answer; "refused", when the policy stopped it, and `rule` names
    the rule; "chat" or "upset", when there was nothing to look for. `answer` is None unless it was answered, `text` is
    what the policy made of it, and `evidence` has one entry for each of its claims. `kept` tells an answer that came
    from the cache.
    """

    asked: str
    question: str
    outcome: str
    answer: Answer | None = None
    text: str = ""
    passages: tuple[Passage, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    rule: str = ""
    kept: bool = False

    @property
    def topics(self) -> list[str]:
        """The subjects that were searched, nearest first: the articles' folders as words."""
        near = [p.article.split("/")[0].replace("-", " ") for p in self.passages if p.cosine >= ON_TOPIC]
        return list(dict.fromkeys(near))


_kept: AnswerCache[Result] = AnswerCache()


def answer_to(
    question: str,
    *,
    context: Sequence[Exchange] = (),
    on_claim: Callable[[str], None] | None = None,
    product: str = "",
    region: str = "",
    to_gaps: bool = True,
) -> Result:
    """Answer `question`, which may be a follow-up to the exchanges of `context` (oldest first).

    `on_claim` is called with each sentence that the model wrote as soon as it has passed all checks. `to_gaps`: whether
    a question that stays without an answer is put on the knowledge-gap list. Raises ModelMissing, StoreError,
    PolicyError.
    """
    model, started = chat_model(), time.monotonic()
    asked = redact(question)
    whole = rewrite(asked, context, model)
    if model and time.monotonic() - started + model.budget > action_timeout() - RESERVE:
        model = None  # the rewriting took the time that the writing would need
    if idle := _idle(whole.text):
        return Result(asked, asked, idle)
    tries = [whole.text] if whole.sure or whole.text == asked else [asked, whole.text]
    personal = asked != readable(question)
    result = Result(asked, asked, "unknown")
    for text in tries:
        result = replace(_answer(text, model, on_claim, product, region, keep=not personal), asked=asked)
        if result.outcome != "unknown":
            break
    if result.outcome == "unknown" and to_gaps:
        best = result.passages[0] if result.passages else None
        gaps.record(
            result.question, best.article if best else "", best.score if best else 0.0, asker=current().conversation
        )
    _record(result, "none" if whole.text == asked else whole.by)
    return result


def _answer(
    question: str,
    model: ChatModel | None,
    on_claim: Callable[[str], None] | None,
    product: str,
    region: str,
    *,
    keep: bool,
) -> Result:
    """Answer a question that stands alone. What is kept is the answer without the policy's say, which depends on the
    conversation; the twin's in place of a model that failed is not."""
    versions = (store.version(), policy_version(), clock.today(), model.config.model if model else "")
    vector = encoder().embed_cached([question])[0]
    result = _kept.find(question, vector, versions, (product, region))
    if result:
        result = replace(result, question=question, kept=True)
    else:
        result = _fresh(question, model, on_claim, product, region)
        if keep and result.answer and (model is None or result.answer.by == "model"):
            _kept.keep(question, vector, result, versions, (product, region))
    if result.answer is None:
        return result
    quoted = [claim.passage.text for claim in result.answer.claims]
    decision = check_generated(result.answer.text, quoted, question)
    if not decision.allowed:
        return replace(result, outcome="refused", answer=None, evidence=(), rule=decision.rule)
    return replace(result, text=decision.text, rule=decision.rule)


def _fresh(
    question: str, model: ChatModel | None, on_claim: Callable[[str], None] | None, product: str, region: str
) -> Result:
    """Search and write: the composer decides whether there is an answer, the model writes it when there is one."""
    twin, passages = _look_up(question, product, region)
    if twin is None:
        return Result(question, question, "unknown", passages=tuple(passages))
    answer = None
    if model:
        try:
            used = _for_the_model(twin, passages)
            answer = generate(question, used, model, twin.support, _allowed_so_far(on_claim, question, used))
        except ModelUnavailable:
            log.info("twin_answers", extra={"reason": "model_unavailable"})
    answer = answer or replace(twin, claims=tuple(resolve(twin.claims, passages)))
    checked = tuple(_evidence(claim) for claim in answer.claims)
    return Result(question, question, "answered", answer, passages=tuple(passages), evidence=checked)


def _for_the_model(twin: Answer, passages: Sequence[Passage]) -> list[Passage]:
    """The passages that the composer would quote, then the best others: few, since reading takes a model its time."""
    quoted = [claim.passage for claim in twin.claims]
    return list({(p.article, p.position): p for p in [*quoted, *passages]}.values())[:PASSAGES_TO_WRITE_FROM]


def _allowed_so_far(
    on_claim: Callable[[str], None] | None, question: str, passages: Sequence[Passage]
) -> Callable[[str], None] | None:
    """`on_claim` for those sentences alone with which the text so far may be sent: what has been shown is read."""
    if on_claim is None:
        return None
    shown: list[str] = []

    def show(sentence: str) -> None:
        shown.append(sentence)
        if check_generated(" ".join(shown), [p.text for p in passages], question).allowed:
            on_claim(sentence)

    return show


def _look_up(question: str, product: str, region: str) -> tuple[Answer | None, list[Passage]]:
    """The composer's answer and the passages; the parts of a double question are looked up one by one."""
    halves = [(part, _passages(part, product, region)) for part in parts(question)]
    answers = [answer for part, found in halves if (answer := compose(part, found))]
    if halves and len(answers) == len(halves):
        return joined(answers), [passage for _, found in halves for passage in found[:PASSAGES_OF_PART]]
    passages = _passages(question, product, region)
    return compose(question, passages), passages


def _passages(question: str, product: str, region: str) -> list[Passage]:
    """The passages for a question that the policy lets through."""
    found = retriever().search(question, PASSAGES, product=product, region=region)
    version = policy_version()
    return [p for p in found if _harmless(f"{p.context}\n{p.text}", version)]


@lru_cache(maxsize=4096)
def _harmless(text: str, version: str) -> bool:
    """Whether the policy of this version lets a passage through."""
    return check_passage(text).allowed


def _evidence(claim: Claim) -> Evidence:
    """Why a claim may be said; what is quoted word for word needs no comparison."""
    if claim.text in claim.passage.text:
        return Evidence(1.0, 1.0)
    return evidence(claim.text, claim.passage.text, dated_context(claim.passage))


def _idle(question: str) -> str:
    """ "chat" when a message holds nothing to look for, "upset" when it is only abuse, else ""."""
    words = set(stems(question))
    if not words - _COURTESY:
        return "chat"
    return "upset" if not words - _COURTESY - _ABUSE else ""


def _record(result: Result, rewritten: str) -> None:
    """One line in the log: what was decided and on what evidence, without a word of the customer."""
    answer = result.answer
    log.info(
        "answer",
        extra={
            "outcome": result.outcome,
            "by": answer.by if answer else "none",
            "articles": len(answer.sources) if answer else 0,
            "support": round(answer.support, 3) if answer else 0.0,
            "least_similar": round(min((e.similarity for e in result.evidence), default=0.0), 3),
            "rewritten": rewritten,
            "kept": result.kept,
            "rule": result.rule or "none",
        },
    )
