"""Checks a handoff packet against handoff.schema.json, which is the action server's, with the keywords that it uses."""

import json
import re
from pathlib import Path
from typing import Any

SCHEMA: dict[str, Any] = json.loads((Path(__file__).parent / "handoff.schema.json").read_text(encoding="utf-8"))
KEYWORDS = frozenset(
    {"type", "const", "enum", "pattern", "minLength", "minimum", "maximum", "minItems", "items", "required"}
    | {"properties", "additionalProperties", "$ref"}
)
NOTES = frozenset({"$schema", "$id", "$defs", "title", "description", "x-filled"})

_TYPES: dict[str, Any] = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool}


def problems(packet: Any) -> list[str]:
    """What is wrong with a packet, as "place: keyword"; without its values, which may be personal data."""
    found: list[str] = []
    _check(packet, SCHEMA, "packet", found)
    return found


def lacking(packet: dict[str, Any]) -> list[str]:
    """The fields that a complete packet has and this one has not, or has empty where it must not be."""
    filled = SCHEMA["x-filled"]
    return [name for name in SCHEMA["required"] if name not in packet or (name in filled and not packet[name])]


def _check(value: Any, schema: dict[str, Any], place: str, found: list[str]) -> None:
    """Add what is wrong with `value` to `found`."""
    if reference := schema.get("$ref"):
        _check(value, SCHEMA["$defs"][reference.rsplit("/", 1)[-1]], place, found)
    kind = schema.get("type")
    if kind and (not isinstance(value, _TYPES[kind]) or (kind == "integer" and isinstance(value, bool))):
        found.append(f"{place}: type")
        return
    if "const" in schema and (value != schema["const"] or isinstance(value, bool)):
        found.append(f"{place}: const")
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{place}: enum")
    if isinstance(value, str):
        if "pattern" in schema and not re.search(schema["pattern"], value):
            found.append(f"{place}: pattern")
        if len(value) < schema.get("minLength", 0):
            found.append(f"{place}: minLength")
    if isinstance(value, int):
        found += [f"{place}: minimum"] if value < schema.get("minimum", value) else []
        found += [f"{place}: maximum"] if value > schema.get("maximum", value) else []
    if isinstance(value, list):
        found += [f"{place}: minItems"] if len(value) < schema.get("minItems", 0) else []
        for number, item in enumerate(value):
            _check(item, schema.get("items", {}), f"{place}.{number}", found)
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        found += [f"{place}.{name}: required" for name in schema.get("required", []) if name not in value]
        if schema.get("additionalProperties") is False:
            found += [f"{place}: additionalProperties" for name in value if name not in properties]
        for name in properties.keys() & value.keys():
            _check(value[name], properties[name], f"{place}.{name}", found)
