"""The ways in which a text may hide what it says, undone: look-alike letters, spacing, digits, codes, typos.

`views(text)` gives the text as it should be read and each further reading that an obfuscation hides. Everything is
folded (lower case, no accents, straight quotes), so that patterns are written once and in plain letters.
"""

import base64
import binascii
import codecs
import re
import unicodedata
from functools import lru_cache
from urllib.parse import unquote

MAX_CHARACTERS = 8000  # beginning and end of a longer text are read: an instruction in the middle has no more effect

_INVISIBLE = re.compile(
    r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
    r"\U000e0100-\U000e01ef]"
)
_TAGS = re.compile(r"[\U000e0000-\U000e007f]+")  # ASCII written in invisible characters
_QUOTES = str.maketrans({"’": "'", "‘": "'", "`": "'", "´": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"'})
_LOOKALIKES = str.maketrans(
    "аеорсухіјѕԁһӏԛԝзкмтвнАВЕКМНОРСТУХІЈЅαορενικτυχηωΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "aeopcyxijsdhlqw3kmtbhABEKMHOPCTYXIJSaopeviktuxnwABEZHIKMNOPTYX",
)
_LEET = str.maketrans(
    {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s", "!": "i", "|": "i"}
)
_LEET_WORD = re.compile(r"(?<!\S)(?=\S*[a-z])(?=\S*[013457@$|])[a-z0134579@$!|]{3,}(?=[\s.,:;?!'\"]|$)", re.IGNORECASE)
_SPACED = re.compile(r"(?<![^\W_])(?:[^\W\d_][ .\-_*|,/]{1,3}){9,}[^\W\d_](?![^\W_])")
_SPLIT_WORD = re.compile(r"(?<=[a-z])[-_.*|~^+](?=[a-z])")
_JOINED_WORDS = re.compile(r"(?<!\S)(?:[a-z]+[-_.*|~^+/]){3,}[a-z]+")
_BASE64 = re.compile(r"(?<![\w+/])[A-Za-z0-9+/]{16,}={0,2}(?![\w+/=])")
_HEX = re.compile(r"(?<!\w)(?:(?:0x|\\x)?[0-9a-f]{2}[ ,:]?){12,}(?!\w)", re.IGNORECASE)
_ESCAPES = re.compile(r"(?:%[0-9a-f]{2}|&#x?[0-9a-f]{2,5};|\\u00[0-9a-f]{2})", re.IGNORECASE)
_WORD = re.compile(r"[a-z]{5,}")

_CHAT_SPELLINGS = re.compile(r"\b(?:yuor|yor|yuo?r|ur|ure)\b")
# Words that an attempt can't do without, as they may be misspelt inside: first and last letter stay.
_KEYWORDS = frozenset(
    re.findall(
        r"\w+",
        "ignore ignoring disregard override bypass previous instructions instruction guidelines prompt prompts reveal"
        " pretend restrictions system everything developer password commands directives translate unrestricted"
        " ignoriere vergiss anweisungen anweisung vorherigen instrucciones anteriores ignorez oubliez precedentes",
    )
)
_ENDS = {"systen": "system", "sistem": "system", "sytem": "system", "instructons": "instructions", "promts": "prompts"}
_NO_MISSPELLINGS = {"passwort"}


def fold(text: str) -> str:
    """`text` in lower case, compatibility forms and accents folded, nothing invisible, straight quotes."""
    decomposed = unicodedata.normalize("NFKD", text.translate(_QUOTES).casefold())
    bare = "".join(c for c in decomposed if not unicodedata.combining(c))
    return unicodedata.normalize("NFC", bare)


def visible(text: str) -> str:
    """`text` as a reader sees it: what is written in invisible characters shown, single spaces, Latin look-alikes."""
    text = _TAGS.sub(lambda m: " " + "".join(chr(ord(c) - 0xE0000) for c in m.group() if ord(c) > 0xE001F), text)
    text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    text = re.sub(r"[^\S\n]+", " ", re.sub(r"\\ ?n(?=\b|[A-Z\\ ])", "\n", text))
    latin = len(re.findall(r"[A-Za-z]", text))
    if latin and 2 * latin >= sum(c.isalpha() for c in text):  # a Russian or Greek text keeps its letters
        text = text.translate(_LOOKALIKES)
    return text.strip()


def clipped(text: str) -> str:
    """The beginning and the end of a text that is too long to be read whole."""
    half = MAX_CHARACTERS // 2
    return text if len(text) <= MAX_CHARACTERS else f"{text[:half]}\n{text[-half:]}"


@lru_cache(maxsize=4096)
def _keyword(word: str) -> str:
    """The keyword that `word` misspells inside (two letters swapped, one missing, doubled or wrong), or `word`."""
    if word in _KEYWORDS or word in _NO_MISSPELLINGS:
        return word
    if word in _ENDS:
        return _ENDS[word]
    alike = (k for k in _KEYWORDS if (k[0], k[-1]) == (word[0], word[-1]) and _one_edit(word, k))
    return next(alike, word)


def _one_edit(a: str, b: str) -> bool:
    """Whether one letter swapped with the next, missing, added or wrong makes the one of the other."""
    start = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    rest_a, rest_b = a[start:], b[start:]
    if abs(len(a) - len(b)) > 1:
        return False
    if len(a) == len(b):
        return rest_a[1:] == rest_b[1:] or (rest_a[:2] == rest_b[1::-1] and rest_a[2:] == rest_b[2:])
    return rest_a[1:] == rest_b if len(a) > len(b) else rest_a == rest_b[1:]


def _prose(data: bytes) -> str:
    """What decoded bytes say, if they are words: customers write references that decode to nothing."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    readable = sum(c.isalpha() or c in " .,:!?'\n" for c in text)
    return text if " " in text.strip() and readable >= 0.85 * len(text) else ""


def _decoded(text: str) -> str:
    """What base64, hexadecimal and escaped parts say, one after the other."""
    found = []
    for match in _BASE64.finditer(text):
        try:
            found.append(_prose(base64.b64decode(match.group() + "=" * (-len(match.group()) % 4), validate=True)))
        except (binascii.Error, ValueError):
            continue
    for match in _HEX.finditer(text):
        digits = re.sub(r"0x|\\x|[^0-9a-f]", "", match.group(), flags=re.IGNORECASE)
        if len(digits) % 2 == 0:
            found.append(_prose(bytes.fromhex(digits)))
    if len(_ESCAPES.findall(text)) >= 8:
        bare = re.sub(r"&#(x?)([0-9a-f]+);", lambda m: chr(int(m[2], 16 if m[1] else 10) % 0x110000), unquote(text))
        found.append(re.sub(r"\\u00([0-9a-f]{2})", lambda m: chr(int(m[1], 16)), bare))
    return "\n".join(part for part in found if part)


def _unspaced(text: str) -> str:
    """`text` with runs of ten or more single letters joined; a wider gap in the run is a space."""

    def joined(match: re.Match[str]) -> str:
        return " ".join(re.sub(r"[^\w]|_", "", part) for part in re.split(r"\s{2,}| [^\w\s] ", match.group()))

    return _SPACED.sub(joined, text)


def views(text: str) -> list[tuple[str, str]]:
    """The readings of `text`, folded: ("plain", …) first, then one for each obfuscation that changes something."""
    raw = clipped(text)
    seen = visible(raw)
    plain = fold(seen)
    # Wide gaps tell words apart in spaced text, so they are looked for before spaces are made single.
    spaced = fold(_unspaced(_INVISIBLE.sub("", unicodedata.normalize("NFKC", raw))))
    leet = _LEET_WORD.sub(lambda m: m.group().translate(_LEET), plain)
    candidates = [
        ("spaced letters", re.sub(r"[^\S\n]+", " ", spaced) if _SPACED.search(raw) else ""),
        ("split words", _SPLIT_WORD.sub("", plain)),
        ("joined words", _JOINED_WORDS.sub(lambda m: re.sub(r"[-_.*|~^+/]", " ", m.group()), plain)),
        ("digits for letters", leet),
        ("misspelt", _WORD.sub(lambda m: _keyword(m.group()), _CHAT_SPELLINGS.sub("your", leet))),
        ("encoded", fold(_decoded(seen))),
    ]
    readings = [("plain", plain)]
    for name, reading in candidates:
        if reading and all(reading != known for _, known in readings):
            readings.append((name, reading))
    return readings + backward_views(plain)


def spelt(text: str) -> str:
    """The letters of a sentence spelt out letter by letter without gaps between words, or ""."""
    run = max((re.sub(r"[\W\d_]", "", m.group()) for m in _SPACED.finditer(text)), key=len, default="")
    return fold(run) if len(run) >= 14 else ""


_STRONG = re.compile(r"instruct|prompt|ignore|forget|rules|system|previous|reveal|guideline|anweisung|pretend")


def backward_views(plain: str) -> list[tuple[str, str]]:
    """ROT13 and backwards, when a word shows that the text was written so."""
    found = [("rot13", codecs.encode(plain, "rot13")), ("backwards", plain[::-1])]
    return [(name, reading) for name, reading in found if _STRONG.search(reading)]
