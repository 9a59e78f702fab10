"""What the mail server in front has found out about the sender's address (Authentication-Results, RFC 8601)."""

from __future__ import annotations

import re
from email.message import EmailMessage

_COMMENT = re.compile(r"\([^()]*\)")
_RESULT = re.compile(r"\s*(dmarc|spf|dkim)\s*=\s*(\w+)", re.I)
_DOMAIN = re.compile(r"\b(?:smtp\.mailfrom|header\.d|header\.i)\s*=\s*\"?(?:[^\s;@\"]*@)?([^\s;\"]+)", re.I)


def passed(message: EmailMessage, authserv_id: str, sender: str) -> bool:
    """Whether DMARC passed, or, where the server says nothing of it, SPF or DKIM for the sender's own domain.

    Only the topmost header of the server named `authserv_id` counts: it adds its own above all others.
    """
    domain = sender.rpartition("@")[2]
    for header in message.get_all("Authentication-Results") or []:
        server, _, results = _COMMENT.sub(" ", str(header)[:4000]).partition(";")
        if server.split()[:1] == [authserv_id] or server.strip().casefold() == authserv_id.casefold():
            return _passed(results.split(";"), domain)
    return False


def _passed(results: list[str], domain: str) -> bool:
    found = [(match, result) for result in results if (match := _RESULT.match(result))]
    dmarc = [match[2].casefold() for match, _ in found if match[1].casefold() == "dmarc"]
    if dmarc:
        return set(dmarc) == {"pass"}
    return any(match[2].casefold() == "pass" and _same(_DOMAIN.search(result), domain) for match, result in found)


def _same(named: re.Match[str] | None, domain: str) -> bool:
    return bool(named) and named[1].casefold().rstrip(".") == domain
