"""A text as the rules see it: without tricks of spelling, and cut into sentences."""

import re
import unicodedata
from collections.abc import Iterable

# Characters that show nothing and would split a word that a pattern looks for.
_INVISIBLE = re.compile(
    r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)
_SENTENCE = re.compile(r"[^\n]+?(?:[.!?]+(?=\s|$)|$)", re.MULTILINE)
SHOWN = 80  # characters of a pattern in the evidence
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")


def readable(text: str) -> str:
    """`text` as patterns see it: compatibility forms folded, no invisible characters, single spaces."""
    folded = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    return re.sub(r"[^\S\n]+", " ", folded)


def sentences(text: str) -> list[str]:
    """The sentences of `text`, which may be lines of a list."""
    return [found for match in _SENTENCE.finditer(text) if (found := match.group().strip())]


def words(text: str) -> list[str]:
    """The words of `text` in lower case, with straight apostrophes; figures are none."""
    return [word.replace("’", "'") for word in _WORD.findall(text.lower())]


def first_match(patterns: Iterable[re.Pattern[str]], text: str, source: str = "") -> str:
    """Which pattern matches `text` ("pattern 2: ...", for the record), or "".

    What stands in `source` word for word (readable and case-folded) was published by an author, and is passed over.
    """
    for number, pattern in enumerate(patterns, 1):
        if not source:
            own = pattern.search(text) is not None
        else:
            own = any(match.group().casefold() not in source for match in pattern.finditer(text))
        if own:
            shown = pattern.pattern if len(pattern.pattern) <= SHOWN else f"{pattern.pattern[:SHOWN]}…"
            return f"pattern {number}: {shown}"
    return ""
