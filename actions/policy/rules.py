"""The rules of policy.yml: one model for each kind, and which stages a rule of it may look at.

`actions.policy.source.load` reads the file; docs/designers.md tells how to write a rule of each kind.
"""

import re
from functools import cached_property
from typing import Annotated, ClassVar, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr, model_validator

from actions.policy.entities import ENTITIES
from actions.policy.handoff import HandoffRule
from actions.policy.retention import Retention

Stage = Literal["message", "passage", "generated", "draft"]
Kind = Literal["escalate", "injection", "block", "pii", "profanity", "limits", "tone", "verbatim", "require"]
Family = Literal["override", "role", "reveal", "exfiltrate"]
Stages = tuple[Stage, ...]
STAGES: Stages = get_args(Stage)

WRITTEN: Stages = ("generated", "draft")


class PolicyError(Exception):
    """policy.yml cannot be used; the text names the line, the rule and the field, and says what to do."""


def _are_patterns(patterns: list[str]) -> list[str]:
    for pattern in patterns:
        try:
            compiled = re.compile(pattern, re.IGNORECASE)
        except re.error as error:
            raise ValueError(f"{pattern!r} is not a regular expression: {error}") from None
        if compiled.search(""):
            raise ValueError(f"{pattern!r} matches an empty text and so everything")
    return patterns


def _compiled(patterns: list[str]) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern, re.IGNORECASE | re.MULTILINE) for pattern in patterns)


Patterns = Annotated[list[str], AfterValidator(_are_patterns)]


class Examples(BaseModel):
    """Texts that the rule must catch and must let pass; for a rule with a `signal`, lists (see `EscalateRule`)."""

    model_config = ConfigDict(extra="forbid")

    match: list[str | list[str]] = Field(min_length=1)
    passing: list[str | list[str]] = Field(min_length=1, alias="pass")


