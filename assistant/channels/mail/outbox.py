"""Delivers our mails by SMTP (RFC 5321), trying for a day; one that cannot be delivered is kept, and said so."""

from __future__ import annotations

import asyncio
import logging
import smtplib
import ssl
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from assistant.channels.mail.files import OUTBOX, MailFiles
from assistant.channels.mail.order import OneByOne
from assistant.channels.mail.settings import Settings

logger = logging.getLogger(__name__)

WAITS = (5, 30, 120, 600, 1800, 3600, 7200, 14400, 28800, 28800)  # seconds between the attempts: a day in all
AT_ONCE = 4  # connections to the mail server

OnFailure = Callable[[str, str], Awaitable[None]]


class NotNow(Exception):
    """The mail server did not take a mail, and may later; the text has no personal data."""


class Never(Exception):
    """The mail server will not take this mail; the text has no personal data."""


class Outbox:
    """Mails on their way out, each in a file until the mail server has it; those of a conversation in their order."""

    def __init__(
        self, settings: Settings, files: MailFiles, on_failure: OnFailure, waits: Sequence[float] = WAITS
    ) -> None:
        """`on_failure` is told the conversation and the reason when a mail is given up."""
        self._settings, self._files, self._on_failure, self._waits = settings, files, on_failure, waits
        self._order = OneByOne()
        self._places = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()

    async def send(self, conversation: str, to: str, mail: bytes) -> None:
        """Take a mail; once this returns, it is kept on disk until it is delivered or given up."""
        content = {"to": to, "mail": mail.decode("ascii", "surrogateescape")}
        self._start(await asyncio.to_thread(self._files.add, OUTBOX, conversation, content))

    def resume(self) -> None:
        """Deliver what an earlier process has left."""
        for path in self._files.waiting(OUTBOX):
            self._start(path)

    async def stop(self, seconds: float) -> None:
        """Wait for what is being sent now; the rest is in its files."""
        self._stopping.set()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        for task in self._tasks:
            task.cancel()

    def _start(self, path: Path) -> None:
        task = asyncio.create_task(self._deliver(path))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, path: Path) -> None:
        reason = ""
        async with self._order.of(path.stem):
            for wait in (*self._waits, None):
                try:
                    async with self._places:
                        await asyncio.to_thread(self._attempt, path)
                    return
                except NotNow as error:
                    reason = str(error)
                    logger.warning("A mail to %s is not delivered yet: %s.", path.stem, reason)
                except Never as error:
                    reason = str(error)
                    break
                except Exception as error:  # the disk, the vault: the file stays
                    logger.error("A mail to %s stays behind: %s.", path.stem, type(error).__name__)
                    return
                if await self._stopped_within(wait or 0):
                    return
        await asyncio.to_thread(self._files.give_up, path)
        logger.error("A mail to %s was given up and is kept in mail/failed: %s.", path.stem, reason)
        await self._on_failure(path.stem, reason)

    async def _stopped_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except asyncio.TimeoutError:
            return False
        return True

    def _attempt(self, path: Path) -> None:
        content: dict[str, Any] | None = self._files.read(path)
        if content is not None:
            deliver(self._settings, content["to"], content["mail"].encode("ascii", "surrogateescape"))
            path.unlink(missing_ok=True)


def deliver(settings: Settings, to: str, mail: bytes) -> None:
    """Hand a mail to the mail server.

    Raises:
        NotNow: the server could not be reached or asks for another try.
        Never: the server refuses the mail for good.
    """
    delivered = False
    context = ssl.create_default_context()
    try:
        with _connect(settings, context) as server:
            if settings.smtp_security == "starttls":
                server.starttls(context=context)
            if settings.smtp_user:
                server.login(settings.smtp_user, settings.smtp_password)
            server.sendmail(settings.address, [to], mail)
            delivered = True
    except smtplib.SMTPAuthenticationError as error:
        raise NotNow("the mail server refuses EMAIL_SMTP_USER and EMAIL_SMTP_PASSWORD") from error
    except smtplib.SMTPRecipientsRefused as error:
        raise _verdict(next(iter(error.recipients.values()))[0]) from None
    except smtplib.SMTPResponseException as error:
        if not delivered:  # an odd goodbye must not send the mail a second time
            raise _verdict(error.smtp_code) from None
    except ssl.SSLError as error:
        raise NotNow("the mail server's certificate is not trusted, or it speaks no TLS") from error
    except UnicodeError:
        raise Never("the address cannot be written to") from None
    except OSError as error:  # smtplib's other errors too
        if not delivered:
            raise NotNow(f"the mail server did not answer ({type(error).__name__})") from error


def _connect(settings: Settings, context: ssl.SSLContext) -> smtplib.SMTP:
    where = settings.smtp_host, settings.smtp_port
    if settings.smtp_security == "tls":
        return smtplib.SMTP_SSL(*where, settings.domain, timeout=settings.smtp_timeout, context=context)
    return smtplib.SMTP(*where, settings.domain, timeout=settings.smtp_timeout)


def _verdict(code: int) -> Exception:
    return Never(f"the mail server refuses it ({code})") if code >= 500 else NotNow(f"the mail server answered {code}")
