"""Words, names and sentences of a text: what the composer and the claim check count."""

import re
from functools import lru_cache
from pathlib import Path

import Stemmer
import yaml

from actions.logs import get_logger
from actions.settings import knowledge_dir

log = get_logger(__name__)
STEMMER = Stemmer.Stemmer("english")

# Words that carry no topic, and those with which customers wrap a question.
_STOP_WORDS = """
a about after again all also am an and any anybody anyone anything are as at be because been before being
between both but by can can't cannot could did do does doing don't done down during each either else ever
every few for from further get gets getting give given go goes going gonna got had has have having he hello
help her here hers hi him his how however i i'd i'll i'm i've if in into is isn't it it's its itself just
know let lets like make many may maybe me might mine more most much must my myself need needs no nor not now
of off oh ok okay on once one only or other our ours out over own please really same say see shall she
should so some somebody someone something such take tell than thank thanks that that's the their theirs them
then there there's these they thing things this those to too under until up us use used using very want
wants was wasn't way we we're well were what what's when where which while who whom whose why will with
within without won't would yes yet you you'd you'll you're you've your yours northlight happen happens long
work works possible question wonder wondering mean able
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())
_WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")
_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[]*[A-Z0-9£])")
_ABBREVIATION = re.compile(r"(?:\b(?:e\.g|i\.e|etc|approx|mr|mrs|ms|dr|st|vs|inc|ltd|min|max|tel|ext)\.)$", re.I)


def straight(text: str) -> str:
    """`text` with curly quotes and odd spaces made plain."""
    return re.sub(
        r"[\u00a0\u202f\u2009]",
        " ",
        text.replace("’", "'").replace("‘", "'").replace("“", '"').replace("”", '"'),
    )


def stems(text: str) -> list[str]:
    """Stemmed content words of `text` in order, without stop words."""
    words = [w for w in _WORD.findall(straight(text).lower()) if w not in STOP_WORDS and len(w) > 1]
    return STEMMER.stemWords([w.removesuffix("'s") for w in words])


def our_words(question: str) -> dict[str, str]:
    """What the articles call the things that `question` names in other words, by knowledge/synonyms.yml: our
    word with the words, stemmed, that stand for it in the question."""
    path = knowledge_dir() / "synonyms.yml"
    if not path.is_file():
        return {}
    said = f" {' '.join(_stemmed(question))} "
    return {ours: theirs for theirs, ours in _synonyms(path, path.stat().st_mtime_ns) if f" {theirs} " in said}


@lru_cache(maxsize=2)
def _synonyms(path: Path, changed: int) -> list[tuple[str, str]]:
    """Their words, stemmed, with ours. `changed` is when the file was written: a new one is read again.

    A file that is no such list counts as empty: it must not take the answers away.
    """
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))
        return [(" ".join(_stemmed(str(t))), str(ours)) for ours, theirs in entries.items() for t in theirs]
    except (OSError, ValueError, yaml.YAMLError, AttributeError, TypeError) as error:
        log.error("synonyms_unreadable", extra={"reason": type(error).__name__})
        return []


def _stemmed(text: str) -> list[str]:
    """All words of `text`, stemmed; a hyphen parts words."""
    return STEMMER.stemWords(_WORD.findall(straight(text).lower()))


def sentences(text: str) -> list[str]:
    """The sentences of plain text; a line break always ends one, and steps ("1) ...; 2) ...") stay together."""
    found: list[str] = []
    for line in text.splitlines():
        part = ""
        if line.startswith("1) "):
            found.append(line.strip())
            continue
        for piece in _END.split(line.strip()):
            part = f"{part} {piece}".strip()
            if part and not _ABBREVIATION.search(part):
                found.append(part)
                part = ""
        if part:
            found.append(part)
    return found


def plain(markdown: str) -> str:
    """Markdown as text that can be read aloud: no marks, links as their words, items and rows as lines."""
    text = re.sub(r"<!--.*?-->", "", markdown, flags=re.S)
    text = re.sub(r"!\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"</?[a-zA-Z][^>]*>", "", text)
    text = re.sub(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1", r"\2", text)
    text = re.sub(r"(?<![\w*])[*_](?=\S)([^*_\n]+?)(?<=\S)[*_](?![\w*])", r"\1", text)
    text = text.replace("`", "")
    return "\n".join(line for line in map(_line, _steps(_lists(_tables(_unwrap(text))))) if line)


def _unwrap(text: str) -> list[str]:
    """Lines with wrapped ones joined: a list item, table row, heading or blank line starts a new one."""
    rows: list[str] = []
    fresh = True
    for line in text.splitlines():
        starts = re.match(r"\s*(?:[-*+]\s|\d+[.)]\s|\||#|>|$)", line)
        if fresh or starts or rows[-1].lstrip().startswith("|"):
            rows.append(line)
        else:
            rows[-1] = f"{rows[-1].rstrip()} {line.strip()}"
        fresh = not line.strip() or line.lstrip().startswith("#")
    return rows


def _tables(rows: list[str]) -> list[str]:
    """Each table row as "first cell: heading value, heading value", since a voice can't read a grid."""
    read: list[str] = []
    headings: list[str] = []
    for row in map(str.strip, rows):
        if not row.startswith("|"):
            headings = []
            read.append(row)
            continue
        cells = [c.strip() for c in row.strip("|").split("|")]
        if re.fullmatch(r"[|:\-\s]+", row):
            continue
        if not headings:
            headings = cells
            continue
        pairs = zip(headings[1:] + [""] * len(cells), cells[1:], strict=False)
        values = ", ".join(f"{_lower(heading)} {cell}".strip() for heading, cell in pairs if cell)
        read.append(f"{cells[0]}: {values}" if values else cells[0])
    return read


