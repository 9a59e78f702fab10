"""Documents as Markdown, whatever they were written in, so that one splitter serves all.

HTML goes through markitdown; so does DOCX, once mammoth has made it HTML, as in markitdown. PDF does not:
markitdown (and LangChain's PDF loaders) give its text without headings, and the headings are each chunk's context, so
lines and ruled tables are read with pdfplumber, which markitdown uses as well, and a line that is larger or bolder
than the rest becomes a heading.
"""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import frontmatter
import yaml

LARGEST = 50_000_000  # bytes of a file
_NOT_TEXT = "script, style, template, noscript, iframe, svg, form, nav, aside, [hidden], [aria-hidden=true]"
_PAGE_NUMBER = re.compile(r"(?:page\s*)?\d+(?:\s*(?:/|of)\s*\d+)?", re.I)

Fields = dict[str, Any]


class ArticleError(Exception):
    """An article cannot be used; the text is the reason, without the file's name."""


def read(path: Path) -> tuple[Fields, str]:
    """The fields that a document itself holds (front matter, <meta> and <title>), and its text as Markdown.

    Raises ArticleError with a reason that its author understands.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise ArticleError("the file is larger than 50 MB: split it into several documents")
        data = path.read_bytes()
    except OSError as error:
        raise ArticleError(f"the file cannot be read ({error.strerror})") from error
    fields, text = _READERS[path.suffix.lower()](data)
    if not text.strip():
        raise ArticleError("there is no text in it: if it is a scan, run text recognition on it first")
    return fields, text


def fields_of(text: str) -> Fields:
    """The fields of a YAML text, such as a sidecar file. Raises ArticleError with the line of a mistake."""
    try:
        fields = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ArticleError(_not_yaml(error)) from None
    if fields is not None and not isinstance(fields, dict):
        raise ArticleError("it must hold fields such as `audience: public`, one a line")
    return fields or {}


def _not_yaml(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    where = f" in its line {mark.line + 1}" if mark else ""
    return f"it is not valid YAML{where}: {getattr(error, 'problem', None) or error}"


def _markdown(data: bytes) -> tuple[Fields, str]:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise ArticleError("the file is not UTF-8 text: save it as UTF-8") from None
    text = text.lstrip("\ufeff\n\r ")
    if not text.startswith("---"):
        raise ArticleError(
            "there is no front matter: begin the file with a line --- and the fields title, audience, ..."
        )
    try:
        post = frontmatter.loads(text)
    except yaml.YAMLError as error:
        raise ArticleError(f"the front matter cannot be read: {_not_yaml(error)}") from None
    if not post.content.strip():
        raise ArticleError("there is no text below the front matter")
    return post.metadata, post.content


def _html(data: bytes) -> tuple[Fields, str]:
    """A page's main part. The fields are <title> and <meta name="tandem:audience" content="public">, ..."""
    from bs4 import BeautifulSoup
    from bs4.dammit import EncodingDetector

    encoding = EncodingDetector.find_declared_encoding(data, is_html=True) or "utf-8"
    try:
        page = BeautifulSoup(data.decode(encoding).removeprefix("\ufeff"), "html.parser")
    except (UnicodeDecodeError, LookupError):
        raise ArticleError(f"the text is not {encoding}, as the page says or by default: save it as UTF-8") from None
    fields: Fields = {"title": page.title.get_text(" ", strip=True)} if page.title else {}
    for meta in page.find_all("meta"):
        space, _, name = str(meta.get("name", "")).partition(":")
        if space == "tandem":
            value = str(meta.get("content", "")).strip()
            listed = name in ("tags", "products", "regions")
            fields[name] = [part.strip() for part in value.split(",") if part.strip()] if listed else value
    main = page.find("main") or page.find("article")
    for element in (main or page).select(_NOT_TEXT if main else f"{_NOT_TEXT}, header, footer"):
        element.decompose()
    return fields, _from_html(str(main or page.body or page))


def _from_html(html: str) -> str:
    from bs4 import BeautifulSoup
    from markitdown.converters import HtmlConverter

    page = BeautifulSoup(html, "html.parser")
    for cell in page.find_all(["td", "th"]):
        for text in cell.find_all(string=lambda found: bool(found and "|" in found)):
            text.replace_with(text.replace("|", "/"))  # a bar would end the cell
    plain: dict[str, Any] = {"escape_underscores": False, "escape_asterisks": False, "escape_misc": False}
    return _headed(HtmlConverter().convert_string(str(page), **plain).markdown)


def _headed(markdown: str) -> str:
    """`markdown` with the first row as the heading of each table whose heading is empty: Word marks none."""
    empty = re.compile(r"^\|(?:[ \t]*\|)+[ \t]*\n(\|[ \t:|-]+\|)[ \t]*\n(\|.*\|)[ \t]*$", re.M)
    return empty.sub(r"\2\n\1", markdown)


def _docx(data: bytes) -> tuple[Fields, str]:
    import mammoth

    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise ArticleError("it is protected with a password or in Word's old format: save it as a plain .docx")
    try:
        html = mammoth.convert_to_html(io.BytesIO(data), style_map="p[style-name='Title'] => h1:fresh").value
    except Exception as error:  # zipfile, lxml and mammoth raise their own
        raise ArticleError(
            f"the DOCX file is damaged ({type(error).__name__}): open it in Word and save it again"
        ) from None
    return {}, _from_html(html)


