"""Writes what is kept about a person for that person to read: a zip of plain texts and JSON, or one JSON file."""

from __future__ import annotations

import json
import os
import zipfile
from datetime import datetime, timezone
from pathlib import Path

README = """What we keep about you, as of {day}.

conversations/   what was said, one file for each conversation, with what our staff noted beside it
account.json     your contact data, orders, invoices, payments, visits, tickets and notes, who had access to them,
                 and the decisions of our automatic rules in your conversations
conversations.json   the conversations once more, for programs

Times are UTC. {count} conversations.
"""


def write_export(to: Path, account: dict, conversations: list[dict]) -> None:
    """Write the file, readable by its owner alone; its ending says which kind."""
    to.parent.mkdir(parents=True, exist_ok=True)
    part = to.with_name(f".{to.name}.part")
    descriptor = os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        if to.suffix == ".json":
            file.write(_json({"account": account, "conversations": conversations}).encode())
        else:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                day = datetime.now(timezone.utc).strftime("%d %B %Y")
                archive.writestr("README.txt", README.format(day=day, count=len(conversations)))
                archive.writestr("account.json", _json(account))
                archive.writestr("conversations.json", _json(conversations))
                for number, conversation in enumerate(conversations, 1):
                    archive.writestr(f"conversations/{number:03}.txt", as_text(conversation))
    part.replace(to)


def together(desk: list[dict], assistant: list[dict]) -> list[dict]:
    """The desk's conversations, and those that only the assistant has still got."""
    known = {conversation["conversation"] for conversation in desk}
    return [*desk, *(_told(row) for row in assistant if row["conversation"] not in known and row["events"])]


def _told(row: dict) -> dict:
    """What was said, from the assistant's events."""
    said = [event for event in row["events"] if event.get("event") in ("user", "bot") and event.get("text")]
    return {
        "conversation": row["conversation"],
        "channel": next((event["input_channel"] for event in said if event.get("input_channel")), ""),
        "last activity": _moment(row["events"][-1]),
        "messages": [
            {"at": _moment(event), "from": "you" if event["event"] == "user" else "assistant", "text": event["text"]}
            for event in said
        ],
        "handover": None,
        "notes": [],
        "call-backs and tasks": [],
        "wrap-ups": [],
    }


def _moment(event: dict) -> str:
    return datetime.fromtimestamp(event.get("timestamp") or 0, timezone.utc).isoformat()


def as_text(conversation: dict) -> str:
    """A conversation as a person reads it."""
    lines = [f"Conversation {conversation['conversation']}, {conversation['channel'] or 'channel unknown'}", ""]
    for message in conversation["messages"]:
        lines.append(f"{_time(message['at'])}  {message['from']}: {message['text']}")
    for title, rows, when in (
        ("Notes", conversation["notes"], "at"),
        ("Call-backs and tasks", conversation["call-backs and tasks"], "due"),
        ("How it ended", conversation["wrap-ups"], "at"),
    ):
        if rows:
            lines += ["", f"{title}:"]
        for row in rows:
            rest = ", ".join(str(value) for name, value in row.items() if name != when and value)
            lines.append(f"{_time(row[when])}  {rest}")
    return "\n".join(lines) + "\n"


def _time(text: str) -> str:
    return text[:16].replace("T", " ")


def _json(value: object) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False)
