"""Length, language and links of a text."""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from actions.policy.rules import LimitsRule
from actions.policy.texts import words

REMOVED = "[link removed]"

# Languages that a customer or a model may write in; a text is compared with these alone.
LANGUAGES = ["ar", "bg", "cs", "cy", "da", "de", "el", "en", "es", "fi", "fr", "hi", "hu", "it", "nl", "no", "pl", "pt"]
LANGUAGES += ["ro", "ru", "sv", "tr", "uk", "ur", "zh"]
SURE = 0.98  # probability of another language, for the text as a whole and for each half
FEWEST_WORDS = 8  # different ones
FEWEST_LETTERS_OF_OTHER_SCRIPT = 6

_TOP = "com|co|net|org|info|biz|io|me|ly|app|dev|xyz|top|shop|site|online|link|click|live|ru|cn|uk|eu|de|fr|us|example"
_LINK = re.compile(
    rf"(?:https?|ftp)://[^\s<>\"')\]]+|\b(?:javascript|data):[^\s<>\"')\]]+"
    rf"|(?<![@\w.-])(?:[a-z0-9-]+\.)+(?:{_TOP})\b(?![\w@-])(?:[/?#:][^\s<>\"')\]]*)?",
    re.IGNORECASE,
)


def over(rule: LimitsRule, text: str) -> str:
    """Why `text` is refused by a limit of length or language, or ""."""
    if rule.characters and len(text) > rule.characters:
        return f"{len(text)} characters, {rule.characters} at most"
    if rule.language and (found := foreign(text)) and found not in rule.language:
        return f"language {found}"
    return ""


def foreign(text: str) -> str:
    """The ISO 639-1 code of the language of `text` when it is surely not English, or "".

    An identifier alone takes short English questions for Polish or Italian. So a text must have some length, and
    both halves of it must be foreign as well: a mixed text is somebody's English. Another script needs less.
    """
    found = words(text)
    letters = "".join(found)
    latin = sum(c < "\u0250" for c in letters)
    if latin * 2 < len(letters) and len(letters) >= FEWEST_LETTERS_OF_OTHER_SCRIPT:
        return _language(found)[0]
    if len(set(found)) < FEWEST_WORDS:
        return ""
    middle = len(found) // 2
    parts = [_language(part) for part in (found, found[:middle], found[middle:])]
    sure = all(code != "en" for code, _ in parts) and parts[0][1] >= SURE and min(p for _, p in parts) >= 0.5
    return parts[0][0] if sure else ""


def _language(found: Sequence[str]) -> tuple[str, float]:
    code, probability = _identifier().classify(" ".join(found))
    return str(code), float(probability)


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    made = LanguageIdentifier.from_pickled_model(MODEL_FILE, norm_probs=True)
    made.set_languages(LANGUAGES)
    return made


def other_links(rule: LimitsRule, text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each link in `text` to a host that the rule does not allow."""
    if not rule.hosts:
        return
    for match in _LINK.finditer(text):
        link = match.group().rstrip(".,;:!?")
        if not _allowed(link, rule.hosts):
            yield match.start(), match.start() + len(link)


def _allowed(link: str, hosts: Sequence[str]) -> bool:
    try:
        parts = urlsplit(link if "://" in link or re.match(r"(?:javascript|data):", link, re.I) else f"https://{link}")
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        return False
    # A log-in before the host makes a link look as if it led somewhere else.
    known = any(host == allowed or host.endswith(f".{allowed}") for allowed in hosts)
    return known and parts.scheme in ("http", "https") and "@" not in parts.netloc


def without_other_links(rule: LimitsRule, text: str) -> str:
    """`text` with each link to another host replaced."""
    for start, end in reversed(list(other_links(rule, text))):
        text = text[:start] + REMOVED + text[end:]
    return text
