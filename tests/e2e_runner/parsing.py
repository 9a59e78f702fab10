"""Turns a file of conversations into checked `Case`s; every mistake in it is told at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.e2e_runner.checks import STEP_CHECKS, Reader
from tests.e2e_runner.domain import Domain
from tests.e2e_runner.fields import fail, listed, mapping, name_of, text, typed
from tests.e2e_runner.model import BEHAVIOURS, DEFAULT_CONVERSATION, Case, Fault, Step, Turn
from tests.e2e_runner.reading import FormatError, read

TURNS = ("user", "press", "press_earlier", "raw")
TURN_KEYS = (*TURNS, "as", "of", "metadata", "assertions", "faults")
FAULT_KINDS = {"action": ("timeout", "500", "down"), "backend": ("locked",), "model": ("slow", "500", "down")}


def parse(path: Path, domain: Domain) -> list[Case]:
    """The cases of a file. Raises FormatError with a line for each mistake."""
    content = mapping(read(path), "the file", 1, ("fixtures", "metadata", "test_cases"), ("test_cases",))
    parser = Parser(path, domain, content)
    cases, mistakes = [], []
    for entry in listed(content["test_cases"], "`test_cases`", 1):
        name = entry.get("test_case") if isinstance(entry, dict) else None
        try:
            cases.append(parser.case(entry))
            if [case.name for case in cases].count(cases[-1].name) > 1:
                raise fail(cases[-1].line, "another case of this file has the same name")
        except FormatError as mistake:
            mistakes.append(f"case “{name}”, {mistake}" if name else str(mistake))
    if mistakes:
        raise FormatError("\n".join(mistakes))
    return cases


class Parser:
    """Reads the cases of one file."""

    def __init__(self, path: Path, domain: Domain, content: dict[str, Any]) -> None:
        self.path, self.domain = path, domain
        self.reader = Reader(domain)
        self.fixtures = _named(content.get("fixtures"), "fixtures")
        self.metadata = _named(content.get("metadata"), "metadata")
        for slots in self.fixtures.values():
            for slot in slots:
                name_of(domain, "slot", slot, slots.line)

    def case(self, value: Any) -> Case:
        """One entry of `test_cases`."""
        allowed = ("test_case", "tags", "fixtures", "metadata", "faults", "steps")
        found = mapping(value, "a test case", 1, allowed, ("test_case", "steps"))
        line = found.line
        slots: dict[str, Any] = {}
        for name in _names(found, "fixtures"):
            if name not in self.fixtures:
                raise fail(line, f"there is no fixture `{name}` in this file")
            slots |= self.fixtures[name]
        tags = _names(found, "tags")
        for tag in tags:
            if tag not in BEHAVIOURS:
                raise fail(line, f"there is no tag `{tag}`; there are {', '.join(BEHAVIOURS)}")
        metadata = self.metadata_of(found)
        steps = tuple(self.step(step, line, metadata) for step in _flat(listed(found["steps"], "`steps`", line)))
        _order(steps, line)
        name = text(found["test_case"], "`test_case`", line)
        return Case(name, self.path, line, steps, tuple(tags), slots, self.faults_of(found))

    def step(self, value: Any, line: int, metadata: dict[str, Any]) -> Step:
        """One entry of `steps`; `metadata` is the case's."""
        found = mapping(value, "a step", line)
        kinds = [key for key in found if key in (*TURNS, *STEP_CHECKS, "parallel", "restart_session")]
        if len(kinds) != 1:
            known = ", ".join((*TURNS, "parallel", "restart_session", *STEP_CHECKS))
            raise fail(found.line, f"a step has one of {known}; this one has {', '.join(found) or 'nothing'}")
        [kind] = kinds
        if kind in TURNS:
            return Step(found.line, (self.turn(found, metadata),), faults=self.faults_of(found))
        if kind == "parallel":
            return self.parallel(found, metadata)
        mapping(found, f"a step with `{kind}`", line, (kind, "as"))
        speaker = text(found["as"], "`as`", found.line) if "as" in found else None
        if kind == "restart_session":
            if found[kind] is not True:
                raise fail(found.line, "`restart_session` can only be true")
            return Step(found.line, restart=True, conversation=speaker)
        return Step(found.line, check=self.reader.assertion(kind, found[kind], found.line), conversation=speaker)

    def parallel(self, found: Any, metadata: dict[str, Any]) -> Step:
        """Turns that are sent at the same moment."""
        mapping(found, "a parallel step", found.line, ("parallel", "assertions", "faults"))
        entries = [mapping(e, "a turn", found.line) for e in listed(found["parallel"], "`parallel`", found.line)]
        for entry in entries:
            if "faults" in entry:
                raise fail(entry.line, "faults of parallel turns stand beside `parallel`")
        turns = tuple(self.turn(entry, metadata) for entry in entries)
        together = self.reader.assertions(found["assertions"], found.line, True) if "assertions" in found else ()
        return Step(found.line, turns, faults=self.faults_of(found), together=together)

    def turn(self, found: Any, metadata: dict[str, Any]) -> Turn:
        """One message of a customer."""
        line = found.line
        mapping(found, "a turn", line, TURN_KEYS)
        kinds = [key for key in found if key in TURNS]
        if len(kinds) != 1:
            raise fail(line, f"a turn has one of {', '.join(TURNS)}")
        [how] = kinds
        if "of" in found and how != "press_earlier":
            raise fail(line, "`of` is only for `press_earlier`")
        whole = how == "raw" and isinstance(found[how], dict)
        # What a hostile client sends may be empty.
        content = dict(found[how]) if whole else typed(found[how], str, f"`{how}`", line)
        if how.startswith("press"):
            text(content, f"`{how}`", line)
        return Turn(
            how,
            content,
            conversation=text(found["as"], "`as`", line) if "as" in found else DEFAULT_CONVERSATION,
            line=line,
            metadata=metadata | self.metadata_of(found),
            source=text(found["of"], "`of`", line) if "of" in found else "",
            assertions=self.reader.assertions(found["assertions"], line) if "assertions" in found else (),
        )

    def metadata_of(self, found: Any) -> dict[str, Any]:
        """The values behind a case's or a step's `metadata`."""
        if "metadata" not in found:
            return {}
        name = text(found["metadata"], "`metadata`", found.line)
        if name not in self.metadata:
            raise fail(found.line, f"there is no metadata `{name}` in this file")
        return dict(self.metadata[name])

    def faults_of(self, found: Any) -> tuple[Fault, ...]:
        """The list under `faults`."""
        entries = listed(found["faults"], "`faults`", found.line) if "faults" in found else []
        return tuple(self.fault(mapping(entry, "a fault", found.line)) for entry in entries)

    def fault(self, entry: Any) -> Fault:
        """`{action, fault}`, `{backend: locked}` or `{model: kind}`."""
        target = next((target for target in FAULT_KINDS if target in entry), None)
        if target is None:
            raise fail(entry.line, "a fault names an `action` (with a `fault`), the `backend` or the `model`")
        mapping(entry, f"a fault of the {target}", entry.line, (target, "fault") if target == "action" else (target,))
        kind, name = str(entry.get("fault" if target == "action" else target)), ""
        if kind not in FAULT_KINDS[target]:
            raise fail(entry.line, f"the {target} can fail as {', '.join(FAULT_KINDS[target])}, not as `{kind}`")
        if target == "action":
            name = entry["action"]
            name = name if name == "any" else name_of(self.domain, "action", name, entry.line)
        return Fault(target, name, kind)


