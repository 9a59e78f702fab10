"""One calendar on a CalDAV server: places taken, changed and freed, each on condition of what was read.

A request that got no answer is tried again, since a condition (`If-None-Match: *`, `If-Match`) keeps it from
being done twice; what the first try may have done is told by the event's UID.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import TypeVar
from urllib.parse import urlsplit

import requests
from caldav.davclient import DAVClient
from caldav.lib import error as dav
from caldav.response import DAVResponse

from ...settings import Caldav
from ..calendar import to_utc
from ..far import Tries, call
from ..protocols import Unavailable
from .events import Visit, from_ical, to_ical

SYSTEM = "the booking calendar"
T = TypeVar("T")
_made: set[str] = set()
_making = Lock()


class Taken(Exception):
    """The place is taken by another visit."""


class Changed(Exception):
    """The resource has been changed or removed since it was read."""


class _Busy(Exception):
    """The server answered that it cannot do it now (500 and above)."""


_RETRIED = (requests.ConnectionError, requests.Timeout, _Busy)


@dataclass(frozen=True)
class Kept:
    """A visit as the server keeps it; `url` is its resource."""

    url: str
    visit: Visit

    @property
    def name(self) -> str:
        """The last part of the resource's path."""
        return urlsplit(self.url).path.rpartition("/")[2]


class VisitCalendar:
    """The calendar; every method raises `Unavailable` when the server cannot be used."""

    def __init__(self, settings: Caldav) -> None:
        self._settings = settings
        self._url = settings.url.rstrip("/") + "/"

    def visits(self, start: datetime, end: datetime) -> list[Kept]:
        """The visits between two London times."""

        def do(client: DAVClient) -> list[Kept]:
            span = {"start": to_utc(start), "end": to_utc(end)}
            found = client.calendar(url=self._url).search(event=True, **span)
            kept = ((str(event.url), from_ical(event.data)) for event in found)
            return [Kept(url, visit) for url, visit in kept if visit]

        return self._call(do)

    def create(self, name: str, visit: Visit) -> None:
        """Take a place; raises `Taken`."""

        def do(client: DAVClient) -> None:
            status = _send(client, "PUT", self._url + name, to_ical(visit), {"If-None-Match": "*"}).status
            if status in (409, 412):  # perhaps by a try of ours whose answer was lost
                kept = self._read(client, self._url + name)
                if kept is None or kept[0].uid != visit.uid:
                    raise Taken
            elif status not in (200, 201, 204):
                raise Unavailable(f"{SYSTEM} answered {status}")

        self._call(do)

    def replace(self, kept: Kept, visit: Visit) -> None:
        """Change a visit in its place; raises `Changed`."""

        def do(client: DAVClient) -> None:
            now = self._read(client, kept.url)
            if now is None or now[0] not in (kept.visit, visit):
                raise Changed
            if now[0] != visit:
                _done(_send(client, "PUT", kept.url, to_ical(visit), {"If-Match": now[1]}).status)

        self._call(do)

    def remove(self, kept: Kept) -> None:
        """Free a place; raises `Changed`."""
        tries = Tries()

        def do(client: DAVClient) -> None:
            now = self._read(client, kept.url)
            if now is None and tries.count > 1:  # the try whose answer was lost
                return
            if now is None or now[0] != kept.visit:
                raise Changed
            _done(_send(client, "DELETE", kept.url, "", {"If-Match": now[1]}).status)

        self._call(do, tries)

    @staticmethod
    def _read(client: DAVClient, url: str) -> tuple[Visit, str] | None:
        response = _send(client, "GET", url, "", {})
        if response.status != 200:
            return None
        visit = from_ical(response.raw if isinstance(response.raw, str) else response.raw.decode())
        return (visit, response.headers["ETag"]) if visit else None

    def _call(self, do: Callable[[DAVClient], T], tries: Tries | None = None) -> T:
        try:
            with self._client() as client:
                self._make(client)
                return call(SYSTEM, _RETRIED, lambda: do(client), tries)
        except (requests.RequestException, dav.DAVError) as error:
            raise Unavailable(f"{SYSTEM} cannot be used ({type(error).__name__})") from error

    @contextmanager
    def _client(self) -> Iterator[DAVClient]:
        kept = self._settings
        with DAVClient(
            url=self._url,
            username=kept.user or None,
            password=kept.password,
            auth_type="basic" if kept.user else None,
            timeout=kept.timeout,  # type: ignore[arg-type]  # passed on to requests, which takes fractions
        ) as client:
            yield client

    def _make(self, client: DAVClient) -> None:
        """Make the calendar when it is not there yet; looked after once a process."""
        with _making:
            if self._url in _made:
                return

            def do() -> None:
                if _send(client, "PROPFIND", self._url, "", {"Depth": "0"}).status == 404:
                    status = _send(client, "MKCALENDAR", self._url, "", {}).status
                    if status not in (201, 405, 409):  # the last two: another worker was faster
                        raise Unavailable(f"{SYSTEM} could not be made: the server answered {status}")

            call(SYSTEM, _RETRIED, do)
            _made.add(self._url)


def _send(client: DAVClient, method: str, url: str, body: str, headers: dict[str, str]) -> DAVResponse:
    kind = {"Content-Type": "text/calendar; charset=utf-8"} if method == "PUT" else {}
    response = client.request(url, method, body, {**kind, **headers})
    if response.status >= 500:
        raise _Busy
    return response


def _done(status: int) -> None:
    if status in (404, 409, 412):
        raise Changed
    if status not in (200, 201, 204):
        raise Unavailable(f"{SYSTEM} answered {status}")
