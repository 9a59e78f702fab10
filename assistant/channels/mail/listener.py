"""Takes customers' mails in, by SMTP or LMTP; what is not for us is refused while the sender's server still listens."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session
from rasa.shared.exceptions import RasaException

from assistant.channels.limits import Pace, RateLimit
from assistant.channels.mail import reading
from assistant.channels.mail.reading import Mail, Unreadable, address_of
from assistant.channels.mail.settings import Settings

logger = logging.getLogger(__name__)

MAX_CONNECTIONS = 50
MAX_RECIPIENTS = 10
IDLE_SECONDS = 60
COMMANDS = 100  # of one kind in a connection
MAX_MAILS, IN_SECONDS = 30, 3600  # from one address; two robots that answer each other end here

TAKEN = "250 2.0.0 Message accepted"
IGNORED = "250 2.0.0 Message accepted; automatic messages are not answered"
BUSY = "451 4.3.0 The message cannot be taken now, please try again later"
TOO_MANY = "450 4.7.1 Too many messages from this address, please try again later"
NOT_PROVEN = "550 5.7.1 The sender's address could not be authenticated (SPF, DKIM, DMARC)"
NO_SUCH_ADDRESS = "550 5.1.1 There is no such address here"
RECIPIENTS = "452 4.5.3 Too many recipients"


class ListenerError(RasaException):
    """The listener cannot be started; the text says why."""


class Listener:
    """`accept` is given each mail of a person; once it returns, the mail is safe. What it raises is a later try."""

    def __init__(self, settings: Settings, accept: Callable[[Mail], Awaitable[None]]) -> None:
        """Listens after start()."""
        self._settings, self._accept = settings, accept
        self._server: asyncio.AbstractServer | None = None
        self._rate = RateLimit(MAX_MAILS, IN_SECONDS)
        self._connections: set[asyncio.BaseTransport] = set()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        assert self._server
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Listen.

        Raises:
            ListenerError: the port is taken, or the host is not this machine's.
        """
        logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd's own: it prints addresses
        host, port = self._settings.listen_host, self._settings.listen_port
        try:
            self._server = await asyncio.get_running_loop().create_server(self._protocol, host, port)
        except OSError as error:
            raise ListenerError(
                f"The e-mail channel cannot listen on {host}:{port} ({error.strerror}): set EMAIL_LISTEN_PORT."
            ) from None

    async def stop(self) -> None:
        """Take no more; what is half sent is sent again later by its server."""
        if self._server:
            self._server.close()
            await self._server.wait_closed()
        for connection in list(self._connections):
            connection.close()

    def _protocol(self) -> SMTP:
        kind = _Lmtp if self._settings.protocol == "lmtp" else _Smtp
        server = kind(
            self,
            data_size_limit=self._settings.max_bytes,
            enable_SMTPUTF8=True,
            hostname=self._settings.domain,
            ident="Tandem",
            timeout=IDLE_SECONDS,
            command_call_limit=COMMANDS,
            loop=asyncio.get_running_loop(),
        )
        server.connections = self._connections
        return server

    # What aiosmtpd calls:

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Only our own addresses, also with a tag (care+orders@…)."""
        if not self._is_ours(address_of(address)):
            return NO_SUCH_ADDRESS
        if len(envelope.rcpt_tos) >= MAX_RECIPIENTS:
            return RECIPIENTS
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:
        """The answer to a whole mail; LMTP wants one for each recipient."""
        try:
            answer = await self._take(bytes(envelope.original_content or b""), envelope.mail_from or "")
        except Unreadable as error:
            answer = f"554 5.6.0 {error}"
        except Exception as error:
            logger.error("A mail could not be taken: %s.", type(error).__name__)
            answer = BUSY
        return "\r\n".join([answer] * (len(envelope.rcpt_tos) if isinstance(server, LMTP) else 1))

    async def handle_exception(self, error: Exception) -> str:
        """The answer where aiosmtpd itself fails."""
        logger.error("A mail's delivery failed: %s.", type(error).__name__)
        return BUSY

    def _is_ours(self, address: str) -> bool:
        name, _, domain = address.rpartition("@")
        return f"{name.partition('+')[0]}@{domain}" in self._settings.addresses

    async def _take(self, content: bytes, mail_from: str) -> str:
        mail = await asyncio.to_thread(reading.read, content, mail_from, self._settings.authserv_id)
        why = "loop" if self._is_ours(mail.sender) else mail.automatic
        if why:
            logger.info("A mail is not answered: %s.", why)
            return IGNORED
        if self._settings.authserv_id and not mail.proven:
            logger.warning("A mail was refused: its sender is not authenticated.")
            return NOT_PROVEN
        if self._rate.check(mail.sender) is not Pace.HANDLE:
            logger.warning("A mail was put off: there are too many from its sender.")
            return TOO_MANY
        await self._accept(mail)
        return TAKEN


class _Limited:
    """No more than so many connections at a time."""

    connections: set[asyncio.BaseTransport]

    def connection_made(self, transport: Any) -> None:
        if len(self.connections) >= MAX_CONNECTIONS:
            transport.write(b"421 4.3.2 Too many connections, please try again later\r\n")
            transport.close()
            return
        self.connections.add(transport)
        super().connection_made(transport)  # type: ignore[misc]

    def connection_lost(self, error: Exception | None) -> None:
        if getattr(self, "transport", None) in self.connections:
            self.connections.discard(self.transport)  # type: ignore[attr-defined]
            super().connection_lost(error)  # type: ignore[misc]


class _Smtp(_Limited, SMTP):
    pass


class _Lmtp(_Limited, LMTP):
    pass
