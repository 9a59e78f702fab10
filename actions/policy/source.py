"""Reads policy.yml; an error names the line, the rule and the field."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import ValidationError

from actions.policy.rules import Kind, Policy, PolicyError

Place = Sequence[int | str]

_MESSAGES = {
    "missing": "is missing",
    "extra_forbidden": "is not a field of this kind of rule",
    "too_short": "needs at least one entry",
    "string_too_short": "is empty",
    "string_type": "is not a text: put it between quotes",
    "union_tag_invalid": f"there is no such kind: use {', '.join(get_args(Kind))}",
    "union_tag_not_found": f"is missing: use {', '.join(get_args(Kind))}",
}


class Lines:
    """Where each value of a YAML text stands."""

    def __init__(self, root: yaml.Node | None) -> None:
        self._root = root

    def of(self, place: Place) -> int:
        """The line (from 1) of the value at `place`, or of what surrounds it when it is missing."""
        node = self._root
        line = 1
        for part in place:
            found = self._inside(node, part)
            if found is None:
                break
            line, node = found
        return line

    @staticmethod
    def _inside(node: yaml.Node | None, part: int | str) -> tuple[int, yaml.Node] | None:
        if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            return node.value[part].start_mark.line + 1, node.value[part]
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == part:
                    return key.start_mark.line + 1, value
        return None

    def doubled(self) -> Iterator[tuple[int, str]]:
        """Keys that stand twice in one mapping, with the line of the second: YAML would drop the first unsaid."""
        nodes = [self._root] if self._root is not None else []
        while nodes:
            node = nodes.pop()
            if isinstance(node, yaml.SequenceNode):
                nodes += node.value
            elif isinstance(node, yaml.MappingNode):
                seen: set[str] = set()
                for key, value in node.value:
                    if key.value in seen:
                        yield key.start_mark.line + 1, str(key.value)
                    seen.add(key.value)
                    nodes.append(value)


def load(path: Path) -> Policy:
    """Read and validate a policy file. Raises PolicyError, with a line of text for each mistake."""
    return read(path)[0]


def read(path: Path) -> tuple[Policy, Lines]:
    """Like `load`, with the lines on which the rules stand."""
    try:
        text = path.read_text(encoding="utf-8")
        loader, root = _composed(text)
        lines = Lines(root)
        if twice := sorted(lines.doubled()):
            raise PolicyError(f"{path.name}, line {twice[0][0]}: {twice[0][1]} stands twice here: remove one")
        content = loader.construct_document(root) if root is not None else None
    except OSError as error:
        raise PolicyError(f"{path} cannot be read ({error.strerror}): restore it, or correct TANDEM_POLICY") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise PolicyError(f"{path.name}{where}: not valid YAML ({getattr(error, 'problem', None) or error})") from None
    if not isinstance(content, dict):
        raise PolicyError(f"{path.name}, line 1: write the fields version and rules")
    try:
        policy = Policy.model_validate(content)
    except ValidationError as error:
        raise PolicyError("\n".join(_reason(path.name, content, lines, dict(e)) for e in error.errors())) from None
    if unknown := list(_unknown_rules(policy, lines)):
        raise PolicyError("\n".join(f"{path.name}, {reason}" for reason in unknown))
    policy._digest = hashlib.sha256(text.encode("utf-8")).hexdigest()[:8]
    return policy, lines


def _unknown_rules(policy: Policy, lines: Lines) -> Iterator[str]:
    """Rules of the section `handoff` that wait for a rule which the file does not have."""
    for number, rule in enumerate(policy.handoff):
        for name in rule.when.rule:
            if policy.by_id(name) is None:
                line = lines.of(["handoff", number, "when", "rule"])
                yield f"line {line}: rule {rule.id}, field when.rule: there is no rule {name} in this file"


def _composed(text: str) -> tuple[yaml.SafeLoader | yaml.CSafeLoader, yaml.Node | None]:
    """The tree of a YAML text, with its loader: libyaml's is 20 times as fast, Python's names lines better."""
    try:
        fast = yaml.CSafeLoader(text)
        return fast, fast.get_single_node()
    except yaml.YAMLError:
        loader = yaml.SafeLoader(text)
        return loader, loader.get_single_node()


def _reason(name: str, content: dict[str, Any], lines: Lines, error: dict[str, Any]) -> str:
    """ "policy.yml, line 12: rule escalate.fraud, field patterns.0: ..." for an error that pydantic found."""
    place: list[int | str] = list(error["loc"])
    if str(error["type"]).startswith("union_tag"):
        place.append("kind")
    rule = ""
    field = place
    if len(place) >= 2 and place[0] in ("rules", "handoff") and isinstance(place[1], int):
        given = content[place[0]][place[1]]
        known = given.get("id") if isinstance(given, dict) else None
        rule = f"rule {known or f'number {place[1] + 1}'}"
        # pydantic names the kind of the rule between its number and the field.
        if place[0] == "rules" and len(place) > 2 and isinstance(given, dict) and place[2] == given.get("kind"):
            del place[2]
        field = place[2:]
    message = _MESSAGES.get(error["type"]) or str(error["msg"]).removeprefix("Value error, ")
    where = ", ".join(part for part in (rule, f"field {'.'.join(map(str, field))}" if field else "") if part)
    return f"{name}, line {lines.of(place)}: {where}{': ' if where else ''}{message}"
