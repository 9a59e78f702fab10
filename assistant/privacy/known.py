"""Finds the values that a conversation is known to hold, however the next text writes them."""

# ruff: noqa: SIM905

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from assistant.privacy.patterns import Span
from assistant.privacy.tokens import normalise

# Given names and surnames that are words, too: alone they stay readable, as part of the whole name they do not.
_WORDS_TOO = frozenset(
    """Will Mark May June April August Bill Grace Hope Faith Joy Rose Rob Art Dawn Eve Ivy Jack Guy Bob Pat Sue Ray
    Rich Frank Miles Chase Grant Drew Chance Angel Summer Autumn Brook Day Young Long Short Little Green Brown White
    Black Gray Grey King Price Bird Wood Stone Field Hill Park Lane Street Bush Case Page Law Good Best Cook Baker
    Miller Walker Book Gold Silver Berry Cherry Love Power Moon Star West North South East Down The""".split()
)
_TITLES = frozenset(("Mr", "Mrs", "Ms", "Miss", "Mx", "Dr", "Prof", "Sir"))
_BETWEEN = r"[\s\-.()]{0,2}"


class KnownValues:
    """A pattern of values, each a (kind, value), that finds them as whole words."""

    def __init__(self, values: Iterable[tuple[str, str]]) -> None:
        """The longest values are looked for first: a whole name before the given name."""
        kinds: dict[str, str] = {}
        for kind, value in values:
            for pattern in _patterns(kind, value):
                kinds.setdefault(pattern, kind)
        ordered = sorted(kinds, key=len, reverse=True)
        self._kinds = [kinds[pattern] for pattern in ordered]
        alternatives = "|".join(f"({pattern})" for pattern in ordered)
        self._pattern = re.compile(rf"(?<!\w)(?:{alternatives})(?!\w)") if ordered else None

    def find(self, text: str) -> Iterator[Span]:
        """Where the values stand in a text."""
        for found in self._pattern.finditer(text) if self._pattern else ():
            yield Span(*found.span(), self._kinds[(found.lastindex or 1) - 1])


def _patterns(kind: str, value: str) -> Iterator[str]:
    """Regular expressions, without groups, of the ways to write a value."""
    if kind in ("phone", "account", "postcode", "bank"):
        yield from _numbers(kind, value)
    elif kind == "name":
        yield from _names(value)
    elif kind == "address":
        yield from _addresses(value)
    elif value.strip():
        yield rf"(?i:{re.escape(value.strip())})"


def _numbers(kind: str, value: str) -> Iterator[str]:
    characters = normalise(kind, value)
    if len(characters) < 5 or not characters.isascii():
        return
    if kind == "account" and characters.startswith("NA"):
        yield rf"(?i:NA[\s\-.:#]{{0,3}})?{_BETWEEN.join(characters[2:])}"
    elif kind == "phone":
        yield rf"(?:(?:\+|00)?44{_BETWEEN}0?{_BETWEEN}|0)?{_BETWEEN.join(characters)}"
    else:
        yield rf"(?i:{_BETWEEN.join(characters)})"


def _names(value: str) -> Iterator[str]:
    words = value.split()
    if len(words) > 1:
        yield rf"(?i:{_spaced(words)})"
    for word in words:
        bare = word.strip(".,")
        if len(bare) >= 3 and bare[:1].isupper() and bare not in _WORDS_TOO and bare not in _TITLES:
            yield re.escape(bare)


def _addresses(value: str) -> Iterator[str]:
    for part in {value, *value.split(",")}:
        words = re.findall(r"[^\s,.]+", part)
        if len(words) > 1:
            yield rf"(?i:{_spaced(words)})"
        elif words and len(words[0]) >= 3 and words[0][:1].isupper():
            yield re.escape(words[0])


def _spaced(words: list[str]) -> str:
    return r"[\s,.\-]+".join(map(re.escape, words))
