"""The business's rules, from the data files that its people edit (TANDEM_RULES, or actions/backends/data).

A file is read again when it has changed. One that is missing or wrong raises `RulesProblem`, whose text names
the file and the line of the rule.
"""

from datetime import date, time
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from .. import settings
from .values import Priority, TicketKind

Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Positive = Annotated[int, Field(gt=0)]
Hours = tuple[time, time]
T = TypeVar("T", bound=BaseModel)


class RulesProblem(Exception):
    """A file with rules is missing or wrong; the text says which and where."""


class _Rules(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Calendar(_Rules):
    """calendar.yml."""

    country: str
    subdivision: str
    working_days: tuple[Day, ...] = Field(min_length=1)
    closed_on: tuple[date, ...] = ()
    opening_hours: dict[Day, Hours]


class Visits(_Rules):
    """visits.yml."""

    windows: tuple[Hours, ...] = Field(min_length=1)
    capacity: Positive
    working_days_ahead: Positive
    cut_off: time
    weeks_ahead: Positive
    free_until: time
    late_fee_pence: int = Field(ge=0)
    max_moves: int = Field(ge=0)


class Deliveries(_Rules):
    """orders.yml."""

    standard_working_days: Positive
    remote_working_days: Positive
    remote_areas: frozenset[str]
    days_ahead: Positive
    return_days: Positive
    send_back_days: Positive


class ArrangementRules(_Rules):
    """The part `arrangement` of billing.yml; amounts are pence."""

    min_balance: Positive
    max_balance: Positive
    min_instalments: Positive
    max_instalments: Positive
    min_instalment: Positive
    first_within_days: Positive


class ReportedPayment(_Rules):
    """The part `reported_payment` of billing.yml."""

    max_pence: Positive
    max_days_ago: Positive


class Money(_Rules):
    """billing.yml."""

    arrangement: ArrangementRules
    reported_payment: ReportedPayment


class Promise(_Rules):
    """How soon a customer hears from somebody: exactly one of the three."""

    hours: Positive | None = None
    working_days: Positive | None = None
    days: Positive | None = None

    @model_validator(mode="after")
    def _one(self) -> "Promise":
        if sum(value is not None for value in (self.hours, self.working_days, self.days)) != 1:
            raise ValueError("give exactly one of hours, working_days and days")
        return self


def _read(name: str, kind: type[T]) -> T:
    path = settings.rules_dir() / name
    try:
        changed = path.stat().st_mtime_ns
    except OSError as error:
        raise RulesProblem(f"The rules in {path} cannot be read: {error.strerror}") from error
    return _parsed(path, changed, kind)


@lru_cache(maxsize=32)
def _parsed(path: Path, _changed: int, kind: type[T]) -> T:
    try:
        return kind.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise RulesProblem(f"{path}: {where}: {first['msg']}") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RulesProblem(f"{path}: {error}") from error


class Promises(_Rules):
    """tickets.yml: a promise for each kind of ticket and priority."""

    fault: dict[Priority, Promise]
    dispute: dict[Priority, Promise]
    complaint: dict[Priority, Promise]
    callback: dict[Priority, Promise]
    other: dict[Priority, Promise]

    @model_validator(mode="after")
    def _whole(self) -> "Promises":
        for kind in type(self).model_fields:
            missing = {"low", "normal", "high", "urgent"} - getattr(self, kind).keys()
            if missing:
                raise ValueError(f"{kind} has no promise for {', '.join(sorted(missing))}")
        return self

    def of(self, kind: TicketKind, priority: Priority) -> Promise:
        """The promise for a ticket."""
        promises: dict[Priority, Promise] = getattr(self, kind)
        return promises[priority]


def calendar() -> Calendar:
    """Working days, bank holidays, opening hours."""
    return _read("calendar.yml", Calendar)


def visits() -> Visits:
    """Technicians' windows."""
    return _read("visits.yml", Visits)


def deliveries() -> Deliveries:
    """Deliveries and returns."""
    return _read("orders.yml", Deliveries)


def money() -> Money:
    """Payment arrangements and reported payments."""
    return _read("billing.yml", Money)


def promises() -> Promises:
    """How soon a ticket is answered."""
    return _read("tickets.yml", Promises)


def check() -> None:
    """Read every file; raises `RulesProblem` for the first one that cannot be used."""
    for read in (calendar, visits, deliveries, money, promises):
        read()
