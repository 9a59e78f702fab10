"""Ready-made replies with places for what is known about the customer: knowledge/replies.toml, which writers edit."""

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import tomllib

from desk.handling import Refused

logger = logging.getLogger(__name__)

FILE = Path(__file__).resolve().parents[1] / "knowledge/replies.toml"
_PLACE = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_INSECURE = re.compile(r"\b(?:http|ftp|javascript|data):\S", re.IGNORECASE)
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


class RepliesError(Exception):
    """The file cannot be used; the message says where and why."""


@dataclass(frozen=True)
class Reply:
    """A ready-made reply. `queues`: only in these, or in all if there are none. `text` has places such as {name}."""

    id: str
    title: str
    text: str
    queues: tuple[str, ...] = ()


def replies(path: Path = FILE) -> tuple[Reply, ...]:
    """All replies; the file is read again when it has changed. Raises RepliesError."""
    try:
        return _read(path, path.stat().st_mtime_ns)
    except OSError as error:
        raise RepliesError(f"The ready-made replies can't be read ({error.strerror}): restore {path.name}.") from None


@lru_cache(maxsize=2)
def _read(path: Path, _changed: int) -> tuple[Reply, ...]:
    try:
        rows = tomllib.loads(path.read_text(encoding="utf-8")).get("reply", [])
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RepliesError(f"{path.name} is not valid TOML: {error}.") from None
    read = tuple(_reply(path.name, number, row) for number, row in enumerate(rows, 1))
    ids = [reply.id for reply in read]
    for twice in sorted({name for name in ids if ids.count(name) > 1}):
        raise RepliesError(f"{path.name}: two replies have the id {twice!r}; give one of them another.")
    return read


def _reply(file: str, number: int, row: Any) -> Reply:
    where = f"{file}, reply {number}"
    if not isinstance(row, dict) or set(row) - {"id", "title", "text", "queues"}:
        raise RepliesError(f"{where}: write id, title, text and queues, and nothing else.")
    if not _ID.fullmatch(str(row.get("id", ""))):
        raise RepliesError(f"{where}: give it an id of small letters, digits and hyphens.")
    queues = row.get("queues", [])
    if not isinstance(queues, list) or not all(isinstance(queue, str) for queue in queues):
        raise RepliesError(f'{where}: queues is a list of names, e.g. ["billing"].')
    for key in ("title", "text"):
        if not isinstance(row.get(key), str) or not row[key].strip():
            raise RepliesError(f"{where}: give it a {key}.")
    return Reply(row["id"], row["title"].strip(), row["text"].strip(), tuple(queues))


def offered(found: Sequence[Reply], queue: str, query: str) -> list[Reply]:
    """The replies of a queue whose id, title or text holds `query`: those whose id begins with it first."""
    wanted = query.casefold().strip()
    fitting = [
        reply
        for reply in found
        if (not reply.queues or not queue or queue in reply.queues)
        and wanted in f"{reply.id} {reply.title} {reply.text}".casefold()
    ]
    return sorted(fitting, key=lambda reply: not reply.id.startswith(wanted))


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with every place filled that has a value; the others stay in their braces."""
    return _PLACE.sub(lambda place: values.get(place[1]) or place[0], text)


def unfilled(text: str, found: Sequence[Reply]) -> list[str]:
    """The places of ready-made replies that are still in a text, e.g. ["{order_number}"]; other braces are text."""
    known = {place for reply in found for place in _PLACE.findall(reply.text)}
    return [f"{{{place}}}" for place in dict.fromkeys(_PLACE.findall(text)) if place in known]


def check(text: str) -> None:
    """Raises Refused for a reply with an open place, or with an address that is not https."""
    try:
        places = unfilled(text, replies())
    except RepliesError as problem:
        logger.warning("%s", problem)
        places = []
    if places:
        raise Refused(f"Put something in the place of {' and '.join(places)} first.")
    if _INSECURE.search(text):
        raise Refused("Send only addresses that begin with https://.")


def known(packet: Mapping[str, Any] | None, agent: str) -> dict[str, str]:
    """The values for places: the agent's first name and the slots of a handoff packet."""
    rows = (packet or {}).get("slots")
    slots = {
        str(row["name"]): str(row["value"])
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, dict) and row.get("name") and row.get("value") not in (None, "")
    }
    return {**slots, "agent": agent}
