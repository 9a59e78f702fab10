"""The names of domain.yml that a test case may use, and the texts of its responses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from rasa.shared.core.constants import DEFAULT_ACTION_NAMES, DEFAULT_SLOT_NAMES

NO_INTENT = "nlu_fallback"  # what the fallback classifier gives; the domain need not name it
OWN_RESPONSE = "utter_"


@dataclass(frozen=True)
class Domain:
    """Names by kind; `responses` also gives each one's texts."""

    intents: frozenset[str]
    slots: frozenset[str]
    actions: frozenset[str]  # with forms, without responses and Rasa's own
    responses: dict[str, tuple[str, ...]]

    @classmethod
    def load(cls, path: Path) -> Domain:
        """Read a domain file, or all files of a folder."""
        files = sorted(path.rglob("*.yml")) if path.is_dir() else [path]
        parts = [yaml.safe_load(file.read_text(encoding="utf-8")) or {} for file in files]
        responses = {name: variations for part in parts for name, variations in (part.get("responses") or {}).items()}
        return cls(
            intents=frozenset(name for part in parts for name in _names(part.get("intents"))),
            slots=frozenset(name for part in parts for name in _names(part.get("slots"))),
            actions=frozenset(name for part in parts for key in ("actions", "forms") for name in _names(part.get(key))),
            responses={name: tuple(v.get("text") or "" for v in texts) for name, texts in responses.items()},
        )

    def known(self, kind: str) -> frozenset[str]:
        """Every name of a kind (intent, slot, action or response) that Rasa knows."""
        return {
            "intent": self.intents | {NO_INTENT},
            "slot": self.slots | DEFAULT_SLOT_NAMES,
            "action": self.actions | frozenset(DEFAULT_ACTION_NAMES) | frozenset(self.responses),
            "response": frozenset(self.responses),
        }[kind]

    def says(self, response: str, text: str) -> bool:
        """Whether `text` is one of the response's texts, with anything in the placeholders."""
        return any(_pattern(variation).fullmatch(text.strip()) for variation in self.responses[response])


def _names(entries: Any) -> list[str]:
    """Names in a list of names and one-key mappings, or in a mapping."""
    return [name for entry in entries or () for name in (entry if isinstance(entry, dict) else [entry])]


def _pattern(variation: str) -> re.Pattern[str]:
    literal, *rest = re.split(r"\{[^{}\s]+\}", variation.strip())
    return re.compile(re.escape(literal) + "".join(".+?" + re.escape(part) for part in rest), re.DOTALL)
