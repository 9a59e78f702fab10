"""Texts and titles cut to what a messaging platform takes, at borders of sentences and words."""

from __future__ import annotations

import re
from collections.abc import Iterator

_LINES_AND_SENTENCES = re.compile(r".+?(?:\n+|[.!?…]+[\"'”’)\]]*\s+|$)", re.DOTALL)
_WORDS = re.compile(r"\S+\s*|\s+")
ELLIPSIS = "…"


def utf16_length(text: str) -> int:
    """How many characters the platforms count: most emoji are two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def split(text: str, limit: int) -> list[str]:
    """The text in parts of up to `limit` characters: cut between sentences, else between words, else anywhere."""
    parts: list[str] = []
    part = ""
    for piece in _pieces(text.strip(), limit):
        if utf16_length((part + piece).rstrip()) > limit:
            parts.append(part.strip())
            part = ""
        part += piece
    return [part for part in (*parts, part.strip()) if part]


def _pieces(text: str, limit: int) -> Iterator[str]:
    for sentence in _LINES_AND_SENTENCES.findall(text):
        if utf16_length(sentence.rstrip()) <= limit:
            yield sentence
            continue
        for word in _WORDS.findall(sentence):
            # Half of the limit, because each character may count as two.
            yield from [word] if utf16_length(word) <= limit else _cut(word, max(1, limit // 2))


def _cut(word: str, length: int) -> list[str]:
    return [word[start : start + length] for start in range(0, len(word), length)]


def shorten(title: str, limit: int) -> str:
    """The title in up to `limit` characters: whole words and an ellipsis."""
    title = " ".join(title.split())
    if utf16_length(title) <= limit:
        return title
    kept = ""
    for word in _WORDS.findall(title):
        if utf16_length((kept + word).rstrip()) + 1 > limit:
            break
        kept += word
    if not kept.strip():
        kept = next(title[:n] for n in range(limit, -1, -1) if utf16_length(title[:n]) < limit)
    return kept.rstrip(" ,;:–-") + ELLIPSIS


def shorten_all(titles: list[str], limit: int) -> list[str]:
    """The titles shortened; those that would look the same get their number in front, so that all differ."""
    short = [shorten(title, limit) for title in titles]
    return [
        cut if short.count(cut) == 1 else f"{number}. " + shorten(title, limit - len(f"{number}. "))
        for number, (title, cut) in enumerate(zip(titles, short, strict=True), 1)
    ]
