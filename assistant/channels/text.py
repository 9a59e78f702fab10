"""Customers' text before Rasa sees it: cleaned, with slashes that mean nothing."""

from __future__ import annotations

import re
import unicodedata

# What looks like "/" at the start of a message. Rasa reads only "/" as the start of an intent.
SLASHES = "/\u2044\u2215\u29f8\uff0f"
HARMLESS_SLASH = "\u2215"

# Invisible characters that writing systems and emoji need: the zero-width non-joiner and joiner.
_NEEDED = "\u200c\u200d"
_ENDS = re.compile(rf"^[\s{_NEEDED}]+|[\s{_NEEDED}]+$")


def clean(text: str) -> str:
    """Composed Unicode (NFC) without control, bidirectional and lone surrogate characters; newlines stay."""
    composed = unicodedata.normalize("NFC", text.replace("\r\n", "\n"))
    kept = (" " if char == "\t" else char for char in composed if _is_kept(char))
    return _ENDS.sub("", "".join(kept))


def _is_kept(char: str) -> bool:
    return char in "\n\t" or char in _NEEDED or unicodedata.category(char) not in ("Cc", "Cf", "Cs")


def starts_with_slash(text: str) -> bool:
    """Whether the first visible character of the text is a slash or looks like one."""
    return clean(text)[:1] in tuple(SLASHES)


def neutralise(text: str) -> str:
    """The text with a first "/" replaced by a character that looks the same and that Rasa reads as plain text."""
    if not starts_with_slash(text):
        return text
    position = next(i for i, char in enumerate(text) if char in SLASHES)
    return text[:position] + HARMLESS_SLASH + text[position + 1 :]
