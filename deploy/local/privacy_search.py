"""Searches every byte of the stores for what must not be there any more."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

CHUNK = 8_000_000  # bytes read at a time
# Made of data/ and settings, never of what customers said.
LEFT_OUT = ("models", "env", "results", "images")


def holding(folder: Path, marks: Iterable[str]) -> tuple[dict[str, int], int]:
    """How many of the marks stand in each file under a folder that holds any, and how many files were searched.

    A mark is found in any case of its letters, in UTF-8 and as JSON writes it; a telephone number also without spaces.
    """
    forms = {form for mark in marks if len(mark.strip()) > 3 for form in _forms(mark.strip())}
    places, count = {}, 0
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if inside.parts[0] in LEFT_OUT or not path.is_file():
            continue
        count += 1
        if found := _found(path, forms):
            places[str(inside)] = found
    return places, count


def _forms(mark: str) -> Iterator[bytes]:
    yield mark.lower().encode()
    yield json.dumps(mark.lower())[1:-1].encode()
    if re.fullmatch(r"\+?[\d ()-]{7,}", mark):
        yield re.sub(r"[ ()-]", "", mark).encode()


def _found(path: Path, forms: set[bytes]) -> int:
    left, seen = set(forms), 0
    longest = max(map(len, forms), default=1)
    try:
        with path.open("rb") as file:
            tail = b""
            while left and (chunk := file.read(CHUNK)):
                text = tail + chunk.lower()
                here = {form for form in left if form in text}
                seen += len(here)
                left -= here
                tail = text[-longest:]
    except FileNotFoundError:  # a log of changes that a database has just removed
        return 0
    return seen
