"""Finding, exporting and erasing what the assistant keeps of a person, and deleting what is old."""

from __future__ import annotations

import json
import os
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from assistant.channels.addressbook import conversation_of
from assistant.privacy.databases import EMPTY, EventTable
from assistant.privacy.protect import Protector
from assistant.privacy.vault import ADDRESSES, KEYS, Vault

Report = dict[str, Any]


class Records:
    """The tracker store, the event stream (if it keeps a table) and the vault, together."""

    def __init__(self, vault: Vault, tracker: EventTable, stream: EventTable | None) -> None:
        """Takes the three."""
        self._vault = vault
        self._tables = {"tracker_events": tracker} | ({"stream_events": stream} if stream else {})
        self._tracker = tracker
        self._protector = Protector(vault)

    def find(self, value: str) -> Report:
        """The conversations in which a value occurs, and those that a channel holds with this address."""
        with self._vault.engine.connect() as db:
            channels = db.execute(sa.select(ADDRESSES.c.channel).distinct()).scalars().all()
            ids = [conversation_of(channel, value) for channel in channels]
            reached = db.execute(sa.select(ADDRESSES.c.conversation).where(ADDRESSES.c.conversation.in_(ids)))
            return {"conversations": sorted({*self._vault.find(value), *reached.scalars()})}

    def export(self, conversations: list[str]) -> Report:
        """All that is kept of conversations, in clear."""
        return {"conversations": [self._export(conversation) for conversation in conversations]}

    def _export(self, conversation: str) -> Report:
        stored = self._protector.reveal(conversation, [row.data for row in self._tracker.rows(conversation)])
        known = self._vault.known(conversation)
        return {
            "conversation": conversation,
            "address": self._vault.address(conversation),
            "values": sorted(set(known.values.values())) if known else [],
            "events": [json.loads(row) for row in stored],
        }

    def erase(self, conversations: list[str]) -> Report:
        """Deletes conversations everywhere: their key first, which makes every copy of the rest unreadable."""
        report: Report = {"conversations": len(conversations)}
        for conversation in conversations:
            counts = {f"vault_{name}": count for name, count in self._vault.forget(conversation).items()}
            for name, table in self._tables.items():
                counts[name] = table.delete(row.id for row in table.rows(conversation))
            counts["mail_files"] = _delete_mail(conversation)
            for name, count in counts.items():
                report[name] = report.get(name, 0) + count
        return report | {"old_bytes_gone": self.clean_up()}

    def purge(self, before: datetime, events_before: datetime | None = None, dry_run: bool = False) -> Report:
        """Erases the conversations in which nothing was said since `before`.

        Rows of the event stream from before `events_before` go too, whatever conversation they are of. A dry run
        counts conversations and events, and deletes nothing.
        """
        latest = self._tracker.last_times()
        with self._vault.engine.connect() as db:
            made = KEYS.c.created_at < before.astimezone(timezone.utc).replace(tzinfo=None)
            orphans = set(db.execute(sa.select(KEYS.c.conversation).where(made)).scalars()) - set(latest)
        stream = self._tables.get("stream_events")
        if stream:
            orphans -= set(stream.conversations())
        old = {conversation for conversation, at in latest.items() if at < before.timestamp()}
        if dry_run:
            return self._count(sorted(old | orphans), events_before)
        report = self.erase(sorted(old | orphans))
        if stream and events_before:
            expired = 0
            for batch in stream.all_rows():
                expired += stream.delete(row.id for row in batch if _timestamp(row.data) < events_before.timestamp())
            report["stream_events"] = report.get("stream_events", 0) + expired
            report["old_bytes_gone"] = self.clean_up()
        return report

    def _count(self, conversations: list[str], events_before: datetime | None) -> Report:
        """What `purge` would delete."""
        rows = {
            name: {row.id for conversation in conversations for row in table.rows(conversation)}
            for name, table in self._tables.items()
        }
        stream = self._tables.get("stream_events")
        if stream and events_before:
            limit = events_before.timestamp()
            old = (row for batch in stream.all_rows() for row in batch if row.data != EMPTY)
            rows["stream_events"] |= {row.id for row in old if _timestamp(row.data) < limit}
        return {"conversations": len(conversations)} | {name: len(ids) for name, ids in rows.items()}

    def clean_up(self) -> bool:
        """Takes deleted bytes out of the files; False when a database was too busy for that."""
        return all([*(table.clean_up() for table in self._tables.values()), self._vault.clean_up()])


def _delete_mail(conversation: str) -> int:
    """Deletes what the e-mail channel keeps in files that are named after their conversation; how many."""
    folder = os.environ.get("EMAIL_FOLDER") or Path(os.environ.get("TANDEM_VAR", ".")) / "mail"
    files = [path for path in Path(folder).glob("*/*") if path.stem.lstrip(".") == conversation]
    for path in files:
        path.unlink(missing_ok=True)
    return len(files)


def _timestamp(data: str) -> float:
    return float(json.loads(data).get("timestamp") or 0.0)
