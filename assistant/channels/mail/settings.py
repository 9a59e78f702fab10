"""The e-mail channel's settings: from its block in the credentials file, or else from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formataddr, parseaddr
from pathlib import Path
from typing import Any

from rasa.shared.exceptions import RasaException

from assistant.channels.mail.reading import address_of

SECURITY = ("starttls", "tls", "none")
PROTOCOLS = ("smtp", "lmtp")


class SettingMissing(RasaException):
    """A setting is missing or cannot be used; the text says which."""


@dataclass(frozen=True)
class Settings:
    """`sender` is the From header of our mails; customers write to `addresses`. Time-outs in seconds."""

    sender: str
    addresses: frozenset[str]
    folder: Path
    listen_host: str
    listen_port: int
    protocol: str
    max_bytes: int
    authserv_id: str
    smtp_host: str
    smtp_port: int
    smtp_security: str
    smtp_user: str
    smtp_password: str
    smtp_timeout: float

    @property
    def address(self) -> str:
        """The bare address of our mails."""
        return parseaddr(self.sender)[1]

    @property
    def domain(self) -> str:
        """The domain of our mails."""
        return self.address.rpartition("@")[2]


def read(credentials: Mapping[str, Any] | None) -> Settings:
    """Each setting `name` is `name` in the block, or EMAIL_NAME in the environment, or has a default.

    Raises:
        SettingMissing: one that has no default is missing, or one cannot be used.
    """
    source = _Source(credentials or {})
    name, address = parseaddr(source.text("from"))
    if not address_of(address) or not address.isascii():
        raise SettingMissing("EMAIL_FROM must be an address such as `Northlight <care@example.com>`.")
    others = source.text("addresses", address).split(",")
    addresses = frozenset(address_of(other) for other in others)
    if "" in addresses:
        raise SettingMissing("EMAIL_ADDRESSES must be the addresses that customers write to, with commas between.")
    return Settings(
        sender=formataddr((name, address)),
        addresses=addresses | {address_of(address)},
        folder=Path(source.text("folder", str(Path(source.var()) / "mail"))),
        listen_host=source.text("listen_host", "127.0.0.1"),
        listen_port=source.number("listen_port", 8025),
        protocol=source.choice("protocol", PROTOCOLS),
        max_bytes=source.number("max_bytes", 10_000_000),
        authserv_id=source.text("authserv_id", ""),
        smtp_host=source.text("smtp_host"),
        smtp_port=source.number("smtp_port", 587),
        smtp_security=source.choice("smtp_security", SECURITY),
        smtp_user=source.text("smtp_user", ""),
        smtp_password=source.text("smtp_password", ""),
        smtp_timeout=float(source.number("smtp_timeout_seconds", 20)),
    )


class _Source:
    def __init__(self, credentials: Mapping[str, Any]) -> None:
        self._credentials = credentials

    def text(self, name: str, default: str | None = None) -> str:
        variable = f"EMAIL_{name.upper()}"
        value = str(self._credentials.get(name) or os.environ.get(variable) or "").strip()
        if not value and default is None:
            raise SettingMissing(
                f"{variable} is not set: set it in the environment, or take the e-mail channel out of credentials.yml."
            )
        return value or str(default)

    def number(self, name: str, default: int) -> int:
        text = self.text(name, str(default))
        if not text.isascii() or not text.isdecimal():
            raise SettingMissing(f"EMAIL_{name.upper()} must be a number, not {text!r}.")
        return int(text)

    def choice(self, name: str, values: tuple[str, ...]) -> str:
        text = self.text(name, values[0])
        if text not in values:
            raise SettingMissing(f"EMAIL_{name.upper()} must be {' or '.join(values)}, not {text!r}.")
        return text

    @staticmethod
    def var() -> str:
        folder = os.environ.get("TANDEM_VAR")
        if not folder:
            raise SettingMissing("TANDEM_VAR is not set: start Tandem with `make run`, or load var/env first.")
        return folder
