"""Decides what policy.yml says about a text, and leaves a record of each decision, without the text.

A text is looked at where it enters or leaves (its stage): a customer's message, a retrieved passage, a generated
text, an agent's draft. The first rule in this order decides, within a kind the file's order:

    message     escalate → injection → block → profanity → limits; otherwise personal data is redacted
    passage     injection
    generated   the same kinds, personal data and tone refuse; otherwise links, tone, verbatim and require change it
    draft       as generated, but personal data of the rules that look at drafts is redacted

So a person is called before anything else, a refusal comes before a change, and what must be said is added to the
text as it will be sent.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from itertools import takewhile
from typing import Literal, TypeVar

from actions.policy import context, injection, limits, records, wording
from actions.policy.meaning import Meaning
from actions.policy.pii import Detector
from actions.policy.rules import (
    BaseRule,
    BlockRule,
    EscalateRule,
    InjectionRule,
    LimitsRule,
    PiiRule,
    Policy,
    ProfanityRule,
    RequireRule,
    Stage,
    ToneRule,
    VerbatimRule,
)
from actions.policy.source import load
from actions.policy.texts import first_match, readable, sentences, words
from actions.settings import policy_file

Outcome = Literal["allow", "redact", "replace", "refuse", "escalate"]
R = TypeVar("R", bound=BaseRule)

LONGEST = 20_000  # characters of a message that patterns look at
OTHER_LINK = "a link to another host"


@dataclass(frozen=True)
class Decision:
    """What the policy says about a text; `rule`, `kind` and `reply` are empty when it is allowed as it is.

    `reply` is what the customer (on a draft: the agent) is told when the text is refused or escalates, `text` the
    text to use from now on, `evidence` what the rule found, in the policy's own words. With `offer` the reply asks
    whether the customer wants a person.
    """

    outcome: Outcome = "allow"
    rule: str = ""
    kind: str = ""
    reply: str = ""
    stage: Stage = "message"
    text: str = ""
    evidence: str = ""
    offer: bool = False

    @property
    def allowed(self) -> bool:
        """Whether `text` may be used."""
        return self.outcome in ("allow", "redact", "replace")


class Engine:
    """One policy, ready to be asked. It keeps no records: the functions of this module do."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._redacted = lru_cache(maxsize=128)(self._redact)  # a message is redacted by several callers in a turn
        self.known_passage = lru_cache(maxsize=4096)(self.on_passage)  # the same ones are found again and again

    def rules(self, kind: type[R], stage: Stage | None = None) -> list[R]:
        """The rules of a kind that look at a stage, in the file's order."""
        return [r for r in self.policy.rules if isinstance(r, kind) and (stage is None or stage in r.stages)]

    @cached_property
    def personal(self) -> Detector:
        """Finds the personal data that the rules name."""
        return Detector(self.rules(PiiRule))

    @cached_property
    def meaning(self) -> Meaning:
        """The examples of the blocked topics."""
        return Meaning(self.rules(BlockRule, "message"), self.policy.ordinary)

    def on_message(self, text: str, within: context.Context) -> Decision:
        """What to do with what a customer wrote."""
        seen = readable(text)
        for rule, evidence in self._of_message(text[:LONGEST], seen[:LONGEST], within):
            outcome: Outcome = "escalate" if isinstance(rule, EscalateRule) else "refuse"
            return Decision(outcome, rule.id, rule.kind, rule.reply, "message", text, evidence, rule.offer)
        changed, used = self.redacted(seen)
        if used:
            return Decision("redact", used[0].id, "pii", "", "message", changed, _data(used))
        return Decision(text=text)

    def _of_message(self, text: str, seen: str, within: context.Context) -> Iterator[tuple[BaseRule, str]]:
        """The rules that decide about a message, readable as `seen`, in the order of precedence."""
        for escalate in self.rules(EscalateRule, "message"):
            if evidence := _signalled(escalate, seen, within) or _shown(escalate, seen):
                yield escalate, evidence
        yield from self._injected(text, "message")
        for block in self.rules(BlockRule, "message"):
            if evidence := first_match(block.compiled, seen):
                yield block, evidence
        if seen.strip() and (near := self.meaning.nearest(self.redacted(seen)[0])):
            yield near.rule, near.evidence
        for profanity in self.rules(ProfanityRule, "message"):
            if nothing_but(profanity, seen):
                yield profanity, first_match(profanity.compiled, seen)
        for limit in self.rules(LimitsRule, "message"):
            if evidence := limits.over(limit, seen) or (OTHER_LINK if any(limits.other_links(limit, seen)) else ""):
                yield limit, evidence

    def _injected(self, text: str, stage: Stage, source: str = "") -> Iterator[tuple[InjectionRule, str]]:
        """The injection rules that a text breaks, as it was written: spaces may hide words as well as part them."""
        rules = self.rules(InjectionRule, stage)
        own = " ".join(s for s in sentences(text) if readable(s).casefold() not in source) if source else text
        at: Literal["message", "passage"] = "message" if stage == "message" else "passage"
        finding = injection.detect(own, at, lambda shown: self.redacted(shown)[0]) if rules and own else None
        for rule in rules:
            if evidence := first_match(rule.compiled, readable(text), source):
                yield rule, evidence
            elif finding and rule.family in ("", finding.family):
                yield rule, f"{', '.join(finding.evidence)} ({finding.score:.2f})"

    def on_passage(self, text: str) -> Decision:
        """Whether a retrieved passage may be used: one that holds instructions reaches no model and no customer."""
        for rule, evidence in self._injected(text, "passage"):
            return Decision("refuse", rule.id, rule.kind, rule.reply, "passage", "", evidence)
        return Decision(stage="passage", text=text)

    def on_written(
        self, text: str, passages: Sequence[str], question: str, stage: Stage, within: context.Context
    ) -> Decision:
        """Whether a written text may be sent, and how.

        It is refused when it breaks a rule of its own accord: what stands in its passages word for word was
        published by an author and is allowed.
        """
        source = " ".join(readable(p) for p in passages).casefold()
        seen = readable(text)
        quoted = all(sentence.casefold() in source for sentence in sentences(seen))
        for rule, evidence in self._beyond(seen, stage) if quoted else self._refused(seen, source, stage):
            return Decision("refuse", rule.id, rule.kind, rule.reply, stage, "", evidence)
        changes = list(self._changed(seen, source, question, stage, within))
        if not changes:
            return Decision(stage=stage, text=text)
        rule, evidence, _ = changes[0]
        evidence = "; ".join([evidence, *(f"{other.id}: {why}" for other, why, _ in changes[1:])])
        outcome: Outcome = "redact" if isinstance(rule, PiiRule) else "replace"
        return Decision(outcome, rule.id, rule.kind, "", stage, changes[-1][2], evidence)

    def _refused(self, seen: str, source: str, stage: Stage) -> Iterator[tuple[BaseRule, str]]:
        """The rules that a readable text breaks."""
        for escalate in self.rules(EscalateRule, stage):
            if evidence := _shown(escalate, seen, source):
                yield escalate, evidence
        yield from self._injected(seen, stage, source)
        for block in self.rules(BlockRule, stage):
            if evidence := first_match(block.compiled, seen, source):
                yield block, evidence
        for profanity in self.rules(ProfanityRule, stage):
            if evidence := first_match(profanity.compiled, seen, source):
                yield profanity, evidence
        for pii, found in self.personal.hidden(seen, stage) if stage == "generated" else ():
            if found.casefold() not in source:
                yield pii, _data([pii])
        for tone in self.rules(ToneRule, stage):
            if tone.replace is None and (evidence := first_match(tone.compiled, seen, source)):
                yield tone, evidence
        yield from self._beyond(seen, stage)

    def _beyond(self, seen: str, stage: Stage) -> Iterator[tuple[BaseRule, str]]:
        """The limits that a readable text exceeds, whoever wrote it."""
        for limit in self.rules(LimitsRule, stage):
            refuses = limit.other_links == "refuse" and any(limits.other_links(limit, seen))
            if evidence := limits.over(limit, seen) or (OTHER_LINK if refuses else ""):
                yield limit, evidence

    def _changed(
        self, text: str, source: str, question: str, stage: Stage, within: context.Context
    ) -> Iterator[tuple[BaseRule, str, str]]:
        """Each rule that changes a readable text: the rule, its evidence and the text after it."""
        if stage == "draft":
            text, used = self.personal.redacted(text, stage)
            if used:
                yield used[0], _data(used), text
        for limit in self.rules(LimitsRule, stage):
            if (after := limits.without_other_links(limit, text)) != text:
                text = after
                yield limit, OTHER_LINK, text
        for tone in self.rules(ToneRule, stage):
            text, hit = wording.toned(tone, text, source)
            if hit:
                yield tone, hit, text
        for verbatim in self.rules(VerbatimRule, stage):
            text, hit = wording.worded(verbatim, text, question)
            if hit:
                yield verbatim, hit, text
        for require in self.rules(RequireRule, stage):
            if hit := wording.required(require, text, within.said):
                text = wording.added(text, require.text)
                yield require, hit, text
                break  # one is help, two are small print

    def redacted(self, text: str) -> tuple[str, list[PiiRule]]:
        """`text` with personal data replaced, and the rules that replaced some."""
        changed, used = self._redacted(readable(text))
        return changed, list(used)

    def _redact(self, seen: str) -> tuple[str, tuple[PiiRule, ...]]:
        changed, used = self.personal.redacted(seen)
        return changed, tuple(used)


