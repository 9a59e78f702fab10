"""Reads UK postal addresses, in one sentence or piece by piece, into street, town and postcode.

A street is everything above the town: flat, house, road. Commas and line ends separate; where there is none, the
word for the kind of road tells where the town begins. What cannot stand in an address is not read as one.
"""

import re
from dataclasses import dataclass

from . import parsing
from .backends.contacts import MAX_LINE, MAX_LINES

_ROAD = (
    r"lane|road|street|avenue|close|drive|way|court|place|terrace|crescent|gardens?|grove|square|hill|row|walk|mews|"
    r"view|parade|park|green|rise|quay|wharf|yard|bridge|gate|mount|croft|broadway|embankment|crossway|"
    r"rd|st|ave|ln|dr|cl|ct|pl|cres|sq"
)
_NAME = r"[A-Za-zÀ-ÿ'’.\-]+"
_HOME = r"(?:(?:flat|apartment|apt|unit|room|studio)\s+\w{1,4}\s*,?\s+)?"
# A house number and up to three words before the kind of road: "3 November to 12 Park Lane" begins at the 12.
_BEGIN = re.compile(rf"\b{_HOME}\d{{1,4}}[a-z]?(?:-\d{{1,4}})?,?\s+(?:{_NAME}\s+){{1,3}}?(?:{_ROAD})\b", re.IGNORECASE)
_HOUSE = re.compile(rf"^(?:{_HOME})\d{{1,4}}[a-z]?\b|^(?:flat|apartment|apt|unit|room|studio)\b", re.IGNORECASE)
_ENDS_IN_ROAD = re.compile(rf"\b(?:{_ROAD})\.?$", re.IGNORECASE)
_ROAD_THEN_TOWN = re.compile(
    rf"^(?P<street>.*\b(?:{_ROAD})\.?)\s+(?P<town>{_NAME}(?:\s+{_NAME}){{0,3}})$", re.IGNORECASE
)
_LEAD = re.compile(
    r"^(?:(?:hi|hello|yes|ok|okay|sure|sorry|no|well|so)\b[\s,]*)*"
    r"(?:(?:(?:it|that|i|we)['’](?:s|m|re|ve)|it|that|this|my|our|the|new|home|postal|billing|address|i|we|now|live|lives|"
    r"have|moved|am|is|are|will|be|at|to|in|please|put|use|change)\b[\s,:]*)+",
    re.IGNORECASE,
)
_TRAIL = re.compile(
    r"[\s,.]*\b(?:please|thanks|thank you|from now on|now|and (?:the |my )?post ?code(?: is)?|post ?code(?: is)?|"
    r"uk|united kingdom|england|scotland|wales|northern ireland)[\s,.!:]*$",
    re.IGNORECASE,
)
_STRANGE = re.compile(r"[^A-Za-zÀ-ÿ0-9\s'’.,:/&!?\-]|--|//|/\*")  # what no British address holds
_SPLIT = re.compile(r"\s*[,\n]\s*")
_END = re.compile(
    r"[!?:]|(?<!\bst)\.\s+(?=[A-Z])|\b(?:as|because|since|where|which|but|can|could|instead|my|i|we)\b", re.IGNORECASE
)


@dataclass(frozen=True)
class Parts:
    """What was found of an address; None for what was not."""

    street: str | None = None
    town: str | None = None
    postcode: str | None = None


def mentioned(text: str) -> Parts:
    """The address within a sentence such as "I've moved to 12 Park Lane, Leeds LS2 8AB"."""
    plain, code = _without_codes(text)
    found = _BEGIN.search(plain)
    if not found or _STRANGE.search(plain):
        return Parts(postcode=code)
    rest = _END.split(plain[found.start() :])[0]
    return _parts(rest, code)


def answered(text: str) -> Parts:
    """The address in the answer to the question for it; also a house with a name."""
    inside = mentioned(text)
    if inside.street:
        return inside
    plain, code = _without_codes(text)
    if _STRANGE.search(plain):
        return Parts(postcode=code)
    return _parts(_LEAD.sub("", plain.strip()), code)


def town(text: str) -> str | None:
    """The town in the answer to the question for it."""
    plain, _ = _without_codes(text)
    name = _trimmed(_LEAD.sub("", plain.strip()))
    fits = re.fullmatch(rf"{_NAME}(?:\s+{_NAME}){{0,4}}", name)
    return _capitals(name) if fits and len(name) <= MAX_LINE and sum(c.isalpha() for c in name) >= 2 else None


def _without_codes(text: str) -> tuple[str, str | None]:
    """The text without its postcode and without account and order numbers; the postcode."""
    code = parsing.postcode(text)
    plain = parsing.without_postcode(text[: parsing.MAX_TEXT])
    return re.sub(r"\bN[AO][\s-]?(?:\d[\s-]?){6}", " ", plain, flags=re.IGNORECASE), code


def _trimmed(text: str) -> str:
    before = None
    while before != text:
        before, text = text, _TRAIL.sub("", text.strip(" \t\n,.;:"))
    return text


def _parts(text: str, code: str | None) -> Parts:
    pieces = [" ".join(piece.split()) for piece in _SPLIT.split(_trimmed(text))]
    pieces = [piece for piece in pieces if piece]
    if not pieces or len(pieces) > MAX_LINES + 1 or any(len(piece) > MAX_LINE for piece in pieces):
        return Parts(postcode=code)
    last = pieces[-1]
    ends_in_road = bool(_ENDS_IN_ROAD.search(last))
    joined = _ROAD_THEN_TOWN.match(last)
    if joined and not ends_in_road and _HOUSE.match(last):
        pieces[-1:] = [joined["street"], joined["town"]]
    elif len(pieces) == 1 or _HOUSE.match(last) or (ends_in_road and not any(map(_is_whole_street, pieces[:-1]))):
        return Parts(_street(pieces), None, code)
    return Parts(_street(pieces[:-1]), _capitals(pieces[-1]), code)


def _is_whole_street(piece: str) -> bool:
    return bool(_HOUSE.match(piece) and _ENDS_IN_ROAD.search(piece))


def _street(pieces: list[str]) -> str | None:
    """The lines above the town, or None when they name neither a number nor a kind of road."""
    text = ", ".join(_capitals(piece) for piece in pieces)
    letters = sum(c.isalpha() for c in text)
    known = any(_HOUSE.match(piece) or _ENDS_IN_ROAD.search(piece) for piece in pieces)
    return text if letters >= 3 and known else None


def _capitals(text: str) -> str:
    """Words with capitals, when the customer wrote none."""
    return re.sub(r"(?<![\w'’])[a-z]", lambda m: m[0].upper(), text) if text == text.lower() else text
