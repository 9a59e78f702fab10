"""Hides personal data from people whose role does not need it, where the vault has not already done so.

The assistant's side of a conversation holds the vault's tokens, which such people see as their kind: [email]. What
agents type (notes, whispers, wrap-ups) and numbers that the vault leaves alone, such as an order's, are hidden by how
they look; shape and place stay.
"""

import re

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
_POSTCODE = re.compile(r"\b[A-Za-z]{1,2}\d[A-Za-z\d]?\s*\d[A-Za-z]{2}\b")
_KIND = re.compile(r"\[[a-z_]{2,20}\]")
_NUMBER = re.compile(r"(?<!\w)\+?[A-Za-z]{0,3}\d(?:[ \-]?\d){3,}(?!\w)")


def masked_text(text: str) -> str:
    """A text without e-mail addresses, postcodes, and numbers of four digits and more; amounts and prose stay."""
    for pattern in (_EMAIL, _POSTCODE, _NUMBER):
        text = pattern.sub("•••", text)
    return text


def masked_value(value: str) -> str:
    """A value of which only its last two characters are left, and nothing of a short one: NA204518 -> ••••18.

    The kind that stands for a value in the vault stays: [email].
    """
    if _KIND.fullmatch(value):
        return value
    return f"••••{value[-2:]}" if len(value) > 5 else "••••"
