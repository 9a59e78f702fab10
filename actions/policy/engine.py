"""Decides what policy.yml says about a text, and records each decision without the text."""

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Literal

from actions.logs import get_logger
from actions.policy.rules import PRECEDENCE, Kind, Policy, Rule, load
from actions.settings import policy_file

Stage = Literal["message", "generated", "redact"]
Outcome = Literal["allow", "refuse", "escalate", "redact"]

log = get_logger(__name__)

# Characters that show nothing and would split a word that a pattern looks for.
_INVISIBLE = re.compile(
    r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)
_OUTCOME: dict[Kind, Outcome] = {
    "escalate": "escalate",
    "injection": "refuse",
    "block": "refuse",
    "redact": "redact",
}


@dataclass(frozen=True)
class Decision:
    """What the policy says about a text; `rule` and `reply` are empty when it is allowed."""

    outcome: Outcome = "allow"
    rule: str = ""
    kind: str = ""
    reply: str = ""

    @property
    def allowed(self) -> bool:
        return self.outcome == "allow"


def luhn(digits: str) -> bool:
    """Whether the check digit of a card number is right."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _iban(text: str) -> bool:
    """ISO 13616: 15 to 34 characters, remainder 1 modulo 97."""
    compact = re.sub(r"[ -]", "", text).upper()
    if not 15 <= len(compact) <= 34:
        return False
    return int("".join(str(int(c, 36)) for c in compact[4:] + compact[:4])) % 97 == 1


def _confirmed(check: str, found: str) -> bool:
    digits = re.sub(r"\D", "", found)
    if check == "luhn":
        return 13 <= len(digits) <= 19 and len(set(digits)) > 1 and luhn(digits)
    if check == "iban":
        return _iban(found)
    if check == "phone":
        return 10 <= len(digits) <= 15
    return True


def readable(text: str) -> str:
    """`text` as patterns see it: compatibility forms folded, no invisible characters, single spaces."""
    folded = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    return re.sub(r"[^\S\n]+", " ", folded)


def _replaced(rule: Rule, text: str) -> str:
    """`text` with what a redact rule finds and confirms replaced."""

    def replacement(match: re.Match[str]) -> str:
        return rule.replace if _confirmed(rule.check, match.group()) else match.group()

    for pattern in rule.compiled:
        text = pattern.sub(replacement, text)
    return text


class Engine:
    """One policy, ready to be asked."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy

    def find(self, text: str) -> Rule | None:
        """The rule that decides about a text: the kind's precedence first, then the file's order."""
        seen = readable(text)
        for kind in PRECEDENCE:
            for rule in self.policy.of_kind(kind):
                if any(pattern.search(seen) for pattern in rule.compiled):
                    return rule
        return None

    def check_message(self, text: str) -> Decision:
        """What to do with what a customer wrote."""
        return self._decide(self.find(text), "message", text)

    def check_generated(self, text: str, passages: list[str]) -> Decision:
        """Whether a generated text may be sent.

        It is refused when it breaks a rule of its own accord, or tells personal data: what stands in its
        passages word for word was published by an author and is allowed.
        """
        source = " ".join(readable(p) for p in passages).casefold()
        seen = readable(text)
        for rule in self.policy.rules:
            for pattern in rule.compiled:
                for match in pattern.finditer(seen):
                    own = match.group().casefold() not in source
                    if own and not (rule.kind == "redact" and (rule.keep or not _confirmed(rule.check, match.group()))):
                        log.info("policy_decision", extra=self._record(rule.id, "generated", "refuse", text))
                        return Decision("refuse", rule.id, rule.kind)
        return self._decide(None, "generated", text)

    def redact(self, text: str) -> str:
        """`text` with personal data replaced, except for kinds that the policy keeps."""
        seen = readable(text)
        for rule in self.policy.of_kind("redact"):
            before = seen
            if not rule.keep:
                seen = _replaced(rule, seen)
            if seen != before:
                log.info("policy_decision", extra=self._record(rule.id, "redact", "redact", text))
        return seen

    def _decide(self, rule: Rule | None, stage: Stage, text: str) -> Decision:
        decision = Decision(_OUTCOME[rule.kind], rule.id, rule.kind, rule.reply) if rule else Decision()
        log.info("policy_decision", extra=self._record(decision.rule or "none", stage, decision.outcome, text))
        return decision

    def _record(self, rule: str, stage: Stage, outcome: Outcome, text: str) -> dict[str, str | int]:
        digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
        return {
            "rule": rule,
            "policy_version": self.policy.version,
            "stage": stage,
            "outcome": outcome,
            "text_sha256": digest,
        }


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


def check_message(text: str) -> Decision:
    """See Engine.check_message."""
    return engine().check_message(text)


def check_generated(text: str, passages: list[str]) -> Decision:
    """See Engine.check_generated."""
    return engine().check_generated(text, passages)


def redact(text: str) -> str:
    """See Engine.redact."""
    return engine().redact(text)
