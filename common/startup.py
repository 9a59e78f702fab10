"""What keeps a service from starting: secrets that anybody could guess, and an address that anybody could reach."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from ipaddress import ip_address

MINIMUM = 32  # characters
EXPOSE = "TANDEM_EXPOSE"
HOW = ", such as `openssl rand -hex 32` prints"
_GUESSABLE = ("changeme", "secret", "password", "example", "default", "insert")

logger = logging.getLogger(__name__)


class StartRefused(Exception):
    """The service must not start so; the text is one sentence that says what to do."""


def check_secrets(env: Mapping[str, str], names: Iterable[str]) -> None:
    """Outside the demo (TANDEM_DEMO other than 1): each of these that is set is long, random and used once.

    Raises StartRefused.
    """
    if env.get("TANDEM_DEMO", "").strip() == "1":
        return
    seen: dict[str, str] = {}
    for name in names:
        value = env.get(name, "").strip()
        if not value:
            continue
        if len(value) < MINIMUM:
            raise StartRefused(f"{name} is too short: set it to at least {MINIMUM} random characters{HOW}.")
        if _looks_guessed(value):
            raise StartRefused(f"{name} is a value that others can guess: set it to random characters{HOW}.")
        if value in seen:
            raise StartRefused(f"{name} and {seen[value]} are the same: give each a secret of its own{HOW}.")
        seen[value] = name


def _looks_guessed(value: str) -> bool:
    letters = "".join(c for c in value.lower() if c.isalpha())
    return len(set(value)) < 8 or any(word in letters for word in _GUESSABLE)


def host(env: Mapping[str, str], name: str) -> str:
    """The address to listen on (`name`, default 127.0.0.1).

    Other machines reach one that is not loopback: that is refused without TANDEM_EXPOSE=1, and told with it.
    Raises StartRefused.
    """
    value = env.get(name, "").strip() or "127.0.0.1"
    if _is_loopback(value):
        return value
    if env.get(EXPOSE, "").strip() != "1":
        raise StartRefused(
            f"{name} is {value}, which other machines may reach: set {EXPOSE}=1 as well if a firewall or a private "
            "network keeps strangers out, or leave it at 127.0.0.1."
        )
    logger.warning("exposed", extra={"setting": name, "address": value, "protect": "a firewall or a private network"})
    return value


def _is_loopback(value: str) -> bool:
    if value == "localhost":
        return True
    try:
        return ip_address(value).is_loopback
    except ValueError:
        return False
