"""What a written text must say, and words in it that give way to others."""

import re
from collections.abc import Iterable

from actions.policy.rules import RequireRule, ToneRule, VerbatimRule
from actions.policy.texts import first_match, sentences


def toned(rule: ToneRule, text: str, source: str) -> tuple[str, str]:
    """`text` with the rule's words replaced, and which pattern matched, or ""."""
    if rule.replace is None or not (hit := first_match(rule.compiled, text, source)):
        return text, ""

    def other(match: re.Match[str]) -> str:
        if source and match.group().casefold() in source:
            return match.group()
        new = match.expand(rule.replace or "")
        begins = not match.string[: match.start()].strip() or match.string[: match.start()].rstrip()[-1] in ".!?"
        return new[:1].upper() + new[1:] if begins else new

    for pattern in rule.compiled:
        text = pattern.sub(other, text)
    text = re.sub(r" +([.,!?;:])", r"\1", re.sub(r" {2,}", " ", text)).strip(" ,;")
    return text[:1].upper() + text[1:], hit


def worded(rule: VerbatimRule, text: str, question: str) -> tuple[str, str]:
    """`text` with the wording that the rule wants, and the pattern for which it was put there, or ""."""
    hit = first_match(rule.compiled, text) or first_match(rule.compiled_asked, question)
    if not hit or says(text, rule.wording):
        return text, ""
    for sentence in sentences(text):
        if rule.replaces and first_match(rule.compiled_replaces, sentence):
            return text.replace(sentence, rule.wording, 1), hit
    return added(text, rule.wording), hit


def required(rule: RequireRule, text: str, said: Iterable[str]) -> str:
    """Which pattern asks for the rule's sentence in must be added to `text`, or ""."""
    hit = first_match(rule.compiled, text)
    known = says(text, rule.text) or first_match(rule.compiled_unless, text) or any(says(s, rule.text) for s in said)
    return "" if known else hit


def says(text: str, wording: str) -> bool:
    """Whether `text` holds the wording word for word; line breaks and the shape of apostrophes don't count."""
    return _flat(wording) in _flat(text)


def _flat(text: str) -> str:
    return " ".join(text.replace("’", "'").split())


def added(text: str, sentence: str) -> str:
    """`text` and then the sentence: on a line of its own below a list."""
    text = text.rstrip()
    return f"{text}\n{sentence}" if "\n" in text else f"{text} {sentence}"
