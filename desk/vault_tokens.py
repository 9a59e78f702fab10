"""Tokens: what stands in the assistant's events in the place of personal data, such as [[email:q3v7...]].

Pure functions. The assistant makes them; tests/unit/vault_vectors.json keeps the two services from drifting apart.
"""

import base64
import hashlib
import hmac
import re
import unicodedata
from collections.abc import Mapping
from typing import Any, TypeVar

TOKEN = re.compile(r"\[\[(name|email|phone|postcode|address|account|birthday|bank):([a-z2-7]{16})\]\]")
PERSON_LENGTH = 10  # characters that are the same however a value is written
_HALF = re.compile(r"\[\[?(?:[a-z]{1,10}(?::[a-z2-7]{0,16}\]?)?)?$")

T = TypeVar("T")


def found(value: Any) -> set[str]:
    """All tokens in a text or in any JSON."""
    if isinstance(value, str):
        return {match[0] for match in TOKEN.finditer(value)} if "[[" in value else set()
    if isinstance(value, list | dict):
        return set().union(*map(found, value.values() if isinstance(value, dict) else value))
    return set()


def replaced(value: T, known: Mapping[str, str]) -> T:
    """A text or any JSON with values for the tokens that are known, and the kind of every other: [email]."""
    return _replaced(value, known)  # type: ignore[no-any-return]


def covered(value: T) -> T:
    """A text or any JSON with each token replaced by its kind."""
    return replaced(value, {})


def clipped(text: str, most: int) -> str:
    """The beginning of a text, at most so many characters; a token at its end is left out rather than cut in two."""
    return text if len(text) <= most else _HALF.sub("", text[:most])


def beginnings(pepper: bytes, value: str) -> list[str]:
    """How the tokens of a value begin, however it was written, for each kind of data that it may be."""
    text = value.strip()
    digits = any(char.isdigit() for char in text)
    kinds = ["address", *(["phone", "postcode", "account", "bank", "birthday"] if digits else ["name"])]
    return [f"[[{kind}:{_person(pepper, kind, text)}" for kind in (["email"] if "@" in text else kinds)] if text else []


def _replaced(value: Any, known: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return TOKEN.sub(lambda match: known.get(match[0], f"[{match[1]}]"), value) if "[[" in value else value
    if isinstance(value, list):
        return [_replaced(part, known) for part in value]
    if isinstance(value, dict):
        return {name: _replaced(part, known) for name, part in value.items()}
    return value


def _person(pepper: bytes, kind: str, value: str) -> str:
    digest = hmac.new(pepper, f"{kind}|{normalise(kind, value)}".encode("utf-8", "surrogatepass"), hashlib.sha256)
    return base64.b32encode(digest.digest()).decode().lower()[:PERSON_LENGTH]


def normalise(kind: str, value: str) -> str:
    """One spelling for each value, as the assistant has it."""
    text = unicodedata.normalize("NFKC", value)
    if kind == "phone":
        digits = "".join(char for char in text if char.isdigit()).lstrip("0")
        return digits.removeprefix("44").lstrip("0") if len(digits) > 10 else digits
    if kind in ("postcode", "account", "bank"):
        return "".join(char for char in text.upper() if char.isalnum())
    return " ".join(text.casefold().split())
