"""Message-IDs of our mails, which say what conversation they belong to, so that an answer finds it again."""

from __future__ import annotations

import hmac
import re
import time
from collections.abc import Iterable
from secrets import token_hex

from assistant.channels.signing import secret

VALID_SECONDS = 90 * 24 * 3600
_OURS = re.compile(r"<(email-[0-9a-f]{32})\.([0-9a-f]{1,12})-([0-9a-f]{8})\.([0-9a-f]{32})@[^<>@\s]+>")


def new_id(conversation: str, address: str, domain: str) -> str:
    """A Message-ID for a mail of `conversation` to `address`. Only who was sent it, or the secret's owner, knows it."""
    moment, once = f"{int(time.time()):x}", token_hex(4)
    return f"<{conversation}.{moment}-{once}.{_signature(conversation, moment, once, address)}@{domain}>"


def conversation_in(answers: Iterable[str], address: str) -> str | None:
    """The conversation of the first of these Message-IDs that we have sent to `address` lately; None without one."""
    for answer in answers:
        found = _OURS.fullmatch(answer)
        if not found:
            continue
        conversation, moment, once, signature = found.groups()
        genuine = hmac.compare_digest(signature, _signature(conversation, moment, once, address))
        if genuine and int(moment, 16) > time.time() - VALID_SECONDS:
            return conversation
    return None


def _signature(conversation: str, moment: str, once: str, address: str) -> str:
    signed = f"mail\n{conversation}\n{moment}\n{once}\n{address}".encode("utf-8", "surrogatepass")
    return hmac.new(secret().encode(), signed, "sha256").hexdigest()[:32]
