"""What a client of the web chat sends, read without trust: tokens, the guard's metadata, its address."""

from __future__ import annotations

from typing import Any

from sanic.request import Request

MAX_ID_CHARACTERS = 64
MAX_NAME_CHARACTERS = 200
MAX_ATTACHMENTS = 20
ATTACHMENT_KINDS = ("image", "audio", "video", "file", "location", "contact", "sticker")


def handshake_token(environ: dict[str, Any], auth: Any) -> object:
    """The token of a handshake, None if it has none. Never from the address: that is written to logs."""
    if isinstance(auth, dict) and auth.get("token") is not None:
        return auth["token"]
    scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def event_token(data: Any) -> object:
    """The token that an event brings, None if it has none."""
    if not isinstance(data, dict):
        return None
    custom = data.get("customData")
    return data.get("token") or (custom.get("token") if isinstance(custom, dict) else None)


def guard_metadata(content: dict[str, Any], payload: str | None, address: str) -> dict[str, Any]:
    """What the guard needs to know of a message."""
    message_id, attachments = content.get("message_id"), content.get("attachments")
    known = isinstance(message_id, str) and 0 < len(message_id) <= MAX_ID_CHARACTERS
    given = attachments if isinstance(attachments, list) else []
    return {
        "payload": payload,
        "message_id": message_id if known else None,
        "address": address,
        "attachments": [_attachment(item) for item in given[:MAX_ATTACHMENTS]],
    }


def _attachment(item: Any) -> dict[str, Any]:
    item = item if isinstance(item, dict) else {}
    kind, name, size = item.get("kind"), item.get("name"), item.get("bytes")
    return {
        "kind": kind if kind in ATTACHMENT_KINDS else "file",
        "name": name[:MAX_NAME_CHARACTERS] if isinstance(name, str) else "",
        "bytes": size if type(size) is int and size >= 0 else None,
    }


def client_address(request: Request, proxies: int) -> str:
    """The client's network address, as the outermost of `proxies` trusted reverse proxies has seen it."""
    hops = [hop.strip() for line in request.headers.getall("x-forwarded-for", []) for hop in line.split(",")]
    return hops[-proxies] if 0 < proxies <= len(hops) else request.ip
