"""Writes our mails: a turn's messages as one mail in the customer's thread, as text and as simple HTML."""

from __future__ import annotations

import html
from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import formatdate
from typing import Any

from assistant.channels import plain
from assistant.channels.mail.settings import Settings

SUBJECT = "Your message"  # where the customer gave none
MAX_REFERENCES = 20
FOOTER = "Just reply to this e-mail to go on."


def compose(
    settings: Settings, to: str, message_id: str, thread: dict[str, Any], messages: Sequence[dict[str, Any]]
) -> bytes | None:
    """The mail (RFC 5322) with these messages of the bot or of an agent; None when they hold nothing to read.

    `thread` has the customer's `subject` and the `references` so far, the latest last.
    Raises ValueError when a mail cannot be written to the address.
    """
    texts = [text for message in messages if (text := plain.as_text(message).strip())]
    if not texts:
        return None
    by_agent = any(message.get("author") == "agent" for message in messages)
    mail = EmailMessage()
    mail["From"], mail["To"] = settings.sender, to
    mail["Subject"] = f"Re: {_one_line(thread.get('subject') or SUBJECT)}"
    mail["Date"], mail["Message-ID"] = formatdate(), message_id
    references = _kept(thread.get("references") or [])
    if references:
        mail["In-Reply-To"], mail["References"] = references[-1], " ".join(references)
    if not by_agent:
        mail["Auto-Submitted"] = "auto-replied"
    mail["X-Auto-Response-Suppress"] = "All"
    paragraphs = [*texts, *([] if by_agent else [FOOTER])]
    mail.set_content("\n\n".join(paragraphs) + "\n", cte="quoted-printable")
    mail.add_alternative(_page(paragraphs), subtype="html", cte="quoted-printable")
    return mail.as_bytes(policy=mail.policy.clone(linesep="\r\n", max_line_length=200))


def continued(thread: dict[str, Any], message_id: str) -> dict[str, Any]:
    """The thread with one more mail."""
    return {**thread, "references": _kept([*(thread.get("references") or []), message_id])}


def _kept(references: list[str]) -> list[str]:
    """The first, where the thread began, and the latest."""
    return references if len(references) <= MAX_REFERENCES else [references[0], *references[1 - MAX_REFERENCES :]]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _page(paragraphs: list[str]) -> str:
    body = "".join(f"<p>{html.escape(text)}</p>\n".replace("\n", "<br>\n", text.count("\n")) for text in paragraphs)
    return f'<!DOCTYPE html>\n<html lang="en"><body>\n{body}</body></html>\n'
