"""Sends e-mail over SMTP (RFC 5321), with STARTTLS and a login when they are set. Text messages are not sent."""

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from ...settings import Smtp
from ..far import Tries, call
from ..protocols import BackendError, Channel, Identity, Recipient, Unavailable, Undeliverable
from .record import record

SYSTEM = "the mail server"


class _Transient(Exception):
    """The server asked to be tried again (a reply from 400 to 499)."""


# Retried only while the message cannot have been taken: a message that is sent twice is worse than one sent late.
_RETRIED = (_Transient, ConnectionError, TimeoutError, OSError, smtplib.SMTPServerDisconnected)


class SmtpNotifications:
    """Implements `Notifications` for e-mail."""

    def __init__(self, settings: Smtp) -> None:
        self._settings = settings

    def channels(self) -> frozenset[Channel]:
        """See `Notifications.channels`."""
        return frozenset({"email"})

    def send(self, identity: Identity, to: Recipient, subject: str, body: str) -> str:
        """See `Notifications.send`."""
        tries = Tries()
        try:
            if to.channel != "email":
                raise Unavailable("text messages cannot be sent: no gateway is set up")
            message = self._message(to, subject, body)
            call(SYSTEM, _RETRIED, lambda: self._deliver(message), tries)
        except BackendError as error:
            record(identity, to, subject, type(error).__name__, tries.count)
            raise
        return record(identity, to, subject, attempts=tries.count)

    def _message(self, to: Recipient, subject: str, body: str) -> EmailMessage:
        message = EmailMessage()
        try:
            message["From"], message["To"] = self._settings.sender, to.address
            message["Subject"] = " ".join(subject.split())
        except ValueError as error:  # a line break or worse in the address
            raise Undeliverable("the address cannot be written to") from error
        message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain="tandem.invalid")
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office replies
        message.set_content(body)
        return message

    def _deliver(self, message: EmailMessage) -> None:
        kept = self._settings
        with smtplib.SMTP(kept.host, kept.port, timeout=kept.timeout) as server:
            if kept.starttls:
                server.starttls(context=ssl.create_default_context())
            if kept.user:
                server.login(kept.user, kept.password)
            try:
                server.send_message(message)
            except smtplib.SMTPRecipientsRefused as error:
                code = max(code for code, _ in error.recipients.values())
                raise _verdict(code) from error
            except smtplib.SMTPResponseException as error:
                raise _verdict(error.smtp_code) from error


def _verdict(code: int) -> Exception:
    return _Transient(str(code)) if 400 <= code < 500 else Undeliverable(f"the mail server refused it ({code})")
