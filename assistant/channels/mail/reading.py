"""Reads a mail: who it is from, what it answers, what is attached, and what its writer has newly written."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from assistant.channels.mail import authentication, automatic, html, quoting

MAX_PARTS = 100
MAX_CHARACTERS = 20_000  # of the text, with what is quoted; the rest of a longer one is not looked at
MAX_HTML = 200_000
MAX_REFERENCES = 50
MAX_ATTACHMENTS = 20
LOGO_BYTES = 30_000  # a smaller picture that stands in the text belongs to the signature
SIGNATURES = ("application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature")
MAX_SUBJECT = 200
MAX_ADDRESS = 254  # RFC 5321

# Stricter than the RFCs: an address that needs quotes or comments is more often an attack than a customer.
_ADDRESS = re.compile(r"[^\s@<>()\[\],;:\\\"\x00-\x1f]{1,64}@[^\s@<>()\[\],;:\\\"\x00-\x1f]+")
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,250}>")
_AGAIN = re.compile(r"^\s*(?:(?:re|aw|sv|antw|fwd?|wg)\s*(?:\[\d+\])?\s*:\s*)+", re.I)
_WORD = re.compile(r"\w+")
# Words of a subject that say nothing about what is wanted.
_EMPTY = re.compile(
    r"a|about|afternoon|an|and|asap|customer|enquiry|for|good|hello|help|hey|hi|important|in|info|information|inquiry|is"
    r"|it|message|morning|my|need|no|none|of|on|please|query|question|regarding|request|service|subject|support|team|test"
    r"|thanks?|the|to|urgent|with|your?"
)


class Unreadable(Exception):
    """A mail that cannot be handled; the text says why, for the mail server that delivers it."""


@dataclass(frozen=True)
class Mail:
    """A mail, without what it quotes.

    `answers` are the Message-IDs that it answers, the latest first; `automatic` says why it must not be answered (""
    for a person's mail); `proven` whether the mail server in front has found the sender's address to be genuine.
    Attachments are {"kind", "name", "bytes"}.
    """

    sender: str
    message_id: str
    answers: tuple[str, ...]
    subject: str
    text: str
    attachments: tuple[dict[str, Any], ...] = ()
    automatic: str = ""
    proven: bool = False

    @property
    def words(self) -> str:
        """What the customer says: the new text, after the subject where a first mail's subject adds to it."""
        if self.answers or not _adds(self.subject, self.text):
            return self.text
        subject = self.subject if self.subject[-1] in ".!?:" else f"{self.subject}."
        return f"{subject} {self.text}" if self.text else self.subject


def read(content: bytes, mail_from: str, authserv_id: str = "") -> Mail:
    """The mail in `content` (RFC 5322), from the envelope's `mail_from`.

    `authserv_id` names the mail server whose Authentication-Results are believed. Not for the event loop: it may take
    seconds.

    Raises:
        Unreadable: it is no mail, or not from exactly one address.
    """
    try:
        message = message_from_bytes(content, policy=policy.default)
        sender = _sender(message)
        subject = _header(message, "Subject")
        return Mail(
            sender=sender,
            message_id=next(iter(_MESSAGE_ID.findall(_header(message, "Message-ID"))), ""),
            answers=_answers(message),
            subject=_AGAIN.sub("", subject).strip()[:MAX_SUBJECT],
            text=_text(message),
            attachments=tuple(_attachments(message)),
            automatic=automatic.reason(message, sender, mail_from),
            proven=bool(authserv_id) and authentication.passed(message, authserv_id, sender),
        )
    except Unreadable:
        raise
    except Exception as error:  # whatever a hostile mail finds in Python's parser is a mail that cannot be read
        raise Unreadable(f"The message could not be read ({type(error).__name__}).") from None


def address_of(text: str) -> str:
    """A mail address as it is compared; "" when it is none."""
    address = unicodedata.normalize("NFC", text).strip().casefold()
    return address if len(address) <= MAX_ADDRESS and _ADDRESS.fullmatch(address) else ""


def _sender(message: EmailMessage) -> str:
    headers = message.get_all("From") or []
    addresses = [address.addr_spec for header in headers for address in header.addresses]
    sender = address_of(addresses[0]) if len(headers) == len(addresses) == 1 else ""
    if not sender:
        raise Unreadable("The message must come from exactly one address, which its From header names.")
    return sender


def _header(message: EmailMessage, name: str) -> str:
    try:
        return " ".join(str(message.get(name) or "").split())
    except Exception:  # a header that Python's parser trips over
        return ""


def _answers(message: EmailMessage) -> tuple[str, ...]:
    direct = _MESSAGE_ID.findall(_header(message, "In-Reply-To"))
    thread = _MESSAGE_ID.findall(_header(message, "References"))
    return tuple(dict.fromkeys([*direct, *reversed(thread)]))[:MAX_REFERENCES]


def _parts(message: EmailMessage) -> Iterator[EmailMessage]:
    """The parts that hold something; a mail inside a mail is one part."""
    waiting, count = [message], 0
    while waiting and count < MAX_PARTS:
        part = waiting.pop(0)
        count += 1
        if part.get_content_maintype() == "multipart" and isinstance(part.get_payload(), list):
            waiting = [*part.get_payload(), *waiting]
        else:
            yield part


def _text(message: EmailMessage) -> str:
    parts = [part for part in _parts(message) if not _is_attachment(part)]
    plain = "\n".join(_plain(part) for part in parts if part.get_content_type() == "text/plain")
    if not plain.strip():
        pages = (part for part in parts if part.get_content_type() == "text/html")
        plain = "\n".join(html.text_of(_decoded(page)[:MAX_HTML]) for page in pages)
    return quoting.new_text(plain[:MAX_CHARACTERS])


def _plain(part: EmailMessage) -> str:
    text = _decoded(part)[: 2 * MAX_CHARACTERS]
    if str(part.get_param("format", "")).lower() != "flowed":
        return text
    return quoting.unflowed(text, str(part.get_param("delsp", "")).lower() == "yes")


def _decoded(part: EmailMessage) -> str:
    content = part.get_payload(decode=True) or b""
    charset = str(part.get_content_charset() or "utf-8")
    try:
        return content.decode(charset, "replace")
    except (LookupError, ValueError):  # a character set that Python does not know
        return content.decode("utf-8", "replace")


def _is_attachment(part: EmailMessage) -> bool:
    named = part.get_content_disposition() == "attachment" or bool(part.get_filename())
    return named or part.get_content_maintype() not in ("text", "multipart")


def _attachments(message: EmailMessage) -> Iterator[dict[str, Any]]:
    found = [part for part in _parts(message) if _is_attachment(part) and part.get_content_type() not in SIGNATURES]
    for part in found[:MAX_ATTACHMENTS]:
        kind = part.get_content_maintype()
        content = part.get_payload(decode=True)
        size = len(content) if isinstance(content, bytes) else None
        if kind == "image" and part.get("Content-ID") and size is not None and size < LOGO_BYTES:
            continue
        yield {
            "kind": kind if kind in ("image", "audio", "video") else "file",
            "name": str(part.get_filename() or "")[:100],
            "bytes": size,
        }


def _adds(subject: str, text: str) -> bool:
    """Whether the subject has a word of weight that the text has not."""
    said = set(_WORD.findall(text.casefold()))
    return any(word not in said and not _EMPTY.fullmatch(word) for word in _WORD.findall(subject.casefold()))