class BaseRule(BaseModel):
    """What all kinds share. `stages` left out means the kind's own `DEFAULT` stages."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    DEFAULT: ClassVar[Stages] = ("message",)
    POSSIBLE: ClassVar[Stages] = STAGES

    id: str = Field(pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+)*$")
    kind: Kind
    stages: Stages = ()
    patterns: Patterns = []
    examples: Examples
    # What the customer is told, or on a draft the agent; kinds that refuse need it.
    reply: str = ""
    # Whether the customer is offered a person with the reply, which then asks.
    offer: bool = False

    @model_validator(mode="after")
    def _stages_of_kind(self) -> "BaseRule":
        if not self.stages:
            self.stages = self.DEFAULT
        if wrong := [stage for stage in self.stages if stage not in self.POSSIBLE]:
            raise ValueError(f"this kind of rule has no stage {wrong[0]}: use {', '.join(self.POSSIBLE)}")
        return self

    @model_validator(mode="after")
    def _what_it_needs(self) -> "BaseRule":
        self.complete()
        return self

    def complete(self) -> None:
        """Raise ValueError when a field that this kind needs is missing."""
        self.needs_patterns()
        if not isinstance(self.examples.match[0], str) or not all(
            isinstance(e, str) for e in (*self.examples.match, *self.examples.passing)
        ):
            raise ValueError("examples of this kind of rule are texts, not lists")

    def needs_patterns(self) -> None:
        """Raise ValueError when there is nothing to look for."""
        if not self.patterns:
            raise ValueError("patterns are missing: write at least one")

    def needs_reply(self) -> None:
        """Raise ValueError when there is nothing to say."""
        if not self.reply:
            raise ValueError("reply is missing: write what the customer is told")

    @cached_property
    def compiled(self) -> tuple[re.Pattern[str], ...]:
        return _compiled(self.patterns)


class EscalateRule(BaseRule):
    """Words that go to a person at once, or with `signal` something that shows over several turns.

    failures: the last `at_least` answers in a row did not help; an example is the list of the answers' outcomes,
    oldest first. anger: `at_least` of the customer's last `of_last` messages match the patterns, the latest among
    them; an example is the list of these messages.
    """

    DEFAULT: ClassVar[Stages] = ("message", "generated")

    kind: Literal["escalate"]
    signal: Literal["", "failures", "anger"] = ""
    at_least: int = Field(default=1, ge=1)
    of_last: int = Field(default=1, ge=1)

    def complete(self) -> None:
        self.needs_reply()
        if not self.signal:
            super().complete()
        elif any(isinstance(e, str) for e in (*self.examples.match, *self.examples.passing)):
            raise ValueError("an example of a rule with a signal is a list: the outcomes or the messages of some turns")
        elif self.signal == "anger":
            self.needs_patterns()
        if self.signal:
            self.stages = ("message",)


class InjectionRule(BaseRule):
    """Attempts to change the assistant's instructions, to learn them, or to get at data.

    `actions.policy.injection` finds them; the rule answers those of its `family`, or all when it names none. `patterns`
    find more.
    """

    DEFAULT: ClassVar[Stages] = ("message", "passage", "generated")

    kind: Literal["injection"]
    family: Literal["", Family] = ""

    def complete(self) -> None:
        self.needs_reply()
        if self.patterns:
            super().complete()


class BlockRule(BaseRule):
    """A topic: by patterns, and on a message also by its distance to the examples.

    A message is on the topic when its nearest example of `match` has a cosine of `threshold` or more and lies
    nearer, by `margin`, than the nearest text that may pass: of any blocked topic, or an `ordinary` one.
    """

    DEFAULT: ClassVar[Stages] = ("message", "generated", "draft")

    kind: Literal["block"]
    threshold: float = Field(default=0.55, gt=0, le=1)
    margin: float = Field(default=0.05, ge=0, lt=1)

    def complete(self) -> None:
        self.needs_reply()
        if self.patterns:
            super().complete()


def _are_entities(entities: list[str]) -> list[str]:
    for entity in entities:
        if entity not in ENTITIES:
            raise ValueError(f"there is no entity {entity}: use {', '.join(ENTITIES)}")
    return entities


class PiiRule(BaseRule):
    """Personal data: known entities and own patterns, and `replace`, which takes their place.

    `check` confirms what a pattern found; `keep` leaves it readable.
    """

    DEFAULT: ClassVar[Stages] = ("message", "generated")
    POSSIBLE: ClassVar[Stages] = ("message", "generated", "draft")

    kind: Literal["pii"]
    entities: Annotated[list[str], AfterValidator(_are_entities)] = []
    replace: str = ""
    check: Literal["", "luhn", "iban", "phone"] = ""
    keep: bool = False

    def needs_patterns(self) -> None:
        if not self.patterns and not self.entities:
            raise ValueError("entities are missing: write at least one, or a pattern")

    def complete(self) -> None:
        super().complete()
        if not self.replace:
            raise ValueError("replace is missing: write what takes the place of the data, such as [phone number]")


class ProfanityRule(BaseRule):
    """Abuse. A customer's message is answered with `reply` only when `around` holds all its other words."""

    DEFAULT: ClassVar[Stages] = ("message", "generated", "draft")
    POSSIBLE: ClassVar[Stages] = ("message", "generated", "draft")

    kind: Literal["profanity"]
    around: list[str] = []

    def complete(self) -> None:
        super().complete()
        self.needs_reply()


class LimitsRule(BaseRule):
    """Length, language and links: each limit that is written counts.

    `language` refuses what is surely in none of these; `hosts` may be linked to, with everything below them.
    Links to others are removed, or refuse the text.
    """

    DEFAULT: ClassVar[Stages] = WRITTEN
    POSSIBLE: ClassVar[Stages] = ("message", "generated", "draft")

    kind: Literal["limits"]
    characters: int = Field(default=0, ge=0)
    language: list[str] = []
    hosts: list[str] = []
    other_links: Literal["remove", "refuse"] = "refuse"

    def complete(self) -> None:
        self.needs_reply()
        if self.patterns:
            raise ValueError("a rule of limits has no patterns: it has characters, language or hosts")
        if sum(map(bool, (self.characters, self.language, self.hosts))) != 1:
            raise ValueError("write one of characters, language and hosts")


