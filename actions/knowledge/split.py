"""An article as chunks: cut at headings, then by length, each with its headings as context."""

import re
from collections.abc import Iterator
from itertools import groupby

from langchain_core.documents import Document
from langchain_text_splitters import MarkdownHeaderTextSplitter, RecursiveCharacterTextSplitter

from actions.knowledge.articles import Article
from actions.knowledge.words import plain, sentences

VERSION = 4  # raise it when chunks of the same article come out differently: everything is then indexed again
CHUNK_CHARACTERS = 600
WITH_TABLE = 900
LONGEST_PIECE = 1200  # about what the encoder reads of a text

_HEADINGS = MarkdownHeaderTextSplitter([("#", "h1"), ("##", "h2"), ("###", "h3")])
_WORDS = RecursiveCharacterTextSplitter(chunk_size=CHUNK_CHARACTERS, chunk_overlap=0, separators=[". ", " ", ""])


def chunks(article: Article) -> list[Document]:
    """The article's chunks. `page_content` begins with a line of its headings, the text follows from the
    second line.

    Chunks do not overlap: the composer quotes sentences, and a sentence must have one home.
    """
    found: list[Document] = []
    # The splitter drops blank lines, which end a list; `plain` makes them of comments again.
    body = re.sub(r"\n[ \t]*(?=\n)", "\n<!-- -->", article.body)
    for section in _HEADINGS.split_text(body):
        headings = [section.metadata[h] for h in ("h1", "h2", "h3") if h in section.metadata]
        headings = [h for h in headings if h.casefold() != article.front.title.casefold()]
        context = " > ".join([article.front.title, *headings])
        for text in _packed(section.page_content):
            metadata = article.metadata() | {
                "heading": headings[-1] if headings else "",
                "position": len(found),
            }
            found.append(Document(page_content=f"{context}\n{text}", metadata=metadata))
    return found


def _packed(markdown: str) -> Iterator[str]:
    """The pieces of a section put together to at most CHUNK_CHARACTERS; a longer piece stands alone, and a table
    may pass the limit to stay with the text that introduces it."""
    text = ""
    for piece, table in _pieces(markdown):
        if text and len(text) + 1 + len(piece) > (WITH_TABLE if table else CHUNK_CHARACTERS):
            yield text
            text = ""
        text = f"{text}\n{piece}" if text else piece
    if text:
        yield text


def _pieces(markdown: str) -> Iterator[tuple[str, bool]]:
    """What must not be cut, and whether it is a table: a line of prose or, when it is long, its sentences; a
    table that fits into a chunk, else each of its rows, which `plain` gives the column headings."""
    for table, lines in groupby(markdown.splitlines(), key=lambda line: line.lstrip().startswith("|")):
        text = plain("\n".join(lines))
        if table and len(text) <= CHUNK_CHARACTERS:
            if text:
                yield text, True
            continue
        for line in text.splitlines():
            parts = [line] if table or len(line) <= CHUNK_CHARACTERS else sentences(line)
            for part in parts:
                yield from [(p, False) for p in ([part] if len(part) <= LONGEST_PIECE else _WORDS.split_text(part))]
