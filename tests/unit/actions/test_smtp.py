"""E-mail over SMTP against a real server on loopback."""

import smtplib
import socket
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from caldav_server import free_port
from sqlalchemy import select

from actions import backends, settings
from actions.backends import Identity, Level, Recipient, Unavailable, Undeliverable
from actions.backends.models import AuditRow, NotificationRow
from actions.backends.notify import smtp
from actions.backends.notify.smtp import SmtpNotifications
from actions.backends.session import transaction

pytestmark = pytest.mark.usefixtures("database")
PRIYA = Identity("p", Level.VERIFIED, "NA204518")
TO = Recipient("email", "priya@example.com")


class Mailbox:
    """Takes mail; `answers` are given to RCPT first, one a try."""

    def __init__(self) -> None:
        self.mail: list[Any] = []
        self.answers: list[str] = []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if self.answers:
            return self.answers.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.mail.append(message_from_bytes(envelope.content, policy=default))
        return "250 taken"


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    """A mail server without a log-in."""
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=free_port())
    controller.start()
    box.port = controller.port  # type: ignore[attr-defined]
    yield box
    controller.stop()


def sender(port: int, **other: Any) -> SmtpNotifications:
    """A sender to the server at `port`."""
    kept = settings.Smtp("127.0.0.1", port, False, "", "", "Northlight <care@example.com>", 2.0)
    return SmtpNotifications(replace(kept, **other))


def rows() -> list[tuple[str, str, str | None, int]]:
    """Address, outcome, reason and tries of each message."""
    with transaction() as session:
        found = session.scalars(select(NotificationRow).order_by(NotificationRow.id))
        return [(row.recipient, row.outcome, row.reason, row.attempts) for row in found]


def test_an_e_mail_arrives_and_leaves_a_row_without_its_body(mailbox: Any) -> None:
    assert sender(mailbox.port).send(PRIYA, TO, "Your\nvisit", "See you on Tuesday – £0.00") == "p•••@example.com"
    (mail,) = mailbox.mail
    assert (mail["From"], mail["To"]) == ("Northlight <care@example.com>", "priya@example.com")
    assert (mail["Subject"], mail.get_content().strip()) == ("Your visit", "See you on Tuesday – £0.00")
    assert rows() == [("p•••@example.com", "sent", None, 1)]
    with transaction() as session:
        kept = [vars(row) for table in (NotificationRow, AuditRow) for row in session.scalars(select(table))]
    assert "Tuesday" not in str(kept) and "priya@" not in str(kept)


def test_a_server_that_is_busy_is_tried_again(mailbox: Any) -> None:
    mailbox.answers = ["451 later", "421 later"]
    sender(mailbox.port).send(PRIYA, TO, "s", "b")
    assert len(mailbox.mail) == 1 and rows() == [("p•••@example.com", "sent", None, 3)]


def test_an_address_that_is_refused_is_not_tried_again(mailbox: Any) -> None:
    mailbox.answers = ["550 no such user"]
    with pytest.raises(Undeliverable):
        sender(mailbox.port).send(PRIYA, TO, "s", "b")
    assert mailbox.mail == [] and rows() == [("p•••@example.com", "failed", "Undeliverable", 1)]


def test_a_line_break_in_an_address_is_refused(mailbox: Any) -> None:
    with pytest.raises(Undeliverable):
        sender(mailbox.port).send(PRIYA, Recipient("email", "a@example.com\nBcc: b@example.com"), "s", "b")
    assert mailbox.mail == []


@pytest.mark.parametrize("silent", [False, True])
def test_a_server_that_is_down_or_silent_is_given_up(silent: bool) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        if silent:
            listener.listen()
        with pytest.raises(Unavailable, match="the mail server does not answer"):
            sender(listener.getsockname()[1], timeout=0.3).send(PRIYA, TO, "s", "b")
    assert rows() == [("p•••@example.com", "failed", "Unavailable", 3)]


def test_a_message_that_may_have_been_taken_is_not_sent_again(mailbox: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    data = smtplib.SMTP.data

    def breaking(self: smtplib.SMTP, message: bytes) -> Any:
        data(self, message)
        raise smtplib.SMTPServerDisconnected

    monkeypatch.setattr(smtplib.SMTP, "data", breaking)
    with pytest.raises(Unavailable, match="broke off"):
        sender(mailbox.port).send(PRIYA, TO, "s", "b")
    assert len(mailbox.mail) == 1


def test_text_messages_are_not_sent(mailbox: Any) -> None:
    assert sender(mailbox.port).channels() == {"email"}
    with pytest.raises(Unavailable):
        sender(mailbox.port).send(PRIYA, Recipient("sms", "07700 900123"), "s", "b")
    assert rows() == [("07••• •••123", "failed", "Unavailable", 0)]


def test_starttls_and_log_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    name = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-keyout", str(key)]
    subprocess.run([*made, "-out", str(certificate), *name], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def log_in(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=(data.login, data.password) == (b"tandem", b"right"), handled=False)

    box = Mailbox()
    controller = Controller(
        box, hostname="127.0.0.1", port=free_port(), tls_context=context, authenticator=log_in, auth_required=True
    )
    controller.start()
    try:
        safe = {"starttls": True, "user": "tandem"}
        with pytest.raises(Unavailable, match="certificate is not trusted"):
            sender(controller.port, **safe, password="right").send(PRIYA, TO, "s", "b")
        trusted = ssl.create_default_context(cafile=str(certificate))
        monkeypatch.setattr(smtp.ssl, "create_default_context", lambda: trusted)
        with pytest.raises(Unavailable, match="SMTP_USER and SMTP_PASSWORD"):
            sender(controller.port, **safe, password="wrong").send(PRIYA, TO, "s", "b")
        sender(controller.port, **safe, password="right").send(PRIYA, TO, "s", "b")
        assert len(box.mail) == 1
    finally:
        controller.stop()


def test_the_environment_chooses_the_sender(mailbox: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFICATIONS", "smtp")
    with pytest.raises(settings.MissingSetting, match="SMTP_HOST"):
        backends.notifications()
    for name, value in {"HOST": "127.0.0.1", "PORT": mailbox.port, "STARTTLS": "0", "FROM": "a@example.com"}.items():
        monkeypatch.setenv(f"SMTP_{name}", str(value))
    backends.notifications().send(PRIYA, TO, "s", "b")
    assert len(mailbox.mail) == 1
    monkeypatch.setenv("NOTIFICATIONS", "pigeons")
    with pytest.raises(settings.MissingSetting, match="console or smtp"):
        backends.notifications()


def test_the_console_prints_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    backends.notifications().send(PRIYA, Recipient("sms", "07700 900123"), "Your code", "It is\n123456.")
    assert "[notification] text message to 07••• •••123: Your code: It is 123456.\n" in capsys.readouterr().out
    assert rows() == [("07••• •••123", "sent", None, 1)]
