"""Checks a handoff packet against handoff.schema.json, which is the action server's."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, ValidationError

SCHEMA: dict[str, Any] = json.loads((Path(__file__).parent / "handoff.schema.json").read_text(encoding="utf-8"))

_validator = Draft202012Validator(SCHEMA)


def problems(packet: Any) -> list[str]:
    """What is wrong with a packet, as "place: keyword"; without its values, which may be personal data."""
    return list(dict.fromkeys(place for error in _validator.iter_errors(packet) for place in _places(error)))


def is_complete(packet: Any) -> bool:
    """Whether a packet is what the schema asks for."""
    return bool(_validator.is_valid(packet))


def lacking(packet: dict[str, Any]) -> list[str]:
    """The fields that a complete packet has and this one has not, or has empty where it must not be."""
    filled = SCHEMA["x-filled"]
    return [name for name in SCHEMA["required"] if name not in packet or (name in filled and not packet[name])]


def _places(error: ValidationError) -> Iterator[str]:
    """Where an error is; a field that lacks is named itself."""
    place = ".".join(["packet", *map(str, error.absolute_path)])
    if error.validator != "required":
        yield f"{place}: {error.validator}"
        return
    for name in error.validator_value:
        if name not in error.instance:
            yield f"{place}.{name}: required"
