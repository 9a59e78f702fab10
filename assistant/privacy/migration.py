"""Brings what is stored up to date: old rows get tokens, data keys a new master key; and a check of it all."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa

from assistant.privacy.databases import EventTable
from assistant.privacy.keys import Unreadable
from assistant.privacy.protect import Protector
from assistant.privacy.tokens import TOKEN
from assistant.privacy.vault import ADDRESSES, KEYS, META, PEPPER, Vault


def migrate(table: EventTable, vault: Vault) -> dict[str, Any]:
    """Replaces personal data and removes secrets in all rows, one conversation after the other; counts.

    May be stopped and started again at any time, beside a running assistant: what is done already stays as it is.
    """
    protector = Protector(vault)
    counts: dict[str, Any] = {"conversations": 0, "events": 0, "rewritten": 0}
    for conversation in table.conversations():
        rows = table.rows(conversation)
        before = [json.loads(row.data) for row in rows]
        after = protector.protect(conversation, before)
        changed = {
            row.id: json.dumps(new) for row, old, new in zip(rows, before, after, strict=True) if dict(new) != old
        }
        table.rewrite(changed)
        counts["conversations"] += 1
        counts["events"] += len(rows)
        counts["rewritten"] += len(changed)
    counts["old_bytes_gone"] = table.clean_up()
    return counts


def rekey(vault: Vault) -> dict[str, int]:
    """Wraps all data keys and the pepper with the newest master key; the data itself stays as it is."""
    keys = vault.keys
    with vault.engine.connect() as db:
        query = sa.select(KEYS.c.conversation, KEYS.c.wrapped, KEYS.c.key_id)
        old = db.execute(query.where(KEYS.c.key_id != keys.key_id)).all()
        pepper = db.execute(sa.select(META.c.value).where(META.c.name == PEPPER)).scalar_one()
    for conversation, wrapped, key_id in old:
        context = f"key|{conversation}"
        again = keys.wrap(keys.unwrap(wrapped, context, key_id), context)
        same = (KEYS.c.conversation == conversation) & (KEYS.c.wrapped == wrapped)
        with vault.transaction() as db:
            db.execute(sa.update(KEYS).where(same).values(wrapped=again, key_id=keys.key_id))
    with vault.transaction() as db:
        again = keys.wrap(keys.unwrap(pepper, PEPPER), PEPPER)
        db.execute(sa.update(META).where(META.c.name == PEPPER).values(value=again))
    return {"rewrapped": len(old)}


def check(vault: Vault, tables: list[EventTable]) -> dict[str, Any]:
    """Opens everything; what does not open is named, and tokens without a value (erased ones) are counted."""
    with vault.engine.connect() as db:
        conversations = sorted(db.execute(sa.select(KEYS.c.conversation)).scalars())
        addresses = sorted(db.execute(sa.select(ADDRESSES.c.conversation)).scalars())
    unreadable, values = [], {}
    for conversation in conversations:
        try:
            known = vault.known(conversation)
            values[conversation] = set(known.values if known else ())
            vault.address(conversation)
        except Unreadable:
            unreadable.append(conversation)
    broken, without = 0, 0
    for table in tables:
        for conversation in table.conversations():
            for row in table.rows(conversation):
                try:
                    json.loads(row.data)
                except ValueError:
                    broken += 1
                own = values.get(conversation, set())
                without += sum(found.group() not in own for found in TOKEN.finditer(row.data))
    return {
        "conversations": len(conversations),
        "values": sum(map(len, values.values())),
        "addresses": len(addresses),
        "unreadable_conversations": unreadable,
        "unreadable_events": broken,
        "tokens_without_value": without,
    }
