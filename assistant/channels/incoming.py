"""What a channel tells the guard about a message, read from its metadata: anything may stand there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from assistant.channels import attachments
from assistant.channels.attachments import Attachment

MAX_ID = 200  # characters


@dataclass(frozen=True)
class Incoming:
    """A message's metadata: the payload of a button, the platform's id, the client's address, what came with it.

    `is_text` is False when the text or the payload is something else.
    """

    text: str
    payload: str
    message_id: str
    address: str
    attachments: tuple[Attachment, ...]
    is_text: bool


def read(text: Any, metadata: Any) -> Incoming:
    """The message as the guard works with it; never raises."""
    found = metadata if isinstance(metadata, dict) else {}
    payload, message_id = found.get("payload"), found.get("message_id")
    if type(message_id) is int:
        message_id = str(message_id) if abs(message_id) < 10**MAX_ID else ""
    return Incoming(
        text=text if isinstance(text, str) else "",
        payload=payload if isinstance(payload, str) else "",
        message_id=message_id if isinstance(message_id, str) and len(message_id) <= MAX_ID else "",
        address=found["address"] if isinstance(found.get("address"), str) else "",
        attachments=attachments.read(found.get("attachments")),
        is_text=isinstance(text, str | None) and isinstance(payload, str | None),
    )
