"""Articles: documents with fields that say who may read them and when, validated one by one.

Markdown holds its fields in front matter. Other documents take them from a file beside them (`prices.pdf.yml`), an
HTML page also from its <meta> elements, and what is missing from the nearest `_defaults.yml` in their folder or above.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from actions.knowledge.loaders import SUFFIXES, ArticleError, fields_of, read
from actions.logs import get_logger

log = get_logger(__name__)

LAST_DAY = 99991231  # an article without valid_until
DEFAULTS = "_defaults.yml"


def _no_number(value: Any) -> Any:
    """Pydantic would read 20261101 as seconds since 1970."""
    if isinstance(value, int | float):
        raise ValueError("write the date as 2026-11-01")
    return value


Day = Annotated[date, BeforeValidator(_no_number)]
Question = Annotated[str, Field(min_length=8, max_length=200, pattern=r"^[^\n]*$")]


class FrontMatter(BaseModel):
    """What stands above an article's text."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    title: str = Field(min_length=3, max_length=120)
    audience: Literal["public", "internal"]
    valid_from: Day
    valid_until: Day | None = None
    owner: str = Field(min_length=1)
    tags: list[str] = []
    products: list[str] = []  # none: about all products
    regions: list[str] = []  # none: true everywhere
    questions: list[Question] = Field([], max_length=40)  # what customers ask, in their words, that it answers

    @model_validator(mode="after")
    def _order(self) -> "FrontMatter":
        if self.valid_until and self.valid_until < self.valid_from:
            raise ValueError("valid_until lies before valid_from")
        return self


class Article(BaseModel):
    """A valid article. `name` is its path in the knowledge folder without its ending: "billing/late-payment"."""

    name: str
    front: FrontMatter
    body: str

    def metadata(self) -> dict[str, str | int | bool]:
        """What Chroma stores with each chunk and filters by; days are integers yyyymmdd, and each product and
        region is a key of its own (`scope`), since Chroma's filters are fastest on plain values."""
        last = self.front.valid_until
        return {
            "article": self.name,
            "title": self.front.title,
            "audience": self.front.audience,
            "valid_from": as_int(self.front.valid_from),
            "valid_until": as_int(last) if last else LAST_DAY,
            "owner": self.front.owner,
            "tags": ",".join(self.front.tags),
            "questions": "\n".join(self.front.questions),
            **dict.fromkeys(self.scopes(), True),
        }

    def scopes(self) -> list[str]:
        """The keys of its products and regions, `product_all` or `region_all` where it names none."""
        found = [scope("product", name) for name in self.front.products] or ["product_all"]
        return found + ([scope("region", name) for name in self.front.regions] or ["region_all"])


def scope(kind: str, name: str) -> str:
    """The metadata key of a product or region: ("product", "Fibre 500") is "product_fibre-500"."""
    return f"{kind}_{re.sub(r'[^a-z0-9]+', '-', name.casefold()).strip('-')}"


def as_int(day: date) -> int:
    """A day as yyyymmdd."""
    return day.year * 10000 + day.month * 100 + day.day


def files(folder: Path) -> Iterator[Path]:
    """The documents by path; README.md, names that begin with "." or "_", and links to another place are none."""
    root = folder.resolve()
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if not path.resolve().is_relative_to(root):
            # Else a link would publish a file of this machine.
            log.warning("article_elsewhere", extra={"article": inside.as_posix(), "do": "copy the file here"})
        elif (
            path.suffix.lower() in SUFFIXES
            and path.name != "README.md"
            and not any(part.startswith((".", "_")) for part in inside.parts)
            and path.is_file()
        ):
            yield path


def same_names(names: Iterable[str]) -> dict[str, str]:
    """A reason for each of `names` whose article would have the name of another's: billing/fees.md and .pdf."""
    names = list(names)
    count = Counter(_name(name) for name in names)
    return {
        name: f"another document is also named {_name(name)} ({', '.join(others)}): rename or delete one of them"
        for name in names
        if count[_name(name)] > 1
        for others in [[other for other in names if other != name and _name(other) == _name(name)]]
    }


def _name(inside: str) -> str:
    return Path(inside).with_suffix("").as_posix()


def digest(path: Path, folder: Path) -> str:
    """SHA-256 of a document and of the files that hold its fields, or "" when it cannot be read (loading it
    then says why)."""
    found = hashlib.sha256()
    try:
        for part in (path, *_defaults(path, folder), *_sidecar(path)):
            found.update(str(part.relative_to(folder)).encode() + b"\0" + part.read_bytes())
    except OSError:
        return ""
    return found.hexdigest()


def _defaults(path: Path, folder: Path) -> list[Path]:
    """The files of default fields that hold for a document, the nearest one last; none for Markdown, which
    says itself who may read it."""
    if path.suffix.lower() == ".md":
        return []
    above = [place / DEFAULTS for place in reversed(path.parents) if place.is_relative_to(folder)]
    return [file for file in above if file.is_file()]


def _sidecar(path: Path) -> list[Path]:
    """The file beside a document that is not Markdown with its fields, if there is one."""
    file = path.with_name(f"{path.name}.yml")
    return [file] if path.suffix.lower() != ".md" and file.is_file() else []


def load(path: Path, folder: Path) -> Article:
    """Read one article. Raises ArticleError with a reason that its author understands."""
    own, body = read(path)
    fields: dict[str, Any] = {}
    for file in _defaults(path, folder):
        fields |= _fields(file)
    fields |= own
    for file in _sidecar(path):
        fields |= _fields(file)
    if path.suffix.lower() != ".md" and "audience" not in fields:
        raise ArticleError(
            f"nothing says who may read it: write {path.name}.yml beside it with the fields title, audience (public "
            "or internal), valid_from and owner"
        )
    try:
        front = FrontMatter.model_validate(fields)
    except ValidationError as error:
        raise ArticleError("; ".join(_reason(e["loc"], e["msg"]) for e in error.errors())) from None
    return Article(name=_name(path.relative_to(folder).as_posix()), front=front, body=body)


def _fields(file: Path) -> dict[str, Any]:
    try:
        return fields_of(file.read_text(encoding="utf-8"))
    except (ArticleError, UnicodeDecodeError, OSError) as error:
        reason = error if isinstance(error, ArticleError) else "it cannot be read as UTF-8 text"
        raise ArticleError(f"{file.name} cannot be used: {reason}") from None


def _reason(place: tuple[int | str, ...], message: str) -> str:
    field = ".".join(str(p) for p in place)
    message = message.removeprefix("Value error, ").removeprefix("Input should be ")
    return f"{field}: {message}" if field else message
