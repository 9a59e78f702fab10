"""Which mails no person has written: answering them would annoy, or never end (RFC 3834)."""

from __future__ import annotations

from email.message import EmailMessage

_LISTS = ("List-Id", "List-Post", "List-Unsubscribe", "X-Mailing-List")
_ROBOTS = ("X-Autoreply", "X-Autorespond", "X-Auto-Reply-From", "X-Failed-Recipients")
_PRECEDENCE = ("bulk", "junk", "list", "auto_reply", "auto-reply")
_SUPPRESSED = ("all", "autoreply", "oof")
_MACHINES = ("mailer-daemon", "postmaster", "noreply", "no-reply", "donotreply", "do-not-reply", "bounce", "bounces")


def reason(message: EmailMessage, sender: str, mail_from: str) -> str:
    """Why a mail must not be answered, in a word; "" for a person's."""
    if mail_from.strip() in ("", "<>"):
        return "bounce"
    if message.get_content_type() in ("multipart/report", "message/delivery-status"):
        return "report"
    if _value(message, "Auto-Submitted").split(";")[0].strip() not in ("", "no"):
        return "auto-submitted"
    if _value(message, "Precedence") in _PRECEDENCE:
        return "precedence"
    if any(word.strip() in _SUPPRESSED for word in _value(message, "X-Auto-Response-Suppress").split(",")):
        return "suppressed"
    if any(message.get(name) for name in _LISTS):
        return "mailing-list"
    if any(message.get(name) for name in _ROBOTS):
        return "robot"
    return "machine" if sender.rpartition("@")[0].split("+")[0] in _MACHINES else ""


def _value(message: EmailMessage, name: str) -> str:
    return str(message.get(name) or "").strip().casefold()
