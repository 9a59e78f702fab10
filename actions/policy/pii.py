"""Personal data in a text: found by Presidio with spaCy's small English model and by the patterns of policy.yml.

Nothing here needs the network. The model is loaded at the first call; when it is missing that is logged once as an
error, and the patterns go on alone.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from actions.logs import get_logger
from actions.policy.entities import ENTITIES
from actions.policy.rules import PiiRule, PolicyError, Stage

if TYPE_CHECKING:
    from presidio_analyzer import AnalyzerEngine, RecognizerResult

log = get_logger(__name__)
MOST_KNOWN = 2048  # texts whose personal data is known, in memory alone
_STARTING = threading.Lock()  # Presidio and spaCy import and load slowly: only one thread does it


@dataclass(frozen=True, order=True)
class Span:
    """Personal data at text[start:end]. `kind` is an entity's name or, for a rule's own pattern, the rule's id."""

    start: int
    end: int
    kind: str
    score: float


class Detector:
    """Finds what the `pii` rules of a policy name."""

    def __init__(self, rules: Iterable[PiiRule]) -> None:
        self.rules = list(rules)
        self._rule_of = {entity: rule for rule in self.rules for entity in rule.entities}
        self._rule_of |= {rule.id: rule for rule in self.rules if rule.patterns}
        self._analyzer: AnalyzerEngine | None = None
        self._known: OrderedDict[str, list[Span]] = OrderedDict()

    def find(self, text: str) -> list[Span]:
        """Personal data in the order of the text; spans do not overlap. What a rule keeps readable is found too.

        The same text comes often: each call for a conversation brings all of its turns.
        """
        if not text.strip():
            return []
        spans = self._known.get(text)
        if spans is None:
            spans = self._known[text] = self._find(text)
            while len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)
        return list(spans)

    def read_ahead(self, texts: Iterable[str]) -> None:
        """Find personal data in texts that will be asked for one by one: together they cost a third."""
        from actions.policy import language

        new = [text for text in dict.fromkeys(texts) if text.strip() and text not in self._known]
        if len(new) > 1:
            self._ready()
            with language.reader().ahead(new):
                for text in new:
                    self.find(text)

    def _find(self, text: str) -> list[Span]:
        found = self._ready().analyze(text, language="en", entities=list(self._rule_of))
        spans: list[Span] = []
        for result in sorted(found, key=self._precedence):
            value = text[result.start : result.end]
            start = result.start + len(value) - len(value.lstrip())
            end = start + len(value.strip())
            if end > start and not any(start < s.end and end > s.start for s in spans):
                spans.append(Span(start, end, result.entity_type, round(float(result.score), 2)))
        return sorted(spans)

    def warm(self) -> None:
        """Load Presidio and the model, and run them once: seconds that no customer should wait for."""
        self.find("ready")

    def rule(self, span: Span) -> PiiRule:
        """The rule that named the span's kind."""
        return self._rule_of[span.kind]

    def hidden(self, text: str, stage: Stage | None = None) -> Iterator[tuple[PiiRule, str]]:
        """What must not be read, with its rule; with `stage` only by the rules that look at it."""
        for span in self.find(text):
            rule = self.rule(span)
            if not rule.keep and (stage is None or stage in rule.stages):
                yield rule, text[span.start : span.end]

    def redacted(self, text: str, stage: Stage | None = None) -> tuple[str, list[PiiRule]]:
        """`text` with personal data replaced, and the rules that replaced some, in the order of the text."""
        used: list[PiiRule] = []
        for span in reversed(self.find(text)):
            rule = self.rule(span)
            if not rule.keep and (stage is None or stage in rule.stages):
                text = text[: span.start] + rule.replace + text[span.end :]
                used.insert(0, rule)
        return text, list({rule.id: rule for rule in used}.values())

    def _precedence(self, result: "RecognizerResult") -> tuple[bool, float, int, int]:
        """Who wins where two overlap: what is hidden before a kept entity, then the surer, then the longer one."""
        kept = result.entity_type in ENTITIES and self._rule_of[result.entity_type].keep
        return kept, -result.score, result.start - result.end, result.start

    def _ready(self) -> "AnalyzerEngine":
        with _STARTING:
            if self._analyzer is None:
                self._analyzer = _analyzer(self.rules)
            return self._analyzer


def _analyzer(rules: list[PiiRule]) -> "AnalyzerEngine":
    """Presidio with our recognisers and one for the own patterns of each rule."""
    from presidio_analyzer import AnalyzerEngine, Pattern, RecognizerRegistry
    from presidio_analyzer.context_aware_enhancers import LemmaContextAwareEnhancer
    from presidio_analyzer.predefined_recognizers import SpacyRecognizer

    from actions.policy import language
    from actions.policy.addresses import AddressRecogniser
    from actions.policy.names import NameRecogniser
    from actions.policy.recognisers import SURE, THRESHOLD, CheckedPattern, recognisers

    reader = language.reader()
    own = [
        CheckedPattern(rule.id, [Pattern(rule.id, pattern, SURE) for pattern in rule.patterns], rule.check)
        for rule in rules
        if rule.patterns
    ]
    registry = RecognizerRegistry(
        [
            *recognisers(),
            AddressRecogniser(),
            NameRecogniser(language.ordinary, language.house, language.name_votes, language.given, reader.read),
            SpacyRecognizer(supported_entities=["LOCATION", "ORGANIZATION", "DATE_TIME"]),
            *own,
        ],
        supported_languages=["en"],
    )
    enhancer = LemmaContextAwareEnhancer(
        min_score_with_context_similarity=THRESHOLD, context_prefix_count=7, context_matching_mode="whole_word"
    )
    return AnalyzerEngine(
        registry=registry,
        nlp_engine=reader,
        supported_languages=["en"],
        default_score_threshold=THRESHOLD,
        context_aware_enhancer=enhancer,
    )


def detector() -> Detector:
    """The detector of the configured policy file. Raises PolicyError."""
    from actions.policy.engine import engine  # the engine has a detector of its own rules

    return engine().personal


def warm() -> None:
    """Load what finding needs; a policy that cannot be read is logged, and each message reports it again."""
    try:
        detector().warm()
    except PolicyError as error:
        log.error("policy_unreadable", extra={"reason": str(error)})


def find(text: str) -> list[Span]:
    """See Detector.find, with the rules of policy.yml. Raises PolicyError."""
    return detector().find(text)


def redact(text: str) -> str:
    """`text` with personal data replaced as policy.yml says. Raises PolicyError."""
    return detector().redacted(text)[0]