def _lists(rows: list[str]) -> list[str]:
    """A line that ends with a colon and the bullets below it as one sentence: a bullet alone says little."""
    read: list[str] = []
    lead = False
    for row in rows:
        bullet = re.match(r"\s*[-*+]\s+(.*)", row)
        if bullet and read and lead:
            joint = " " if read[-1].endswith(":") else "; "
            read[-1] = f"{read[-1]}{joint}{bullet[1].strip().rstrip('.;')}"
        elif row.strip():
            lead = row.rstrip().endswith(":") and not row.lstrip().startswith("#")
            read.append(row)
    return read


def _steps(rows: list[str]) -> list[str]:
    """The numbered steps of a list as one sentence, "1) Do this; 2) Do that.": one step alone misleads."""
    read: list[str] = []
    for row in rows:
        step = re.match(r"\s*(\d+)[.)]\s+(.*)", row)
        if not step:
            read.append(row)
        elif step[1] != "1" and read and read[-1].startswith("1) "):
            read[-1] = f"{read[-1].removesuffix('.')}; {step[1]}) {_line(step[2])}"
        else:
            read.append(f"{step[1]}) {_line(step[2])}")
    return read


def _lower(heading: str) -> str:
    """A heading inside a sentence: "Price" becomes "price", "VAT" stays."""
    return heading[:1].lower() + heading[1:] if heading[1:].islower() or " " in heading else heading


def _line(row: str) -> str:
    row = re.sub(r"^(?:[-*+]|#{1,6}|>)\s+", "", row.strip())
    row = re.sub(r"\s+", " ", row).strip()
    return row if not row or row[-1] in ".!?:;" else f"{row}."


_NOT_NAMES = """
i i'm i've i'd i'll ok tv uk pin sim esim wifi pdf id mr mrs ms monday tuesday wednesday thursday friday
saturday sunday january february march april may june july august september october november december
christmas eve easter
"""
_NO_NAME = frozenset(_NOT_NAMES.split())


def capitals(sentence: str) -> set[str]:
    """Stems of all words of one sentence that have a capital, but for its first: names, in what a model writes."""
    words = [w for w in re.findall(r"[A-Za-z][A-Za-z']*", straight(sentence))[1:] if w[0].isupper()]
    bare = [w.lower().removesuffix("'s") for w in words]
    return set(STEMMER.stemWords([w for w in bare if w not in STOP_WORDS and w not in _NO_NAME]))


def names(text: str) -> set[str]:
    """Stems of words written like names: a capital first, in a sentence that is not all capitals."""
    found: list[str] = []
    for sentence in sentences(straight(text)):
        words = re.findall(r"[A-Za-z][A-Za-z']*", sentence)[1:]
        words = [w for w in words if w.lower().removesuffix("'s") not in _NO_NAME]
        capital = [w for w in words if w[0].isupper()]
        if len(capital) * 2 <= len(words) or len(words) <= 2:
            found += [w.lower().removesuffix("'s") for w in capital]
    return set(STEMMER.stemWords([w for w in found if w not in STOP_WORDS]))
