"""Payment-card numbers in a text."""

from __future__ import annotations

import re
import unicodedata

CARD_REMOVED = "[card number removed]"
CARD_DIGITS = range(13, 20)
CARD_FIRST_DIGITS = "23456"

_DIGITS_RUN = re.compile(r"\d(?:[\s\u200c\u200d\-\u2010-\u2015.]{0,2}\d){12,}")
_GROUP = re.compile(r"\d+")


def remove_cards(text: str, removed: list[str] | None = None) -> str:
    """The text with each payment-card number replaced by `[card number removed]`.

    A card number has 13 to 19 digits, in groups or not, starts with 2 to 6 and passes the Luhn check. In a longer
    row of digits, whole groups are tried, so that a number before or after the card does not hide it. The numbers, as
    they were written, are added to `removed`.
    """
    return _DIGITS_RUN.sub(lambda run: _remove_from_run(run.group(), removed), text)


def _remove_from_run(run: str, removed: list[str] | None) -> str:
    groups = list(_GROUP.finditer(run))
    kept, position, first = [], 0, 0
    while first < len(groups):
        last = _end_of_card(groups, first)
        if last is not None:
            kept += [run[position : groups[first].start()], CARD_REMOVED]
            position = groups[last].end()
            if removed is not None:
                removed.append(run[groups[first].start() : position])
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
