"""The lines of a report: what became of each kind of data in each store."""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class Line:
    """Rows of one kind that were erased and kept; `why` they were kept, or what was done to them."""

    store: str
    kind: str
    erased: int = 0
    kept: int = 0
    why: str = ""


@dataclass
class Report:
    """What was done, and in `left` a sentence for each thing that is still to do."""

    lines: list[Line] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def add(self, store: str, kind: str, erased: int = 0, kept: int = 0, why: str = "") -> None:
        """Add a line; one without any rows is left out."""
        if erased or kept:
            self.lines.append(Line(store, kind, erased, kept, why))

    def as_json(self) -> dict[str, Any]:
        """The report as JSON."""
        return asdict(self)
