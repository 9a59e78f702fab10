"""Reads what a customer wrote into normalised values; every function returns None when it finds nothing.

Identifiers may be written in lower case and with spaces or hyphens inside. Postcodes follow the published
pattern of UK postcodes (BS 7666): an outward code and an inward code whose letters are never C, I, K, M, O or
V.
"""

import re

MAX_TEXT = 500

_ORDER = re.compile(r"\bN[O0][\s\-.:#]*((?:\d[\s\-]?){5}\d)(?!\d)", re.IGNORECASE)
_ACCOUNT = re.compile(r"\bNA[\s\-.:#]*((?:\d[\s\-]?){5}\d)(?!\d)", re.IGNORECASE)
_SIX_DIGITS = re.compile(r"(?<![\w-])(?<!\d\s)((?:\d[\s\-]?){5}\d)(?!\w|[\s\-]\d)")
_POSTCODE = re.compile(
    r"\b(GIR\s?0AA|(?:[A-PR-UWYZ](?:\d{1,2}|\d[A-HJKPSTUW]|[A-HK-Y]\d{1,2}|[A-HK-Y]\d[ABEHMNPRVWXY]))"
    r"[\s\-]{0,2}\d[ABD-HJLNP-UW-Z]{2})\b",
    re.IGNORECASE,
)
_ORDINALS = {
    "first": 1, "1st": 1, "one": 1, "second": 2, "2nd": 2, "two": 2, "third": 3, "3rd": 3, "three": 3,
    "fourth": 4, "4th": 4, "four": 4, "fifth": 5, "5th": 5, "five": 5,
}  # fmt: skip
_POSITION = re.compile(
    r"^(?:(?:no|yes|ok|okay|please|i'?d like|i'?ll (?:take|have)|let'?s do|take|option|number|the)[\s,]+)*"
    r"(?P<word>[1-9]|last|" + "|".join(_ORDINALS) + r")"
    r"(?:\s+(?:one|option|time|slot|choice))?(?:[\s,]+(?:please|thanks|thank you|then))*[\s.!)]*$",
    re.IGNORECASE,
)
_YES = re.compile(
    r"^(?:(?:ok|okay|oh)[\s,]+)?(?:y|yes|yep|yeah|yup|sure|ok|okay|correct|right|please do|go ahead|"
    r"of course|absolutely|certainly|confirm(?:ed)?|book it|do it|sounds good|fine|perfect|"
    r"that'?s (?:right|fine|correct|good))"
    r"\b(?!\s*(?:but|no)\b)",
    re.IGNORECASE,
)
_NO = re.compile(
    r"^(?:(?:oh|actually|sorry)[\s,]+)?(?:n|no|nope|nah|not (?:really|now|that)|don'?t|do not|wrong|"
    r"incorrect|that'?s (?:wrong|not right))\b",
    re.IGNORECASE,
)

_FILLER = re.compile(
    r"a|account|actually|and|code|email|for|hi|i|i'm|is|it|it's|its|my|na|no|number|ok|okay|order|please|post|postcode|"
    r"sorry|sure|thank|thanks|that|that's|the|um|er|then|this|yes|you"
)


def _clip(text: str) -> str:
    return text[:MAX_TEXT].strip()


def _digits(prefix: str, pattern: re.Pattern[str], text: str, bare: bool) -> str | None:
    match = pattern.search(_clip(text)) or (_SIX_DIGITS.search(_clip(text)) if bare else None)
    return prefix + re.sub(r"\D", "", match[1]) if match else None


def order_number(text: str, bare: bool = False) -> str | None:
    """An order number such as NO482136; with `bare` six digits alone count too."""
    return _digits("NO", _ORDER, text, bare and not _ACCOUNT.search(_clip(text)))


def account_number(text: str, bare: bool = False) -> str | None:
    """An account number such as NA204518; with `bare` six digits alone count too."""
    return _digits("NA", _ACCOUNT, text, bare and not _ORDER.search(_clip(text)))


def postcode(text: str) -> str | None:
    """A UK postcode, in capitals with one space, such as LS1 4AP."""
    match = _POSTCODE.search(_clip(text))
    if not match:
        return None
    compact = re.sub(r"[\s\-]", "", match[1]).upper()
    return f"{compact[:-3]} {compact[-3:]}"


def without_postcode(text: str) -> str:
    """The text without its first postcode."""
    return _POSTCODE.sub(" ", text, count=1)


def one_time_code(text: str) -> str | None:
    """The six digits of a one-time code, which may be written in groups."""
    match = _SIX_DIGITS.search(_clip(text))
    return re.sub(r"\D", "", match[1]) if match else None


def choice(text: str, count: int) -> int | None:
    """The position (from 0) that "2", "the first one", "second" or "last" names in a list of `count`."""
    match = _POSITION.match(_clip(text))
    if not match:
        return None
    word = match["word"].lower()
    if word == "last":
        return count - 1 if count else None
    position = int(word) if word.isdecimal() else _ORDINALS[word]
    return position - 1 if position <= count else None


def yes_no(text: str) -> bool | None:
    """True for a yes, False for a no."""
    if _NO.search(_clip(text)):
        return False
    return True if _YES.search(_clip(text)) else None


def free_text(text: str, limit: int = 200) -> str | None:
    """What the customer wrote, on one line of at most `limit` characters; it needs three letters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: limit * 2]).split())
    if sum(c.isalpha() for c in line) < 3:
        return None
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def nothing_but_values(text: str) -> bool:
    """Whether the message holds nothing but numbers and codes, apart from words such as "it's" or "please"."""
    words = [word.strip(".,;:!()\"'") for word in _clip(text).lower().replace("’", "'").split()]
    values = [word for word in words if any(c.isdigit() for c in word)]
    return (
        bool(values)
        and "?" not in text
        and all(not word or word in values or _FILLER.fullmatch(word) for word in words)
    )
