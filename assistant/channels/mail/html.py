"""The words of an HTML mail, without what it quotes and without what its reader cannot see.

Python's html.parser takes minutes for a hostile page of 200 kB, so tags are found here by expressions that look at each
character once.
"""

from __future__ import annotations

import html
import re

_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:]{0,30})([^<>]{0,4000})>|<[!?][^<>]{0,4000}>")
_ATTRIBUTE = re.compile(r"\b(class|id|style|hidden)\b(?:\s{0,5}=\s{0,5}(\"[^\"]*\"|'[^']*'|[^\s\"']+))?", re.I)
_LONG_REFERENCE = re.compile(r"&#x?[0-9a-f]{8,};?", re.I)

_BLOCK = re.compile(r"address|article|blockquote|br|div|dl|dt|dd|h[1-6]|hr|li|ol|p|pre|table|tr|ul")
_VOID = re.compile(r"area|base|br|col|embed|hr|img|input|link|meta|source|track|wbr")
_UNSEEN = re.compile(r"blockquote|head|noscript|object|script|style|svg|template|textarea|title")
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?!\.?\d)|mso-hide\s*:\s*all", re.I)
# How Gmail, Thunderbird, Outlook and Apple Mail mark the line above a quotation, and a signature.
_MARKED = ("gmail_attr", "gmail_signature", "moz-cite-prefix", "moz-signature", "yahoo_quoted", "applemailsignature")
_SIGNATURES = ("signature", "ms-outlook-mobile-signature", "applemailsignature")
# After these all is quoted.
_END = ("divrplyfwdmsg", "appendonsend", "mail-editor-reference-message-container")


def text_of(page: str) -> str:
    """The text of a page, a line for each block."""
    said: list[str] = []
    left_out, depth = "", 0  # the element that is being left out with all that is in it, and how often it is open
    position = 0
    page = _without_comments(page)
    for found in _TAG.finditer(page):
        if not left_out:
            said.append(_words(page[position : found.start()]))
        position = found.end()
        end, tag, attributes = found[1], (found[2] or "").casefold(), found[3] or ""
        if left_out:
            depth += 0 if tag != left_out else -1 if end else 1
            left_out = left_out if depth else ""
            continue
        about = {} if end else {name.casefold(): value.strip("\"'") for name, value in _ATTRIBUTE.findall(attributes)}
        if about.get("id", "").casefold() in _END:
            break
        if not _VOID.fullmatch(tag) and not end and _is_left_out(tag, about):
            left_out, depth = tag, 1
        if _BLOCK.fullmatch(tag):
            said.append("\n- " if tag == "li" and not end else "\n")
    else:
        said.append("" if left_out else _words(page[position:]))
    lines = (" ".join(line.split()) for line in "".join(said).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _without_comments(page: str) -> str:
    kept, position = [], 0
    while (start := page.find("<!--", position)) >= 0:
        kept.append(page[position:start])
        end = page.find("-->", start)
        position = end + 3 if end >= 0 else len(page)
    return "".join([*kept, page[position:]])


def _words(text: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(_LONG_REFERENCE.sub("", text)))


def _is_left_out(tag: str, about: dict[str, str]) -> bool:
    if _UNSEEN.fullmatch(tag) or "hidden" in about or _HIDDEN.search(about.get("style", "")):
        return True
    marks = about.get("class", "").casefold().split()
    return any(mark in _MARKED for mark in marks) or about.get("id", "").casefold() in _SIGNATURES
