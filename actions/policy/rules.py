"""The rules of policy.yml, validated: an error names the rule and the field."""

import re
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

Kind = Literal["escalate", "injection", "block", "redact"]
PRECEDENCE: tuple[Kind, ...] = ("escalate", "injection", "block")


class PolicyError(Exception):
    """policy.yml cannot be used; the text says which rule and field, and what to do."""


class Examples(BaseModel):
    model_config = ConfigDict(extra="forbid")

    match: list[str] = Field(min_length=1)
    passing: list[str] = Field(min_length=1, alias="pass")


class Rule(BaseModel):
    """One rule. `check` confirms what a pattern of a redact rule found; `keep` leaves it readable."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    id: str = Field(pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+)*$")
    kind: Kind
    patterns: list[str] = Field(min_length=1)
    reply: str = ""
    replace: str = ""
    check: Literal["", "luhn", "iban", "phone"] = ""
    keep: bool = False
    examples: Examples

    @field_validator("patterns")
    @classmethod
    def _patterns_compile(cls, patterns: list[str]) -> list[str]:
        for pattern in patterns:
            try:
                compiled = re.compile(pattern, re.IGNORECASE)
            except re.error as error:
                raise ValueError(f"{pattern!r} is not a regular expression: {error}") from None
            if compiled.search(""):
                raise ValueError(f"{pattern!r} matches an empty text and so everything")
        return patterns

    @model_validator(mode="after")
    def _fields_of_kind(self) -> "Rule":
        if self.kind == "redact":
            if not self.replace:
                raise ValueError("replace is missing: write what takes the place of the data, such as [phone number]")
        elif not self.reply:
            raise ValueError("reply is missing: write what the customer is told")
        elif self.replace or self.check or self.keep:
            raise ValueError("replace, check and keep belong to rules of the kind redact")
        return self

    @cached_property
    def compiled(self) -> tuple[re.Pattern[str], ...]:
        return tuple(re.compile(pattern, re.IGNORECASE | re.MULTILINE) for pattern in self.patterns)


class Policy(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid")

    version: int = Field(ge=1)
    rules: list[Rule] = Field(min_length=1)

    @model_validator(mode="after")
    def _unique(self) -> "Policy":
        ids = [rule.id for rule in self.rules]
        if twice := sorted({i for i in ids if ids.count(i) > 1}):
            raise ValueError(f"the id {twice[0]} stands on two rules: give each rule its own")
        return self

    def of_kind(self, kind: Kind) -> list[Rule]:
        return [rule for rule in self.rules if rule.kind == kind]

    def by_id(self, rule_id: str) -> Rule | None:
        return next((rule for rule in self.rules if rule.id == rule_id), None)


def load(path: Path) -> Policy:
    """Read and validate a policy file. Raises PolicyError."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PolicyError(f"{path} cannot be read ({error.strerror}): restore it, or correct TANDEM_POLICY") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise PolicyError(f"{path.name}{where}: not valid YAML ({getattr(error, 'problem', None) or error})") from None
    if not isinstance(content, dict):
        raise PolicyError(f"{path.name}: write the fields version and rules")
    try:
        return Policy.model_validate(content)
    except ValidationError as error:
        reasons = "; ".join(_reason(content, e["loc"], e["msg"]) for e in error.errors())
        raise PolicyError(f"{path.name}: {reasons}") from None


def _reason(content: dict[str, Any], place: tuple[int | str, ...], message: str) -> str:
    """ "rule escalate.fraud, field patterns.0: ..." for an error that pydantic found at `place`."""
    message = message.removeprefix("Value error, ")
    parts = list(place)
    prefix = ""
    if len(parts) >= 2 and parts[0] == "rules" and isinstance(parts[1], int):
        rule = content["rules"][parts[1]]
        name = rule.get("id") if isinstance(rule, dict) else None
        prefix = f"rule {name or f'number {parts[1] + 1}'}"
        parts = parts[2:]
    field = f"field {'.'.join(str(p) for p in parts)}" if parts else ""
    where = ", ".join(part for part in (prefix, field) if part)
    return f"{where}: {message}" if where else message
