"""Where people work who take over conversations: the built-in desk, or a help desk that stands in its place.

`HELP_DESK` says which: `desk`, or the path of a class such as `northlight.zendesk:HelpDesk`, which is made without
arguments. The built-in desk follows the event stream, so nothing has to be placed there.
"""

import importlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import quote

import requests

from . import settings

BUILT_IN = "desk"
TIMEOUT = (0.5, 1.0)  # seconds to connect, and to answer: the customer waits for the whole of it


class HelpDeskDown(Exception):
    """The help desk did not answer, or not as agreed; the text says how, for the log."""


@dataclass(frozen=True)
class Estimate:
    """How things stand in a queue: conversations that wait, the customer's place (from 1), and people who are there.

    `wait_minutes` is None when nobody can tell.
    """

    waiting: int
    position: int
    wait_minutes: int | None
    agents: int
    open: bool


class HelpDesk(Protocol):
    """What a help desk must be able to do. Every method may raise `HelpDeskDown`, and takes two seconds at most."""

    name: str

    def estimate(self, queue: str, conversation: str) -> Estimate:
        """How long `conversation` has to wait in `queue`; where it is not in it yet, as if it came now."""

    def callback(self, conversation: str, queue: str, at: datetime, phone: str, text: str, request: str) -> str:
        """Note down a call to `phone` at `at` (aware); returns its reference, the same for the same `request`."""

    def place(self, conversation: str, packet: dict[str, Any]) -> None:
        """Put a conversation into the packet's queue; again with the same packet id when the packet has changed."""


class BuiltInDesk:
    """Tandem's own desk, over HTTP."""

    name = BUILT_IN

    def __init__(self, url: str, token: str) -> None:
        """`url` is empty where no desk is configured: every call is then `HelpDeskDown`."""
        self._url, self._token = url, token

    def estimate(self, queue: str, conversation: str) -> Estimate:
        """GET /api/queues/<queue>/estimate."""
        found = self._call(
            "GET", f"/api/queues/{quote(queue, safe='')}/estimate", params={"conversation": conversation}
        )
        try:
            minutes = found["wait_minutes"]
            return Estimate(
                waiting=int(found["waiting"]),
                position=int(found["position"]),
                wait_minutes=None if minutes is None else int(minutes),
                agents=int(found["agents"]),
                open=bool(found["open"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise HelpDeskDown(f"the desk's estimate is not as agreed ({type(error).__name__})") from error

    def callback(self, conversation: str, queue: str, at: datetime, phone: str, text: str, request: str) -> str:
        """POST /api/callbacks."""
        body = {
            "conversation": conversation,
            "queue": queue,
            "at": at.isoformat(timespec="seconds"),
            "phone": phone,
            "text": text,
            "request": request,
        }
        reference = self._call("POST", "/api/callbacks", json=body).get("reference")
        if not reference:
            raise HelpDeskDown("the desk gave no reference for the call")
        return str(reference)

    def place(self, conversation: str, packet: dict[str, Any]) -> None:
        """Nothing: the desk sees the slots `handoff` and `owner` in the event stream."""

    def _call(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        if not self._url:
            raise HelpDeskDown("DESK_URL is not set")
        headers = {"Authorization": f"Bearer {self._token}"}
        try:
            with requests.Session() as session:
                session.trust_env = False  # the desk is beside us: no proxy
                answer = session.request(method, self._url + path, headers=headers, timeout=TIMEOUT, **options)
                answer.raise_for_status()
                found = answer.json()
        except (requests.RequestException, ValueError) as error:
            # The error's own text can hold the customer's phone number.
            raise HelpDeskDown(f"the desk did not answer {method} {path} ({type(error).__name__})") from error
        if not isinstance(found, dict):
            raise HelpDeskDown("the desk's answer is no object")
        return found


def helpdesk() -> HelpDesk:
    """The help desk that is configured. Raises `MissingSetting` when HELP_DESK names none that can be had."""
    name = settings.help_desk()
    if name == BUILT_IN:
        return BuiltInDesk(settings.desk_url(), settings.desk_token())
    module, _, attribute = name.partition(":")
    try:
        made: HelpDesk = getattr(importlib.import_module(module), attribute or "HelpDesk")()
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise settings.MissingSetting(
            f"HELP_DESK must be {BUILT_IN} or a class such as package.module:HelpDesk, not {name!r} ({error})"
        ) from error
    return made