@dataclass(frozen=True)
class _Line:
    """A line of a page, or a ruled table: `rows`. Places and sizes in points, from the top."""

    text: str
    top: float
    bottom: float
    size: float
    bold: bool
    rows: list[list[str]]


def _pdf(data: bytes) -> tuple[Fields, str]:
    import pdfplumber

    try:
        with pdfplumber.open(io.BytesIO(data)) as pdf:
            pages = []
            for page in pdf.pages:
                pages.append(_lines(page))
                page.close()  # gives its memory back
    except Exception as error:  # pdfminer's errors, wrapped or not, and whatever a damaged file brings about
        if "Password" in f"{error!r}{error.args!r}" or "Encrypt" in type(error).__name__:
            raise ArticleError("the PDF is encrypted: save it without a password") from None
        raise ArticleError(
            f"the PDF file is damaged ({type(error).__name__}): open it, save it again or export it anew"
        ) from None
    return {}, _joined([_without_margins(page, pages) for page in pages])


def _lines(page: Any) -> list[_Line]:
    """The lines and tables of a page from top to bottom; a page of two columns is read across."""
    tables = page.find_tables()
    found = [_Line("", t.bbox[1], t.bbox[3], 0, False, _cells(t.extract())) for t in tables]

    def outside(thing: Any) -> bool:
        x, y = (thing["x0"] + thing["x1"]) / 2, (thing["top"] + thing["bottom"]) / 2
        return not any(t.bbox[0] <= x <= t.bbox[2] and t.bbox[1] <= y <= t.bbox[3] for t in tables)

    for line in page.filter(outside).extract_text_lines():
        chars = line["chars"]
        bold = sum("bold" in c["fontname"].lower() for c in chars) * 2 > len(chars)
        found.append(_Line(line["text"], line["top"], line["bottom"], median(c["size"] for c in chars), bold, []))
    return sorted(found, key=lambda line: line.top)


def _cells(table: list[list[str | None]]) -> list[list[str]]:
    return [[re.sub(r"\s+", " ", (cell or "").replace("|", "/")).strip() for cell in row] for row in table]


def _without_margins(page: list[_Line], pages: list[list[_Line]]) -> list[_Line]:
    """`page` without page numbers and the running lines that stand on top or at the foot of most pages."""

    def margin(lines: list[_Line]) -> list[str]:
        return [re.sub(r"\d+", "#", line.text) for line in (*lines[:1], *lines[-1:]) if not line.rows]

    def runs(line: _Line) -> bool:
        same = sum(re.sub(r"\d+", "#", line.text) in margin(other) for other in pages)
        return bool(_PAGE_NUMBER.fullmatch(line.text)) or (len(pages) > 2 and same > len(pages) / 2)

    edge = {id(line) for line in (*page[:1], *page[-1:]) if not line.rows}
    return [line for line in page if id(line) not in edge or not runs(line)]


def _joined(pages: list[list[_Line]]) -> str:
    """Pages as one Markdown text: headings by size and weight, a table over two pages in one piece."""
    sizes = [line.size for page in pages for line in page for _ in line.text]
    body = median(sizes) if sizes else 0
    larger = sorted({round(line.size) for page in pages for line in page if line.size > 1.1 * body}, reverse=True)
    parts: list[str] = []
    last: _Line | None = None
    for page in pages:
        for number, line in enumerate(page):
            if line.rows and number == 0 and last and last.rows and len(last.rows[0]) == len(line.rows[0]):
                rows = line.rows[line.rows[0] == last.rows[0] :]
                parts[-1] += "".join(_row(row) for row in rows)
                continue
            same_page = number > 0 and last is not None
            gap = line.top - last.bottom if same_page and last else 0
            parts.append(_part(line, gap > 0.6 * (line.bottom - line.top), body, larger))
            last = line
    return re.sub(r"(\w)-\n(?=[a-z])", r"\1-", "".join(parts))


def _part(line: _Line, apart: bool, body: float, larger: list[int]) -> str:
    if line.rows:
        header, *rows = line.rows
        rule = "|" + "---|" * len(header) + "\n"
        return "\n" + _row(header) + rule + "".join(_row(row) for row in rows)
    text = re.sub(r"^(?:[•●▪◦–\x7f]|\(cid:\d+\))\s*", "- ", line.text.strip())
    short = len(text) <= 100 and not text.endswith((".", ":", ",", ";"))
    if short and line.size > 1.1 * body:
        return f"\n{'#' * min(3, 1 + larger.index(round(line.size)))} {text}\n\n"
    if short and line.bold:
        return f"\n{'#' * min(3, 1 + len(larger))} {text}\n\n"
    return f"\n{text}\n" if apart else f"{text}\n"


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


_READERS: dict[str, Callable[[bytes], tuple[Fields, str]]] = {
    ".md": _markdown,
    ".html": _html,
    ".htm": _html,
    ".pdf": _pdf,
    ".docx": _docx,
}
SUFFIXES = frozenset(_READERS)
