"""Customers' text before Rasa sees it: cleaned, with payment cards removed and slashes that mean nothing."""

from __future__ import annotations

import re
import unicodedata

CARD_REMOVED = "[card number removed]"

# What looks like "/" at the start of a message. Rasa reads only "/" as the start of an intent.
SLASHES = "/\u2044\u2215\u29f8\uff0f"
HARMLESS_SLASH = "\u2215"

# Invisible characters that writing systems and emoji need: the zero-width non-joiner and joiner.
_NEEDED = "\u200c\u200d"
_ENDS = re.compile(rf"^[\s{_NEEDED}]+|[\s{_NEEDED}]+$")
_DIGITS_RUN = re.compile(rf"\d(?:[\s{_NEEDED}\-\u2010-\u2015]{{0,2}}\d){{12,}}")
_GROUP = re.compile(r"\d+")
CARD_DIGITS = range(13, 20)
CARD_FIRST_DIGITS = "23456"


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


def remove_cards(text: str) -> str:
    """The text with each payment-card number replaced by `[card number removed]`.

    A card number has 13 to 19 digits, in groups or not, starts with 2 to 6 and passes the Luhn check. In a longer
    row of digits, whole groups are tried, so that a number before or after the card does not hide it.
    """
    return _DIGITS_RUN.sub(lambda run: _remove_from_run(run.group()), text)


def _remove_from_run(run: str) -> str:
    groups = list(_GROUP.finditer(run))
    kept, position, first = [], 0, 0
    while first < len(groups):
        last = _end_of_card(groups, first)
        if last is not None:
            kept += [run[position : groups[first].start()], CARD_REMOVED]
            position = groups[last].end()
        first = first + 1 if last is None else last + 1
    return "".join([*kept, run[position:]])


def _end_of_card(groups: list[re.Match[str]], first: int) -> int | None:
    """The last of the groups of digits that make up the longest card number from `first` on."""
    digits, end = "", None
    for last in range(first, len(groups)):
        digits += groups[last].group()
        if len(digits) > max(CARD_DIGITS):
            break
        if _is_card(digits):
            end = last
    return end


def _is_card(number: str) -> bool:
    digits = [unicodedata.digit(char) for char in number]
    return len(digits) in CARD_DIGITS and str(digits[0]) in CARD_FIRST_DIGITS and _passes_luhn(digits)


def _passes_luhn(digits: list[int]) -> bool:
    doubled = (2 * digit - 9 * (digit > 4) for digit in digits[-2::-2])
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
