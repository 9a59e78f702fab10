"""Reads amounts of money and small numbers as customers write them: "£42.50", "42 quid", "forty two pounds fifty".

text2num turns numbers in words into digits; a regular expression then finds the amount, so that account numbers,
postcodes and dates in the same message are left alone.
"""

import re

from text_to_num import alpha2digit

from .parsing import MAX_TEXT

_WHOLE = r"(?P<{0}>\d{{1,3}}(?:,\d{{3}})+|\d{{1,6}})"
_POUNDS = _WHOLE.format("pounds")
# In this order: what is most surely an amount comes first.
_AMOUNTS = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"£\s?{_POUNDS}(?:\.(?P<pence>\d{{1,2}}))?(?![\d,]*\d)",
        rf"(?<![\w./-]){_POUNDS}(?:\.(?P<decimals>\d{{1,2}}))?\s?(?:pounds?|quid|gbp)\b"
        r"(?:\s(?:and\s)?(?P<pence>\d{1,2})(?:\s?(?:p|pence)\b|(?!\w|\s?(?:months?|payments?|instal))))?",
        rf"(?<![\w./-]){_POUNDS}\.(?P<pence>\d{{2}})(?![\w./-]|\s?[ap]\.?m\b)",
        r"(?<![\w./-])(?P<pence>\d{1,2})\s?(?:p|pence)\b",
    )
]
_END = r"(?=[.,;!?)]*(?:\s|$))"
_BARE = re.compile(
    rf"(?<![^\s(]){_POUNDS}(?:\s(?P<pence>\d{{2}}))?{_END}(?!\s?(?:months?|payments?|days?|weeks?)\b)", re.IGNORECASE
)
_ALL = re.compile(
    r"\b(?:(?:full|whole|total|entire|outstanding) (?:amount|balance|bill|sum|lot|thing)|all of it|in full|the lot|"
    r"everything|what i owed?|"
    r"(?:paid|cleared|settled)(?: off)? (?:the|my|our) (?:balance|arrears))\b|^\W*(?:all|the total|the full|full)\W*$",
    re.IGNORECASE,
)
_SUM = r"(?:£\s?[\d,]+(?:\.\d\d)?|\d[\d,]*(?:\.\d\d)?\s?(?:pounds?|quid)(?: \d\dp?)?)"
_MONTHLY = re.compile(
    rf"{_SUM}\s?(?:a |per |each |every |/ ?)(?:calendar )?month|{_SUM} monthly|"
    rf"\b(?:afford|manage|(?:can|could|will|'ll|let me) (?:only |just )?(?:do|pay|manage))"
    rf"(?: only| just| about| around| up to| to pay)* {_SUM}(?! (?:a|per|each|every) (?:week|fortnight|day))",
    re.IGNORECASE,
)
_COUNT = re.compile(rf"(?<![^\s(])(\d{{1,2}}){_END}(?!\s?(?:pounds?|quid|p|pence)\b)", re.IGNORECASE)


def in_digits(text: str) -> str:
    """`text` with numbers in words as digits, at most `MAX_TEXT` characters of it."""
    line = re.sub(r"\ba (?=hundred|thousand)", "one ", " ".join(text[:MAX_TEXT].split()), flags=re.IGNORECASE)
    return str(alpha2digit(line, "en", threshold=0))


def pence(text: str, bare: bool = False) -> int | None:
    """The first amount in `text`, in pence; with `bare` a number alone counts as pounds. None for none, or for zero."""
    digits = in_digits(text)
    for pattern in [*_AMOUNTS, *([_BARE] if bare else [])]:
        if found := pattern.search(digits):
            parts = found.groupdict()
            pounds = int((parts.get("pounds") or "0").replace(",", ""))
            small = parts.get("pence") or parts.get("decimals") or ""
            is_decimal = "." in found[0]
            return pounds * 100 + int((small.ljust(2, "0") if is_decimal else small) or 0) or None
    return None


def monthly(text: str) -> int | None:
    """What a customer can pay a month, in pence: "£20 a month", "I can only do twenty pounds"."""
    found = _MONTHLY.search(in_digits(text))
    return pence(found[0]) if found else None


def everything(text: str) -> bool:
    """Whether all that is owed is meant, for example "the full amount"."""
    return bool(_ALL.search(text[:MAX_TEXT]))


def count(text: str) -> int | None:
    """The first small whole number in `text` that is no amount of money and no day, for example 3 for "three"."""
    found = _COUNT.search(in_digits(text))
    return int(found[1]) if found else None
