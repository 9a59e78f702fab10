"""Articles: Markdown files with front matter, validated one by one."""

import hashlib
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import frontmatter
import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

LAST_DAY = 99991231  # an article without valid_until


class ArticleError(Exception):
    """An article cannot be used; the text is the reason, without the file's name."""


def _no_number(value: Any) -> Any:
    """Pydantic would read 20261101 as seconds since 1970."""
    if isinstance(value, int | float):
        raise ValueError("write the date as 2026-11-01")
    return value


Day = Annotated[date, BeforeValidator(_no_number)]


class FrontMatter(BaseModel):
    """What stands above an article's text."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    title: str = Field(min_length=3, max_length=120)
    audience: Literal["public", "internal"]
    valid_from: Day
    valid_until: Day | None = None
    owner: str = Field(min_length=1)
    tags: list[str] = []

    @model_validator(mode="after")
    def _order(self) -> "FrontMatter":
        if self.valid_until and self.valid_until < self.valid_from:
            raise ValueError("valid_until lies before valid_from")
        return self


class Article(BaseModel):
    """A valid article. `name` is its path in the knowledge folder without ".md": "billing/late-payment"."""

    name: str
    front: FrontMatter
    body: str

    def metadata(self) -> dict[str, str | int]:
        """What Chroma stores with each chunk and filters by; days are integers yyyymmdd."""
        last = self.front.valid_until
        return {
            "article": self.name,
            "title": self.front.title,
            "audience": self.front.audience,
            "valid_from": as_int(self.front.valid_from),
            "valid_until": as_int(last) if last else LAST_DAY,
            "owner": self.front.owner,
            "tags": ",".join(self.front.tags),
        }


def as_int(day: date) -> int:
    """A day as yyyymmdd."""
    return day.year * 10000 + day.month * 100 + day.day


def files(folder: Path) -> Iterator[Path]:
    """The articles' files by path; README.md and names that begin with "." or "_" are none."""
    for path in sorted(folder.rglob("*.md")):
        inside = path.relative_to(folder)
        if path.is_file() and path.name != "README.md" and not any(p.startswith((".", "_")) for p in inside.parts):
            yield path


def digest(path: Path) -> str:
    """SHA-256 of a file, or "" when it cannot be read (loading it then says why)."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def load(path: Path, folder: Path) -> Article:
    """Read one article. Raises ArticleError with a reason that its author understands."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ArticleError("the file is not UTF-8 text: save it as UTF-8") from None
    except OSError as error:
        raise ArticleError(f"the file cannot be read ({error.strerror})") from error
    if not text.lstrip("\ufeff\n\r ").startswith("---"):
        raise ArticleError(
            "there is no front matter: begin the file with a line --- and the fields title, audience, ..."
        )
    try:
        post = frontmatter.loads(text.lstrip("\ufeff\n\r "))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in its line {mark.line + 1}" if mark else ""
        raise ArticleError(
            f"the front matter is not valid YAML{where}: {getattr(error, 'problem', None) or error}"
        ) from None
    try:
        front = FrontMatter.model_validate(post.metadata)
    except ValidationError as error:
        raise ArticleError("; ".join(_reason(e["loc"], e["msg"]) for e in error.errors())) from None
    if not post.content.strip():
        raise ArticleError("there is no text below the front matter")
    name = path.relative_to(folder).with_suffix("").as_posix()
    return Article(name=name, front=front, body=post.content)


def _reason(place: tuple[int | str, ...], message: str) -> str:
    field = ".".join(str(p) for p in place)
    message = message.removeprefix("Value error, ").removeprefix("Input should be ")
    return f"{field}: {message}" if field else message