def _order(steps: tuple[Step, ...], line: int) -> None:
    """Refuse a check of a conversation in which nobody has said anything, and a button of such a one."""
    spoken: list[str] = []
    for step in steps:
        for turn in step.turns:
            if turn.source and turn.source not in spoken:
                raise fail(turn.line, f"nothing has been said in the conversation `{turn.source}` before")
        spoken += [turn.conversation for turn in step.turns]
        if step.check and (not spoken or (step.conversation and step.conversation not in spoken)):
            raise fail(step.line, "nothing has been said in this conversation before")
    if not spoken:
        raise fail(line, "nobody says anything in this case")


def _named(value: Any, what: str) -> dict[str, Any]:
    """A top-level list of one-key mappings to mappings."""
    entries = listed(value, f"`{what}`", 1) if value is not None else []
    found: dict[str, Any] = {}
    for entry in entries:
        entry = mapping(entry, f"an entry of `{what}`", 1)
        if len(entry) != 1:
            raise fail(entry.line, f"an entry of `{what}` is one name with its values")
        [(name, values)] = entry.items()
        if name in found:
            raise fail(entry.line, f"`{what}` has `{name}` twice")
        found[name] = mapping(values, f"`{name}` of `{what}`", entry.line)
    return found


def _names(found: Any, key: str) -> list[str]:
    entries = listed(found[key], f"`{key}`", found.line) if key in found else []
    return [text(entry, f"an entry of `{key}`", found.line) for entry in entries]


def _flat(steps: list[Any]) -> list[Any]:
    return [inner for step in steps for inner in (_flat(step) if isinstance(step, list) else [step])]
