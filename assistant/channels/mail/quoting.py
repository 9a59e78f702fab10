"""What is new in a mail's text: without the mails that it quotes, the greeting and the signature."""

from __future__ import annotations

import re

from mailparser_reply.parser import EmailMessage, EmailReply

LANGUAGES = ["en", "de", "fr", "es", "it", "nl", "pl"]  # of the lines that mail programs put above a quotation
LONGEST_LINE = 250  # characters; mailparser_reply's expressions take more than linear time for longer ones
_JOINED = "\u2060"  # begins a line that was broken for it
_QUOTED = re.compile(r"^\s*>")
_GREETING = re.compile(
    r"\A(?:dear|hi|hello|hey|good (?:morning|afternoon|evening|day))\b[^\n.?!]{0,40}[,.!:]?\s*\n+(?=\S)", re.I
)
_FAREWELL = re.compile(
    r"^(?:(?:many |kind |kindest |warm |best |with |my )*(?:thanks|thank you|regards|wishes|cheers|best)"
    r"(?: (?:again|so much|very much|in advance|and (?:kind |best )?regards))?|yours (?:sincerely|faithfully|truly)"
    r"|all the best)[\s,.!]*$",
    re.I,
)
_FORWARDED = re.compile(r"^-{5,} ?(?:Forwarded message|Begin forwarded message) ?-{5,}|^Begin forwarded message:", re.I)
AFTER_FAREWELL = 6  # lines at most: name, company, telephone


def new_text(text: str) -> str:
    """What the writer of a mail with this text has added; "" when there is nothing."""
    replies = EmailMessage(_harmless(text), list(LANGUAGES), keep_hyphen_lists=True).read().replies
    answers = (_own_lines(_without_signature(reply)) for reply in replies)
    # Who answers below what they quote leaves nothing before it.
    new = next((answer for answer in answers if answer), "")
    new = new.replace(f"\n{_JOINED}", "").replace(_JOINED, "")
    return _GREETING.sub("", _without_farewell(new)).strip()


def unflowed(text: str, delete_space: bool = False) -> str:
    """Text of the kind `format=flowed` (RFC 3676) with each paragraph in one line; quoted lines stay as they are."""
    lines: list[str] = []
    flowing = False
    for line in text.replace("\r\n", "\n").split("\n"):
        quoted = line.startswith(">")
        stuffed = line[1:] if line.startswith(" ") else line
        if flowing and not quoted and stuffed != "-- ":
            lines[-1] += stuffed
        else:
            lines.append(line if quoted else stuffed)
        flowing = stuffed.endswith(" ") and not quoted and stuffed != "-- "
        if flowing and delete_space:
            lines[-1] = lines[-1][:-1]
    return "\n".join(lines)


def _harmless(text: str) -> str:
    """The text without what makes the parser's expressions slow: long lines, and many empty ones."""
    lines = (line.strip().replace(_JOINED, "") for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    broken = (f"\n{_JOINED}".join(_pieces(line)) for line in lines)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(broken)).strip("\n")


def _pieces(line: str) -> list[str]:
    return [line[i : i + LONGEST_LINE] for i in range(0, len(line), LONGEST_LINE)] or [""]


def _without_signature(reply: EmailReply) -> str:
    """The reply's text without its signature and disclaimers.

    "Thanks, that worked, but now my bill is wrong" begins as a signature does, and is none.
    """
    signature = reply.signatures.split("\n", 1)[0].strip()
    if len(signature.split()) > 4 and not signature.lower().startswith(("sent from", "get outlook")):
        reply.signatures = ""
    return reply.body


def _own_lines(text: str) -> str:
    kept = []
    for line in text.split("\n"):
        if _FORWARDED.match(line):
            break
        if not _QUOTED.match(line):
            kept.append(line)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()


def _without_farewell(text: str) -> str:
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if number and _FAREWELL.match(line) and len([x for x in lines[number + 1 :] if x.strip()]) <= AFTER_FAREWELL:
            return "\n".join(lines[:number])
    return text