def _data(rules: Sequence[PiiRule]) -> str:
    return ", ".join(rule.replace for rule in rules)


def nothing_but(rule: ProfanityRule, text: str) -> bool:
    """Whether a message holds abuse and no other words than those that stand around it."""
    rest = text
    for pattern in rule.compiled:
        rest = pattern.sub(" ", rest)
    return rest != text and not any(c.isdigit() for c in rest) and set(words(rest)) <= set(rule.around)


def _shown(rule: EscalateRule, text: str, source: str = "") -> str:
    """What a text alone shows about a rule without a signal, or ""."""
    return "" if rule.signal else first_match(rule.compiled, text, source)


def _signalled(rule: EscalateRule, text: str, within: context.Context) -> str:
    """What the turns so far show about a rule with a signal, or ""."""
    if rule.signal == "failures":
        run = len(list(takewhile(context.FAILED.__contains__, reversed(within.outcomes))))
        return f"{run} answers in a row did not help" if run >= rule.at_least else ""
    if rule.signal == "anger":
        before = [readable(message) for message in within.messages]
        last = [*(before[:-1] if before[-1:] == [text] else before), text][-rule.of_last :]
        angry = [message for message in last if first_match(rule.compiled, message)]
        shows = text in angry and len(angry) >= rule.at_least
        return f"{len(angry)} of the last {len(last)} messages" if shows else ""
    return ""