class ToneRule(BaseRule):
    """Words that we don't use: `replace` takes their place ("" takes them out), or without it the text is refused."""

    DEFAULT: ClassVar[Stages] = WRITTEN
    POSSIBLE: ClassVar[Stages] = WRITTEN

    kind: Literal["tone"]
    replace: str | None = None

    def complete(self) -> None:
        super().complete()
        if self.replace is None:
            self.needs_reply()


class VerbatimRule(BaseRule):
    """`wording` must be said word for word by a text that touches the topic, or answers a question `asked` about it.

    The first sentence that a pattern of `replaces` finds gives way to it; otherwise it is added at the end.
    """

    DEFAULT: ClassVar[Stages] = WRITTEN
    POSSIBLE: ClassVar[Stages] = WRITTEN

    kind: Literal["verbatim"]
    wording: str = Field(min_length=1)
    asked: Patterns = []
    replaces: Patterns = []

    @cached_property
    def compiled_asked(self) -> tuple[re.Pattern[str], ...]:
        return _compiled(self.asked)

    @cached_property
    def compiled_replaces(self) -> tuple[re.Pattern[str], ...]:
        return _compiled(self.replaces)


class RequireRule(BaseRule):
    """`text` is added to a text that touches the topic, unless it says so already (`unless`).

    It is not repeated within a conversation, and one text gets one of them at most.
    """

    DEFAULT: ClassVar[Stages] = ("generated",)
    POSSIBLE: ClassVar[Stages] = WRITTEN

    kind: Literal["require"]
    text: str = Field(min_length=1)
    unless: Patterns = []

    @cached_property
    def compiled_unless(self) -> tuple[re.Pattern[str], ...]:
        return _compiled(self.unless)


Rule = Annotated[
    EscalateRule
    | InjectionRule
    | BlockRule
    | PiiRule
    | ProfanityRule
    | LimitsRule
    | ToneRule
    | VerbatimRule
    | RequireRule,
    Field(discriminator="kind"),
]


class Policy(BaseModel):
    """The whole file. `ordinary` are everyday messages: no rule may catch them, and topics are told from them.

    `handoff` says who takes a conversation that goes to a person (`actions.policy.handoff`), `retention` how long each
    kind of data is kept (`make retention` deletes the rest).
    """

    model_config = ConfigDict(extra="forbid")

    version: int = Field(ge=1)
    ordinary: list[str] = []
    rules: list[Rule] = Field(min_length=1)
    handoff: list[HandoffRule] = []
    retention: Retention = Retention()
    _digest: str = PrivateAttr(default="")

    @model_validator(mode="after")
    def _unique(self) -> "Policy":
        ids = [rule.id for rule in (*self.rules, *self.handoff)]
        if twice := sorted({i for i in ids if ids.count(i) > 1}):
            raise ValueError(f"the id {twice[0]} stands on two rules: give each rule its own")
        named = [entity for rule in self.rules if isinstance(rule, PiiRule) for entity in rule.entities]
        if twice := sorted({e for e in named if named.count(e) > 1}):
            raise ValueError(f"two rules name the entity {twice[0]}: one can say what takes its place")
        return self

    @property
    def stamp(self) -> str:
        """Version and a short hash of the file, such as 3-1f2e3d4c: two files never share one."""
        return f"{self.version}-{self._digest}" if self._digest else str(self.version)

    def by_id(self, rule_id: str) -> Rule | None:
        return next((rule for rule in self.rules if rule.id == rule_id), None)
