"""Sends e-mail over SMTP (RFC 5321), with STARTTLS and a login when they are set. Text messages are not sent."""

import smtplib
import ssl
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid, parseaddr

from ...settings import Smtp
from ..far import Tries, call
from ..protocols import BackendError, Channel, Identity, Recipient, Unavailable, Undeliverable
from .record import record

SYSTEM = "the mail server"


class _Transient(Exception):
    """The server asked to be tried again (a reply from 400 to 499)."""


# smtplib's own errors are OSErrors too. Nothing is retried once the message itself was handed over.
_RETRIED = (_Transient, OSError)


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
        delivered = False
        try:
            with smtplib.SMTP(kept.host, kept.port, timeout=kept.timeout) as server:
                self._greet(server)
                _accepted(server.mail(parseaddr(kept.sender)[1]))
                _accepted(server.rcpt(str(message["To"])))
                _hand_over(server, message)
                delivered = True
        except smtplib.SMTPException:  # an odd goodbye must not send the message a second time
            if not delivered:
                raise

    def _greet(self, server: smtplib.SMTP) -> None:
        kept = self._settings
        if kept.starttls:
            try:
                server.starttls(context=ssl.create_default_context())
            except ssl.SSLError as error:
                raise Unavailable("the mail server's certificate is not trusted, or it speaks no TLS") from error
        if kept.user:
            try:
                server.login(kept.user, kept.password)
            except smtplib.SMTPAuthenticationError as error:
                raise Unavailable("the mail server refuses SMTP_USER and SMTP_PASSWORD") from error
        server.ehlo_or_helo_if_needed()


def _hand_over(server: smtplib.SMTP, message: EmailMessage) -> None:
    """Give the message itself; when the connection breaks here, the server may have taken it already."""
    try:
        _accepted(server.data(message.as_bytes(policy=SMTP)))
    except smtplib.SMTPDataError as error:
        raise _verdict(error.smtp_code) from error
    except OSError as error:
        raise Unavailable("the mail server broke off while it took a message") from error


def _accepted(reply: tuple[int, bytes]) -> None:
    if reply[0] not in (250, 251):
        raise _verdict(reply[0])


def _verdict(code: int) -> Exception:
    return _Transient(str(code)) if 400 <= code < 500 else Undeliverable(f"the mail server refused it ({code})")