@cache
def _engine(path: str, changed: int) -> Engine:
    return Engine(load(policy_file()))


def engine() -> Engine:
    """The engine of the configured policy file, loaded anew when the file changes. Raises PolicyError."""
    path = policy_file()
    try:
        changed = path.stat().st_mtime_ns
    except OSError:
        changed = 0
    return _engine(str(path), changed)


def policy_version() -> str:
    """Version and a short hash of the policy file, such as 3-1f2e3d4c. Raises PolicyError."""
    return engine().policy.stamp


def check_message(text: str) -> Decision:
    """What to do with what a customer wrote, in the conversation of the running action. Raises PolicyError."""
    return _recorded(engine().on_message(text, context.current()), text)


def check_passage(text: str) -> Decision:
    """Whether a retrieved passage may be used. Raises PolicyError."""
    return _recorded(engine().known_passage(text), text)


def check_generated(text: str, passages: list[str], question: str = "") -> Decision:
    """Whether a generated text may be sent, and with which words: use `text` of the decision. Raises PolicyError."""
    return _recorded(engine().on_written(text, passages, question, "generated", context.current()), text)


def check_draft(text: str, passages: Sequence[str] = ()) -> Decision:
    """Whether an agent's draft may be sent, and with which words: use `text` of the decision. Raises PolicyError."""
    return _recorded(engine().on_written(text, passages, "", "draft", context.current()), text)


def redact(text: str) -> str:
    """`text` without personal data, for a model, a log or a summary. Raises PolicyError."""
    changed, used = engine().redacted(text)
    if used:
        _record(Decision("redact", used[0].id, "pii", evidence=_data(used)), "redact", text)
    return changed


def _recorded(decision: Decision, text: str) -> Decision:
    _record(decision, decision.stage, text)
    return decision


def _record(decision: Decision, stage: str, text: str) -> None:
    row = records.Row(
        rule=decision.rule or "none",
        kind=decision.kind,
        policy_version=policy_version(),
        stage=stage,
        outcome=decision.outcome,
        evidence=decision.evidence,
        text_sha256=records.sha256(text),
        conversation=context.current().conversation,
    )
    records.keep(row)
