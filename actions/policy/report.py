"""What each rule of a policy catches on the examples beside it."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table

from actions.policy.context import Context
from actions.policy.engine import Decision, Engine
from actions.policy.rules import BlockRule, EscalateRule, PiiRule, Policy, Rule, Stage
from actions.policy.source import Lines
from actions.policy.texts import first_match, readable

_LENGTH = re.compile(r"\{(\d+) characters\}")


@dataclass(frozen=True)
class Mistake:
    """An example on the wrong side: where it stands, and what is wrong."""

    line: int
    rule: str
    text: str
    told: str


@dataclass(frozen=True)
class Result:
    """What one rule did with its examples. `unseen` counts those of `match` that it catches without knowing them."""

    rule: Rule
    caught: int
    unseen: int
    wrong: int


def check(engine: Engine, lines: Lines) -> tuple[list[Result], list[Mistake]]:
    """Put each rule's examples to the whole policy, at the stages of the rule. Raises nothing."""
    results: list[Result] = []
    mistakes: list[Mistake] = []
    for number, rule in enumerate(engine.policy.rules):
        caught = [_catches(engine, rule, example) for example in rule.examples.match]
        wrong = [_catches(engine, rule, example) for example in rule.examples.passing]
        unseen = [
            _unseen(engine, rule, e) if hit else False for hit, e in zip(caught, rule.examples.match, strict=True)
        ]
        results.append(Result(rule, sum(caught), sum(unseen), sum(wrong)))
        for i, (hit, example) in enumerate(zip(caught, rule.examples.match, strict=True)):
            if not hit:
                told = _instead(engine, rule, example)
                mistakes.append(
                    Mistake(lines.of(["rules", number, "examples", "match", i]), rule.id, str(example), told)
                )
        for i, (hit, example) in enumerate(zip(wrong, rule.examples.passing, strict=True)):
            if hit:
                line = lines.of(["rules", number, "examples", "pass", i])
                mistakes.append(Mistake(line, rule.id, str(example), "is caught"))
    for i, text in enumerate(engine.policy.ordinary):
        decision = engine.on_message(text, Context())
        if not decision.allowed:
            mistakes.append(Mistake(lines.of(["ordinary", i]), decision.rule, text, "is caught"))
    return results, mistakes


def decide(engine: Engine, rule: Rule, example: str | list[str], stage: Stage) -> Decision:
    """The whole policy's decision on an example of `rule`. `{900 characters}` stands for a text of that length."""
    if isinstance(example, list):
        assert isinstance(rule, EscalateRule)
        return engine.on_message(*_conversation(rule, example))
    if length := _LENGTH.fullmatch(example):
        example = ("word " * int(length[1]))[: int(length[1])]
    if stage == "message":
        return engine.on_message(example, Context())
    return engine.on_passage(example) if stage == "passage" else engine.on_written(example, [], "", stage, Context())


def _conversation(rule: EscalateRule, example: list[str]) -> tuple[str, Context]:
    """The latest message of an example for a rule with a signal, and the conversation before it."""
    if rule.signal == "anger":
        return example[-1], Context(events=[{"event": "user", "text": text} for text in example])
    events: list[dict[str, object]] = []
    for outcome in example:
        events += [{"event": "user", "text": "…"}, {"event": "bot", "metadata": {"outcome": outcome}}]
    return "Hello?", Context(events=events)


def _catches(engine: Engine, rule: Rule, example: str | list[str]) -> bool:
    """Whether `rule` catches the example at one of its stages."""
    if isinstance(rule, PiiRule):
        return isinstance(example, str) and _finds_data(engine, rule, example)
    return any(decide(engine, rule, example, stage).rule == rule.id for stage in rule.stages)


def _finds_data(engine: Engine, rule: PiiRule, example: str) -> bool:
    """Whether the rule replaces something, or would if its kind of data were not kept readable."""
    return any(engine.personal.rule(span) is rule for span in engine.personal.find(readable(example)))


def _unseen(engine: Engine, rule: Rule, example: str | list[str]) -> bool:
    """Whether a caught example would be caught if it did not stand beside the rule."""
    if not isinstance(rule, BlockRule) or not isinstance(example, str) or first_match(rule.compiled, readable(example)):
        return True
    near = engine.meaning.nearest(readable(example), without=example)
    return near is not None and near.rule.id == rule.id


def _instead(engine: Engine, rule: Rule, example: str | list[str]) -> str:
    found = [] if isinstance(rule, PiiRule) else [decide(engine, rule, example, s).rule for s in rule.stages]
    other = next((name for name in found if name), "")
    return f"is caught by {other} instead" if other else "is not caught"


def show(results: list[Result], mistakes: list[Mistake], console: Console, name: str) -> None:
    """Print the table and the mistakes."""
    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("rule", "kind", "stages"):
        table.add_column(heading)
    for heading in ("caught", "unseen", "wrongly caught"):
        table.add_column(heading, justify="right")
    for result in results:
        match, passing = len(result.rule.examples.match), len(result.rule.examples.passing)
        table.add_row(
            result.rule.id,
            result.rule.kind,
            ", ".join(result.rule.stages),
            f"{result.caught}/{match}",
            f"{result.unseen}/{match}",
            f"{result.wrong}/{passing}",
        )
    console.print(table)
    for line in _told(mistakes, name):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def handoff_mistakes(
    policy: Policy, lines: Lines, queues: Collection[str], intents: Collection[str], name: str
) -> list[str]:
    """Queues and intents that the rules for handoffs name and the project does not have, with their lines."""
    wrong = []
    for number, rule in enumerate(policy.handoff):
        fields = [(["queue"], [rule.queue] if rule.queue else [], queues, "queue in data/routing/queues.yml")]
        fields += [(["when", "queue"], list(rule.when.queue), queues, "queue in data/routing/queues.yml")]
        fields += [(["when", "intent"], list(rule.when.intent), intents, "intent in domain.yml")]
        for place, named, known, where in fields:
            line = lines.of(["handoff", number, *place])
            wrong += [
                f"{name}, line {line}: there is no {where} named {one} ({rule.id})" for one in named if one not in known
            ]
    return wrong


def show_handoff(policy: Policy, console: Console) -> None:
    """Print the table of the rules for handoffs."""
    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("handoff rule", "when", "says"):
        table.add_column(heading)
    for rule in policy.handoff:
        said = rule.model_dump(exclude={"id", "when"}, exclude_defaults=True)
        table.add_row(rule.id, _fields(rule.when.model_dump(exclude_defaults=True)), _fields(said))
    console.print(table)


def _fields(values: dict[str, object]) -> str:
    told = {name: ", ".join(map(str, v)) if isinstance(v, tuple) else v for name, v in values.items()}
    return "; ".join(f"{name} {value}" for name, value in told.items())


def _told(mistakes: list[Mistake], name: str) -> Iterator[str]:
    for mistake in sorted(mistakes, key=lambda m: m.line):
        yield f"{name}, line {mistake.line}: {mistake.text!r} {mistake.told} ({mistake.rule})"
