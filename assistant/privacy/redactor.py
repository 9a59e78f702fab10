"""Removes secrets from what a customer typed, before anything else sees it.

Payment cards, card codes, passwords and one-time codes are of no use to the assistant and are never kept, encrypted
or not. (A one-time code that the assistant has just asked for is let through to the action that checks it.)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from assistant.privacy.cards import CARD_REMOVED, remove_cards
from assistant.privacy.secret_patterns import (
    AFTER_CARD,
    AFTER_EXPIRY,
    ANY_CODE,
    CARD_CODE_FIRST,
    CODE_FIRST,
    HINT,
    MY_CODE,
    NAMED_CARD_CODE,
    NAMED_CODE,
    ORDINARY,
    PASS_IS,
    PASSWORD_FIRST,
    PASSWORD_IS,
    PASSWORD_THEN,
)
from assistant.privacy.tokens import TOKEN

CARD, CARD_CODE, PASSWORD, CODE = "card", "card_code", "password", "code"
MARKERS = {
    CARD: CARD_REMOVED,
    CARD_CODE: "[card code removed]",
    PASSWORD: "[password removed]",
    CODE: "[code removed]",
}
_NOTICES = {
    CARD: "I've removed a card number from your message. Please never send card details in a chat: "
    "we won't ask for them here.",
    CARD_CODE: "I've removed a card's security code from your message. Please never send card details in a chat: "
    "we won't ask for them here.",
    PASSWORD: "I've removed a password or PIN from your message. Please never tell it to anyone: "
    "we won't ask for it here.",
    CODE: "I've removed a code from your message. Please send one only when I've just asked you for it.",
}


def redact(text: str, code_asked: bool = False) -> str:
    """The text with its secrets replaced by MARKERS, and with what looks like a token of the vault made harmless.

    With `code_asked` the assistant has asked for a one-time code: codes stay, for the action that checks them.
    """
    return _without(disarm(text), () if code_asked else _CODES, {})


def remove_all(text: str, code_asked: bool = False) -> tuple[str, dict[str, str]]:
    """The text without any secret, as it may be stored, and the secrets with the marker of each.

    With `code_asked` the text answers the question for a one-time code: any number of four to eight digits is one.
    """
    found: dict[str, str] = {}
    cleaned = _without(text, (*_CODES, ANY_CODE) if code_asked else _CODES, found)
    digits = {"".join(filter(str.isdigit, secret)): marker for secret, marker in found.items() if marker in _NUMBERS}
    return cleaned, digits | found


def may_hold_code(text: str) -> bool:
    """Whether redact() depends on `code_asked`."""
    return redact(text) != redact(text, code_asked=True)


def disarm(text: str) -> str:
    """The text with tokens that somebody typed, [[email:…]], in single brackets, which nothing reveals."""
    return TOKEN.sub(lambda found: found.group()[1:-1], text) if "[[" in text else text


def kinds_removed(before: str, after: str) -> list[str]:
    """Which kinds of secrets redact() has removed, in the order of MARKERS."""
    return [kind for kind, marker in MARKERS.items() if after.count(marker) > before.count(marker)]


def notice(kind: str) -> str:
    """What to tell a customer whose secret of this kind was removed."""
    return _NOTICES[kind]


_CODES = (NAMED_CODE, MY_CODE, CODE_FIRST)
_NUMBERS = (MARKERS[CARD], MARKERS[CARD_CODE], MARKERS[CODE])


def _without(text: str, codes: Iterable[re.Pattern[str]], found: dict[str, str]) -> str:
    if not any(char.isdigit() for char in text) and not HINT.search(text):
        return text
    cards: list[str] = []
    text = remove_cards(text, cards)
    found.update(dict.fromkeys(cards, CARD_REMOVED))
    for kind, kinds_patterns in (
        (CARD_CODE, (AFTER_CARD, AFTER_EXPIRY, NAMED_CARD_CODE, CARD_CODE_FIRST)),
        (CODE, codes),
        (PASSWORD, (PASSWORD_IS, PASS_IS, PASSWORD_THEN, PASSWORD_FIRST)),
    ):
        for pattern in kinds_patterns:
            text = pattern.sub(_marker(kind, found), text)
    return text


def _marker(kind: str, removed: dict[str, str]) -> Callable[[re.Match[str]], str]:
    def replace(found: re.Match[str]) -> str:
        secret = found["secret"]
        if kind == PASSWORD and not _is_password(secret):
            return found.group()
        removed[secret] = MARKERS[kind]
        start = found.start("secret") - found.start()
        return found.group()[:start] + MARKERS[kind] + found.group()[start + len(secret) :]

    return replace


def _is_password(secret: str) -> bool:
    word = secret.strip(".,;:!?…)(][\"'“”‘’-").lower()
    return bool(word) and word not in ORDINARY and not secret.startswith("[password")
