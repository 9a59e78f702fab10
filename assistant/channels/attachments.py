"""Pictures, recordings and files: never fetched. The customer is told in one sentence what cannot be read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from assistant.channels import text
from assistant.privacy import redactor

MAX_ATTACHMENTS = 10
MAX_NAME = 100  # characters
MAX_BYTES = 2**53  # more is no size

_CALLED = {
    "image": "pictures",
    "audio": "recordings",
    "video": "videos",
    "file": "files",
    "location": "locations",
    "contact": "contact cards",
    "sticker": "stickers",
}
KINDS = tuple(_CALLED)
_ONE = {
    "image": "a picture",
    "audio": "a recording",
    "video": "a video",
    "file": "a file",
    "location": "a location",
    "contact": "a contact card",
    "sticker": "a sticker",
}
# What to do instead.
_INSTEAD = {
    "image": "Could you tell me in words what it shows?",
    "audio": "Could you write what you said?",
    "video": "Could you tell me in words what it shows?",
    "location": "Could you write the address or the postcode?",
    "contact": "Could you write what I should know?",
}
_IN_WORDS = "Could you tell me in words what you need?"


@dataclass(frozen=True)
class Attachment:
    """Something that came with a message: one of KINDS, its name, and its size in bytes where that is known."""

    kind: str
    name: str
    bytes: int | None

    def note(self) -> dict[str, Any]:
        """What the desk is told."""
        return {"kind": self.kind, "name": self.name, "bytes": self.bytes}


def read(found: Any) -> tuple[Attachment, ...]:
    """The attachments that a channel names in a message's metadata; what is not as agreed is a file without a name."""
    if not isinstance(found, list | tuple):
        return ()
    return tuple(_attachment(one if isinstance(one, dict) else {}) for one in found[:MAX_ATTACHMENTS])


def _attachment(found: dict[Any, Any]) -> Attachment:
    kind, name, size = found.get("kind"), found.get("name"), found.get("bytes")
    return Attachment(
        kind if isinstance(kind, str) and kind in KINDS else "file",
        redactor.redact(text.clean(name[:MAX_NAME])) if isinstance(name, str) else "",
        size if type(size) is int and 0 <= size <= MAX_BYTES else None,
    )


def cannot_read(attachments: Iterable[Attachment], with_text: bool) -> str:
    """The sentence about what cannot be read; beside text nothing more is asked for."""
    kinds = _kinds(attachments)
    verb = "listen to" if kinds == ["audio"] else "look at"
    sentence = f"I can't {verb} {_listed([_CALLED[kind] for kind in kinds], 'or')} here"
    if with_text:
        return f"{sentence}, so I'll go by what you wrote."
    return f"{sentence}. {_INSTEAD.get(kinds[0], _IN_WORDS) if len(kinds) == 1 else _IN_WORDS}"


def noted(attachments: Iterable[Attachment]) -> str:
    """The sentence about what was noted for the desk, when no text came with it."""
    things = _listed([_ONE[kind] for kind in _kinds(attachments)], "and")
    return f"I've noted for our people that you sent {things}, but I can't open it myself. {_IN_WORDS}"


def shown(attachments: Iterable[Attachment]) -> str:
    """What stands in the conversation for attachments without text: `[a picture]`."""
    return f"[{_listed([_ONE[kind] for kind in _kinds(attachments)], 'and')}]"


def _kinds(attachments: Iterable[Attachment]) -> list[str]:
    present = {attachment.kind for attachment in attachments}
    return [kind for kind in KINDS if kind in present]


def _listed(names: list[str], last: str) -> str:
    return f"{', '.join(names[:-1])} {last} {names[-1]}" if len(names) > 1 else names[0]
