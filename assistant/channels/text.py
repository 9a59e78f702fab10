"""Customers' text before Rasa sees it: cleaned, with slashes that mean nothing."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from assistant.channels import lookalikes

# What looks like "/" at the start of a message. Rasa reads only "/" as the start of an intent.
SLASHES = "/\u2044\u2215\u29f8\uff0f"
HARMLESS_SLASH = "\u2215"

# Invisible characters that some writing systems and emoji need: the zero-width non-joiner and joiner.
_JOINERS = "\u200c\u200d"
# What is invisible although Unicode calls it a letter or a mark (Default_Ignorable_Code_Point), and the empty Braille
# cell. The emoji selector U+FE0F is treated apart.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0e\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]"
)
_EMOJI_SELECTOR = "\ufe0f"
# Marks on one letter: no language puts more on a Latin one than Vietnamese, nor on any other than pointed Hebrew.
_MARKS_ON_LATIN, _MARKS = 2, 4
_OVERLAYS = "\u0334\u0335\u0336\u0337\u0338"  # strike text through, which hides words from a reader
# Each round can bring up something for the next: a mark that goes lets two other characters compose.
_ROUNDS = 6


def clean(text: str) -> str:
    """The text as everybody reads it, composed (NFC), without what nobody can see; newlines stay.

    Control, bidirectional, zero-width and lone surrogate characters go, and so do piles of combining marks. Letters
    and digits in another shape, and look-alikes from other scripts inside Latin words, become the ordinary ones.
    """
    cleaned = text.replace("\r\n", "\n").replace("\t", " ")
    if cleaned.isascii() and cleaned.isprintable():
        return cleaned.strip()
    for _ in range(_ROUNDS):
        before = cleaned
        cleaned = _clean_once(cleaned)
        if cleaned == before:
            break
    return cleaned


def _clean_once(text: str) -> str:
    composed = unicodedata.normalize("NFC", lookalikes.fold_shapes(_INVISIBLE.sub("", text)))
    kept = "".join(char for char in composed if _is_kept(char))
    written = unicodedata.normalize("NFC", _without_piles(_without_idle_joiners(kept)))
    return unicodedata.normalize("NFC", lookalikes.fold_mixed_words(written)).strip()


def _is_kept(char: str) -> bool:
    return char == "\n" or char in _JOINERS or unicodedata.category(char) not in ("Cc", "Cf", "Cs")


def _without_idle_joiners(text: str) -> str:
    """Joiners and emoji selectors stay between emoji and between the letters of scripts that join, nowhere else."""
    kept: list[str] = []
    for position, char in enumerate(text):
        before = kept[-1] if kept else " "
        if char in _JOINERS:
            after = text[position + 1 : position + 2] or " "
            needed = _category(before) in ("So", "Sk", "Lo", "Mn", "Mc") and _category(after) in ("So", "Lo")
        else:
            needed = char != _EMOJI_SELECTOR or _category(before) in ("So", "Sm", "Po")
        if needed:
            kept.append(char)
    return "".join(kept)


def _without_piles(text: str) -> str:
    """No marks on digits, and few on anything else."""
    kept: list[str] = []
    base, marks = "", 0
    for char in text:
        if char == _EMOJI_SELECTOR or _category(char) not in ("Mn", "Me"):
            base, marks = char, 0
        else:
            marks += 1
            plain = base < "\u0530"  # Latin, Greek and Cyrillic letters, and all that is common to scripts
            if base.isdigit() or marks > (_MARKS_ON_LATIN if plain else _MARKS) or (plain and char in _OVERLAYS):
                continue
        kept.append(char)
    return "".join(kept)


@lru_cache(maxsize=4096)
def _category(char: str) -> str:
    return unicodedata.category(char)


def starts_with_slash(text: str) -> bool:
    """Whether the first visible character of the text is a slash or looks like one."""
    return clean(text)[:1] in tuple(SLASHES)


def neutralise(text: str) -> str:
    """The text with a first "/" replaced by a character that looks the same and that Rasa reads as plain text."""
    if not starts_with_slash(text):
        return text
    position = next(i for i, char in enumerate(text) if char in SLASHES)
    return text[:position] + HARMLESS_SLASH + text[position + 1 :]
