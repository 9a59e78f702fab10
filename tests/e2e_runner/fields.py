"""Typed access to the parts of a file of conversations; everything wrong is a FormatError with its line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from tests.e2e_runner.domain import Domain
from tests.e2e_runner.reading import FormatError, Located

TYPES = {str: "a text", list: "a list", dict: "a mapping", bool: "true or false", int: "a whole number"}


def fail(line: int, sentence: str) -> FormatError:
    """The error to raise for a line of the file."""
    return FormatError(f"line {line}: {sentence}")


def typed(value: Any, kind: type, what: str, line: int) -> Any:
    """`value` if it is of the kind."""
    right = isinstance(value, kind) and not (kind is int and isinstance(value, bool))
    if not right:
        hint = ": put it in quotes" if kind is str and isinstance(value, (bool, int, float)) else ""
        raise fail(line, f"{what} must be {TYPES[kind]}, not {value!r}{hint}")
    return value


def text(value: Any, what: str, line: int) -> str:
    """A text that is not empty."""
    if not typed(value, str, what, line):
        raise fail(line, f"{what} is empty")
    return str(value)


def mapping(value: Any, what: str, line: int, allowed: Iterable[str] = (), required: Iterable[str] = ()) -> Located:
    """A mapping with no keys but the `allowed` ones (any, if none are given) and with all `required` ones."""
    found = typed(value, dict, what, line)
    if allowed:
        for key in found:
            if key not in allowed:
                raise fail(found.line, f"{what} cannot have the key `{key}`; it may have {', '.join(sorted(allowed))}")
    for key in required:
        if key not in found:
            raise fail(found.line, f"{what} has no `{key}`")
    return found


def listed(value: Any, what: str, line: int) -> list[Any]:
    """A list that is not empty."""
    if not typed(value, list, what, line):
        raise fail(line, f"{what} is an empty list")
    return value


def name_of(domain: Domain, kind: str, value: Any, line: int) -> str:
    """A name of `kind` that the domain knows."""
    name = text(value, f"the {kind}'s name", line)
    if name not in domain.known(kind):
        raise fail(line, f"domain.yml has no {kind} `{name}`")
    return name


def pattern(value: Any, line: int) -> re.Pattern[str]:
    """A regular expression that takes upper and lower case alike, with a dot that also matches a new line."""
    try:
        return re.compile(text(value, "`text_matches`", line), re.IGNORECASE | re.DOTALL)
    except re.error as error:
        raise fail(line, f"`text_matches` is no regular expression: {error}") from error
