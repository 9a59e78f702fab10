"""Reads a YAML file with the line of every mapping, and refuses what YAML would pass over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml


class FormatError(Exception):
    """A file of conversations that cannot be used; the text says where and what is wrong."""


class Located(dict):
    """A mapping that knows its line, counted from 1."""

    line = 0


class _Loader(yaml.SafeLoader):
    """SafeLoader that makes Located mappings and refuses a key that stands twice."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> Any:
    made = Located()
    made.line = node.start_mark.line + 1
    yield made
    seen: set[str] = set()
    for key_node, _ in node.value:
        if key_node.value in seen:
            raise FormatError(f"line {key_node.start_mark.line + 1}: the key `{key_node.value}` stands here twice")
        seen.add(key_node.value)
    loader.flatten_mapping(node)  # puts what `<<` merges before the mapping's own keys
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str):
            raise FormatError(f"line {key_node.start_mark.line + 1}: the key {key!r} must be a text: put it in quotes")
        made[key] = loader.construct_object(value_node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read(path: Path) -> Any:
    """The contents of a YAML file; raises FormatError."""
    try:
        with path.open(encoding="utf-8") as file:
            return yaml.load(file, _Loader)  # a SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        problem = getattr(error, "problem", None) or "it cannot be read"
        raise FormatError(f"{where}this is not YAML: {problem}") from error
    except UnicodeDecodeError as error:
        raise FormatError(f"the file is not UTF-8 text: {error.reason}") from error
