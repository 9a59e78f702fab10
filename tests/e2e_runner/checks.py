"""Reads assertions and checks into `Assertion`s, one reader a kind."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from tests.e2e_runner.domain import Domain
from tests.e2e_runner.fields import fail, listed, mapping, name_of, pattern, text, typed
from tests.e2e_runner.model import ANY, Assertion

STEP_CHECKS = ("bot", "utter", "slot_was_set", "slot_was_not_set", "action_executed", "intent_was")


@dataclass(frozen=True)
class Said:
    """What a message of the bot must have; `count` is only for parallel turns."""

    utter_name: str | None = None
    matches: re.Pattern[str] | None = None
    buttons: tuple[tuple[str, str | None], ...] = ()
    count: int | None = None

    def __str__(self) -> str:
        parts = [self.utter_name, f"/{self.matches.pattern}/" if self.matches else None]
        parts += [f"[{title}]" for title, _ in self.buttons]
        return " ".join(part for part in parts if part)


@dataclass(frozen=True)
class Rows:
    """Rows of a table of the backend; `count` None means at least one."""

    table: str
    where: dict[str, Any]
    count: int | None


class Reader:
    """Reads assertions with the names of a domain."""

    def __init__(self, domain: Domain) -> None:
        self.domain = domain

    def assertions(self, value: Any, line: int, parallel: bool = False) -> tuple[Assertion, ...]:
        """The list under a turn's (or a parallel step's) `assertions`."""
        found = []
        for entry in listed(value, "`assertions`", line):
            entry = mapping(entry, "an assertion", line)
            if len(entry) != 1:
                raise fail(entry.line, f"an assertion has one key, not {len(entry)}: {', '.join(entry)}")
            [(kind, expected)] = entry.items()
            if kind not in (TOGETHER if parallel else KINDS):
                raise fail(entry.line, f"there is no assertion `{kind}`{' about parallel turns' if parallel else ''}")
            found.append(self.assertion(kind, expected, entry.line))
            if isinstance(found[-1].expected, Said) and found[-1].expected.count is not None and not parallel:
                raise fail(entry.line, "`count` is only for the assertions of a `parallel` step")
        return tuple(found)

    def assertion(self, kind: str, expected: Any, line: int) -> Assertion:
        """One assertion or check."""
        return Assertion(kind, KINDS[kind](self, expected, line), line)

    def bot(self, value: Any, line: int) -> str:
        return text(value, "`bot`", line)

    def utter(self, value: Any, line: int) -> str:
        return name_of(self.domain, "response", value, line)

    def said(self, value: Any, line: int) -> Said:
        allowed = ("utter_name", "text_matches", "buttons", "count")
        found = mapping(value, "what the bot says", line, allowed)
        if not found.keys() - {"count"}:
            raise fail(line, "name at least one of utter_name, text_matches and buttons")
        buttons = listed(found["buttons"], "`buttons`", line) if "buttons" in found else []
        return Said(
            utter_name=name_of(self.domain, "response", found["utter_name"], line) if "utter_name" in found else None,
            matches=pattern(found["text_matches"], line) if "text_matches" in found else None,
            buttons=tuple(_button(button, line) for button in buttons),
            count=typed(found["count"], int, "`count`", line) if "count" in found else None,
        )

    def slots(self, value: Any, line: int) -> tuple[tuple[str, Any], ...]:
        entries = value if isinstance(value, list) and value else [value]
        found: list[tuple[str, Any]] = []
        for entry in entries:
            if isinstance(entry, dict) and entry and entry.keys() <= {"name", "value"} and "name" in entry:
                found.append((entry["name"], entry.get("value", ANY)))
            elif isinstance(entry, dict) and entry:
                found += entry.items()
            else:
                found.append((entry, ANY))
        return tuple((name_of(self.domain, "slot", name, line), expected) for name, expected in found)

    def actions(self, value: Any, line: int) -> tuple[str, ...]:
        names = value if isinstance(value, list) and value else [value]
        return tuple(name_of(self.domain, "action", name, line) for name in names)

    def intent(self, value: Any, line: int) -> str:
        return name_of(self.domain, "intent", value, line)

    def packet(self, value: Any, line: int) -> dict[str, Any]:
        return dict(mapping(value, "`handoff_contains`", line))

    def rows(self, value: Any, line: int) -> Rows:
        found = mapping(value, "`backend_rows`", line, ("table", "where", "count"), ("table",))
        where = mapping(found["where"], "`where`", line) if "where" in found else {}
        count = typed(found["count"], int, "`count`", line) if "count" in found else None
        return Rows(text(found["table"], "`table`", line), dict(where), count)

    def notified(self, value: Any, line: int) -> re.Pattern[str]:
        found = mapping(value, "`notified`", line, ("text_matches",), ("text_matches",))
        return pattern(found["text_matches"], line)


def _button(value: Any, line: int) -> tuple[str, str | None]:
    if isinstance(value, str):
        return text(value, "a button's title", line), None
    found = mapping(value, "a button", line, ("title", "payload"), ("title",))
    payload = text(found["payload"], "a button's payload", line) if "payload" in found else None
    return text(found["title"], "a button's title", line), payload


KINDS = {
    "bot": Reader.bot,
    "utter": Reader.utter,
    "bot_uttered": Reader.said,
    "bot_did_not_utter": Reader.said,
    "slot_was_set": Reader.slots,
    "slot_was_not_set": Reader.slots,
    "action_executed": Reader.actions,
    "intent_was": Reader.intent,
    "handoff_contains": Reader.packet,
    "backend_rows": Reader.rows,
    "notified": Reader.notified,
}
TOGETHER = ("bot_uttered", "bot_did_not_utter", "backend_rows", "notified")
