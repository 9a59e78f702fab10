"""Personal data that the patterns of the `pii` rules find and a check digit or a count of digits confirms."""

import re
from collections.abc import Iterator, Sequence

from actions.policy.rules import PiiRule


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


def found_by(rule: PiiRule, text: str) -> Iterator[str]:
    """What the rule finds and confirms in a readable text; nothing for a kind that may stay readable."""
    if not rule.keep:
        for pattern in rule.compiled:
            yield from (m.group() for m in pattern.finditer(text) if _confirmed(rule.check, m.group()))


def redacted(rules: Sequence[PiiRule], text: str) -> tuple[str, list[PiiRule]]:
    """A readable text with personal data replaced, and the rules that replaced some."""
    used: list[PiiRule] = []
    for rule in rules:
        if (after := _replaced(rule, text)) != text:
            text = after
            used.append(rule)
    return text, used


def _replaced(rule: PiiRule, text: str) -> str:
    def replacement(match: re.Match[str]) -> str:
        return rule.replace if _confirmed(rule.check, match.group()) else match.group()

    for pattern in () if rule.keep else rule.compiled:
        text = pattern.sub(replacement, text)
    return text
