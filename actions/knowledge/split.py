"""An article as chunks: cut at headings, then by length, each with its headings as context."""

import re

from langchain_core.documents import Document
from langchain_text_splitters import MarkdownHeaderTextSplitter, RecursiveCharacterTextSplitter

from actions.knowledge.articles import Article
from actions.knowledge.words import plain

VERSION = 3  # raise it when chunks of the same article come out differently: everything is then indexed again
CHUNK_CHARACTERS = 600

_HEADINGS = MarkdownHeaderTextSplitter([("#", "h1"), ("##", "h2"), ("###", "h3")])
_LENGTH = RecursiveCharacterTextSplitter(
    chunk_size=CHUNK_CHARACTERS, chunk_overlap=0, separators=["\n", ". ", " "], keep_separator="end"
)


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
        for text in _LENGTH.split_text(plain(section.page_content)):
            metadata = article.metadata() | {
                "heading": headings[-1] if headings else "",
                "position": len(found),
            }
            found.append(Document(page_content=f"{context}\n{text.strip()}", metadata=metadata))
    return found
