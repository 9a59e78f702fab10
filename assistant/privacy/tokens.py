"""Tokens: what stands in stored text in the place of a person's data, such as [[email:q3v7…]]."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import unicodedata

KINDS = ("name", "email", "phone", "postcode", "address", "account", "birthday", "bank")
LENGTH, PERSON_LENGTH = 16, 10
TOKEN = re.compile(rf"\[\[({'|'.join(KINDS)}):([a-z2-7]{{{LENGTH}}})\]\]")


def token(pepper: bytes, kind: str, value: str) -> str:
    """`[[kind:16 characters]]`, always the same for the same value.

    The first ten characters depend on the normalised value alone, so that a person is found however it was written;
    the last six depend on how it was written, so that exactly that comes back.
    """
    return f"[[{kind}:{person(pepper, kind, value)}{_base32(pepper, f'{kind}|={value}', LENGTH - PERSON_LENGTH)}]]"


def person(pepper: bytes, kind: str, value: str) -> str:
    """The first ten characters of the tokens for this value, however it is written."""
    return _base32(pepper, f"{kind}|{normalise(kind, value)}", PERSON_LENGTH)


def normalise(kind: str, value: str) -> str:
    """One spelling for each value: "+44 (0)7700 900123" and "07700 900123" are the same telephone."""
    text = unicodedata.normalize("NFKC", value)
    if kind == "phone":
        digits = "".join(char for char in text if char.isdigit()).lstrip("0")
        return digits.removeprefix("44").lstrip("0") if len(digits) > 10 else digits
    if kind in ("postcode", "account", "bank"):
        return "".join(char for char in text.upper() if char.isalnum())
    return " ".join(text.casefold().split())


def _base32(pepper: bytes, text: str, length: int) -> str:
    digest = hmac.new(pepper, text.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()
    return base64.b32encode(digest).decode().lower()[:length]
