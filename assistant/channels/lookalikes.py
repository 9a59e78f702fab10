"""Characters that look like others are read as what they look like, where nobody can have meant them as themselves.

Two kinds, by the Unicode standard's terms: compatibility characters (UAX 15: full-width, mathematical, circled ones)
and words of mixed scripts (UTS 39), such as an English word with a Cyrillic "о" in it. What people mean stays: ½, ²,
accents, emoji, and the messages of people who write another script.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from confusable_homoglyphs.confusables import confusables_data

# Kinds of compatibility characters (the tag of their decomposition) that are only another shape of the same letters.
_SHAPES = ("<wide>", "<narrow>", "<font>", "<circle>")
_LIGATURES = range(0xFB00, 0xFB07)  # ﬀ to ﬆ
_SMALL_CAPITAL = re.compile(r"LATIN LETTER SMALL CAPITAL ([A-Z])")
_KEYCAP = re.compile("([0-9#*])\ufe0f?\u20e3")
# Rows of raised or lowered digits: one alone is meant (m², CO₂), four are a number in disguise.
_RAISED_DIGITS = re.compile("[⁰¹²³⁴-⁹₀-₉]{4,}")

# UTS 39 knows these only as other letters that look so, and not as the plain Latin ones.
_ALSO = {"к": "k", "м": "m", "т": "t", "н": "h", "в": "b", "п": "n", "κ": "k", "τ": "t", "І": "I", "Ι": "I"}
_OTHER_SCRIPTS = ("CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC")
_WORD = re.compile(r"[^\W_]+(?:[\u0300-\u036f]+[^\W_]*)*")


def fold_shapes(text: str) -> str:
    """The text with letters, digits and signs in another shape as the ordinary ones."""
    unboxed = _KEYCAP.sub(r"\1", text)
    lowered = _RAISED_DIGITS.sub(lambda row: unicodedata.normalize("NFKC", row.group()), unboxed)
    return "".join(char if char.isascii() else _ordinary(char) for char in lowered)


@lru_cache(maxsize=4096)
def _ordinary(char: str) -> str:
    kind = unicodedata.decomposition(char).partition(" ")[0]
    raised_letter = kind in ("<super>", "<sub>") and unicodedata.category(char) == "Lm"
    if kind in _SHAPES or raised_letter or ord(char) in _LIGATURES:
        return unicodedata.normalize("NFKC", char)
    if unicodedata.category(char) == "No" and not kind:
        digit = unicodedata.digit(char, None)  # ❶ and its like
        return char if digit is None else str(digit)
    capital = _SMALL_CAPITAL.fullmatch(unicodedata.name(char, ""))
    return capital.group(1).lower() if capital else char


def fold_mixed_words(text: str) -> str:
    """The text with look-alikes of Latin letters as these, in words that mix scripts and words that only imitate.

    A word is folded as a whole or not at all: with a letter that looks like no Latin one, nobody imitates with it. A
    word without a Latin letter is folded only beside Latin words, and only in a message without a word that is really
    of another script. In a message that has one, letters that look only roughly like Latin ones stay.
    """
    if text.isascii():
        return text
    words = _WORD.findall(text)
    is_other = any(map(_is_of_another_script, words))
    has_latin = any(map(_has_latin, words))

    def fold(word: re.Match[str]) -> str:
        found = word.group()
        mixed = _has_latin(found)
        looks = [_look(char, mixed and not is_other) for char in found]
        if (mixed or (has_latin and not is_other)) and None not in looks:
            return "".join(look or "" for look in looks)
        return found

    return _WORD.sub(fold, text)


def _has_latin(word: str) -> bool:
    return any(_script(char) == "LATIN" for char in word)


def _is_of_another_script(word: str) -> bool:
    """Whether the word has another script's letters only, and not all of them look Latin."""
    return not _has_latin(word) and any(_look(char, False) is None for char in word)


def _look(char: str, roughly: bool) -> str | None:
    """The Latin letter that the character looks like, itself if it is no letter of another script, else None."""
    if _script(char) not in _OTHER_SCRIPTS:
        return char
    return _latin(char, roughly)


@lru_cache(maxsize=4096)
def _latin(char: str, roughly: bool) -> str | None:
    if roughly and char in _ALSO:
        return _ALSO[char]
    looks = (entry["c"] for entry in confusables_data.get(char, []))
    found = next((look for look in looks if len(look) == 1 and look.isascii() and look.isalpha()), None)
    # Standards have no difference between l and I: the case says which is meant.
    return found if found is None or found.isupper() == char.isupper() else found.swapcase()


@lru_cache(maxsize=4096)
def _script(char: str) -> str:
    """The first word of the character's name, which for letters is the script."""
    return "LATIN" if char.isascii() and char.isalpha() else unicodedata.name(char, "").partition(" ")[0]
